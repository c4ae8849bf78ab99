-- An operator accepts the record as it is. KEYS entries, head, faults, name for the sealed entries
-- ARGV number (or empty), digest and length as the caller read them; the entry to append, its
--      number, the generation, whether the entries found are sealed and a new chain begins (1 or 0)
-- Returns whether it was done; not when the record has changed since it was read.
local entries, head, faults, sealed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local was_number, was_digest, was_length, entry, number, generation, seal = unpack(ARGV)
if seal == '1' then
  if redis.call('EXISTS', entries) == 1 then redis.call('RENAME', entries, sealed) end
  redis.call('DEL', head)
else
  local is = redis.call('HMGET', head, 'number', 'digest')
  local length = redis.call('LLEN', entries)
  if (is[1] or '') ~= was_number or (is[2] or '') ~= was_digest or length ~= tonumber(was_length) then
    return 0
  end
end
redis.call('RPUSH', entries, entry)
redis.call(
  'HSET', head, 'number', number, 'digest', string.sub(entry, 1, 64), 'generation', generation
)
redis.call('DEL', faults)
return 1
