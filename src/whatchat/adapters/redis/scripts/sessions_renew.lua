-- Extends leases of one shard, by this server's clock.
-- KEYS: the shard's ends, shown, news and seen.
-- ARGV: the lease in seconds, how many seconds a set of ids and the shard's keys outlive this;
-- then of each session its key, its user's set of session ids, and the user.
-- Returns for each session 1, or 0 if its lease has ended.
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1] * 1000
local alive = {}
for index = 4, #ARGV, 3 do
    local lives = redis.call('EXPIRE', ARGV[index], ARGV[1])
    if lives == 1 then
        redis.call('EXPIRE', ARGV[index + 1], ARGV[2])
        redis.call('ZADD', KEYS[1], 'GT', ends, ARGV[index + 2])
    end
    alive[#alive + 1] = lives
end
for _, key in ipairs(KEYS) do
    redis.call('EXPIRE', key, ARGV[3])
end
return alive
