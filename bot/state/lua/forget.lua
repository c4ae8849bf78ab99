-- KEYS index. ARGV member, score. Takes it out unless it was put in anew meanwhile.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('ZREM', KEYS[1], ARGV[1]) end
