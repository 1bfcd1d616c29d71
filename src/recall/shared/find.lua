-- The name and reasoning of every turn that has one of these calls, each turn once; they stay for longer then.
--
-- KEYS: the turns. ARGV: how many milliseconds a turn stays after its last use; the calls.

local moment = text(now())
local seen, found = {}, {}
for index = 2, #ARGV do
  local turn = redis.call('GET', CALL .. ARGV[index])
  local reasoning = turn and not seen[turn] and redis.call('HGET', TURN .. turn, 'reasoning')
  if reasoning then
    seen[turn] = true
    found[#found + 1] = { turn, reasoning }
    redis.call('ZADD', TURNS, 'XX', moment, turn)
    redis.call('PEXPIRE', TURN .. turn, ARGV[1])
    for _, call in ipairs(calls_of(turn)) do
      redis.call('PEXPIRE', CALL .. call, ARGV[1])
    end
  end
end
return found
