-- Takes a socket out, by this server's clock.
-- KEYS: the session, the user's set of session ids, and the shard's ends and seen.
-- ARGV: the session's id, the user, what precedes an id in its session's key, for how many
-- milliseconds a user whose last socket this was is still online, and how many seconds the
-- shard's keys outlive this.
if redis.call('DEL', KEYS[1]) == 0 then
    redis.call('SREM', KEYS[2], ARGV[1])
    return
end
redis.call('SREM', KEYS[2], ARGV[1])
local left = 0
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    left = math.max(left, redis.call('PTTL', ARGV[3] .. id))
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if left <= 0 then
    redis.call('HSET', KEYS[4], ARGV[2], now)
end
redis.call('ZADD', KEYS[3], now + math.max(left, tonumber(ARGV[4])), ARGV[2])
redis.call('EXPIRE', KEYS[3], ARGV[5])
redis.call('EXPIRE', KEYS[4], ARGV[5])
