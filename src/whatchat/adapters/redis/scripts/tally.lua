-- Counts within a sliding window, by this server's clock.
-- KEYS[1]: a sorted set of what was counted, by its latest time in seconds.
-- ARGV: the window in seconds, how many are kept at most, or 0 only to count, what is counted,
-- and the time in seconds, or nothing for this server's.
-- Returns how many there are in the window.
local seconds, most, member = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local now = tonumber(ARGV[4])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local over = string.format('%.6f', now - seconds)

if most == 0 then
    return redis.call('ZCOUNT', KEYS[1], '(' .. over, '+inf')
end
redis.call('ZADD', KEYS[1], string.format('%.6f', now), member)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', over)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(most + 1))
redis.call('PEXPIRE', KEYS[1], seconds * 1000)
return redis.call('ZCARD', KEYS[1])
