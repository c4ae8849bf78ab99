-- KEYS turn; ARGV ttl. Counts a request. Returns the number of requests that the latest run knew of.
local turn, ttl = KEYS[1], ARGV[1]
redis.call('HINCRBY', turn, 'asked', 1)
redis.call('EXPIRE', turn, ttl)
return tonumber(redis.call('HGET', turn, 'begun') or '0')
