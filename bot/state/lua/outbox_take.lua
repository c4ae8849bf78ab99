-- What the flusher does next, and the lease to do it.
-- KEYS order, gate, lease, channels, workspace
-- ARGV ttl, channel, owner, lease (ms), spacing (µs), prefix of message keys, longest wait for which
--      the lease is kept (µs), interval of edits in the workspace (µs), edits in a burst, gap
--      between two interim versions of a message (µs)
-- Returns one of
--   'idle'                                  nothing to send
--   'held', µs                              somebody else has the lease
--   'wait', µs                              nothing may be sent before
--   'linger', µs                            the same, and the lease is kept
--   'find', key, thread_ts, since           a post went out and its answer is not known
--   'post', key, payload, thread_ts, without, replaces
--   'update', key, payload, ts, without
--   'refused', key, reason                  its thread can never be
local order, gate, lease, channels, workspace = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ttl, channel, owner, lease_ms, spacing, prefix = unpack(ARGV, 1, 6)
local keep, interval, burst, gap = unpack(ARGV, 7)
local holder = redis.call('GET', lease)
if holder and holder ~= owner then
  return { 'held', math.max(redis.call('PTTL', lease), 1) * 1000 }
end
local now = now_us()
local keys = redis.call('ZRANGE', order, 0, -1)
if #keys == 0 then
  redis.call('ZREM', channels, channel)
  if holder then redis.call('DEL', lease) end -- what is put from here on is another flusher's
  return { 'idle' }
end

local here, all = {}, {} -- hashes as tables
local function read(hash, into)
  local found = redis.call('HGETALL', hash)
  for number = 1, #found, 2 do into[found[number]] = found[number + 1] end
end
read(gate, here)
read(workspace, all)
local function due(name)
  return math.max(tonumber(here[name] or '0'), tonumber(all[name] or '0'))
end
local free = math.max(due('until'), due('until:channel'))
if free > now then
  local short = free - now <= tonumber(keep)
  if short then
    -- for no longer than the wait, should this flusher die meanwhile
    redis.call('SET', lease, owner, 'PX', math.ceil((free - now) / 1000) + 2000)
  else
    redis.call('DEL', lease)
  end
  return { short and 'linger' or 'wait', free - now }
end

-- Edits: a token bucket for the whole workspace. Interim versions leave half of it to the others,
-- and the busier it is, the fewer of them are sent.
local next_edit = tonumber(all['edits'] or '0') -- the time at which the bucket is full
local function edit_due(interim)
  local depth = tonumber(burst) - 1
  if interim then depth = math.floor(depth / 2) end
  return math.max(due('until:edit'), next_edit - depth * tonumber(interval))
end
local waiting = redis.call('ZCOUNT', order, 1e12, '+inf') * redis.call('ZCARD', channels)
local calm = math.max(tonumber(gap), math.min(waiting * tonumber(interval), 12 * tonumber(gap)))

local function without(own)
  local kinds = {}
  for kind in string.gmatch(own or '', '[^,]+') do kinds[#kinds + 1] = kind end
  for name, till in pairs(all) do
    if string.sub(name, 1, 6) == 'block:' and tonumber(till) > now then
      kinds[#kinds + 1] = string.sub(name, 7) .. ':known'
    end
  end
  return table.concat(kinds, ',')
end

local soonest
local function later(at)
  if not soonest or at < soonest then soonest = at end
end

redis.call('SET', lease, owner, 'PX', lease_ms)
for _, key in ipairs(keys) do
  local message = prefix .. key
  local is = redis.call(
    'HMGET', message, 'payload', 'state', 'ts', 'since', 'version', 'thread_key', 'thread_ts',
    'not_before', 'interim', 'wrote', 'without', 'replaces'
  )
  local payload, state, ts, since, version, thread_key, thread_ts = unpack(is, 1, 7)
  local not_before, interim, wrote, own, replaces = unpack(is, 8, 12)
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
    local at = tonumber(not_before or '0')
    if ts then
      at = math.max(at, edit_due(interim == '1'))
      if interim == '1' then at = math.max(at, tonumber(wrote or '0') + calm) end
    elseif state == 'sending' or state == 'ambiguous' then
      at = math.max(at, due('until:find'))
      if at <= now then return { 'find', key, parent[1], since } end
    else
      at = math.max(at, due('until:post'))
    end
    if at <= now then
      redis.call(
        'HSET', message, 'state', 'sending', 'sending', version,
        'since', since or string.format('%.0f', now)
      )
      redis.call('HSET', gate, 'until', string.format('%.0f', now + spacing))
      redis.call('EXPIRE', message, ttl)
      if not ts then
        return { 'post', key, payload, parent[1], without(own), replaces or '' }
      end
      local full = math.max(next_edit, now) + tonumber(interval)
      redis.call('HSET', workspace, 'edits', string.format('%.0f', full))
      redis.call('EXPIRE', workspace, ttl)
      return { 'update', key, payload, ts, without(own) }
    end
    later(at)
    if ts and edit_due(false) > now then -- no edit may go out, and only edits follow
      later(edit_due(false))
      break
    end
  end
end
redis.call('DEL', lease)
if soonest then return { 'wait', soonest - now } end
return { 'idle' }
