-- The end of one cycle of one node, in the same transaction as the writes of its own keys (redis_sink.py): who lives, and
-- what all living nodes have together under the names that front ends know.
--
-- KEYS: nodes, cameras, streams, snapshot. ARGV: as taken here, then the ids of cameras that this node has no more.
-- Answers how many nodes live; 0 where this node's cameras are not as it thinks, so that it has to send all of them.

local NODES, CAMERAS, STREAMS, SNAPSHOT = unpack(KEYS)
local before_node, node, channel, expire_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local whole, mine, head = ARGV[5] == '1', tonumber(ARGV[6]), ARGV[7]
local FIRST_REMOVED = 8

-- Strings are copied several times on their way through here: long ones go in pieces.
local PIECE = 32768

local function key_of(name, what)
  return before_node .. name .. ':' .. what
end

local own_cameras = key_of(node, 'cameras')
local intact = mine < 0 or redis.call('HLEN', own_cameras) == mine

-- Who lives -----------------------------------------------------------------------------------------------------------

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- No node lives for an hour without a word: its clock or this one was set, or it is none.
redis.call('ZREMRANGEBYSCORE', NODES, now + 3600000, '+inf')
local died = redis.call('ZREMRANGEBYSCORE', NODES, '-inf', now) > 0
local listed = redis.call('ZADD', NODES, now + expire_ms, node) == 0

-- One whose cameras are of another type is of another version: they cannot be joined.
local living = {}
for _, name in ipairs(redis.call('ZRANGE', NODES, 0, -1)) do
  local is = redis.call('TYPE', key_of(name, 'cameras')).ok
  if name == node or is == 'hash' or is == 'none' then
    living[#living + 1] = name
  end
end
table.sort(living)

-- What is common lives as long as the node that writes most rarely. (As whole digits: a score may come as 1.7e+12.)
local last_moment = string.format('%.0f', redis.call('ZRANGE', NODES, -1, -1, 'WITHSCORES')[2])
redis.call('PEXPIREAT', NODES, last_moment)

-- Cameras -------------------------------------------------------------------------------------------------------------

-- What another living node has of a camera, if one has it.
local function of_another(id)
  for _, name in ipairs(living) do
    local body = name ~= node and redis.call('HGET', key_of(name, 'cameras'), id)
    if body then
      return body
    end
  end
end

-- All cameras of all living nodes, from their own keys; of one that two have, this node's. The ids that are not as before,
-- of those that are nobody's only where somebody had them until now.
local function put_together()
  local before, after, changed = redis.call('HGETALL', CAMERAS), {}, {}
  local sources = {}
  for _, name in ipairs(living) do
    if name ~= node then
      sources[#sources + 1] = key_of(name, 'cameras')
    end
  end
  sources[#sources + 1] = own_cameras
  redis.call('DEL', CAMERAS)
  for _, source in ipairs(sources) do
    local found = redis.call('HGETALL', source)
    for index = 1, #found, 1000 do
      redis.call('HSET', CAMERAS, unpack(found, index, math.min(index + 999, #found)))
    end
    for index = 1, #found, 2 do
      after[found[index]] = found[index + 1]
    end
  end
  for index = 1, #before, 2 do
    local body = after[before[index]]
    if body ~= before[index + 1] and (body or died) then
      changed[#changed + 1] = before[index]
    end
  end
  return changed
end

for index = FIRST_REMOVED, #ARGV do
  local id = ARGV[index]
  local body = of_another(id)
  if body then
    redis.call('HSET', CAMERAS, id, body)
  else
    redis.call('HDEL', CAMERAS, id)
  end
end

local least, most = 0, 0
for _, name in ipairs(living) do
  local count = redis.call('HLEN', key_of(name, 'cameras'))
  least, most = math.max(least, count), most + count
end
local there = redis.call('HLEN', CAMERAS)
-- Two may have the same camera, so less than the sum may be right; who comes looks closer.
local doubtful = there < least or there > most or mine >= 0 and not whole and not listed
if died or whole then
  -- An earlier run of this node may have left what is nobody's, or its own word on what another has.
  local changed = put_together()
  if #changed > 0 then
    redis.call('PUBLISH', channel, cjson.encode(changed))
  end
elseif doubtful then
  put_together()
end
redis.call('PEXPIREAT', CAMERAS, last_moment)

if #living == 1 and mine >= 0 and head == '' then
  -- It has written the rest itself.
  return intact and 1 or 0
end

-- Streams: of two nodes that watch the same server, one's view of it --------------------------------------------------

-- A node that was alone has put its streams nowhere else.
local standing = redis.call('GETRANGE', STREAMS, 1, -2)
local seen, parts = {}, {}
for _, name in ipairs(living) do
  local own_streams = key_of(name, 'streams')
  -- Of another type it answers an error, which is an empty list.
  local servers = redis.pcall('HGETALL', own_streams)
  for index = 1, #servers, 2 do
    local run, items = servers[index], servers[index + 1]
    if items == '*' then
      items = standing
      redis.call('HSET', own_streams, run, items)
    end
    local server = run == '' and name .. '\n' or run
    if items ~= '' and not seen[server] then
      parts[#parts + 1] = items
    end
    seen[server] = true
  end
end
redis.call('SET', STREAMS, '[')
for index, items in ipairs(parts) do
  if index > 1 then
    redis.call('APPEND', STREAMS, ',')
  end
  redis.call('APPEND', STREAMS, items)
end
redis.call('APPEND', STREAMS, ']')
redis.call('PEXPIREAT', STREAMS, last_moment)

-- The snapshot --------------------------------------------------------------------------------------------------------

if mine < 0 then
  return 1
end
if head == '' then
  -- It was alone until now, and its whole snapshot is written. In a text of the components the name is escaped.
  for size = PIECE, redis.call('STRLEN', SNAPSHOT) + PIECE, PIECE do
    local start = redis.call('GETRANGE', SNAPSHOT, 0, size)
    local _, found = string.find(start, '"cameras":[', 1, true)
    if found then
      head = string.sub(start, 1, found)
      break
    end
  end
end

local joined = {}
for _, name in ipairs(living) do
  if redis.call('EXISTS', key_of(name, 'cameras')) == 1 then
    joined[#joined + 1] = key_of(name, 'joined')
  end
end
local all_joined = redis.call('HLEN', CAMERAS) == most
for _, key in ipairs(joined) do
  all_joined = all_joined and redis.call('TYPE', key).ok == 'string'
end

redis.call('SET', SNAPSHOT, head)
local comma = ''
if all_joined then
  for _, key in ipairs(joined) do
    for at = 0, redis.call('STRLEN', key) - 1, PIECE do
      redis.call('APPEND', SNAPSHOT, comma .. redis.call('GETRANGE', key, at, at + PIECE - 1))
      comma = ''
    end
    comma = ','
  end
else
  -- A camera that two nodes have is there once; a node that thinks it is alone has joined nothing.
  local bodies = redis.call('HVALS', CAMERAS)
  for at = 1, #bodies, 50 do
    redis.call('APPEND', SNAPSHOT, comma .. table.concat(bodies, ',', at, math.min(at + 49, #bodies)))
    comma = ','
  end
end
redis.call('APPEND', SNAPSHOT, ']}')
redis.call('PEXPIREAT', SNAPSHOT, last_moment)
return intact and #living or 0
