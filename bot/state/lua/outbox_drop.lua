-- Gives up a message that was never posted. KEYS message, order; ARGV key, reason
-- Returns whether it was.
local message, order = KEYS[1], KEYS[2]
local is = redis.call('HMGET', message, 'state', 'ts')
if not is[1] or is[2] or is[1] == 'sending' then return 0 end
redis.call('HSET', message, 'state', 'refused', 'reason', ARGV[2])
redis.call('HDEL', message, 'since', 'place', 'queued')
redis.call('ZREM', order, ARGV[1])
return 1
