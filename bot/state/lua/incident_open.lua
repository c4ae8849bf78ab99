-- KEYS dedupe, incident, incidents of the channel, index of open incidents
-- ARGV ttl, id, event time (µs, or empty), opened (µs), prefix of incident keys, key of its thread
--      (or empty), field, value…
-- Returns whether it is new, and the incident kept. A message older than what is already known of
-- an incident (a late duplicate, an ALARM that arrives after its OK) does not open another one.
local dedupe, incident, channel, open = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ttl, id, event, opened, prefix, thread = unpack(ARGV, 1, 6)
local known = redis.call('GET', dedupe)
if known then
  local key = prefix .. known
  local is = redis.call('HMGET', key, 'state', ':until_us', 'unposted')
  local late = event ~= '' and is[2] and is[2] ~= '' and tonumber(event) <= tonumber(is[2])
  local unseen = is[3] and is[3] ~= 'null' and known ~= id -- nobody saw it: it holds no place
  if not unseen and (is[1] == '"open"' or (is[1] and (late or known == id))) then
    return { 0, redis.call('HGETALL', key) }
  end
end
redis.call('HSET', incident, ':until_us', event, unpack(ARGV, 7))
redis.call('EXPIRE', incident, ttl)
redis.call('SET', dedupe, id, 'EX', ttl)
redis.call('ZADD', channel, opened, id)
redis.call('ZREMRANGEBYSCORE', channel, '-inf', now_us() - tonumber(ttl) * 1000000)
redis.call('EXPIRE', channel, ttl)
redis.call('ZADD', open, opened, id)
redis.call('EXPIRE', open, ttl)
if thread ~= '' then redis.call('SET', thread, id, 'EX', ttl) end
return { 1, redis.call('HGETALL', incident) }
