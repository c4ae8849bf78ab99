-- KEYS run, audit entries, audit head, audit frozen
-- ARGV ttl, id, approver, approver as JSON, fingerprint as JSON
-- Returns the refusal, or 'ok' and the run.
local run, entries, head, frozen = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ttl, id, approver, approver_json, fingerprint = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local is = redis.call('HMGET', run, 'state', 'requested_by', 'fingerprint', ':expires_us')
if not is[1] then return { 'unknown run' } end
if is[1] ~= '"requested"' then return { 'it is ' .. is[1] } end
if is[2] == approver_json then return { 'the approver is the requester' } end
if is[3] ~= fingerprint then return { 'the plan is another one' } end
if not is[4] or is[4] == '' or now_us() >= tonumber(is[4]) then
  return { 'the request has expired' }
end
if not audit_whole(entries, head, frozen) then return { 'the audit chain is broken' } end
redis.call('HSET', run, 'state', '"approved"', 'approved_by', approver_json)
redis.call('EXPIRE', run, ttl)
audit_append(entries, head, approver, 'approved', id, 'fingerprint ' .. cjson.decode(fingerprint))
return { 'ok', redis.call('HGETALL', run) }
