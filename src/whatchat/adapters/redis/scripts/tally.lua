-- Counts within a sliding window, by this server's clock.
-- KEYS[1]: a sorted set of what was counted, by its latest time in seconds.
-- ARGV: the time in seconds, or nothing for this server's; the window in seconds; how many are
-- kept at most, or 0 only to count; and what is counted, or of which alone it is asked.
-- Returns how many there are in the window.
local now, seconds, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
local over = string.format('%.6f', now - seconds)

if most == 0 then
    if ARGV[4] then
        local at = redis.call('ZSCORE', KEYS[1], ARGV[4])
        return at and tonumber(at) > tonumber(over) and 1 or 0
    end
    return redis.call('ZCOUNT', KEYS[1], '(' .. over, '+inf')
end
for number = 4, #ARGV do
    redis.call('ZADD', KEYS[1], string.format('%.6f', now), ARGV[number])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', over)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(most + 1))
redis.call('PEXPIRE', KEYS[1], seconds * 1000)
return redis.call('ZCARD', KEYS[1])
