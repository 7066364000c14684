-- The pods that told something lately, by this server's clock: for each its name, its note, and
-- how many milliseconds ago that was.
-- KEYS as in pod_tell. ARGV: how many milliseconds pods are known; how many are told of at most.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local oldest, found = now - tonumber(ARGV[1]), {}
local known = redis.call(
    'ZREVRANGEBYSCORE', KEYS[1], '+inf', '(' .. oldest, 'WITHSCORES', 'LIMIT', 0, ARGV[2]
)
for number = 1, #known, 2 do
    local note = redis.call('HGET', KEYS[2], known[number])
    if note then
        found[#found + 1] = {known[number], note, now - tonumber(known[number + 1])}
    end
end
return found
