-- KEYS index. ARGV ttl, run. The score is when somebody last asked for something.
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
