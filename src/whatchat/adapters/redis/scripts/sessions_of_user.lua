-- A user's live sessions; what has ended is taken off the list on the way.
-- KEYS[1]: the set of the user's session ids. ARGV[1]: what precedes an id in its session's key,
-- which has the user in braces like the set's, so that a cluster keeps them together.
local live, ended = {}, {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    local session = redis.call('GET', ARGV[1] .. id)
    if session then
        live[#live + 1] = session
    else
        ended[#ended + 1] = id
    end
end
for first = 1, #ended, 1000 do
    redis.call('SREM', KEYS[1], unpack(ended, first, math.min(first + 999, #ended)))
end
return live
