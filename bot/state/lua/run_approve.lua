-- KEYS 1-3: see audit.lua; run
-- ARGV 1-7: see audit.lua; ttl, approver as JSON, fingerprint as JSON, reason as JSON with which
-- the requester approves alone ("": a second person approves)
-- Returns the reason for a refusal, 'head moved', or 'ok' and the run.
local run = KEYS[4]
local ttl, approver, fingerprint, reason = unpack(ARGV, 8, 11)
local alone = reason ~= '""'
local is = redis.call('HMGET', run, 'state', 'requested_by', 'fingerprint', ':expires_us')
if not is[1] then return { 'unknown run' } end
if is[1] ~= '"requested"' then return { 'it is ' .. is[1] } end
if is[2] == approver and not alone then return { 'the approver is the requester' } end
if is[2] ~= approver and alone then return { 'only the requester may approve alone' } end
if is[3] ~= fingerprint then return { 'the plan is another one' } end
if not is[4] or is[4] == '' or now_us() >= tonumber(is[4]) then
  return { 'the request has expired' }
end
if head_moved() then return { 'head moved' } end
if not chain_whole() then return { 'the audit chain is broken' } end
redis.call('HSET', run, 'state', '"approved"', 'approved_by', approver, 'break_glass', reason)
redis.call('EXPIRE', run, ttl)
append_entry()
return { 'ok', redis.call('HGETALL', run) }
