-- The keys that were made or changed after a revision, in that order.
--
-- KEYS: the keys, their revisions, and the last revision. ARGV: the revision; how many keys to answer with at most.
-- Answers with the last revision, and then with each key's revision and JSON.

local last = tonumber(redis.call('GET', KEYS[3]) or 0)
local answer = { last }
if last == tonumber(ARGV[1]) then
  return answer
end
local changed = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for index = 1, #changed, 2 do
  answer[#answer + 1] = tonumber(changed[index + 1])
  answer[#answer + 1] = redis.call('HGET', KEYS[1], changed[index])
end
return answer
