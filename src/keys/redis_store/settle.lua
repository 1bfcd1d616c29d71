-- Ends reservations of one gateway: what they hold is given back, and what was spent is booked on their day.
--
-- KEYS: the gateway. ARGV: the moment, or nothing; the gateway's id; the number of this group of settlements, which is
-- larger than that of the one before; the settlements, as JSON. A group that was settled already is left alone, so that
-- a gateway may send one again whose answer was lost.

local now = moment(ARGV[1])
local open = PREFIX .. 'open:' .. ARGV[2]
local presumed = PREFIX .. 'presumed:' .. ARGV[2]
local group = tonumber(ARGV[3])

-- Ends a reservation that is open here, and says whether its request is still to be booked. One that is not known was
-- made while this server was away, or was lost with it; one that was booked when the gateway was taken for dead stays
-- booked as it is.
local function close(settlement)
  local packed = redis.call('HGET', open, settlement.id)
  if not packed then
    return redis.call('SISMEMBER', presumed, settlement.id) == 0
  end
  redis.call('HDEL', open, settlement.id)
  local reservation = cmsgpack.unpack(packed)
  local meter = read_meter(reservation.key)
  release(meter, reservation.cost)
  advance(meter, settlement, now)
  if settlement.tpm then
    give_back(meter.tokens, math.max(reservation.tokens - settlement.tokens, 0))
    take(meter.tokens, math.max(settlement.tokens - reservation.tokens, 0))
  end
  write_meter(reservation.key, meter)
  return true
end

if group <= number(redis.call('HGET', KEYS[1], 'settled')) then
  return 0
end
for _, settlement in ipairs(cjson.decode(ARGV[4])) do
  if close(settlement) and settlement.usage then
    book(settlement.key, settlement.day, settlement.model, settlement.usage)
  end
end
redis.call('HSET', KEYS[1], 'settled', text(group))
return 1
