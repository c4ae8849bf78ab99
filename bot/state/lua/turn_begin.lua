-- KEYS turn; ARGV ttl, owner, lease (ms)
-- Returns one of
--   'nothing'      every request was there before a run that has ended began
--   'busy', µs     another run goes on; so long until its lease ends
--   'begin', n     this one begins, for the first n requests
local turn, ttl, owner, lease_ms = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local is = redis.call('HMGET', turn, 'asked', 'done', 'owner', 'until')
local asked, done, now = tonumber(is[1] or '0'), tonumber(is[2] or '0'), now_us()
if asked <= done then return { 'nothing' } end
local left = tonumber(is[4] or '0') - now
if is[3] and is[3] ~= '' and left > 0 then return { 'busy', left } end
redis.call(
  'HSET', turn, 'begun', asked, 'owner', owner,
  'until', string.format('%.0f', now + tonumber(lease_ms) * 1000)
)
redis.call('EXPIRE', turn, ttl)
return { 'begin', asked }
