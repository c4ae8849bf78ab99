-- KEYS message, order, gate, channels
-- ARGV ttl, channel, key, payload, thread_key, thread_ts. Returns whether anything is to be sent.
local message, order, gate, channels = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ttl, channel, key, payload, thread_key, thread_ts = unpack(ARGV)
local was = redis.call('HMGET', message, 'payload', 'state')
if was[1] == payload then return 0 end
redis.call('HINCRBY', message, 'version', 1)
redis.call('HSET', message, 'payload', payload, 'thread_key', thread_key, 'thread_ts', thread_ts)
if was[2] ~= 'sending' and was[2] ~= 'ambiguous' then
  redis.call('HSET', message, 'state', 'queued', 'reason', '')
end
redis.call('ZADD', order, 'NX', redis.call('HINCRBY', gate, 'places', 1), key)
redis.call('ZADD', channels, 'NX', now_us(), channel)
for _, touched in ipairs(KEYS) do redis.call('EXPIRE', touched, ttl) end
return 1
