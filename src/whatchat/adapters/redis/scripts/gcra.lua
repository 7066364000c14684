-- The generic cell rate algorithm (ITU-T I.371), by this server's clock.
-- KEYS[1]: what is charged; holds when its quota is whole again, in seconds, until then.
-- ARGV: units a second, burst in units, cost in units, and optionally the time in seconds.
-- Returns the milliseconds to wait, or 0, and then has charged.
local rate, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(ARGV[4])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local start = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local whole_at = start + cost / rate
local wait = whole_at - burst / rate - now
if wait > 0.000002 then -- less is rounding: a double holds today's seconds to a microsecond
    return math.ceil(wait * 1000 - 0.001)
end
redis.call('SET', KEYS[1], string.format('%.6f', whole_at), 'PX', math.ceil((whole_at - now) * 1000))
return 0
