-- What came of it. KEYS message, order, gate, lease, channels, workspace
-- ARGV ttl, owner, channel, key, outcome as JSON (`bot.slack.delivery.Outcome`)
-- Returns 'refused' when it will not be tried again, 'closed' when the channel takes nothing now.
-- A flusher that lost its lease may still tell what it knows: that Slack took the message.
local message, order, gate, lease, channels, workspace = unpack(KEYS)
local ttl, owner, channel, key = unpack(ARGV, 1, 4)
local outcome = cjson.decode(ARGV[5])
local is = redis.call(
  'HMGET', message, 'ts', 'version', 'sending', 'failing', 'tries', 'thread_ts'
)
local ts, newer = is[1], is[2] ~= is[3]
local mine = redis.call('GET', lease) == owner
if not mine and (outcome.state ~= 'sent' or ts) then return '' end
local now = now_us()
local function time(after) return string.format('%.0f', now + after) end

local method, state, answer = outcome.method, outcome.state, ''
if outcome.pause > 0 or outcome.backoff > 0 then
  local hash = outcome.everywhere and workspace or gate
  local name, pause = 'until:' .. method, outcome.pause
  if outcome.backoff > 0 then
    local failures = redis.call('HINCRBY', gate, 'failures:' .. method, 1)
    pause = math.max(pause, outcome.backoff * 2 ^ math.min(failures - 1, 6))
  end
  local known = tonumber(redis.call('HGET', hash, name) or '0')
  redis.call('HSET', hash, name, string.format('%.0f', math.max(known, now + pause)))
  redis.call('EXPIRE', hash, ttl)
elseif state == 'sent' or state == 'refused' then
  redis.call('HDEL', gate, 'failures:' .. method)
end

if state == 'passing' then
  state = 'queued'
  local failing = tonumber(is[4] or now)
  if now - failing > outcome.patience then
    state = 'refused'
  else
    local tries = tonumber(is[5] or '0')
    redis.call(
      'HSET', message, 'failing', string.format('%.0f', failing), 'tries', tries + 1,
      'not_before', time(outcome.wait * 2 ^ math.min(tries, 8))
    )
  end
elseif state == 'ambiguous' and outcome.wait > 0 then
  redis.call('HSET', message, 'not_before', time(outcome.wait))
elseif state == 'closed' then
  state = 'queued'
  local closures = redis.call('HINCRBY', gate, 'closures', 1)
  redis.call('HSET', gate, 'until:channel', time(outcome.wait * 2 ^ math.min(closures - 1, 4)))
  answer = 'closed'
elseif state == 'gone' then
  state = 'queued'
  redis.call('HDEL', message, 'ts', 'wrote', 'since')
  if ts then redis.call('HSET', message, 'replaces', ts) end
  if is[6] == ts then redis.call('HSET', message, 'thread_ts', '') end
elseif state == 'unthreaded' then
  state = 'queued'
  redis.call('HSET', message, 'thread_ts', '', 'thread_key', '', 'replaces', is[6] or '')
elseif state == 'simpler' then
  state = 'queued'
  redis.call('HSET', message, 'without', outcome.without)
elseif state == 'sent' then
  redis.call('HSET', message, 'ts', outcome.detail, 'wrote', time(0))
  redis.call('HDEL', message, 'failing', 'tries', 'not_before', 'replaces')
  redis.call('HDEL', gate, 'until:channel', 'closures')
end
for _, kind in ipairs(outcome.learned) do
  redis.call('HSET', workspace, 'block:' .. kind, time(outcome.remembered))
  redis.call('EXPIRE', workspace, ttl)
end

if (state == 'sent' or state == 'refused') and not newer then
  local reason = state == 'refused' and outcome.detail or ''
  redis.call('HSET', message, 'state', state, 'reason', reason)
  redis.call('HDEL', message, 'since', 'place', 'queued', 'failing', 'tries', 'not_before')
  redis.call('ZREM', order, key)
  if redis.call('ZCARD', order) == 0 then redis.call('ZREM', channels, channel) end
  if state == 'refused' then answer = 'refused' end
else
  if state ~= 'ambiguous' then state = 'queued' end
  local reason = outcome.state == 'sent' and '' or outcome.detail
  redis.call('HSET', message, 'state', state, 'reason', reason)
  if outcome.state == 'sent' then redis.call('HDEL', message, 'place', 'queued', 'since') end
  enqueue(order, gate, message, key)
end
return answer
