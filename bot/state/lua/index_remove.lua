-- KEYS index; ARGV run id, score. Removes the run unless its score changed meanwhile.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('ZREM', KEYS[1], ARGV[1]) end
