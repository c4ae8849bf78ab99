-- The audit chain. An element of the list is the entry's digest (64 hex digits) and its canonical
-- text; the digest covers the digest before it and the text. The head says how long the chain is
-- and how it ends, so that a shorter list or another last entry is seen without reading it all.
local function audit_append(entries, head, actor, event, run, detail)
  local last = redis.call('HMGET', head, 'number', 'digest')
  local number = tonumber(last[1] or '0') + 1
  local text = string.format(
    '{"number":%d,"at":%.0f,"actor":%s,"event":%s,"run":%s,"detail":%s}',
    number, now_us(),
    cjson.encode(actor), cjson.encode(event), cjson.encode(run), cjson.encode(detail)
  )
  local digest = sha256((last[2] or '') .. text)
  redis.call('RPUSH', entries, digest .. text)
  redis.call('HSET', head, 'number', number, 'digest', digest)
end

-- Cheap: the length, and the last entry against the one before it. The whole chain is checked by
-- RedisStore.verify_audit, which leaves its finding in `frozen`.
local function audit_whole(entries, head, frozen)
  if redis.call('EXISTS', frozen) == 1 then return false end
  local last = redis.call('HMGET', head, 'number', 'digest')
  if redis.call('LLEN', entries) ~= tonumber(last[1] or '0') then return false end
  if not last[1] then return true end
  local tail = redis.call('LRANGE', entries, -2, -1)
  local before = ''
  if #tail == 2 then before = string.sub(tail[1], 1, 64) end
  local digest = sha256(before .. string.sub(tail[#tail], 65))
  return digest == last[2] and digest == string.sub(tail[#tail], 1, 64)
end
