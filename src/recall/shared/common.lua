-- What the scripts share that remember turns for several gateways.
--
-- A turn is kept under a name that says how many bytes it counts for, and each of its calls leads to it. All of that
-- goes away by itself in time; the turns are also listed by their last use, so that there are never too many.

local TURNS = '{outcrop}:recall:turns'
local BYTES = '{outcrop}:recall:bytes'
local TURN = '{outcrop}:recall:turn:'
local CALL = '{outcrop}:recall:call:'

-- In microseconds, so that one use is told from the next.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- A number as Redis reads it: without an exponent.
local function text(number)
  return string.format('%.0f', number)
end

local function calls_of(turn)
  local calls = redis.call('HGET', TURN .. turn, 'calls')
  return calls and cmsgpack.unpack(calls) or {}
end

local function forget(turn)
  if redis.call('ZREM', TURNS, turn) == 0 then
    return
  end
  redis.call('DECRBY', BYTES, string.match(turn, '^%d+'))
  for _, call in ipairs(calls_of(turn)) do
    if redis.call('GET', CALL .. call) == turn then
      redis.call('DEL', CALL .. call)
    end
  end
  redis.call('DEL', TURN .. turn)
end
