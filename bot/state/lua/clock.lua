-- Redis TIME in microseconds: the one clock that deadlines are kept by.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
