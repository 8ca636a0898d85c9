local lfs = require "lfs"
local lubdub = require "lubdub"
local mutate = require "support.mutate"
local temporary = require "support.temporary"
local warned = require "support.warned"

local Dataset, Tensor = lubdub.Dataset, lubdub.Tensor

-- Noise as a wav file of 16 bits.
local function wav(seed, frames)
  local samples = {}
  for i = 1, frames do
    seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
    samples[i] = string.pack("<i2", (seed >> 15) - 32768)
  end
  return temporary.wav(8000, frames):sub(1, 44) .. table.concat(samples)
end

describe("Dataset:extract with a cache", function()
  local mfcc = lubdub.MFCC { n_mfcc = 5, n_mels = 20, sr = 8000, n_fft = 512, hop_length = 200 }
  local said = warned(before_each, after_each)
  local folder, remove
  before_each(function() folder, remove = temporary.folder() end)
  after_each(function() remove() end)

  -- Makes a file that was last written an hour ago.
  local function spill(name, bytes)
    local path = temporary.write(folder, name, bytes)
    lfs.touch(path, os.time() - 3600)
    return path
  end

  local function clips(n, first)
    local rows = {}
    for i = 1, n do rows[i] = { path = spill(("clip %d.wav"):format(i), wav((first or 0) + i, 2000 + 10 * i)) } end
    return Dataset(rows)
  end

  local function extract(set, options)
    local o = { duration = 0.2, cache = folder .. "/cache/deep" }
    for name, value in pairs(options or {}) do o[name] = value end
    return set:extract(o.plan or mfcc, { duration = o.duration, cache = o.cache, verify = o.verify, skip = o.skip })
  end

  local function files(path)
    local list = {}
    for name in lfs.dir(path or folder .. "/cache/deep") do
      if name:sub(1, 1) ~= "." then list[#list + 1] = name end
    end
    return list
  end

  local function rows_kept(which)
    local file <close> = assert(require("lubdub.h5").open(folder .. "/cache/deep/" .. files()[1]))
    return #file:numbers("/offsets"), file:numbers(which or "/files")
  end

  it("gives the same bits, and knows a file by its identity", function()
    local set = clips(6)
    local x = set:extract(mfcc, { duration = 0.2 })
    assert.is_true(x:equal(extract(set)))
    assert.is_true(x:equal(extract(set)))
    assert.equal(1, #files())
    assert.matches("^mfcc%-%x+%.h5$", files()[1])
    assert.equal(6, (rows_kept()))

    -- other content behind the same identity is not seen, so that nothing was read; verify sees it
    local file = assert(io.open(set[3].path, "r+b"))
    file:seek("set", 44)
    file:write(("\1\2"):rep(500))
    file:close()
    lfs.touch(set[3].path, os.time() - 3600)
    local time = lfs.attributes(set[3].path, "modification")
    lfs.touch(set[2].path, time, time)
    extract(set) -- learns the times of both files
    file = assert(io.open(set[3].path, "r+b"))
    file:seek("set", 44)
    file:write(("\3\4"):rep(500))
    file:close()
    lfs.touch(set[3].path, time, time)
    local stale, fresh = extract(set), set:extract(mfcc, { duration = 0.2 })
    assert.is_false(stale:equal(fresh))
    assert.is_true(extract(set, { verify = true }):equal(fresh))
    assert.same({}, said)
  end)

  it("computes a file that has changed, and keeps the others", function()
    local set = clips(4)
    extract(set)
    spill("clip 2.wav", wav(99, 2500))
    assert.is_true(extract(set):equal(set:extract(mfcc, { duration = 0.2 })))
    assert.equal(5, (rows_kept()))
  end)

  it("finds a recording by its content wherever it lies", function()
    local set = clips(3)
    local x = extract(set)
    assert(os.rename(set[1].path, folder .. "/moved.wav"))
    spill("copy.wav", wav(2, 2020))
    local moved = Dataset { { path = folder .. "/copy.wav" }, { path = folder .. "/moved.wav" },
      { path = set[3].path } }
    assert.is_true(extract(moved):equal(x:take { 2, 1, 3 }))
    local kept, numbers = rows_kept()
    assert.equal(3, kept)
    assert.equal(lfs.attributes(folder .. "/copy.wav", "ino"), numbers[6])
  end)

  it("does not trust the time of a file that was written just now", function()
    local path = temporary.write(folder, "new.wav", wav(1, 2000))
    extract(Dataset { { path = path } })
    assert.same({ 0, 0, 0, 0 }, select(2, rows_kept()))
    lfs.touch(path, os.time() - 10)
    extract(Dataset { { path = path } })
    local kept, numbers = rows_kept()
    assert.equal(1, kept)
    assert.equal(lfs.attributes(path, "size"), numbers[3])
  end)

  it("has a file for each plan and way of reading", function()
    local set = clips(2)
    extract(set)
    extract(set, { duration = 0.1 })
    extract(set, { plan = lubdub.RMS { sr = 8000 } })
    assert.is_true(extract(set, { plan = lubdub.MFCC { sr = 8000 } }):equal(set:extract(lubdub.MFCC { sr = 8000 },
      { duration = 0.2 })))
    assert.equal(4, #files())
  end)

  it("keeps the feature, whatever is done to it behind, and knows what was done to the signal before", function()
    local set = clips(5)
    local scaler = lubdub.StandardScaler():fit(set:extract(mfcc, { duration = 0.2 }))
    for _, given in ipairs { { scale = 0.5 }, { scaler = scaler }, { standardize = "clip" },
      { filter = { order = 2, cutoff = 500 } }, { normalize = "peak" } } do
      given.duration = 0.2
      local x = set:extract(mfcc, given)
      given.cache = folder .. "/cache/deep"
      for _ = 1, 2 do assert.is_true(set:extract(mfcc, given):equal(x)) end
    end
    assert.equal(3, #files())
  end)

  it("serves parts of data sets, in any order, repeated, and windows of long recordings", function()
    local set = clips(8)
    local x = set:extract(mfcc, { duration = 0.2 })
    assert.is_true(extract(set:take { 5, 2 }):equal(x:take { 5, 2 }))
    assert.is_true(extract(set:take { 1, 5, 8, 2 }):equal(x:take { 1, 5, 8, 2 }))
    assert.is_true(extract(set:take { 7, 7, 2 }):equal(x:take { 7, 7, 2 }))
    assert.is_true(extract(set):equal(x))
    assert.equal(8, (rows_kept()))

    local windows = set:windows { size = 0.1, hop = 0.05 }
    local y = windows:extract(mfcc)
    for _ = 1, 2 do assert.is_true(windows:extract(mfcc, { cache = folder .. "/windows" }):equal(y)) end
    assert.is_true(windows:take({ 9, 3 }):extract(mfcc, { cache = folder .. "/windows" }):equal(y:take { 9, 3 }))
  end)

  it("keeps clips in memory by their samples and rate", function()
    local signal = Tensor.rand { 4000, seed = 3, low = -1 }
    local set = Dataset { { audio = signal, samplerate = 8000 }, { audio = signal:clone(), samplerate = 4000 },
      { audio = signal * 0.5, samplerate = 8000 } }
    local x = set:extract(mfcc, { duration = 0.2 })
    for _ = 1, 2 do assert.is_true(extract(set):equal(x)) end
    assert.equal(3, (rows_kept()))
  end)

  it("keeps nothing of what failed or gave a warning", function()
    local set = clips(2) .. Dataset { { path = folder .. "/none.wav" }, { path = spill("text.wav", "no sound") },
      { path = spill("cut.wav", wav(7, 3000):sub(1, 4044)) } }
    for _ = 1, 2 do
      local x, used = extract(set, { skip = true })
      assert.equal(3, #used)
      assert.is_true(x:equal(used:extract(mfcc, { duration = 0.2 })))
      assert.equal(2, (rows_kept()))
    end
    assert.matches("cut.wav: the header promises 3000 frames, the file holds 2000", said[1])
    assert.has_error(function() extract(set) end)
  end)

  it("judges lengths as without a cache", function()
    local long, short = clips(2), Dataset { { path = spill("short.wav", wav(3, 500)) } }
    local function whole(set) return set:extract(mfcc, { cache = folder .. "/cache/deep" }) end
    local x = whole(long)
    local ok, message = pcall(whole, long .. short)
    assert.is_false(ok)
    assert.matches("the clips differ in length", message)
    assert.is_true(whole(short):equal(short:extract(mfcc)))
    assert.is_true(whole(long):equal(x))
    assert.same({}, said)
  end)

  local function damaged(pattern, damage)
    local set = clips(3)
    local x = extract(set)
    local path = folder .. "/cache/deep/" .. files()[1]
    damage(path)
    assert.is_true(extract(set):equal(x))
    assert.equal(1, #said)
    assert.matches(pattern .. ".*; it is made anew$", said[1])
    assert.is_nil(said[1]:find "\n")
    assert.is_true(extract(set):equal(x))
    assert.equal(1, #said) -- it is whole again
    assert.equal(3, (rows_kept()))
  end

  it("makes a file anew that is cut, with one line", function()
    damaged("^.*/mfcc%-%x+%.h5: ", function(path)
      local file = assert(io.open(path, "rb"))
      local bytes = file:read "a"
      file:close()
      file = assert(io.open(path, "wb"))
      file:write(bytes:sub(1, #bytes // 2))
      file:close()
    end)
  end)

  it("makes a file anew that is no HDF5, or empty", function()
    damaged("%.h5: ", function(path) assert(io.open(path, "wb")):close() end)
  end)

  it("makes a file anew that is of another version, with one line", function()
    damaged("%.h5: is of another version %(lubdub features 0%)", function(path)
      local file <close> = require("lubdub.h5").create()
      assert(file:set_attribute("/", "version", "lubdub features 0"))
      assert(file:save(path))
    end)
  end)

  it("makes a file anew whose parts do not fit", function()
    damaged("its parts have different lengths", function(path)
      local from <close> = require("lubdub.h5").open(path)
      local file <close> = require("lubdub.h5").create()
      for _, name in ipairs { "version", "steps" } do file:set_attribute("/", name, from:attribute("/", name)) end
      for _, name in ipairs { "content", "files" } do file:write("/" .. name, from:numbers("/" .. name), 4) end
      file:write("/offsets", { 0.0, 0.0 })
      file:write("/features", from:read "/features")
      assert(file:save(path))
    end)
  end)

  it("survives a file that is damaged at random", function()
    local set = clips(3)
    extract(set)
    local path = folder .. "/cache/deep/" .. files()[1]
    local file <close> = assert(io.open(path, "rb"))
    local whole = file:read "a"
    for seed = 1, 60 do
      local bytes, how = mutate.bytes(seed, whole)
      temporary.write(folder, "cache/deep/" .. files()[1], bytes)
      mutate.survives(("seed %d (%s)"):format(seed, how), path, function() return extract(set) end)
    end
    for _, line in ipairs(said) do assert.matches("; it is made anew$", line) end
  end)

  it("takes the name of a file too, for one list of steps at a time", function()
    local set, path = clips(2), folder .. "/features.h5"
    local x = extract(set, { cache = path })
    assert.is_true(extract(set, { cache = path }):equal(x))
    assert.same({}, said)
    extract(set, { cache = path, duration = 0.1 })
    assert.same({ path .. ": holds the features of other steps; it is made anew" }, said)
  end)

  it("works where nothing can be written, and says so", function()
    local set = clips(2)
    assert.is_true(extract(set, { cache = "/dev/null/folder" }):equal(set:extract(mfcc, { duration = 0.2 })))
    assert.equal(1, #said)
    assert.matches("^/dev/null/folder/mfcc%-%x+%.h5: .*; the features were not kept$", said[1])
  end)

  it("refuses what is no path", function()
    assert.error_matches(function() extract(clips(1), { cache = true }) end,
      "extract: cache must be the path of a folder, or false, got true")
  end)

  -- A process that extracts parts of n clips into the cache, again and again.
  local function worker(n)
    local script = temporary.write(folder, "worker.lua", ([[
      local lubdub = require "lubdub"
      local mfcc = lubdub.MFCC { n_mfcc = 5, n_mels = 20, sr = 8000, n_fft = 512, hop_length = 200 }
      local first, folder = tonumber(arg[1]), arg[2]
      for round = 1, tonumber(arg[3]) do
        local rows = {}
        for i = 1, %d do
          if (i + round + first) %% 3 > 0 then rows[#rows + 1] = { path = ("%%s/clip %%d.wav"):format(folder, i) } end
        end
        lubdub.Dataset(rows):extract(mfcc, { duration = 0.2, cache = folder .. "/cache/deep" })
        if tonumber(arg[3]) > 90 then os.remove(folder .. "/cache/deep/" .. arg[4]) end
      end
    ]]):format(n))
    return ("LUA_PATH='%s' LUA_CPATH='%s' lua5.4 '%s'"):format(package.path, package.cpath, script)
  end

  it("survives a kill at any moment", function()
    local set = clips(12)
    local x = set:extract(mfcc, { duration = 0.2 })
    extract(set:head(1))
    local command, name = worker(12), files()[1]
    for i = 1, 12 do
      os.execute(("timeout -s KILL 0.%03d %s %d '%s' 100 '%s' >/dev/null 2>&1"):format(20 + 17 * i, command, i, folder,
        name))
      assert.is_true(extract(set):equal(x))
    end
    assert.same({}, said) -- never was it cut
  end)

  it("serves two processes at once", function()
    local set = clips(12)
    local x = set:extract(mfcc, { duration = 0.2 })
    local command = worker(12)
    for _ = 1, 3 do
      local pipes = {}
      for i = 1, 2 do pipes[i] = io.popen(("%s %d '%s' 8 2>&1"):format(command, i, folder)) end
      for i = 1, 2 do assert.equal("", pipes[i]:read "a") pipes[i]:close() end
      assert.is_true(extract(set):equal(x))
      os.remove(folder .. "/cache/deep/" .. files()[1])
    end
    assert.same({}, said)
    assert.same({}, files()) -- and no side file is left
  end)
end)
