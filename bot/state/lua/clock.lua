-- Redis TIME in microseconds: all deadlines are compared with this clock.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
