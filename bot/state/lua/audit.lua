-- Appends to the audit chain. Included in front of every script that changes a run's state.
-- KEYS 1-3: audit entries, audit head, audit faults.
-- ARGV 1-4: number and digest of the head the caller read; the last entry, empty when its digest
--           does not match it; the entry to append, as computed from that head (see audit.py).
-- ARGV 5-7: generation, number and digest of the end that is known outside of Redis; the
--           generation is empty when nothing is known yet.
local entries, head, faults = KEYS[1], KEYS[2], KEYS[3]
local number, digest, last, entry = unpack(ARGV, 1, 4)
local known_generation, known_number, known_digest = unpack(ARGV, 5, 7)

-- Another entry was appended since the caller read the head: the caller reads it again.
local function head_moved()
  local is = redis.call('HMGET', head, 'number', 'digest')
  return (is[1] or '0') ~= number or (is[2] or '') ~= digest
end

-- Whether this is the chain that is known, and not an older or another one.
local function chain_known()
  if known_generation == '' then return true end
  if redis.call('HGET', head, 'generation') ~= known_generation then return false end
  if known_number == '0' then return true end
  local there = redis.call('LINDEX', entries, tonumber(known_number) - 1) or ''
  return string.sub(there, 1, 64) == known_digest
end

-- The length, and the last entry against what the caller checked. The entries are checked by
-- AuditLog.verify, which leaves what it finds in `faults`.
local function chain_whole()
  return redis.call('EXISTS', faults) == 0
    and redis.call('LLEN', entries) == tonumber(number)
    and (redis.call('LINDEX', entries, -1) or '') == last
    and chain_known()
end

local function append_entry()
  redis.call('RPUSH', entries, entry)
  local next_number = (tonumber(number) or 0) + 1
  redis.call('HSET', head, 'number', next_number, 'digest', string.sub(entry, 1, 64))
end
