-- KEYS turn; ARGV owner, number of requests it was for (empty: it failed)
-- Ends the run. Returns 1 when something was asked for since it began, else 0.
local turn, owner, number = KEYS[1], ARGV[1], ARGV[2]
if redis.call('HGET', turn, 'owner') ~= owner then return 0 end
redis.call('HSET', turn, 'owner', '')
if number == '' then return 0 end
redis.call('HSET', turn, 'done', number)
return tonumber(redis.call('HGET', turn, 'asked')) > tonumber(number) and 1 or 0
