-- KEYS run, audit entries, audit head, audit frozen
-- ARGV ttl, id, actor, detail, how many states are allowed, those states, field, value…
-- Returns the refusal, or 'ok' and the run. A run that goes out to AWS needs a whole audit chain;
-- one that comes back (settles, is verified, is undone) is never held up by it. Staying in a state
-- (how far a rollout is) is no entry of the audit.
local run, entries, head, frozen = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ttl, id, actor, detail, count = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local state = redis.call('HGET', run, 'state')
if not state then return { 'unknown run' } end
local allowed = false
for i = 6, 5 + count do
  if ARGV[i] == state then allowed = true end
end
if not allowed then return { 'it is ' .. state } end
local to
for i = 6 + count, #ARGV, 2 do
  if ARGV[i] == 'state' then to = ARGV[i + 1] end
end
if to == '"running"' and state ~= to and not audit_whole(entries, head, frozen) then
  return { 'the audit chain is broken' }
end
redis.call('HSET', run, unpack(ARGV, 6 + count))
redis.call('EXPIRE', run, ttl)
if state ~= to then
  audit_append(entries, head, actor, cjson.decode(to), id, detail)
end
return { 'ok', redis.call('HGETALL', run) }
