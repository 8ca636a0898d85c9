local lubdub = require "lubdub"
local temporary = require "support.temporary"
local warning = require "lubdub.warning"

local Dataset, Tensor = lubdub.Dataset, lubdub.Tensor

describe("Dataset:extract", function()
  local mfcc = lubdub.MFCC { n_mfcc = 13, sr = 8000 }
  local folder, remove
  before_each(function()
    folder, remove = temporary.folder()
    warning.on_warning(function() end)
  end)
  after_each(function()
    warning.on_warning(nil)
    remove()
  end)

  -- Wavs of these lengths in seconds at 4000 Hz.
  local function wavs(...)
    local rows = {}
    for i, seconds in ipairs { ... } do
      rows[i] = { label = "x", path = temporary.write(folder, ("clip %d ü.wav"):format(i),
        temporary.wav(4000, math.floor(seconds * 4000))) }
    end
    return Dataset(rows)
  end

  local function fails(pattern, f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    assert.matches(pattern, message)
    return message
  end

  local function same_row(features, i, signal)
    assert.is_true(features[i]:reshape(features:shape(2), features:shape(3)):equal(mfcc(signal)))
  end

  it("gives row i for row i", function()
    local clips = wavs(2, 3, 1.5, 2.5, 1)
    local features = clips:extract(mfcc, { duration = 1 })
    assert.same({ 5, 13, 16, 1 }, features:shape())
    for i, clip in clips:iter() do
      same_row(features, i, (lubdub.audio.load(clip.path, { sr = 8000, duration = 1 })))
    end
    assert.is_true(clips:extract(mfcc, { duration = 0.5, offset = 0.25, progress = false }):take({ 3 }):equal(
      clips:take({ 3 }):extract(mfcc, { duration = 0.5, offset = 0.25 })))
  end)

  it("takes whole recordings where they are equally long", function()
    assert.same({ 2, 13, 32, 1 }, wavs(2, 2):extract(mfcc):shape())
    fails("extract_spec.lua:%d+: extract: the clips differ in length: .* give a duration",
      function() return wavs(2, 1):extract(mfcc) end)
  end)

  it("reads clips in memory, and windows of both", function()
    local file = wavs(3)
    local signal, sr = lubdub.audio.load(file[1].path, { sr = false })
    local clips = file .. Dataset { { audio = signal, samplerate = sr } }
    local features = clips:extract(mfcc, { duration = 2 })
    assert.is_true(features[1]:equal(features[2]))

    local windows = clips:windows { size = 1, hop = 0.5 }
    assert.equal(10, #windows)
    features = windows:extract(mfcc)
    assert.same({ 10, 13, 16, 1 }, features:shape())
    for i, clip in windows:iter() do
      same_row(features, i, (lubdub.audio.load(file[1].path, { sr = 8000, offset = clip.offset, duration = 1 })))
    end
    fails("extract: duration = 2 s is longer than row 1, a window of 1 s", windows.extract, windows, mfcc,
      { duration = 2 })
    local mixed = windows .. clips:windows { size = 2 }
    fails("extract: row 1 is a window of 1 s, row 11 of 2 s; give a duration", mixed.extract, mixed, mfcc)
    assert.equal(12, #mixed:extract(mfcc, { duration = 1 }))
  end)

  it("takes the steps of a model as well", function()
    local clips = wavs(2, 1.5)
    local steps = lubdub.preprocessing.steps(mfcc, { duration = 1, scale = 0.01 })
    local features = clips:extract(steps)
    assert.is_true(features:equal(clips:extract(mfcc, { duration = 1, scale = 0.01 })))
    assert.is_true(features:equal((lubdub.preprocessing.apply(steps, clips:column "path"))))

    local whole = lubdub.preprocessing.steps(mfcc)
    assert.same({ 3, 13, 16, 1 }, clips:windows({ size = 1 }):extract(whole):shape())
    assert.is_false(whole[1].options.duration)
    fails("extract: unknown option 'duration'", clips.extract, clips, steps, { duration = 1 })
    fails("preprocessing.run: the first steps must be", clips.extract, clips, {})
    local _, used = (clips .. Dataset { { path = folder .. "/no.wav" } }):extract(steps, { skip = true })
    assert.equal(2, #used)
  end)

  it("pads short recordings only where asked", function()
    local clips = wavs(2, 0.01, 1)
    local message = fails("extract: 2 of 3 recordings cannot be used", clips.extract, clips, mfcc, { duration = 1.5 })
    assert.matches("row 2: .*clip 2 ü.wav: is too short", message)
    assert.matches("row 3: .*clip 3 ü.wav: is too short", message)
    local features = clips:extract(mfcc, { duration = 1.5, pad = true })
    local signal = Tensor.zeros { 12000 }
    signal:slice(1, 1, 8000):copy(lubdub.audio.load(clips[3].path, { sr = 8000 }))
    same_row(features, 3, signal)
  end)

  it("lists every recording that cannot be read, with its reason", function()
    local clips = wavs(2, 2) .. Dataset {
      { path = temporary.write(folder, "text.wav", "no sound at all") },
      { path = folder .. "/nowhere.wav" },
      { path = temporary.write(folder, "cut.wav", temporary.wav(4000, 8000):sub(1, 30)) },
    }
    local message = fails("extract_spec.lua:%d+: extract: 3 of 5 recordings cannot be used %(skip = true",
      function() return clips:extract(mfcc, { duration = 1 }) end)
    assert.is_truthy(message:find("row 3: " .. folder .. "/text.wav: ", 1, true))
    assert.is_truthy(message:find("row 4: " .. folder .. "/nowhere.wav: ", 1, true))
    assert.is_truthy(message:find("row 5: " .. folder .. "/cut.wav: ", 1, true))

    local features, used = clips:extract(mfcc, { duration = 1, skip = true })
    assert.same({ 2, 13, 16, 1 }, features:shape())
    assert.equal(2, #used)
    features, used = clips:take({ 3, 2, 4, 1 }):extract(mfcc, { duration = 1, skip = true })
    assert.same({ clips[2].path, clips[1].path }, used:column "path")
    same_row(features, 2, (lubdub.audio.load(clips[1].path, { sr = 8000, duration = 1 })))

    local bad = clips:take { 3, 4 }
    fails("extract: 2 of 2 recordings cannot be used", bad.extract, bad, mfcc, { duration = 1, skip = true })
    local all, same = clips:head(2):extract(mfcc, { duration = 1, skip = true })
    assert.equal(2, #all)
    assert.equal(2, #same)
  end)

  it("counts the failures that it does not list", function()
    local rows = {}
    for i = 1, 25 do rows[i] = { path = folder .. "/" .. i .. ".wav" } end
    local clips = Dataset(rows)
    local message = fails("25 of 25 recordings", clips.extract, clips, mfcc, { duration = 1 })
    assert.matches("row 20: .*%.%.%. and 5 more$", message)
    assert.is_nil(message:find "row 21")
  end)

  it("does not let an unreadable header pass for a duration", function()
    local clips = wavs(2) .. Dataset { { path = temporary.write(folder, "text.wav", "no sound") } }
    fails("text.wav: ", function() return clips:filter(function(clip) return clip.duration > 1 end) end)
    local good, bad = clips:readable()
    assert.equal(1, #good)
    assert.equal(1, #bad)
    assert.matches("text.wav: ", bad[1].reason)
    assert.matches("unreadable: 1 file %(.*text.wav: ", tostring(clips))
    assert.matches("text.wav", clips:show())
  end)

  it("averages channels", function()
    local signal = Tensor.rand { 2, 16000, seed = 1, low = -1, high = 1 }
    local features = Dataset({ { audio = signal, samplerate = 8000 } }):extract(mfcc, { duration = 1 })
    same_row(features, 1, signal:mean(1):slice(1, 1, 8000):clone())
  end)

  it("names a wrong argument", function()
    local clips = wavs(2)
    fails("expected a plan such as lubdub.MFCC { n_mfcc = 40 }, got nil", clips.extract, clips)
    fails("duration must be seconds above 0, got %-1", clips.extract, clips, mfcc, { duration = -1 })
    fails("duration", clips.extract, clips, mfcc, { durations = 1 })
    local empty = Dataset {}
    fails("the data set is empty", empty.extract, empty, mfcc)
    local nothing = Dataset { { label = "x" } }
    fails("item 1", nothing.extract, nothing, mfcc, { duration = 1 })
    local rateless = Dataset { { audio = Tensor.zeros { 9 } } }
    fails("item 1 has audio but no samplerate", rateless.extract, rateless, mfcc, { duration = 1 })
    local before = Dataset { { path = clips[1].path, offset = -1 } }
    fails("offset of item 1 must be seconds from 0", before.extract, before, mfcc, { duration = 1 })
  end)
end)
