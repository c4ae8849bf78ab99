-- KEYS 1-3: see audit.lua; run, index of runs under way (if approval or undo is requested)
-- ARGV 1-7: see audit.lua; ttl, id, new state, number of allowed states, those states,
--           field, value…
-- Returns the reason for a refusal, 'head moved', or 'ok' and the run. Only a move to RUNNING
-- needs a whole audit chain; settling, verifying and undoing never wait for it. Setting fields
-- without a change of state adds no audit entry.
local run = KEYS[4]
local ttl, id, to, count = ARGV[8], ARGV[9], ARGV[10], tonumber(ARGV[11])
local state = redis.call('HGET', run, 'state')
if not state then return { 'unknown run' } end
local allowed = false
for i = 12, 11 + count do
  if ARGV[i] == state then allowed = true end
end
if not allowed then return { 'it is ' .. state } end
if state ~= to then
  if head_moved() then return { 'head moved' } end
  if to == '"running"' and not chain_whole() then return { 'the audit chain is broken' } end
  append_entry()
end
redis.call('HSET', run, 'state', to, unpack(ARGV, 12 + count))
redis.call('EXPIRE', run, ttl)
if KEYS[5] then index_request(KEYS[5], ttl, id) end
return { 'ok', redis.call('HGETALL', run) }
