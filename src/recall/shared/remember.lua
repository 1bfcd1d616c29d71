-- Remembers a turn, in place of those that share a call with it, and forgets what is too old or too much.
--
-- KEYS: the turns. ARGV: how many milliseconds a turn stays after its last use; how many bytes all of them may count
-- for; the turn's name; its reasoning; its calls.

-- The most that is forgotten at a time, because everybody waits for it.
local STEP = 500

local ttl, most, turn = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local moment = now()

local expired = redis.call('ZRANGEBYSCORE', TURNS, '-inf', text(moment - ttl * 1000), 'LIMIT', 0, STEP)
for _, old in ipairs(expired) do
  forget(old)
end
local calls = {}
for index = 5, #ARGV do
  local call = ARGV[index]
  calls[#calls + 1] = call
  local before = redis.call('GET', CALL .. call)
  if before then
    forget(before)
  end
  redis.call('SET', CALL .. call, turn, 'PX', ARGV[1])
end
redis.call('HSET', TURN .. turn, 'reasoning', ARGV[4], 'calls', cmsgpack.pack(calls))
redis.call('PEXPIRE', TURN .. turn, ARGV[1])
redis.call('ZADD', TURNS, text(moment), turn)
redis.call('INCRBY', BYTES, string.match(turn, '^%d+'))

for _ = 1, STEP do
  local oldest = redis.call('ZRANGE', TURNS, 0, 0)[1]
  if not oldest or tonumber(redis.call('GET', BYTES)) <= most then
    break
  end
  forget(oldest)
end
