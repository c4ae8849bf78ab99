-- KEYS 1-3: see audit.lua; run
-- ARGV 1-7: see audit.lua; ttl, approver as JSON
-- Returns the reason for a refusal, 'head moved', or 'ok' and the run. A broken audit chain does
-- not stop an undo.
local run = KEYS[4]
local ttl, approver = unpack(ARGV, 8, 9)
local is = redis.call('HMGET', run, 'state', 'undone_by', ':undo_expires_us')
if not is[1] then return { 'unknown run' } end
if is[1] ~= '"undo requested"' then return { 'it is ' .. is[1] } end
if is[2] == approver then return { 'the approver asked for the undo' } end
if not is[3] or is[3] == '' or now_us() >= tonumber(is[3]) then
  return { 'the request has expired' }
end
if head_moved() then return { 'head moved' } end
redis.call('HSET', run, 'state', '"undo approved"', 'undo_approved_by', approver)
redis.call('EXPIRE', run, ttl)
append_entry()
return { 'ok', redis.call('HGETALL', run) }
