-- KEYS run, runs of the incident, audit entries, audit head
-- ARGV ttl, id, actor, event, field, value, field, value…
local run, runs, entries, head = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ttl, id, actor, event = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', run) == 0 then
  redis.call('HSET', run, unpack(ARGV, 5))
  redis.call('EXPIRE', run, ttl)
  redis.call('RPUSH', runs, id)
  redis.call('EXPIRE', runs, ttl)
  audit_append(entries, head, actor, event, id, '')
end
return redis.call('HGETALL', run)
