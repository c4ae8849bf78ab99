-- The order in which the messages of a channel go out: new ones, edits that somebody waits for,
-- other edits, versions that will soon be replaced; within each, what has waited longest.
local function rank(ts, answer, interim)
  if not ts then return 0 end
  if answer == '1' then return 1 end
  return interim == '1' and 3 or 2
end

local function enqueue(order, gate, message, key)
  local is = redis.call('HMGET', message, 'ts', 'answer', 'interim', 'place')
  local place = is[4]
  if not place then
    place = redis.call('HINCRBY', gate, 'places', 1)
    redis.call('HSET', message, 'place', place, 'queued', string.format('%.0f', now_us()))
  end
  local score = rank(is[1], is[2], is[3]) * 1e12 + tonumber(place)
  redis.call('ZADD', order, string.format('%.0f', score), key)
end
