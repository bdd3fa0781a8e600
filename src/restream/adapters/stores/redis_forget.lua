-- Cameras that a node has no more: their availability goes, unless another living node has them too.
--
-- KEYS: availability, nodes. ARGV: what stands before a node's name, the node, the ids.

local time = redis.call('TIME')
local living = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. time[1] .. '000', '+inf')

for index = 3, #ARGV do
  local owned = false
  for _, name in ipairs(living) do
    -- Where that key is of another type it answers an error, which is not 1.
    owned = owned or name ~= ARGV[2] and redis.pcall('HEXISTS', ARGV[1] .. name .. ':cameras', ARGV[index]) == 1
  end
  if not owned then
    redis.call('HDEL', KEYS[1], ARGV[index])
  end
end
