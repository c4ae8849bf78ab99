-- KEYS message, order, gate, channels, lease
-- ARGV ttl, channel, key, payload, thread_key, thread_ts, answer (1: somebody waits for it),
--      interim (1: a newer version will come)
-- Returns 0: unchanged; 1: stored; 2: stored, and the flusher that has the channel will see it.
local message, order, gate, channels, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ttl, channel, key, payload, thread_key, thread_ts, answer, interim = unpack(ARGV)
local was = redis.call('HMGET', message, 'payload', 'state', 'interim', 'replaces', 'ts')
if was[1] == payload and (was[3] == interim or not redis.call('ZSCORE', order, key)) then return 0 end
if was[1] ~= payload then
  redis.call('HINCRBY', message, 'version', 1)
  redis.call('HDEL', message, 'without', 'failing', 'tries', 'not_before')
end
if was[4] == thread_ts then thread_ts = '' end -- the thread of a message that was deleted
redis.call(
  'HSET', message, 'payload', payload, 'thread_key', thread_key, 'thread_ts', thread_ts,
  'answer', answer, 'interim', interim
)
if was[2] ~= 'sending' and was[2] ~= 'ambiguous' then
  redis.call('HSET', message, 'state', 'queued', 'reason', '')
end
if not was[5] then redis.call('HDEL', gate, 'until:channel') end -- a closed channel is tried anew
enqueue(order, gate, message, key)
redis.call('ZADD', channels, 'NX', now_us(), channel)
for number = 1, 4 do redis.call('EXPIRE', KEYS[number], ttl) end
return redis.call('EXISTS', lease) == 1 and 2 or 1
