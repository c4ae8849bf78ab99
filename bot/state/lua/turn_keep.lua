-- KEYS turn; ARGV owner, lease (ms). Renews the lease; 0 when another run has taken over.
local turn, owner, lease_ms = KEYS[1], ARGV[1], ARGV[2]
if redis.call('HGET', turn, 'owner') ~= owner then return 0 end
redis.call('HSET', turn, 'until', string.format('%.0f', now_us() + tonumber(lease_ms) * 1000))
return 1
