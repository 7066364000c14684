-- Hands jobs to a worker: first what others left unfinished, then what is new.
-- KEYS[1]: the stream; KEYS[2]: where the group's failed jobs are put aside.
-- ARGV: group, worker, limit, the milliseconds after which a job counts as left, the attempts
-- that a job gets, and the number of jobs that are kept aside.
-- Returns the jobs that were put aside just now, and {id, attempt, job} of each to do.
local stream, aside = KEYS[1], KEYS[2]
local group, worker, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local claim_ms, attempts, kept = ARGV[4], tonumber(ARGV[5]), ARGV[6]
local taken, given_up = {}, {}

local function job_of(fields)
    for i = 1, #fields, 2 do
        if fields[i] == 'job' then
            return fields[i + 1]
        end
    end
end

local function attempt_of(id)
    return redis.call('XPENDING', stream, group, id, id, 1)[1][4]
end

redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')

local cursor = '0-0'
repeat
    local left = redis.call(
        'XAUTOCLAIM', stream, group, worker, claim_ms, cursor, 'COUNT', limit - #taken)
    cursor = left[1]
    for _, entry in ipairs(left[2]) do
        local id, job, attempt = entry[1], job_of(entry[2]), attempt_of(entry[1])
        if attempt > attempts then
            redis.call('XADD', aside, 'MAXLEN', kept, '*', 'job', job)
            redis.call('XACK', stream, group, id)
            given_up[#given_up + 1] = job
        else
            taken[#taken + 1] = {id, attempt, job}
        end
    end
until cursor == '0-0' or #taken == limit

if #taken < limit then
    local read = redis.call(
        'XREADGROUP', 'GROUP', group, worker, 'COUNT', limit - #taken, 'STREAMS', stream, '>')
    for _, entry in ipairs(read and read[1][2] or {}) do
        taken[#taken + 1] = {entry[1], 1, job_of(entry[2])}
    end
end
return {given_up, taken}
