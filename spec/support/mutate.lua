--- Seeded damage: to the bytes of any file, and to the values of a JSON document. The same seed gives the same damage.
-- `mutate.survives` loads what came out and demands a value, or nil and a reason: never a raise, never a hang, never
-- more memory than allowed.
local mutate = {}

local Random = {}
Random.__index = Random

--- Numbers from a seed (splitmix64), the same everywhere.
function mutate.random(seed) return setmetatable({ state = seed * 0x9E3779B97F4A7C15 }, Random) end

function Random:bits()
  self.state = self.state + 0x9E3779B97F4A7C15
  local z = self.state
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

--- A whole number from 1 to n.
function Random:upto(n) return (self:bits() >> 1) % n + 1 end

function Random:pick(list) return list[self:upto(#list)] end

-- === bytes ===

local function put(bytes, at, piece) return bytes:sub(1, at - 1) .. piece .. bytes:sub(at + #piece) end

-- Where structures of HDF5 and zip begin.
local signatures = { "TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK", "FRHP", "FHDB", "FHIB", "BTHD", "BTIN", "BTLF",
  "FAHD", "FADB", "\x89HDF", "PK\1\2", "PK\3\4", "PK\5\6" }

-- A place near the beginning of a structure, or else anywhere.
local function place(random, bytes)
  local from = random:upto(#bytes)
  if random:upto(4) == 1 then return from end
  local at
  for _ = 1, 4 do
    at = at or bytes:find(random:pick(signatures), from, true)
    from = 1
  end
  if not at then return random:upto(#bytes) end
  return math.min(at + random:upto(64) - 1, #bytes)
end

local sizes = { 0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, 1 << 40, math.maxinteger, math.mininteger, -1,
  -2, -8 }

local damage = {}

function damage.cut(random, bytes) return bytes:sub(1, random:upto(#bytes) - 1) end

function damage.grow(random, bytes) return bytes .. bytes:sub(1, random:upto(2000)) end

function damage.flip(random, bytes)
  for _ = 1, random:upto(4) do
    local at = random:upto(#bytes)
    bytes = put(bytes, at, string.char(bytes:byte(at) ~ (1 << random:upto(8) - 1)))
  end
  return bytes
end

function damage.bytes(random, bytes)
  for _ = 1, random:upto(8) do bytes = put(bytes, place(random, bytes), string.char(random:upto(256) - 1)) end
  return bytes
end

function damage.near(random, bytes)
  local at = place(random, bytes)
  return put(bytes, at, string.char(bytes:byte(at) + random:upto(3) - 2 & 255))
end

function damage.number(random, bytes)
  local width = random:pick { 2, 4, 8 }
  local at = math.max(1, math.min(place(random, bytes) - (random:upto(2) - 1), #bytes - 8))
  return put(bytes, at, (("<i8"):pack(random:pick(sizes))):sub(1, width))
end

-- An address becomes another one that stands in the file: circles, and things of the wrong kind.
function damage.address(random, bytes)
  if #bytes < 64 then return bytes end
  local function any() return random:upto((#bytes - 8) // 8) * 8 + 1 end
  local function small(at) return ("<I8"):unpack(bytes, at) end
  local from, to
  for _ = 1, 400 do
    local at = any()
    local value = small(at)
    if value > 0 and value < #bytes then from, to = to, at end
    if from and to then break end
  end
  if not from or not to then return bytes end
  return put(bytes, to, bytes:sub(from, from + 7))
end

function damage.swap(random, bytes)
  local size = random:pick { 8, 16, 40, 64, 512 }
  if #bytes < 2 * size then return bytes end
  local a, b = random:upto(#bytes // size), random:upto(#bytes // size)
  a, b = (a - 1) * size + 1, (b - 1) * size + 1
  local one, two = bytes:sub(a, a + size - 1), bytes:sub(b, b + size - 1)
  return put(put(bytes, a, two), b, one)
end

function damage.fill(random, bytes)
  local at, size = place(random, bytes), random:upto(300)
  return put(bytes, at, (random:pick { "\0", "\xff", "\1" }):rep(math.min(size, #bytes - at + 1)))
end

function damage.erase(random, bytes)
  local at = random:upto(#bytes)
  return bytes:sub(1, at - 1) .. bytes:sub(at + random:upto(64))
end

local kinds = {}
for kind in pairs(damage) do kinds[#kinds + 1] = kind end
table.sort(kinds)

--- Damaged bytes, and what was done.
-- @tparam integer seed
-- @tparam string bytes
function mutate.bytes(seed, bytes)
  local random, done = mutate.random(seed), {}
  for i = 1, random:pick { 1, 1, 1, 2, 3 } do
    local kind = kinds[(seed + i * 7) % #kinds + 1]
    done[i] = kind
    if #bytes > 16 then bytes = damage[kind](random, bytes) end
  end
  return bytes, table.concat(done, " + ")
end

-- === JSON ===

local function nested(depth)
  local value = {}
  for _ = 1, depth do value = { value } end
  return value
end

-- Stand for any value; each call makes a new one.
local function strange(random)
  local values = { "", "wrong", "nan", "relu", "Dense", "%s%d%n", ("x"):rep(3000), "\0", 0, 1, -1, 3, 0.5, -0.25, 1e300,
    1e-300, 2 ^ 31, 2 ^ 40, 1e18, math.maxinteger, math.mininteger, true, false, {}, { 1 }, { 1, 2 }, { "a" },
    { false }, { {} }, { -1, 0 },
    { 1 << 30, 1 << 30 }, { false, 5 }, { class_name = "Dense" }, { class_name = 3, config = "x" },
    { class_name = "Dense", config = { units = 3 } }, { config = {} }, { name = {} }, nested(50) }
  return random:pick(values)
end

-- Every place of a value.
local function paths(value, prefix, list)
  for key, element in pairs(value) do
    local path = prefix .. "/" .. tostring(key)
    list[#list + 1] = { owner = value, key = key, path = path }
    if type(element) == "table" then paths(element, path, list) end
  end
  return list
end

-- In one order, so that a seed means the same in every run.
local function ordered(list)
  table.sort(list, function(a, b) return a.path < b.path end)
  return list
end

local function copy_of(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, element in pairs(value) do copy[key] = copy_of(element) end
  return copy
end

--- Changes a decoded JSON value in place; gives what was done.
-- @tparam integer seed
-- @tparam table value
function mutate.json(seed, value)
  local random, done = mutate.random(seed), {}
  for i = 1, random:pick { 1, 1, 1, 2, 5 } do
    local all = ordered(paths(value, "", {}))
    if #all == 0 then break end
    local where, other = random:pick(all), random:pick(all)
    local how = random:upto(10)
    if how <= 6 then where.owner[where.key] = strange(random)
    elseif how == 7 then where.owner[where.key] = nil
    elseif how == 8 then where.owner[where.key] = copy_of(other.owner[other.key])
    elseif how == 9 and type(where.key) == "string" then where.owner[where.key .. "x"] = where.owner[where.key]
    elseif type(where.key) == "number" then table.insert(where.owner, strange(random))
    end
    done[i] = ("%d at %s"):format(how, where.path)
  end
  return table.concat(done, " + ")
end

-- === what must hold ===

local function status(field)
  local file <close> = assert(io.open "/proc/self/status")
  return tonumber(file:read("a"):match(field .. ":%s*(%d+) kB"))
end

-- Sets the highest memory use so far back to what is in use now; nil where the system has no such thing.
local function forget_peak()
  local file <close> = io.open("/proc/self/clear_refs", "w")
  return file and file:write "5" and file:flush() and true
end

--- Demands of `load()` a value, or nil and a reason that begins with `path`; within `seconds` and `megabytes` more than
-- now.
-- @tparam string what is told when it fails
-- @return what load gave
function mutate.survives(what, path, load, seconds, megabytes)
  local measured = forget_peak()
  local before, started = measured and status "VmRSS", os.clock()
  local ok, value, reason = pcall(load)
  if not ok then error(("%s: raised: %s"):format(what, tostring(value)), 0) end
  if value == nil and (type(reason) ~= "string" or reason:sub(1, #path + 2) ~= path .. ": " or #reason < #path + 6) then
    error(("%s: gave the reason %q"):format(what, tostring(reason)), 0)
  end
  -- what Lua stumbles over: a check is missing
  if reason and reason:find "attempt to " then error(("%s: %s"):format(what, reason), 0) end
  if os.clock() - started > (seconds or 5) then error(("%s: took %.1f s"):format(what, os.clock() - started), 0) end
  local grown = measured and (status "VmHWM" - before) / 1024 or 0
  if grown > (megabytes or 1000) then error(("%s: took %d MB"):format(what, grown), 0) end
  return value, reason
end

return mutate
