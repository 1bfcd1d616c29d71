-- Reserves what a request wants of its key's limits, or says which of them is in the way; then nothing
-- is counted.
--
-- KEYS: the reservations of the gateway. ARGV: the moment, or nothing; the id of the reservation; what is wanted, as JSON.
-- Answers with the verdict, the moment, the tokens that each answer may have, and both buckets as they are kept.

-- The fewest tokens that an answer may be cut down to.
local FEWEST_TOKENS = 16

-- Which day of its month a day is, from 1 on; in the Gregorian calendar, whose years begin in March here, so that the
-- day of a leap year is the last.
local function day_of_month(day)
  local since = day + 719468
  local of_era = math.fmod(since, 146097)
  local leap_days = math.floor(of_era / 1460) - math.floor(of_era / 36524) + math.floor(of_era / 146096)
  local year = math.floor((of_era - leap_days) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153)
  return of_year - math.floor((153 * month + 2) / 5) + 1
end

-- The first day of a period, and the first that is not in it any more.
local function days_of(period, day)
  if period == 'day' then
    return day, day + 1
  end
  if period == 'week' then
    -- 1970 began on a Thursday, weeks begin on Mondays.
    local first = day - math.fmod(day + 3, 7)
    return first, first + 7
  end
  local first = day - day_of_month(day) + 1
  -- Thirty-one days later is always the next month.
  local later = first + 31
  return first, later - day_of_month(later) + 1
end

local function spent_within(key, period, now)
  local spent = PREFIX .. 'spent:' .. key
  if period == 'total' then
    return math.min(number(redis.call('HGET', spent, 'total')), MOST)
  end
  local first, after = days_of(period, quotient(now, DAY))
  local days = {}
  for day = first, after - 1 do
    days[#days + 1] = text(day)
  end
  local sum = 0
  for _, amount in ipairs(redis.call('HMGET', spent, unpack(days))) do
    sum = math.min(sum + number(amount), MOST)
  end
  return sum
end

-- How many tokens can be had for an amount of money at a rate, in millionths of a millionth of a dollar for each.
local function tokens_for(money, rate)
  return quotient(money, rate) * 1000 + quotient(math.fmod(money, rate) * 1000, rate)
end

-- What so many tokens cost, rounded up.
local function cost_of(tokens, rate)
  local rest = math.fmod(tokens, 1000) * rate
  local cost = quotient(tokens, 1000) * rate + quotient(rest, 1000)
  if math.fmod(rest, 1000) > 0 then
    cost = cost + 1
  end
  return math.min(cost, MOST)
end

-- How many tokens each answer may have by what is left of the budget; nil when that would be no answer.
local function affordable(wanted, left)
  if wanted.cost <= left then
    return wanted.output_tokens
  end
  if wanted.input_cost > left or wanted.output_rate == 0 or wanted.choices == 0 then
    return nil
  end
  local each = quotient(tokens_for(left - wanted.input_cost, wanted.output_rate), wanted.choices)
  each = math.min(each, wanted.output_tokens)
  if each < FEWEST_TOKENS then
    return nil
  end
  return each
end

-- Whether so much is missing of a bucket. A whole bucket is enough for whatever wants more.
local function lacks(bucket, amount)
  return bucket.limit == 0
    or bucket.missing + math.min(amount, bucket.limit) * PARTS > bucket.limit * PARTS
end

local now = moment(ARGV[1])
local wanted = cjson.decode(ARGV[3])
local meter = read_meter(wanted.key)
advance(meter, wanted, now)

local output_tokens = wanted.output_tokens
local within_budget = true
if wanted.budget then
  local spent = spent_within(wanted.key, wanted.per, now)
  local left = math.max(wanted.budget - math.min(spent + meter.reserved, MOST), 0)
  local each = affordable(wanted, left)
  within_budget = each ~= nil
  output_tokens = each or output_tokens
end
local tokens = wanted.input_tokens + output_tokens * wanted.choices

local function answer(verdict)
  write_meter(wanted.key, meter)
  local requests, kept = meter.requests, meter.tokens
  return { verdict, now, output_tokens,
    { requests.limit, requests.missing, requests.at }, { kept.limit, kept.missing, kept.at } }
end

-- A limit that passes by itself is named before the budget: the client may come again then.
if wanted.rpm and lacks(meter.requests, 1) then
  return answer('requests')
end
if wanted.tpm and tokens > 0 and lacks(meter.tokens, tokens) then
  return answer('tokens')
end
if wanted.concurrency and meter.open >= wanted.concurrency then
  return answer('concurrency')
end
if not within_budget then
  return answer('budget')
end

if wanted.rpm then
  take(meter.requests, 1)
end
if wanted.tpm then
  tokens = math.min(tokens, wanted.tpm)
  take(meter.tokens, tokens)
end
local cost = wanted.cost
if output_tokens < wanted.output_tokens then
  local answers = cost_of(output_tokens * wanted.choices, wanted.output_rate)
  cost = math.min(wanted.input_cost + answers, MOST)
end
meter.open = meter.open + 1
meter.reserved = math.min(meter.reserved + cost, MOST)

-- What the request is booked with if its gateway dies before it is settled.
local reservation = {
  key = wanted.key,
  day = quotient(now, DAY),
  model = wanted.model,
  tokens = math.min(tokens, MOST),
  cost = cost,
  is_priced = wanted.is_priced,
  choices = wanted.choices,
  input_tokens = wanted.input_tokens,
  output_tokens = output_tokens * wanted.choices,
}
redis.call('HSET', KEYS[1], ARGV[2], cmsgpack.pack(reservation))
return answer('granted')
