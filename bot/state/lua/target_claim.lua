-- KEYS target; ARGV ttl, run id, prefix of run keys, states that are over…
-- Returns the id of the run that has it, or false when it is ours now. Whoever is over, or can no
-- longer be approved, holds nothing: a crash between the end of a run and its release heals here.
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
