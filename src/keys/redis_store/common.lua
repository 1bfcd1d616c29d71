-- What the scripts of the key store share. Each of them is one atomic step of the server, for all gateways.
--
-- Numbers are whole and below 2^53, which Lua computes exactly. Days are counted from 1970 in UTC, moments are in
-- milliseconds since then, money is in billionths of a US dollar. All names have one hash tag, so that a cluster keeps
-- them together, and scripts may put names together themselves.

local PREFIX = '{outcrop}:'
local MOST = 9007199254740991
local MOST_TOKENS = 4294967295
local DAY = 86400000
-- The parts of a request or token in a bucket, and the milliseconds of a minute: a limit per minute comes back by
-- exactly that many parts in a millisecond.
local PARTS = 60000

-- A number as Redis reads it: without an exponent.
local function text(number)
  return string.format('%.0f', number)
end

-- A number that Redis kept, or 0.
local function number(kept)
  return tonumber(kept or 0) or 0
end

-- How often the divisor is in it as a whole. Unlike a rounded quotient it is exact.
local function quotient(dividend, divisor)
  return (dividend - math.fmod(dividend, divisor)) / divisor
end

-- The server's clock, which all gateways share, or the moment that a test names.
local function moment(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + quotient(tonumber(time[2]), 1000)
end

-- The buckets, places and reserved money of a key.
local function read_meter(key)
  local kept = redis.call('HMGET', PREFIX .. 'meter:' .. key,
    'open', 'reserved',
    'requests.limit', 'requests.missing', 'requests.at',
    'tokens.limit', 'tokens.missing', 'tokens.at')
  return {
    open = number(kept[1]),
    reserved = number(kept[2]),
    requests = { limit = number(kept[3]), missing = number(kept[4]), at = number(kept[5]) },
    tokens = { limit = number(kept[6]), missing = number(kept[7]), at = number(kept[8]) },
  }
end

local function write_meter(key, meter)
  redis.call('HSET', PREFIX .. 'meter:' .. key,
    'open', text(meter.open), 'reserved', text(meter.reserved),
    'requests.limit', text(meter.requests.limit), 'requests.missing', text(meter.requests.missing),
    'requests.at', text(meter.requests.at),
    'tokens.limit', text(meter.tokens.limit), 'tokens.missing', text(meter.tokens.missing),
    'tokens.at', text(meter.tokens.at))
end

-- A bucket as it is now when its limit is `limit`. After a change of the limit the same share of it is missing. A
-- clock that was set back by more than a minute does not stop it until it has caught up.
local function bucket_at(bucket, limit, now)
  local missing = bucket.missing
  if bucket.limit ~= limit then
    if bucket.limit == 0 then
      missing = 0
    else
      local rest = math.fmod(missing, bucket.limit)
      missing = quotient(missing, bucket.limit) * limit + quotient(rest * limit, bucket.limit)
    end
  end
  local back = math.max(now - bucket.at, 0) * limit
  local at = math.max(bucket.at, now)
  if bucket.at - now > PARTS then
    at = now
  end
  return { limit = limit, missing = math.max(missing - back, 0), at = at }
end

-- Lets come back what comes back by now.
local function advance(meter, limits, now)
  if limits.rpm then
    meter.requests = bucket_at(meter.requests, limits.rpm, now)
  end
  if limits.tpm then
    meter.tokens = bucket_at(meter.tokens, limits.tpm, now)
  end
end

local function take(bucket, amount)
  bucket.missing = math.min(bucket.missing + math.min(amount, MOST_TOKENS) * PARTS, MOST)
end

local function give_back(bucket, amount)
  bucket.missing = math.max(bucket.missing - math.min(amount, MOST_TOKENS) * PARTS, 0)
end

-- Gives back what a reservation holds beside its tokens.
local function release(meter, cost)
  meter.open = math.max(meter.open - 1, 0)
  meter.reserved = math.max(meter.reserved - cost, 0)
end

-- Adds to what a key used of a model on a day, and to what it spent.
local function book(key, day, model, usage)
  local row = PREFIX .. 'usage:' .. key .. ':' .. text(day)
  for column, amount in pairs(usage) do
    if amount > 0 then
      redis.call('HINCRBY', row, column .. ':' .. model, text(amount))
    end
  end
  redis.call('ZADD', PREFIX .. 'usage:' .. key, text(day), text(day))
  if (usage.cost or 0) > 0 then
    local spent = PREFIX .. 'spent:' .. key
    redis.call('HINCRBY', spent, text(day), text(usage.cost))
    redis.call('HINCRBY', spent, 'total', text(usage.cost))
  end
end
