-- The toy heart: its rhythm, its sounds, its cast of patients, and that nothing but the options decides.
local lubdub = require "lubdub"
local core = require "lubdub.core"
local assert_raises = require "support.raises"
local synth = lubdub.synth

-- RMS of samples from `from` to `to` seconds, or nil where they are not all there.
local function rms(samples, sr, from, to)
  local first, last, sum = math.floor(from * sr) + 1, math.floor(to * sr), 0
  if first < 1 or last > #samples then return nil end
  for i = first, last do sum = sum + samples[i] ^ 2 end
  return math.sqrt(sum / (last - first + 1))
end

-- The mean over beats of rms(from, to), both counted from the beat's `onset` ("s1" or "s2").
local function loudness(options, onset, from, to)
  local y, sr = synth.clip(options)
  local samples, sum, n = y:totable(), 0, 0
  for _, beat in ipairs(synth.beats(options)) do
    local value = rms(samples, sr, beat[onset] + from, beat[onset] + to)
    if value then sum, n = sum + value, n + 1 end
  end
  return sum / n
end

local function median(values)
  table.sort(values)
  return values[(#values + 1) // 2]
end

-- A number that every bit of the samples enters.
local function checksum(y)
  local sum = 0
  for _, x in ipairs(y:totable()) do sum = sum * 31 + string.unpack("<I4", string.pack("<f", x)) & 0xFFFFFFFFFFFF end
  return ("%012x"):format(sum)
end

describe("synth.clip", function()
  it("is as long as asked, mono, and within full scale", function()
    local y, sr = synth.clip()
    assert.equal(4000, sr)
    assert.same({ 20000 }, y:shape())
    for _, label in ipairs(synth.labels) do
      for _, rate in ipairs { 1000, 4000, 44100 } do
        y, sr = synth.clip { label = label, seed = 3, sr = rate, duration = 1.5 }
        assert.equal(rate, sr)
        assert.same({ rate * 3 // 2 }, y:shape())
        local peak, numbers = 0, true
        for _, x in ipairs(y:totable()) do
          numbers = numbers and x == x
          peak = math.max(peak, math.abs(x))
        end
        assert.truthy(numbers and peak > 1e-4 and peak <= 1, label .. " " .. peak)
      end
    end
    assert.same({ 120000 }, synth.clip({ duration = 30 }):shape())
  end)

  it("is the same for the same options, and another for any other", function()
    local options = { label = "murmur", seed = 5, patient = 2, take = 3, duration = 2 }
    local sum = checksum(synth.clip(options))
    assert.equal(sum, checksum(synth.clip(options)))
    local seen = { [sum] = true }
    for _, other in ipairs { { label = "normal" }, { seed = 6 }, { patient = 3 }, { take = 4 }, { rate = 70 },
      { snr = 20 }, { seed = -5 } } do
      local changed = setmetatable(other, { __index = options })
      sum = checksum(synth.clip {
        label = changed.label, seed = changed.seed, patient = changed.patient, take = changed.take,
        duration = 2, rate = changed.rate, snr = changed.snr,
      })
      assert.falsy(seen[sum])
      seen[sum] = true
    end
  end)

  it("gives these very bits on every machine", function()
    local golden = {
      artifact = "0fd0546d8812",
      extrahls = "907f1aa75b7a",
      extrastole = "c403bd59b5c6",
      murmur = "5379145bcb8b",
      normal = "082a883c2fa3",
    }
    for label, sum in pairs(golden) do
      assert.equal(sum, checksum(synth.clip { label = label, seed = 42, duration = 2.5 }), label)
    end
  end)

  it("refuses what it does not know", function()
    assert_raises(function() synth.clip { label = "norml" } end, "synth.clip", "'label'", "extrastole", "norml")
    assert_raises(function() synth.clip { durations = 3 } end, "synth.clip", "did you mean 'duration'")
    assert_raises(function() synth.clip { duration = 31 } end, "synth.clip", "'duration'", "31")
    assert_raises(function() synth.clip { duration = 0 / 0 } end, "synth.clip", "'duration'")
    assert_raises(function() synth.clip { sr = 999 } end, "synth.clip", "'sr'", "999")
    assert_raises(function() synth.clip { sr = 4000.5 } end, "synth.clip", "'sr'", "whole")
    assert_raises(function() synth.clip { rate = 500 } end, "synth.clip", "'rate'", "500")
    assert_raises(function() synth.clip(5) end, "synth.clip", "table", "number")
    assert_raises(function() synth.beats { label = 1 } end, "synth.beats", "'label'")
  end)
end)

describe("the rhythm of a toy heart", function()
  it("keeps the rate that was asked for, and a systole to match", function()
    for _, rate in ipairs { 45, 60, 75, 100, 150 } do
      local beats = synth.beats { rate = rate, duration = 30, seed = rate }
      local mean = (beats[#beats].s1 - beats[1].s1) / (#beats - 1)
      assert.near(60 / rate, mean, 0.03 * 60 / rate)
      for i, beat in ipairs(beats) do
        assert.falsy(beat.premature)
        assert.near(0.433 - 0.0017 * math.min(rate, 130), beat.s2 - beat.s1, 0.03)
        if i > 1 then assert.truthy(beat.s1 > beats[i - 1].s2 + 0.05) end
      end
      assert.truthy(beats[1].s1 <= 0 and beats[#beats].s1 < 30)
      assert.truthy(beats[#beats].s1 > 30 - 1.3 * 60 / rate)
    end
  end)

  it("has premature beats and full pauses in every extrastole, and in nothing else", function()
    for seed = 1, 60 do
      for _, label in ipairs { "extrahls", "murmur", "normal" } do
        for _, beat in ipairs(synth.beats { label = label, seed = seed }) do assert.falsy(beat.premature) end
      end
      local beats, early = synth.beats { label = "extrastole", seed = seed, duration = 12 }, 0
      for i = 2, #beats - 1 do
        if beats[i].premature then
          if beats[i].s1 > 0.1 and beats[i].s1 < 3.5 then early = early + 1 end
          local coupling, whole = beats[i].s1 - beats[i - 1].s1, beats[i + 1].s1 - beats[i - 1].s1
          assert.truthy(coupling < 0.72 * whole / 2, "it comes early")
          assert.truthy(beats[i].s1 > beats[i - 1].s2 + 0.05, "but not before the valves have shut")
          local from, to = i > 2 and not beats[i - 2].premature and beats[i - 2].s1, beats[i - 1].s1
          if from then assert.near(2 * (to - from), whole, 0.15 * whole) end
        end
      end
      assert.truthy(early >= 1, "within the first seconds, seed " .. seed)
    end
  end)

  it("is heard in few artifacts", function()
    local silent = 0
    for seed = 1, 100 do
      if #synth.beats { label = "artifact", seed = seed } == 0 then silent = silent + 1 end
    end
    assert.truthy(silent > 40 and silent < 80, silent)
  end)
end)

describe("the sounds of a toy heart", function()
  -- The ratio of two loudnesses, in the middle of 25 patients.
  local function typical(label, onset, from, to, reference_from, reference_to)
    local ratios = {}
    for patient = 1, 25 do
      local options = { label = label, patient = patient, rate = 65, snr = 60, duration = 6 }
      ratios[patient] = loudness(options, onset, from, to) / loudness(options, "s1", reference_from, reference_to)
    end
    return median(ratios)
  end

  it("are S1 and S2, and quiet between", function()
    assert.truthy(typical("normal", "s1", 0, 0.1, 0.55, 0.75) > 10)
    assert.truthy(typical("normal", "s2", 0, 0.08, 0.55, 0.75) > 6)
    assert.truthy(typical("normal", "s1", 0.2, 0.28, 0.55, 0.75) < 4)
  end)

  it("have a murmur between them where there is one", function()
    local function between(label) return typical(label, "s1", 0.18, 0.28, 0, 0.1) end
    assert.truthy(between("murmur") > 3 * between("normal"))
  end)

  it("have a third or a fourth where there are extra ones", function()
    local function third(label) return typical(label, "s2", 0.15, 0.25, 0, 0.1) end
    assert.truthy(third("extrahls") > 3 * third("normal"))
  end)

  it("drown as the noise rises", function()
    local function quiet(snr)
      return loudness({ snr = snr, rate = 60, duration = 8 }, "s1", 0.6, 0.8)
        / loudness({ snr = snr, rate = 60, duration = 8 }, "s1", 0, 0.1)
    end
    assert.truthy(quiet(0) > 3 * quiet(20))
    assert.truthy(quiet(0) > 0.5)
  end)
end)

describe("synth.hearts", function()
  it("casts patients and labels as it says", function()
    local rows = synth.hearts { seed = 11, sr = 1000 }
    assert.equal(600, #rows)
    local labels, patients, condition = {}, {}, {}
    for i, row in ipairs(rows) do
      labels[row.label] = (labels[row.label] or 0) + 1
      patients[row.patient] = (patients[row.patient] or 0) + 1
      assert.equal(patients[row.patient], row.take)
      assert.truthy(i == 1 or row.patient >= rows[i - 1].patient)
      assert.equal(1000, row.samplerate)
      assert.truthy(row.duration >= 4.2 and row.duration <= 8)
      assert.equal(math.floor(row.duration * 1000 + 0.5), #row.audio)
      if row.label ~= "artifact" and row.label ~= "normal" then
        assert.truthy(condition[row.patient] == nil or condition[row.patient] == row.label)
        condition[row.patient] = row.label
      end
    end
    assert.same({ artifact = 84, extrahls = 102, extrastole = 108, murmur = 132, normal = 174 }, labels)
    assert.equal(150, #patients)
    local both = 0
    for _, row in ipairs(rows) do
      if row.label == "normal" and condition[row.patient] then
        assert.equal("extrastole", condition[row.patient])
        both = both + 1
      end
    end
    assert.truthy(both > 10 and both < 50, both)
  end)

  it("makes each row as synth.clip does, with any number of threads", function()
    local before = lubdub.num_threads()
    finally(function() lubdub.set_num_threads(before) end)
    local sums = {}
    for _, threads in ipairs { 1, 2, 3 } do
      lubdub.set_num_threads(threads)
      for i, row in ipairs(synth.hearts { n = 30, seed = 2, duration = { 1, 2 }, sr = 2000 }) do
        local sum = checksum(row.audio)
        sums[i] = sums[i] or sum
        assert.equal(sums[i], sum)
        assert.equal(sum, checksum(synth.clip {
          label = row.label, seed = 2, patient = row.patient, take = row.take, sr = 2000, duration = row.duration,
        }))
      end
    end
  end)

  it("does not disturb Lua's own random numbers", function()
    math.randomseed(7)
    local expected = math.random()
    math.randomseed(7)
    synth.hearts { n = 5, duration = 1 }
    assert.equal(expected, math.random())
    math.randomseed()
  end)

  it("takes some classes, few clips, one length", function()
    local rows = synth.hearts { n = 20, classes = { "normal", "murmur" }, duration = 1.5, patients = 7 }
    local count, patients = {}, {}
    for _, row in ipairs(rows) do
      count[row.label] = (count[row.label] or 0) + 1
      patients[row.patient] = true
      assert.equal(1.5, row.duration)
    end
    assert.same({ murmur = 9, normal = 11 }, count)
    assert.equal(7, #patients)
    for n = 1, 12 do assert.equal(n, #synth.hearts { n = n, duration = 1 }) end
    for _, row in ipairs(synth.hearts { n = 4, classes = { "artifact" }, duration = 1 }) do
      assert.equal("artifact", row.label)
    end
    local alone = {}
    for _, row in ipairs(synth.hearts { n = 9, classes = { "extrahls" }, patients = 9, duration = 1 }) do
      alone[row.patient] = (alone[row.patient] or 0) + 1
    end
    assert.same({ 1, 1, 1, 1, 1, 1, 1, 1, 1 }, alone)
  end)

  it("refuses what cannot be", function()
    local hearts = synth.hearts
    assert_raises(function() hearts { count = 3 } end, "synth.hearts", "unknown option 'count'")
    assert_raises(function() hearts { n = 0 } end, "synth.hearts", "'n'", "0")
    assert_raises(function() hearts { n = 2.5 } end, "synth.hearts", "'n'", "2.5")
    assert_raises(function() hearts { seed = "x" } end, "synth.hearts", "'seed'", "x")
    assert_raises(function() hearts { duration = { 5, 4 } } end, "synth.hearts", "'duration'", "shortest")
    assert_raises(function() hearts { duration = 90 } end, "synth.hearts", "'duration'")
    assert_raises(function() hearts { sr = 20 } end, "synth.hearts", "'sr'", "20")
    assert_raises(function() hearts { sr = "fast" } end, "synth.hearts", "'sr'", "fast")
    assert_raises(function() hearts { classes = {} } end, "synth.hearts", "'classes'")
    assert_raises(function() hearts { classes = { "wheeze" } } end, "synth.hearts", "wheeze", "extrahls")
    assert_raises(function() hearts { patients = 2 } end, "synth.hearts", "'patients'", "4", "2")
    assert_raises(function() hearts { n = 10, patients = 11 } end, "synth.hearts", "'patients'", "11")
  end)

  it("lists its labels, and the list is the caller's own", function()
    assert.same({ "artifact", "extrahls", "extrastole", "murmur", "normal" }, synth.labels)
    assert.same(core.synth.labels, synth.labels)
    assert.not_equal(core.synth.labels, synth.labels)
  end)
end)
