-- Keeps a pod's note, and forgets the pods that told nothing for too long, by this server's clock.
-- KEYS[1]: a sorted set of pods by when they told last, in milliseconds; KEYS[2]: a hash of their
-- notes. ARGV: the pod; its note, or nothing to forget it; how many milliseconds pods are known.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]), 'LIMIT', 0, 1000)
if ARGV[2] == '' then
    gone[#gone + 1] = ARGV[1]
else
    redis.call('ZADD', KEYS[1], now, ARGV[1])
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
if #gone > 0 then
    redis.call('ZREM', KEYS[1], unpack(gone))
    redis.call('HDEL', KEYS[2], unpack(gone))
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
