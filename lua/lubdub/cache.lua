--- Features on disk: a second extraction of the same recordings reads them instead of computing them.
--
-- One HDF5 file for each way to a feature (the steps up to it), in a folder; h5dump shows it. Steps after the feature
-- are done anew.
--
--    /features   (rows, ..., frames, 1)   float32
--    /content    (rows, 4)                int64: a 256-bit hash of the file, or of the samples in memory
--    /files      (rows, 4)                int64: device, inode, size, mtime in ns; zeros: not known
--    /offsets    (rows)                   float64: seconds into the recording, of a window
--    attributes of /                      version, steps
--
-- A file whose device, inode, size and mtime are as before is taken to be the same; another one is hashed, and found by
-- its content wherever it lies now; `verify` hashes all. Recordings that failed or that gave a warning are not kept,
-- nor is the identity of a file that was written within the last two seconds: it may be written once more within
-- one tick of its clock. Times that are set back by hand deceive a cache without `verify`.
--
-- The file is replaced whole (csrc/base/aside.h): killed at any moment, it is the old one or the new one. What another
-- process added in the meantime is kept. A file that is cut, or of another version, is made anew, with a warning.
-- @module lubdub.cache
local lfs = require "lfs"

local core = require "lubdub.core"
local preprocessing = require "lubdub.preprocessing"
local warning = require "lubdub.warning"

local cache = {}

local Tensor = core.Tensor

-- To be raised whenever the same steps give other numbers.
local VERSION = "lubdub features 2"

-- === where ===

-- A value as text, the same whenever it is the same.
local function canonical(value)
  if Tensor.is(value) then value = value:totable() end
  if math.type(value) then return ("%.17g"):format(value) end
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for i, name in ipairs(names) do parts[i] = tostring(name) .. " = " .. canonical(value[name]) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- The plain kernels round differently.
local function text_of(steps)
  return canonical(steps) .. (core.cpu() == "plain" and ", plain" or "")
end

local function make_folder(path)
  if lfs.attributes(path, "mode") == "directory" then return end
  local parent = path:match "^(.*[^/])/+[^/]+/*$"
  if parent then make_folder(parent) end
  lfs.mkdir(path)
end

local function file_of(path, steps, text)
  if path:find "%.h5$" then return path end
  make_folder(path)
  return ("%s/%s-%s.h5"):format(path:gsub("(.)/+$", "%1"), steps[#steps].name, core.fingerprint.digest(text))
end

-- === what is there ===

-- The keys of a row: its file's identity and its content, with the offset.
local function key(a, b, c, d, offset) return ("<i8i8i8i8d"):pack(a, b, c, d, offset) end

-- A store: features (nil: none), and for each row four numbers of content and of file, and an offset; by_content and
-- by_file find its row.
local function new_store()
  return { count = 0, content = {}, files = {}, offsets = {}, by_content = {}, by_file = {} }
end

local function index(store, i)
  local c, f, at, offset = store.content, store.files, 4 * i - 3, store.offsets[i]
  store.by_content[key(c[at], c[at + 1], c[at + 2], c[at + 3], offset)] = i
  if f[at] ~= 0 or f[at + 1] ~= 0 then store.by_file[key(f[at], f[at + 1], f[at + 2], f[at + 3], offset)] = i end
end

-- Reads the parts of a store | nil, reason.
local function read_parts(file, text)
  local version, reason = file:attribute("/", "version")
  if reason then return nil, reason end
  if version ~= VERSION then return nil, ("is of another version (%s)"):format(version or "none") end
  if file:attribute("/", "steps") ~= text then return nil, "holds the features of other steps" end
  local store = new_store()
  for name, kind in pairs { content = "int64", files = "int64", offsets = "float64" } do
    local shape, got = file:shape("/" .. name)
    if not shape then return nil, got end
    if got ~= kind then return nil, "its numbers are of another kind" end
    local list, why = file:numbers("/" .. name)
    if not list then return nil, why end
    store[name] = list
  end
  local features, why = file:read "/features"
  if not features then return nil, why end
  local n = #features:shape() > 1 and #features or -1
  if n ~= #store.offsets or 4 * n ~= #store.content or 4 * n ~= #store.files then
    return nil, "its parts have different lengths"
  end
  store.count, store.features = n, features
  for i = 1, n do index(store, i) end
  return store
end

-- What the file holds; an empty store where there is none, or none that can be used, which is told.
local function read(path, text)
  if not lfs.attributes(path) then return new_store() end
  local file, reason = require("lubdub.h5").open(path)
  local store
  if file then
    local closing <close> = file -- luacheck: ignore
    store, reason = read_parts(file, text)
  end
  if store then return store end
  if reason:sub(1, #path + 1) ~= path .. ":" then reason = path .. ": " .. reason end
  warning.warn(reason .. "; it is made anew")
  return new_store()
end

-- Changes with every write; nil where there is no file.
local function stamp(path)
  local device, inode, size, mtime = core.fingerprint.identify(path)
  return device and ("%d %d %d %d"):format(device, inode, size, mtime)
end

local function write(path, text, store)
  local file <close> = require("lubdub.h5").create()
  assert(file:set_attribute("/", "version", VERSION))
  assert(file:set_attribute("/", "steps", text))
  assert(file:write("/features", store.features))
  assert(file:write("/content", store.content, 4))
  assert(file:write("/files", store.files, 4))
  local offsets = {}
  for i, offset in ipairs(store.offsets) do offsets[i] = offset + 0.0 end
  assert(file:write("/offsets", offsets))
  local ok, reason = file:save(path)
  if not ok then warning.warn(reason .. "; the features were not kept") end
end

-- === what is asked for ===

-- What can be found out about each item: { path or audio, offset, file = {identity}, content = {hash} }.
local function ask(items)
  local asked = {}
  for i = 1, #items do
    local item = items[i]
    local entry = type(item) == "string" and { path = item, offset = 0 }
      or { audio = item.audio, path = not item.audio and item.path or nil, offset = item.offset or 0 }
    if entry.audio then entry.samplerate = item.samplerate end
    if entry.path then
      local device, inode, size, mtime = core.fingerprint.identify(entry.path)
      if device then entry.file = { device, inode, size, mtime } end
    end
    asked[i] = entry
  end
  return asked
end

-- Hashes the recordings of these entries, each file once.
local function hash(entries)
  local contents, places, place_of = {}, {}, {}
  for i, entry in ipairs(entries) do
    local what = entry.path or entry
    if not place_of[what] then
      contents[#contents + 1] = entry.path or { audio = entry.audio, samplerate = entry.samplerate }
      place_of[what] = #contents
    end
    places[i] = place_of[what]
  end
  if #contents == 0 then return end
  local job <close> = core.fingerprint.Contents(contents)
  while not job:advance() do end
  for i, entry in ipairs(entries) do
    local a, b, c, d = job:result(places[i])
    if a then entry.content = { a, b, c, d } end
  end
end

local function find(store, entry, verify)
  local f, c = entry.file, entry.content
  if c then return store.by_content[key(c[1], c[2], c[3], c[4], entry.offset)] end
  return f and not verify and store.by_file[key(f[1], f[2], f[3], f[4], entry.offset)] or nil
end

-- The rows of the store that the entries have; entries without one are hashed first. Returns { [i] = row }, and whether
-- the store learnt where a recording lies now.
local function look_up(store, asked, verify)
  local rows, unknown, places = {}, {}, {}
  for i, entry in ipairs(asked) do
    rows[i] = find(store, entry, verify)
    if not rows[i] and (entry.file or entry.audio) then
      unknown[#unknown + 1], places[#places + 1] = entry, i
    end
  end
  hash(unknown)
  return rows, unknown, places
end

-- Whether a file is still as it was before it was hashed and read, and old enough to be known by its time.
local function settled(entry)
  if not entry.file then return false, true end
  local device, inode, size, mtime = core.fingerprint.identify(entry.path)
  local f = entry.file
  local same = device == f[1] and inode == f[2] and size == f[3] and mtime == f[4]
  return same and mtime // 1000000000 < os.time() - 2, same
end

local function add(store, entry)
  local known = settled(entry)
  store.count = store.count + 1
  for k = 1, 4 do
    store.content[#store.content + 1] = entry.content[k]
    store.files[#store.files + 1] = known and entry.file[k] or 0
  end
  store.offsets[store.count] = entry.offset
  index(store, store.count)
end

-- The file of a row that was found by its content.
local function move(store, row, entry)
  if not settled(entry) then return false end
  local at, changed = 4 * row - 4, false
  for k = 1, 4 do
    changed = changed or store.files[at + k] ~= entry.file[k]
    store.files[at + k] = entry.file[k]
  end
  index(store, row)
  return changed
end

local function same_rows(a, b)
  local s, t = a:shape(), b:shape()
  return #s == #t and table.concat(s, " ", 2) == table.concat(t, " ", 2)
end

-- Puts new rows behind those of the store: row k of `features` is of entries[k]. True where something was added.
local function keep(store, features, entries)
  local rows = {}
  for k, entry in ipairs(entries) do
    local _, same = settled(entry)
    local c = entry.content
    local there = c and store.by_content[key(c[1], c[2], c[3], c[4], entry.offset)]
    if c and same and not there then
      rows[#rows + 1] = k
      add(store, entry)
    end
  end
  if #rows == 0 then return false end
  local fresh = #rows == #features and features or features:take(rows)
  store.features = store.features and Tensor.concat { store.features, fresh } or fresh
  return true
end

-- === extraction ===

-- Rows `hits` { [i] = row of the store } and `fresh` (row k is of item missing[k]) as one tensor in the items' order.
local function compose(store, hits, fresh, missing, n)
  if #missing == n then return fresh end
  local identical, order = #missing == 0 and n == store.count, {}
  for i = 1, n do
    order[i] = hits[i]
    identical = identical and hits[i] == i
  end
  if identical then return store.features end
  if #missing == 0 then return store.features:take(order) end
  for k, i in ipairs(missing) do order[i] = store.count + k end
  return Tensor.concat({ store.features, fresh }):take(order)
end

local function pick(items, places)
  local list = {}
  for k, i in ipairs(places) do list[k] = items[i] end
  return list
end

-- The steps up to the feature, and those after it.
local function split(steps)
  local _, _, rest = preprocessing.parts(steps)
  return table.move(steps, 1, #steps - #rest, 1, {}), rest
end

--- preprocessing.run with a cache.
-- @tparam table steps
-- @tparam table items
-- @tparam table given options of preprocessing.run
-- @tparam table where `path`: a folder, or a file whose name ends in .h5; `verify` (false): hashes every file
-- @treturn Tensor (#items, ...)
-- @treturn table { [item] = "path: reason" } of the items that failed
function cache.run(steps, items, given, where)
  local rest
  steps, rest = split(steps)
  local text = text_of(steps)
  local path = file_of(where.path, steps, text)
  local before, store, n = stamp(path), read(path, text), #items
  local asked = ask(items)
  local hits, unknown, places = look_up(store, asked, where.verify)
  local missing, changed = {}, false
  for k, i in ipairs(places) do
    hits[i] = find(store, unknown[k], true)
    if hits[i] then changed = move(store, hits[i], unknown[k]) or changed end
  end
  for i = 1, n do
    if not hits[i] then missing[#missing + 1] = i end
  end

  local function compute(which)
    local had = n - #which
    return preprocessing.run(steps, #which == n and items or pick(items, which), {
      strict = given.strict, progress = given.progress and function(done) given.progress(done + had, n) end })
  end
  local fresh, errors, warnings
  if #missing > 0 then fresh, errors, warnings = compute(missing) end
  if fresh and #missing < n and not same_rows(fresh, store.features) then
    -- recordings of other lengths than those in the cache: only together can they be judged
    missing, hits, store = {}, {}, new_store()
    for i = 1, n do missing[i] = i end
    fresh, errors, warnings = compute(missing)
  elseif fresh and store.features and not same_rows(fresh, store.features) then
    store = new_store()
  end
  local x = compose(store, hits, fresh, missing, n)

  local failed, good, entries = {}, {}, {}
  for k, i in ipairs(missing) do
    failed[i] = errors[k]
    if not errors[k] and not warnings[k] then
      good[#good + 1], entries[#entries + 1] = k, asked[i]
    end
  end
  -- what another process wrote in the meantime stays
  local now = stamp(path)
  if #entries > 0 and now and now ~= before then
    local other = read(path, text)
    if not other.features or same_rows(other.features, fresh) then store = other end
  end
  if #entries > 0 then
    changed = keep(store, #good == #fresh and fresh or fresh:take(good), entries) or changed
  end
  if changed then write(path, text, store) end
  return preprocessing.transform(x, rest), failed
end

return cache
