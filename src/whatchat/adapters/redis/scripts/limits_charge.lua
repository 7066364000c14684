-- The generic cell rate algorithm (ITU-T I.371), by this server's clock: all charges or none.
-- KEYS: what is charged, each of which holds when its quota is whole again, in seconds, until
-- then; after these what slows their owners down: a factor, for as long as it holds.
-- ARGV: the time in seconds, or nothing for this server's; how many charges; then of each its
-- units a second, burst in units, cost in units and which of KEYS slows it down, or 0.
-- Returns the milliseconds to wait, or 0, and then has charged.
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local longest, whole_at = 0, {}
for index = 1, tonumber(ARGV[2]) do
    local at = index * 4 - 1
    local rate, burst, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local slow = tonumber(ARGV[at + 3])
    local units = cost == 0 and 1 or cost
    if slow > 0 then
        units = units * (tonumber(redis.call('GET', KEYS[slow]) or 1) or 1)
    end
    -- A clock that was set back must not lock anybody out for longer than the quota ever can.
    local start = tonumber(redis.call('GET', KEYS[index]) or now) or now
    start = math.min(math.max(start, now), now + burst / rate)
    if cost < 0 then
        whole_at[index] = start + math.max(units, -burst) / rate
    else
        local after = start + math.min(units, burst) / rate
        longest = math.max(longest, after - burst / rate - now)
        whole_at[index] = cost > 0 and after
    end
end
if longest > 0.000002 then -- less is rounding: a double holds today's seconds to a microsecond
    return math.ceil(longest * 1000 - 0.001)
end

for index, moment in pairs(whole_at) do
    if moment and moment > now then
        local milliseconds = math.ceil((moment - now) * 1000)
        redis.call('SET', KEYS[index], string.format('%.6f', moment), 'PX', milliseconds)
    elseif moment then
        redis.call('DEL', KEYS[index])
    end
end
return 0
