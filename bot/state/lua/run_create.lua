-- KEYS 1-3: see audit.lua; run, runs of the incident, index of runs under way (if requested)
-- ARGV 1-7: see audit.lua; ttl, id, field, value…
-- Returns 'head moved', or 'ok' and the stored run.
local run, runs = KEYS[4], KEYS[5]
local ttl, id = ARGV[8], ARGV[9]
if redis.call('EXISTS', run) == 0 then
  if head_moved() then return { 'head moved' } end
  redis.call('HSET', run, unpack(ARGV, 10))
  redis.call('EXPIRE', run, ttl)
  redis.call('RPUSH', runs, id)
  redis.call('EXPIRE', runs, ttl)
  if KEYS[6] then index_request(KEYS[6], ttl, id) end
  append_entry()
end
return { 'ok', redis.call('HGETALL', run) }
