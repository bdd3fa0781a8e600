-- A key of another type than this version writes cannot be read or written: it makes room.
--
-- KEYS: the keys. ARGV: the type of each. Answers which were of another one, in words.

local gone = {}
for index, key in ipairs(KEYS) do
  local is = redis.call('TYPE', key).ok
  if is ~= 'none' and is ~= ARGV[index] then
    redis.call('DEL', key)
    gone[#gone + 1] = key .. ' was a ' .. is .. ', not a ' .. ARGV[index]
  end
end
return gone
