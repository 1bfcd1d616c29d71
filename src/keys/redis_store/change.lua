-- Adds a key or replaces one, as the next revision. Answers with that; or with 'taken' when another key that is not
-- revoked has its name, 'changed' when it is not the revision any more that is replaced, 'unknown' when there is none.
--
-- KEYS: the keys, their revisions, their names, and the last revision. ARGV: the revision that is replaced, or nothing
-- for a new key; the key's id; its name, or nothing when it is revoked; the key as JSON.

local keys, revisions, names, last = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local replaced, id, name, record = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local revision = redis.call('ZSCORE', revisions, id)
if replaced == '' then
  if revision then
    return 'changed'
  end
elseif not revision then
  return 'unknown'
elseif tonumber(revision) ~= tonumber(replaced) then
  return 'changed'
end
local holder = name ~= '' and redis.call('HGET', names, name)
if holder and holder ~= id then
  return 'taken'
end

if revision then
  local before = cjson.decode(redis.call('HGET', keys, id)).name
  if redis.call('HGET', names, before) == id then
    redis.call('HDEL', names, before)
  end
end
if name ~= '' then
  redis.call('HSET', names, name, id)
end
local made = redis.call('INCR', last)
redis.call('HSET', keys, id, record)
redis.call('ZADD', revisions, made, id)
return made
