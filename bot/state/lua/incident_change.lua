-- KEYS incident; ARGV ttl, id, event time (µs, or empty), prefix of thread keys, thread_ts (or
-- empty), field, value… Returns the incident, empty when there is none.
local incident = KEYS[1]
local ttl, id, event, prefix, thread_ts = unpack(ARGV, 1, 5)
if redis.call('EXISTS', incident) == 0 then return {} end
redis.call('HSET', incident, unpack(ARGV, 6))
redis.call('EXPIRE', incident, ttl)
if event ~= '' then
  local known = redis.call('HGET', incident, ':until_us')
  if not known or known == '' or tonumber(known) < tonumber(event) then
    redis.call('HSET', incident, ':until_us', event)
  end
end
if thread_ts ~= '' then
  local channel = cjson.decode(redis.call('HGET', incident, 'channel'))
  redis.call('SET', prefix .. channel .. ':' .. thread_ts, id, 'EX', ttl)
end
return redis.call('HGETALL', incident)
