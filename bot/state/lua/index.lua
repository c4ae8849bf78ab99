-- Adds a run to the index of runs under way. The score is the time (s) of the latest request.
local function index_request(index, ttl, id)
  redis.call('ZADD', index, redis.call('TIME')[1], id)
  redis.call('EXPIRE', index, ttl)
end
