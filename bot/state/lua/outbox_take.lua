-- What the flusher does next, and the lease to do it.
-- KEYS order, gate, lease, channels
-- ARGV ttl, channel, owner, lease (ms), spacing (µs), prefix of message keys
-- Returns one of
--   'idle'                                  nothing to send
--   'wait', µs                              somebody else has the lease, or the channel pauses
--   'find', key, thread_ts, since           a post went out and its answer is not known
--   'post', key, payload, thread_ts
--   'update', key, payload, ts
--   'refused', key, reason                  its thread can never be
local order, gate, lease, channels = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ttl, channel, owner, lease_ms, spacing, prefix = unpack(ARGV)
local holder = redis.call('GET', lease)
if holder and holder ~= owner then
  return { 'wait', math.max(redis.call('PTTL', lease), 1) * 1000 }
end
local now = now_us()
local pause = tonumber(redis.call('HGET', gate, 'until') or '0') - now
local keys = redis.call('ZRANGE', order, 0, -1)
if #keys == 0 then
  redis.call('ZREM', channels, channel)
  if holder then redis.call('DEL', lease) end -- what is put from here on is another flusher's
  return { 'idle' }
end
if pause > 0 then return { 'wait', pause } end
redis.call('SET', lease, owner, 'PX', lease_ms)
for _, key in ipairs(keys) do
  local message = prefix .. key
  local is = redis.call(
    'HMGET', message, 'payload', 'state', 'ts', 'since', 'version', 'thread_key', 'thread_ts'
  )
  local payload, state, ts, since, version, thread_key, thread_ts = unpack(is)
  local parent = { thread_ts, 'sent' }
  if thread_key and thread_key ~= '' then
    parent = redis.call('HMGET', prefix .. thread_key, 'ts', 'state')
  end
  if not payload then
    redis.call('ZREM', order, key)
  elseif not ts and not parent[1] and parent[2] == 'refused' then
    local reason = 'the message it replies to was refused'
    redis.call('HSET', message, 'state', 'refused', 'reason', reason)
    redis.call('ZREM', order, key)
    return { 'refused', key, reason }
  elseif ts or parent[1] then
    if not ts and (state == 'sending' or state == 'ambiguous') then
      return { 'find', key, parent[1], since }
    end
    redis.call(
      'HSET', message, 'state', 'sending', 'sending', version,
      'since', since or string.format('%.0f', now)
    )
    redis.call('HSET', gate, 'until', string.format('%.0f', now + spacing))
    redis.call('EXPIRE', message, ttl)
    if ts then return { 'update', key, payload, ts } end
    return { 'post', key, payload, parent[1] }
  end
end
redis.call('DEL', lease)
return { 'idle' }
