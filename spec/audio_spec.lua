local lfs = require "lfs"
local lubdub = require "lubdub"
local floats = require "support.floats"
local golden = require "support.json"
local signals = require "support.signals"
local temporary = require "support.temporary"
local warned = require "support.warned"

local Tensor, audio = lubdub.Tensor, lubdub.audio

describe("audio", function()
  local said = warned(before_each, after_each)
  local folder, remove
  before_each(function() folder, remove = temporary.folder() end)
  after_each(function() remove() end)

  -- A 16 bit wav file by hand, so that reading is not tested by our own writing.
  local function wav(name, samplerate, channels, values, promised)
    local words = {}
    for i, value in ipairs(values) do words[i] = string.pack("<i2", value) end
    local data = table.concat(words)
    local block = 2 * channels
    return temporary.write(folder, name, "RIFF" .. string.pack("<I4", 36 + #data) .. "WAVEfmt "
      .. string.pack("<I4I2I2I4I4I2I2", 16, 1, channels, samplerate, block * samplerate, block, 16) .. "data"
      .. string.pack("<I4", promised and promised * block or #data) .. data)
  end

  local function float_wav(name, samplerate, values)
    local words = {}
    for i, value in ipairs(values) do words[i] = string.pack("<f", value) end
    local data = table.concat(words)
    return temporary.write(folder, name, "RIFF" .. string.pack("<I4", 36 + #data) .. "WAVEfmt "
      .. string.pack("<I4I2I2I4I4I2I2", 16, 3, 1, samplerate, 4 * samplerate, 4, 32) .. "data"
      .. string.pack("<I4", #data) .. data)
  end

  local function ramp(n)
    local values = {}
    for i = 1, n do values[i] = i end
    return values
  end

  describe("load", function()
    it("gives whole numbers as x / 32768, at the native rate where asked", function()
      local x, sr = audio.load(wav("a.wav", 4000, 1, { 0, 1, -32768, 32767 }), { sr = false })
      assert.equal(4000, sr)
      assert.same({ 0, 1 / 32768, -1, 32767 / 32768 }, x:totable())
    end)

    it("resamples to 22050 Hz unless told otherwise", function()
      local path = wav("a.wav", 4000, 1, ramp(400))
      local x, sr = audio.load(path)
      assert.equal(22050, sr)
      assert.same({ 2205 }, x:shape())
      assert.same({ 800 }, audio.load(path, { sr = 8000 }):shape())
      assert.same({ 401 }, audio.load(path, { sr = 4001.5 }):shape())
    end)

    it("averages channels, or keeps them", function()
      local path = wav("a.wav", 8000, 3, { 3, 6, 9, 30, 60, 90 })
      assert.same({ 6, 60 }, (audio.load(path, { sr = false }) * 32768):totable())
      local x = audio.load(path, { sr = false, mono = false })
      assert.same({ { 3, 30 }, { 6, 60 }, { 9, 90 } }, (x * 32768):totable())
      assert.same({ 3, 6 }, audio.load(path, { mono = false }):shape())
      assert.same({ 4 }, audio.load(wav("b.wav", 8000, 1, ramp(4)), { sr = false, mono = false }):shape())
    end)

    it("cuts offset and duration down to whole native frames", function()
      local path = wav("a.wav", 1000, 1, ramp(100))
      local function part(offset, duration)
        local x = (audio.load(path, { sr = false, offset = offset, duration = duration }) * 32768):totable()
        return { x[1], x[#x], #x }
      end
      assert.same({ 1, 100, 100 }, part(0))
      assert.same({ 11, 100, 90 }, part(0.0109))
      assert.same({ 1, 20, 20 }, part(0, 0.0209))
      assert.same({ 51, 60, 10 }, part(0.05, 0.01))
      assert.same({ 91, 100, 10 }, part(0.09, 5)) -- shorter than asked for, as in librosa
      assert.same({ 0 }, audio.load(path, { duration = 0 }):shape())
    end)

    it("reads a long file of many channels as the sum of its parts", function()
      local values = {}
      for i = 1, 60000 do values[i] = (i * 7919) % 60001 - 30000 end
      local path = wav("a.wav", 96000, 5, values)
      local x = audio.load(path, { sr = false, mono = false })
      assert.same({ 5, 12000 }, x:shape())
      for _, at in ipairs { { 1, 1 }, { 5, 12000 }, { 3, 6554 }, { 2, 6553 } } do
        local c, i = table.unpack(at)
        assert.equal(values[(i - 1) * 5 + c] / 32768, x[c][i])
      end
      local half = audio.load(path, { mono = false })
      assert.same({ 5, 2757 }, half:shape())
      assert.is_true(half[4]:equal(audio.resample(x[4], { orig_sr = 96000, target_sr = 22050 })))
    end)

    it("takes names with spaces and letters outside ASCII", function()
      local x = audio.load(wav("Herz tön/лub dub ♥.wav", 4000, 1, ramp(10)), { sr = false })
      assert.same({ 10 }, x:shape())
    end)

    it("finds the data behind other chunks", function()
      local path = wav("a.wav", 4000, 1, ramp(10))
      local file = io.open(path, "rb")
      local bytes = file:read "a"
      file:close()
      local list = "LIST" .. string.pack("<I4", 5) .. "INFOx\0"
      path = temporary.write(folder, "b.wav", bytes:sub(1, 36) .. list .. bytes:sub(37))
      assert.same({ 10 }, audio.load(path, { sr = false }):shape())
      assert.same({}, said)
    end)

    it("warns of a wav that is cut, and tells what is missing", function()
      local path = wav("cut.wav", 4000, 1, ramp(30), 100)
      local x = audio.load(path, { sr = false })
      assert.same({ 30 }, x:shape())
      assert.same({ path .. ": the header promises 100 frames, the file holds 30" }, said)
      local none, reason = audio.load(path, { sr = false, strict = true })
      assert.is_nil(none)
      assert.equal(said[1], reason)
      local info = audio.info(path)
      assert.same({ 30, 100 }, { info.frames, info.promised })
    end)

    it("warns of a file that shrinks while it is read", function()
      local core = require "lubdub.core"
      local bytes = temporary.wav(4000, 200000)
      for strict = 0, 1 do
        local path = temporary.write(folder, "shrinks.wav", bytes)
        local job <close> = core.audio.load(path, { sr = 2000, strict = strict == 1 })
        assert.is_false(job:advance())
        assert(os.execute(("truncate -s 100044 '%s'"):format(path)))
        local finished, reason
        repeat finished, reason = job:advance() until finished ~= false
        local message = path .. ": the header promises 200000 frames, the file holds 50000"
        if strict == 1 then
          assert.is_nil(finished)
          assert.equal(message, reason)
        else
          local x, sr, told = job:result()
          assert.equal(message, told)
          assert.equal(2000, sr)
          assert.is_true(x:equal((audio.load(temporary.write(folder, "short.wav", bytes:sub(1, 40) ..
            string.pack("<I4", 100000) .. bytes:sub(45, 100044)), { sr = 2000 }))))
        end
      end
    end)

    it("takes a wav from a pipe, whose header does not know its length", function()
      local path = wav("pipe.wav", 4000, 1, ramp(30), 0x7FFFFFFF // 2)
      assert.same({ 30 }, audio.load(path, { sr = false }):shape())
      assert.same({}, said)
    end)

    local function fails(path, expected, options)
      local x, reason = audio.load(path, options)
      assert.is_nil(x)
      assert.equal(path .. ": ", reason:sub(1, #path + 2))
      assert.matches(expected, reason:sub(#path + 3))
    end

    it("tells what is wrong with a file", function()
      fails(folder .. "/nothing.wav", "No such file")
      fails(folder, "is a folder")
      fails(temporary.write(folder, "empty.wav"), "the file is empty")
      fails(temporary.write(folder, "text.wav", "I am a text, not a sound.\n"), "no audio file")
      fails(wav("none.wav", 4000, 1, {}), "holds no audio")
      fails(wav("gone.wav", 4000, 1, {}, 500), "promises 500 frames, the file holds 0")
      local path = wav("whole.wav", 4000, 1, ramp(10))
      local file = io.open(path, "rb")
      local bytes = file:read "a"
      file:close()
      for length = 1, 43 do
        local x, reason = audio.load(temporary.write(folder, "head.wav", bytes:sub(1, length)))
        assert.is_nil(x)
        assert.matches("head%.wav: ", reason)
      end
      fails(path, "the offset %(1 s%) is not before its end %(0%.0025 s%)", { offset = 1 })
      fails(float_wav("nan.wav", 4000, { 1, 0 / 0 }), "sample 2 is not finite")
      fails(float_wav("inf.wav", 4000, { 1, 2, math.huge }), "sample 3 is not finite %(inf%)")
    end)

    it("refuses options that make no sense", function()
      local path = wav("a.wav", 4000, 1, ramp(10))
      for expected, options in pairs {
        ["audio.load: option 'offset' must be at least 0"] = { offset = -1 },
        ["audio.load: option 'duration' must be at least 0"] = { duration = -1 },
        ["audio.load: unknown option 'durration'; did you mean 'duration'?"] = { durration = 1 },
        ["audio.load: option 'sr' must be in"] = { sr = 0 },
        ["audio.load: option 'res_type' must be one of soxr_vhq, soxr_hq"] = { res_type = "best" },
      } do
        local ok, message = pcall(audio.load, path, options)
        assert.is_false(ok)
        assert.is_truthy(message:find(expected, 1, true), message)
        assert.not_matches("lua/lubdub", message)
      end
      assert.error_matches(function() audio.load(12) end, "audio.load: path must be a string, got number")
    end)
  end)

  describe("resample", function()
    it("is librosa's", function()
      local next_one = floats "resample.f32"
      for _, case in ipairs(golden("resample.json").cases) do
        local expected = next_one { case.frames }
        local x = audio.resample(signals("beats", case.n),
          { orig_sr = case.orig_sr, target_sr = case.target_sr, res_type = case.res_type })
        assert.same(expected:shape(), x:shape())
        assert.is_true((x - expected):abs():max() <= 1e-6 * expected:abs():max())
      end
      assert.is_true(next_one())
    end)

    it("to a higher rate is the same in blocks of a file as at once", function()
      local x = signals("beats", 70001) / 2 -- more than one block
      local path = os.tmpname() .. ".wav"
      assert(audio.write(path, x, 4000, { subtype = "FLOAT" }))
      for _, target in ipairs { 22050, 8000, 4001, 44100 } do
        local y = audio.load(path, { sr = target })
        assert.is_true(y:equal(audio.resample(x, { orig_sr = 4000, target_sr = target })), target .. " Hz")
      end
      os.remove(path)
    end)

    it("carries silence and a constant through", function()
      for _, orig in ipairs { 1000, 4000, 16000, 11025 } do
        local o = { orig_sr = orig, target_sr = 22050 }
        assert.equal(0, audio.resample(Tensor.zeros { 500 }, o):abs():max())
        local y = audio.resample(Tensor.ones { 1000 }, o)
        local middle = #y // 2
        assert.is_true((y:slice(1, middle - 50, middle + 50) - 1):abs():max() < 1e-5)
      end
    end)

    it("does channel by channel what it does to one", function()
      local x = Tensor.stack { signals("noise", 50000), signals("tone", 50000) }
      local y = audio.resample(x, { orig_sr = 44100, target_sr = 22050 })
      assert.same({ 2, 25000 }, y:shape())
      assert.is_true(y[2]:equal(audio.resample(x[2], { orig_sr = 44100, target_sr = 22050 })))
      assert.is_true(x:equal(audio.resample(x, { orig_sr = 8000, target_sr = 8000 })))
    end)

    it("needs both rates and a signal", function()
      assert.error_matches(function() audio.resample(Tensor { 1 }, { orig_sr = 4000 }) end, "'target_sr' is missing")
      assert.error_matches(function() audio.resample(Tensor {}, { orig_sr = 1, target_sr = 2 }) end, "holds no audio")
      assert.error_matches(function() audio.resample(Tensor { 0 / 0 }, { orig_sr = 1, target_sr = 2 }) end,
        "audio.resample: sample 1 is not finite")
    end)
  end)

  describe("info", function()
    it("tells a header", function()
      local info = audio.info(wav("a.wav", 96000, 2, ramp(480)))
      assert.same({ duration = 240 / 96000, samplerate = 96000, channels = 2, frames = 240, promised = 240,
        format = "WAV", subtype = "PCM_16" }, info)
    end)

    it("tells what is wrong", function()
      local info, reason = audio.info(folder .. "/no.wav")
      assert.is_nil(info)
      assert.equal(folder .. "/no.wav: No such file or directory", reason)
    end)
  end)

  it("refuses names that C would cut, and rates and channels that cannot be", function()
    for expected, call in pairs {
      ["a file name without zero bytes expected"] = { audio.load, "a.wav\0b" },
      ["soxr_qq makes at most 4096 times fewer samples"] = -- libsoxr would never end
        { audio.resample, Tensor.ones { 20000 }, { orig_sr = 44100, target_sr = 5, res_type = "soxr_qq" } },
      ["resampling from 1 to 1e+09 Hz"] = { audio.resample, Tensor { 1, 2 }, { orig_sr = 1, target_sr = 1e9 } },
      ["1 to 1024 channels expected, got 0"] =
        { audio.resample, Tensor.zeros { 0, 5 }, { orig_sr = 1, target_sr = 2 } },
    } do
      local ok, message = pcall(table.unpack(call))
      assert.is_false(ok)
      assert.is_truthy(message:find(expected, 1, true), message)
    end
  end)

  describe("write", function()
    it("gives back what load reads", function()
      local x = signals("noise", 70000)
      local path = folder .. "/größe.wav"
      assert.is_true(audio.write(path, x, 11025, { subtype = "FLOAT" }))
      local back, sr = audio.load(path, { sr = false })
      assert.equal(11025, sr)
      assert.is_true(x:equal(back))
      assert.equal("FLOAT", audio.info(path).subtype)
      for _, name in ipairs { "/a.wav", "/a.flac", "/a.aiff" } do
        assert.is_true(audio.write(folder .. name, x, 22050))
        back = audio.load(folder .. name)
        assert.is_true((x - back):abs():max() <= 1.01 / 32768, name)
        assert.equal("PCM_16", audio.info(folder .. name).subtype)
      end
      assert.is_true(audio.write(folder .. "/b.flac", x, 22050, { subtype = "PCM_24" }))
      assert.is_true((x - audio.load(folder .. "/b.flac")):abs():max() <= 2 ^ -22)
      assert.is_true(audio.write(folder .. "/a.ogg", x, 22050))
      assert.same({ 70000 }, audio.load(folder .. "/a.ogg"):shape())
    end)

    it("takes channels, and views", function()
      local x = Tensor.stack { signals("noise", 500), signals("tone", 500), signals("beats", 500) }
      local path = folder .. "/a.wav"
      assert.is_true(audio.write(path, x, 8000, { subtype = "FLOAT" }))
      assert.is_true(x:equal(audio.load(path, { sr = false, mono = false })))
      assert.is_true(audio.write(path, x:slice(2, -1, 1, -2), 8000, { subtype = "FLOAT" }))
      assert.is_true(x:slice(2, -1, 1, -2):equal(audio.load(path, { sr = false, mono = false })))
    end)

    it("clips what whole numbers cannot hold", function()
      local path = folder .. "/a.wav"
      assert.is_true(audio.write(path, Tensor { 2, -2, 1, -1, 0.5 }, 8000))
      assert.same({ 32767 / 32768, -1, 32767 / 32768, -1, 0.5 }, audio.load(path, { sr = false }):totable())
    end)

    it("leaves the old file, and nothing else, where it fails", function()
      local path = folder .. "/a.wav"
      assert.is_true(audio.write(path, Tensor { 1 }, 8000, { subtype = "FLOAT" }))
      local ok, reason = audio.write(path .. "/b.wav", Tensor { 1 }, 8000)
      assert.is_nil(ok)
      assert.equal(path .. "/b.wav: Not a directory", reason)
      ok, reason = audio.write(folder .. "/no/b.wav", Tensor { 1 }, 8000)
      assert.is_nil(ok)
      assert.equal(folder .. "/no/b.wav: No such file or directory", reason)
      local names = {}
      for name in lfs.dir(folder) do names[#names + 1] = name end
      assert.equal(3, #names) -- ., .. and a.wav
      assert.same({ 1 }, audio.load(path, { sr = false }):totable())
    end)

    it("writes where a link points, and keeps the link", function()
      assert(audio.write(folder .. "/a.wav", Tensor { 1 }, 8000))
      assert(lfs.link(folder .. "/a.wav", folder .. "/link.wav", true))
      assert.is_true(audio.write(folder .. "/link.wav", Tensor { 0.25, 0.5 }, 8000))
      assert.equal("link", lfs.symlinkattributes(folder .. "/link.wav", "mode"))
      assert.same({ 0.25, 0.5 }, audio.load(folder .. "/a.wav", { sr = false }):totable())
    end)

    it("tells of a full disk", function()
      if not lfs.attributes "/dev/full" then return pending "there is no /dev/full here" end
      assert(lfs.link("/dev/full", folder .. "/full.wav", true))
      local ok, reason = audio.write(folder .. "/full.wav", signals("noise", 40000), 8000)
      assert.is_nil(ok)
      assert.equal(folder .. "/full.wav: No space left on device", reason)
      assert.equal("char device", lfs.attributes("/dev/full", "mode"))
    end)

    it("tells of a limit on file sizes, and the process lives", function()
      local path = folder .. "/limit.wav"
      local script = temporary.write(folder, "limit.lua", ([[
        local lubdub = require "lubdub"
        print(lubdub.audio.write(%q, lubdub.Tensor.zeros { 100000 }, 8000))
        print "alive"]]):format(path))
      local pipe <close> = io.popen(("(ulimit -f 8; LUA_PATH='%s' LUA_CPATH='%s' lua5.4 '%s') 2>&1"):format(
        package.path, package.cpath, script))
      assert.equal("nil\t" .. path .. ": File too large\nalive\n", pipe:read "a")
      assert.is_nil(lfs.attributes(path))
      assert.is_nil(lfs.attributes(path .. ".part"))
    end)

    it("takes over what a killed process left, and waits for one that is writing", function()
      local core = require "lubdub.core"
      local path = folder .. "/busy.wav"
      temporary.write(folder, "busy.wav.part", ("x"):rep(100000))
      assert(audio.write(path, Tensor { 0.5 }, 8000))
      assert.same({ 0.5 }, audio.load(path, { sr = false }):totable())
      assert.is_nil(lfs.attributes(path .. ".part"))
      local job = core.audio.write(path, Tensor.zeros { 200000 }, 8000)
      local ok, reason = audio.write(path, Tensor { 0.25 }, 8000) -- waits a second in vain
      assert.is_nil(ok)
      assert.equal(path .. ": another program is writing it", reason)
      repeat until job:advance()
      assert.equal(200000, audio.info(path).frames)
    end)

    it("refuses what no format holds", function()
      for expected, call in pairs {
        ["must end in .wav, .flac, .ogg or .aiff"] = { "a.xyz", Tensor { 1 }, 8000 },
        ["this format cannot hold 1 channels of FLOAT"] = { "a.flac", Tensor { 1 }, 8000, { subtype = "FLOAT" } },
        ["(samples,) or (channels, samples) expected"] = { "a.wav", Tensor.zeros { 1, 2, 3 }, 8000 },
        ["must be one of PCM_16, PCM_24, FLOAT"] = { "a.wav", Tensor { 1 }, 8000, { subtype = "PCM_8" } },
        ["a sample rate of 1 to 655350 Hz expected, got 0"] = { "a.wav", Tensor { 1 }, 0 },
        ["a sample rate of 1 to 655350 Hz expected, got 8000.5"] = { "a.wav", Tensor { 1 }, 8000.5 },
        ["the signal holds NaN"] = { "a.wav", Tensor { 1, 0 / 0 }, 8000 },
        ["a file name without zero bytes expected"] = { "a\0.wav", Tensor { 1 }, 8000 },
      } do
        local ok, message = pcall(audio.write, folder .. "/" .. call[1], call[2], call[3], call[4])
        assert.is_false(ok)
        assert.is_truthy(message:find(expected, 1, true), message)
      end
    end)
  end)
end)
