-- KEYS target; ARGV ttl, run id, prefix of run keys, terminal states…
-- Returns the id of the run that holds the target, or false when this run holds it now. A holder
-- that is in a terminal state, or whose request has expired, loses it: this also covers a crash
-- between the end of a run and its release.
local target, ttl, id, prefix = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local holder = redis.call('GET', target)
if holder and holder ~= id then
  local is = redis.call('HMGET', prefix .. holder, 'state', ':expires_us')
  local over = not is[1]
  for i = 4, #ARGV do
    if ARGV[i] == is[1] then over = true end
  end
  if is[1] == '"requested"' and is[2] and is[2] ~= '' and now_us() >= tonumber(is[2]) then
    over = true
  end
  if not over then return holder end
end
redis.call('SET', target, id, 'EX', ttl)
return false
