-- Appends to the audit chain. Included in front of every script that changes a run's state.
-- KEYS 1-3: audit entries, audit head, audit frozen.
-- ARGV 1-4: number and digest of the head the caller read; the last entry, empty when its digest
--           does not match it; the entry to append, as computed from that head (see audit.py).
local entries, head, frozen = KEYS[1], KEYS[2], KEYS[3]
local number, digest, last, entry = unpack(ARGV, 1, 4)

-- Another entry was appended since the caller read the head: the caller reads it again.
local function head_moved()
  local is = redis.call('HMGET', head, 'number', 'digest')
  return (is[1] or '0') ~= number or (is[2] or '') ~= digest
end

-- The length, and the last entry against what the caller checked. The whole chain is checked by
-- AuditLog.verify, which leaves its finding in `frozen`.
local function chain_whole()
  return redis.call('EXISTS', frozen) == 0
    and redis.call('LLEN', entries) == tonumber(number)
    and (redis.call('LINDEX', entries, -1) or '') == last
end

local function append_entry()
  redis.call('RPUSH', entries, entry)
  redis.call('HSET', head, 'number', tonumber(number) + 1, 'digest', string.sub(entry, 1, 64))
end
