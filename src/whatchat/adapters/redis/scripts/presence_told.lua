-- Notes what people were told of some of one shard's people, by this server's clock.
-- KEYS: the shard's ends, shown, news and seen. ARGV: how many seconds these outlive this; then
-- the users, each followed by 1 if it was told to be online and by 0 if not.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index = 2, #ARGV, 2 do
    local user, told = ARGV[index], tonumber(ARGV[index + 1])
    redis.call(told == 1 and 'SADD' or 'SREM', KEYS[2], user)
    local online = redis.call('ZSCORE', KEYS[1], user) and 1 or 0
    if online ~= told then
        redis.call('ZADD', KEYS[3], now, user)
    else
        redis.call('ZREM', KEYS[3], user)
        redis.call('HDEL', KEYS[4], user)
    end
end
for _, key in ipairs(KEYS) do
    redis.call('EXPIRE', key, ARGV[1])
end
