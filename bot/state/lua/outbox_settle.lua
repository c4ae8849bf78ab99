-- What came of it. KEYS message, order, gate, lease, channels
-- ARGV owner, channel, key, outcome, detail, pause (µs), first backoff (µs; 0: none)
-- Outcomes: 'sent' (detail: ts), 'refused' (detail: why), 'ambiguous', 'queued' (not accepted).
-- A flusher that lost its lease may still tell what it knows: that Slack took the message.
local message, order, gate, lease, channels = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local owner, channel, key, outcome, detail = unpack(ARGV, 1, 5)
local pause, backoff = tonumber(ARGV[6]), tonumber(ARGV[7])
local is = redis.call('HMGET', message, 'ts', 'version', 'sending')
local mine = redis.call('GET', lease) == owner
if not mine and (outcome ~= 'sent' or is[1]) then return 0 end

local newer = is[2] ~= is[3]
if outcome == 'sent' then redis.call('HSET', message, 'ts', detail) end
if (outcome == 'sent' or outcome == 'refused') and not newer then
  local reason = outcome == 'refused' and detail or ''
  redis.call('HSET', message, 'state', outcome, 'reason', reason)
  redis.call('ZREM', order, key)
  if redis.call('ZCARD', order) == 0 then redis.call('ZREM', channels, channel) end
else
  redis.call('HSET', message, 'state', outcome == 'ambiguous' and outcome or 'queued')
end
if outcome == 'sent' or outcome == 'refused' then
  redis.call('HDEL', message, 'since')
  redis.call('HDEL', gate, 'failures')
end
if backoff > 0 then
  local failures = redis.call('HINCRBY', gate, 'failures', 1)
  pause = math.max(pause, backoff * 2 ^ math.min(failures - 1, 6))
end
if pause > 0 then
  local known = tonumber(redis.call('HGET', gate, 'until') or '0')
  redis.call('HSET', gate, 'until', string.format('%.0f', math.max(known, now_us() + pause)))
end
return 1
