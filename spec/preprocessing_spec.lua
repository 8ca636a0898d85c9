local json = require "dkjson"
local lubdub = require "lubdub"
local feature = require "lubdub.feature"
local signals = require "support.signals"
local temporary = require "support.temporary"
local warning = require "lubdub.warning"

local preprocessing = lubdub.preprocessing

describe("preprocessing", function()
  local folder, remove
  local plan = lubdub.MFCC { sr = 8000, n_mfcc = 13, n_fft = 512, hop_length = 128, n_mels = 40 }
  before_each(function() folder, remove = temporary.folder() end)
  after_each(function()
    warning.on_warning(nil)
    remove()
  end)

  local function write(name, n)
    local path = folder .. "/" .. name
    assert(lubdub.audio.write(path, signals("beats", n), 8000, { subtype = "FLOAT" }))
    return path
  end

  it("is a list of named steps", function()
    local steps = preprocessing.steps(plan, { duration = 4, pad = true, scale = 0.01 })
    assert.same({ "load", "mfcc", "scale" }, { steps[1].name, steps[2].name, steps[3].name })
    assert.same({ sr = 8000, duration = 4, offset = 0, mono = true, pad = true, res_type = "soxr_hq" },
      steps[1].options)
    assert.same(plan:config(), steps[2].options)
    assert.same({ by = 0.01 }, steps[3].options)
    assert.is_nil(preprocessing.steps(plan)[3])
  end)

  it("gives the same after a way through JSON", function()
    local path = write("a.wav", 9000)
    for _, p in ipairs { plan, feature.MelSpectrogram { sr = 8000, window = { "kaiser", 5 } },
      feature.STFT { sr = 8000, n_fft = 300 } } do
      local steps = preprocessing.steps(p, { duration = 0.5, scale = 3 })
      local x = assert(preprocessing.apply(steps, path))
      assert.is_true(x:equal(preprocessing.apply(json.decode(json.encode(steps)), path)))
      local y = p(lubdub.audio.load(path, { sr = 8000, duration = 0.5 })) * 3
      assert.is_true(x:reshape(y:shape()):equal(y))
    end
  end)

  it("takes one recording or many, in files and in memory", function()
    local steps = preprocessing.steps(plan, { duration = 0.5 })
    local path, signal = write("a.wav", 4000), signals("beats", 4000)
    local one = preprocessing.apply(steps, path)
    assert.same({ 1, 13, 32, 1 }, one:shape())
    assert.is_true(one:equal(preprocessing.apply(steps, { audio = signal, samplerate = 8000 })))
    assert.is_true(one:equal(preprocessing.apply(steps, { path = path, label = "normal" })))
    local many = preprocessing.apply(steps, { { audio = signal * 0.5, samplerate = 8000 }, path, { path = path } })
    assert.same({ 3, 13, 32, 1 }, many:shape())
    assert.is_true(one[1]:equal(many[2]) and one[1]:equal(many[3]))
    assert.is_false(one[1]:equal(many[1]))
  end)

  it("gives nil and every reason where recordings fail", function()
    local steps = preprocessing.steps(plan, { duration = 0.5 })
    local short, good = write("short.wav", 100), write("good.wav", 4000)
    local x, reason = preprocessing.apply(steps, { folder .. "/no.wav", good, short })
    assert.is_nil(x)
    assert.equal(folder .. "/no.wav: No such file or directory\n" .. short
      .. ": is too short: 0.01 s from 0 s on, and 0.5 s are wanted (pad = true appends zeros)", reason)
    local errors
    x, errors = preprocessing.run(steps, { folder .. "/no.wav", good, short })
    assert.same({ 3, 13, 32, 1 }, x:shape())
    assert.is_truthy(errors[1] and not errors[2] and errors[3])
  end)

  it("tells its progress, and warns of data that is cut", function()
    local said, seen = {}, {}
    warning.on_warning(function(message) said[#said + 1] = message end)
    local path = temporary.write(folder, "cut.wav", temporary.wav(8000, 5000):sub(1, -1001))
    local steps = preprocessing.steps(plan, { duration = 0.5 })
    preprocessing.run(steps, { path, path }, { progress = function(done, total) seen[#seen + 1] = { done, total } end })
    assert.same({ 2, 2 }, seen[#seen])
    assert.same({ path .. ": the header promises 5000 frames, the file holds 4500" }, said)
    local _, errors = preprocessing.run(steps, { path }, { strict = true })
    assert.same({ said[1] }, errors)
  end)

  it("describes itself, a line for each step", function()
    local steps = preprocessing.steps(lubdub.MFCC { n_mfcc = 40 }, { duration = 4, scale = 0.01 })
    assert.equal("1. load(duration = 4)\n2. mfcc(n_mfcc = 40)\n3. scale(by = 0.01)", preprocessing.describe(steps))
  end)

  it("refuses lists that make no sense", function()
    local load, mfcc = table.unpack(preprocessing.steps(plan))
    for expected, steps in pairs {
      ["steps must be a list, got string"] = "mfcc",
      ["the first steps must be 'load' and a feature"] = { mfcc, load },
      ["unknown step 'scal' at place 3"] = { load, mfcc, { name = "scal" } },
      ["scale: by must be a number, got x"] = { load, mfcc, { name = "scale", options = { by = "x" } } },
      ["scale: unknown option 'times'"] = { load, mfcc, { name = "scale", options = { times = 2 } } },
      ["unknown option 'durration'; did you mean 'duration'?"] = {
        { name = "load", options = { durration = 1 } }, mfcc },
      ["unknown option 'n_mfc'; did you mean 'n_mfcc'?"] = { load, { name = "mfcc", options = { n_mfc = 1 } } },
      ["load gives 22050 Hz, and mfcc takes 8000 Hz"] = { { name = "load" }, mfcc },
    } do
      local ok, message = pcall(preprocessing.apply, steps, { audio = signals("beats", 4000), samplerate = 8000 })
      assert.is_false(ok)
      assert.is_truthy(message:find(expected, 1, true), message)
      assert.not_matches("lua/lubdub", message)
    end
    assert.error_matches(function() preprocessing.steps({}) end, "expected a feature plan such as lubdub.MFCC{}")
  end)
end)
