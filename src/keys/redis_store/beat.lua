-- A gateway says that it lives, and learns which others do not.
--
-- KEYS: when each gateway was last heard, and the gateway. ARGV: the moment, or nothing; the gateway's id; for how many
-- milliseconds a gateway counts as alive after it was heard; for how many seconds what is known of it is kept.
--
-- Only a gateway that has been heard for that long without a gap may judge others. After a silence of the server itself
-- all of them seem dead, and the first to come back would take the rest for that.

local now = moment(ARGV[1])
local lease = tonumber(ARGV[3])
local heard = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2]) or nil)
if not heard or now - heard > lease then
  redis.call('HSET', KEYS[2], 'since', text(now))
end
redis.call('ZADD', KEYS[1], text(now), ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[4])
if now - number(redis.call('HGET', KEYS[2], 'since')) < lease then
  return {}
end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. text(now - lease), 'LIMIT', 0, 16)
