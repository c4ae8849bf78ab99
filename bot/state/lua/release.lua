-- KEYS what is held; ARGV holder. Deletes the key if this holder has it.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
