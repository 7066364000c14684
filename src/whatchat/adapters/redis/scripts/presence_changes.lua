-- Claims what is to be told of one shard's people, by this server's clock.
-- KEYS: the shard's ends, shown, news and seen.
-- ARGV: how many at most, for how many milliseconds, and how many seconds the shard's keys
-- outlive this if anything is found.
-- Returns for each the user, 1 if online and otherwise 0, and when the user who is not was seen.
local ENDED_AT_ONCE = 1000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local ended = redis.call(
    'ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ENDED_AT_ONCE
)
for index = 1, #ended, 2 do
    redis.call('ZREM', KEYS[1], ended[index])
    redis.call('HSETNX', KEYS[4], ended[index], ended[index + 1])
    redis.call('ZADD', KEYS[3], 'NX', now, ended[index])
end

local found = {}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[1])) do
    local online = redis.call('ZSCORE', KEYS[1], user) and 1 or 0
    if redis.call('SISMEMBER', KEYS[2], user) == online then
        redis.call('ZREM', KEYS[3], user)
        redis.call('HDEL', KEYS[4], user)
    else
        redis.call('ZADD', KEYS[3], now + ARGV[2], user)
        found[#found + 1] = user
        found[#found + 1] = online
        found[#found + 1] = tonumber(redis.call('HGET', KEYS[4], user) or 0)
    end
end
if #ended + #found > 0 then
    for _, key in ipairs(KEYS) do
        redis.call('EXPIRE', key, ARGV[3])
    end
end
return found
