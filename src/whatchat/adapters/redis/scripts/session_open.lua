-- Enters a socket, by this server's clock.
-- KEYS: the session, the user's set of session ids, and the shard's ends, shown, news and seen.
-- ARGV: the session, its lease in seconds, its id, the user, how many seconds the set of ids and
-- the shard's keys outlive this.
-- Returns 1 if there is now something to be told of the user that was not before.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local user = ARGV[4]

redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('ZADD', KEYS[3], 'GT', now + ARGV[2] * 1000, user)
redis.call('HDEL', KEYS[6], user)
local news = 0
if redis.call('SISMEMBER', KEYS[4], user) == 0 then
    news = redis.call('ZADD', KEYS[5], 'NX', now, user) -- who has it claimed goes on with it
end
for key = 3, 6 do
    redis.call('EXPIRE', KEYS[key], ARGV[6])
end
return news
