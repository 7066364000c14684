-- How things stand with some of one shard's people.
-- KEYS: the shard's ends and seen. ARGV: the users.
-- Returns for each -1 if online, otherwise when the user was seen, 0 if that is not known.
local found = {}
for index, user in ipairs(ARGV) do
    if redis.call('ZSCORE', KEYS[1], user) then
        found[index] = -1
    else
        found[index] = tonumber(redis.call('HGET', KEYS[2], user) or 0)
    end
end
return found
