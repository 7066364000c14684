-- Takes jobs in, drops what every group has finished, and says how far the work has come.
-- KEYS[1]: the stream. ARGV: the position that the newest job must have ('' if there must be
-- none), the number of unfinished jobs allowed, the number of groups, their names, and for each new job
-- its position and its body.
-- Returns {verdict, oldest unfinished job, newest job}; '' for a job that is not there.
local stream, after, allowed = KEYS[1], ARGV[1], tonumber(ARGV[2])
local groups = {unpack(ARGV, 4, 3 + ARGV[3])}
local jobs = 4 + ARGV[3]
local IDLE_MS = 3600000

local function is_before(a, b)
    local ams, aseq = string.match(a, '(%d+)-(%d+)')
    local bms, bseq = string.match(b, '(%d+)-(%d+)')
    if ams == bms then
        return tonumber(aseq) < tonumber(bseq)
    end
    return tonumber(ams) < tonumber(bms)
end

local function as_map(list)
    local map = {}
    for i = 1, #list, 2 do
        map[list[i]] = list[i + 1]
    end
    return map
end

-- Workers come under new names whenever they restart.
local function forget_workers(group)
    for _, entry in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
        local worker = as_map(entry)
        if worker.pending == 0 and worker.idle > IDLE_MS then
            redis.call('XGROUP', 'DELCONSUMER', stream, group, worker.name)
        end
    end
end

-- Of the groups named: the stream may know others, of a version before this.
local function oldest_unfinished()
    local oldest
    local function consider(id)
        if id and (not oldest or is_before(id, oldest)) then
            oldest = id
        end
    end
    local known = {}
    for _, entry in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
        local group = as_map(entry)
        known[group.name] = group
    end
    for _, name in ipairs(groups) do
        local group = known[name]
        if group.pending > 0 then
            consider(redis.call('XPENDING', stream, name)[2])
        else
            local following = redis.call(
                'XRANGE', stream, '(' .. group['last-delivered-id'], '+', 'COUNT', 1)
            consider(following[1] and following[1][1])
        end
    end
    return oldest
end

local function newest()
    return redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
end

local function body(entry)
    return entry and as_map(entry[2]).job or ''
end

for _, group in ipairs(groups) do
    redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
    forget_workers(group)
end

local last = newest()
local oldest = oldest_unfinished()
-- The newest stays, finished or not: it says what was fed.
if last then
    redis.call('XTRIM', stream, 'MINID', oldest or last[1])
end

local verdict = 'added'
if jobs > #ARGV then
    verdict = 'asked'
elseif (last and as_map(last[2]).position or '') ~= after then
    verdict = 'elsewhere'
elseif (oldest and redis.call('XLEN', stream) or 0) + (#ARGV - jobs + 1) / 2 > allowed then
    verdict = 'full'
else
    for i = jobs, #ARGV, 2 do
        redis.call('XADD', stream, '*', 'position', ARGV[i], 'job', ARGV[i + 1])
    end
end
return {verdict, body(oldest and redis.call('XRANGE', stream, oldest, oldest)[1]), body(last)}
