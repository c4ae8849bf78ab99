-- KEYS index; ARGV ttl, run id. The score is the time (s) of the latest request.
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
