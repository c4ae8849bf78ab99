-- KEYS timeline, seen; ARGV ttl, identity of the entry, entry
local timeline, seen = KEYS[1], KEYS[2]
local ttl, identity, entry = ARGV[1], ARGV[2], ARGV[3]
if redis.call('SADD', seen, identity) == 1 then redis.call('RPUSH', timeline, entry) end
redis.call('EXPIRE', seen, ttl)
redis.call('EXPIRE', timeline, ttl)
return 1
