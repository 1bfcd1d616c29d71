-- Books what a dead gateway left unsettled as the estimates that its reservations are, step by step. Answers with where
-- the next step goes on, which is 0 when nothing is left, and with how many reservations this one has booked.
--
-- KEYS: when each gateway was last heard. ARGV: the moment, or nothing; the dead gateway's id; for how many milliseconds
-- a gateway counts as alive; for how many seconds what is known of it is kept; how many reservations one step may end,
-- because everybody waits for it; where this step goes on: always from the beginning would find nothing any more there,
-- long before the end.

local now = moment(ARGV[1])
local open = PREFIX .. 'open:' .. ARGV[2]
local presumed = PREFIX .. 'presumed:' .. ARGV[2]
local heard = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2]) or nil)
if not heard or now - heard <= tonumber(ARGV[3]) then
  return { '0', 0 }
end

local function book_estimate(reservation)
  local meter = read_meter(reservation.key)
  release(meter, reservation.cost)
  write_meter(reservation.key, meter)
  if reservation.choices > 0 then
    book(reservation.key, reservation.day, reservation.model, {
      requests = 1,
      calls = reservation.choices,
      input_tokens = reservation.input_tokens,
      output_tokens = reservation.output_tokens,
      cost = reservation.cost,
      unpriced_requests = reservation.is_priced and 0 or 1,
      estimated_requests = 1,
    })
  end
end

local step = redis.call('HSCAN', open, ARGV[6], 'COUNT', ARGV[5])
local found, booked = step[2], 0
for index = 1, #found, 2 do
  -- A scan may name one twice.
  if redis.call('HDEL', open, found[index]) == 1 then
    redis.call('SADD', presumed, found[index])
    booked = booked + 1
    book_estimate(cmsgpack.unpack(found[index + 1]))
  end
end
if #found > 0 then
  redis.call('EXPIRE', presumed, ARGV[4])
end
if redis.call('EXISTS', open) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[2])
end
return { step[1], booked }
