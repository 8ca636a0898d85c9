local lubdub = require "lubdub"
local golden = require "support.json"
local noise = require "support.noise"

local Tensor, signal = lubdub.Tensor, lubdub.signal

-- The largest difference between two flat lists, over the largest value (or over 1).
local function distance(got, expected, every)
  local largest, worst = 0, 0
  every = every or 1
  assert.equal(#expected, (#got + every - 1) // every)
  for i, value in ipairs(expected) do
    largest = math.max(largest, math.abs(value))
    worst = math.max(worst, math.abs(got[(i - 1) * every + 1] - value))
  end
  return worst / (largest > 0 and largest or 1)
end

local function close(got, expected, tolerance, every)
  local d = distance(got:totable(), expected, every)
  assert.is_true(d <= tolerance, ("off by %g of the largest value"):format(d))
end

local function fails(pattern, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(pattern, message)
end

describe("signal.butter", function()
  it("gives scipy's sections", function()
    local cases = golden "signal_butter.json"
    assert.is_true(#cases > 100)
    for _, case in ipairs(cases) do
      local filter = signal.butter { order = case.order, btype = case.btype, cutoff = case.cutoff, sr = case.sr }
      assert.equal(#case.sos, #filter.sos)
      for i, section in ipairs(case.sos) do
        -- near the unit circle the poles of a narrow band are as exact as a tangent of a double
        local d = distance(filter.sos[i], section)
        assert.is_true(d <= 1e-9, ("%s, section %d: off by %g"):format(tostring(filter), i, d))
        for k, value in ipairs(section) do
          if i == 1 and k <= 3 then
            assert.is_true(math.abs(filter.sos[i][k] - value) <= 1e-8 * math.abs(value), tostring(filter))
          end
        end
      end
    end
  end)

  it("tells itself, and takes the kind from the cutoff", function()
    local filter = signal.butter { order = 2, cutoff = { 25, 400 }, sr = 2000 }
    assert.equal("bandpass", filter.btype)
    assert.equal("Butterworth bandpass, order 2, 25 to 400 Hz at 2000 Hz: 2 sections, forth and back", tostring(filter))
    assert.same(filter.sos, signal.butter(filter:config()).sos)
    filter = signal.butter { order = 1, cutoff = 400, sr = 2000, zero_phase = false }
    assert.equal("Butterworth lowpass, order 1, 400 Hz at 2000 Hz: 1 sections, causal", tostring(filter))
  end)

  it("refuses what no filter is", function()
    local function bad(pattern, options)
      local given = { order = 4, cutoff = { 25, 400 }, sr = 2000 }
      for name, value in pairs(options) do given[name] = value end
      fails("signal_spec.lua:%d+: butter: " .. pattern, function() return signal.butter(given) end)
    end
    bad("cutoff must be below half the sample rate %(1000 Hz%), got 1000", { cutoff = { 25, 1000 } })
    bad("cutoff must be below half the sample rate %(1000 Hz%), got 1200", { cutoff = 1200, btype = "lowpass" })
    bad("cutoff must be { low, high } with low < high, got { 400, 25 }", { cutoff = { 400, 25 } })
    bad("cutoff must be { low, high } with low < high, got { 30, 30 }", { cutoff = { 30, 30 } })
    bad("cutoff must be above 0 Hz, got 0", { cutoff = { 0, 30 } })
    bad("cutoff must be above 0 Hz, got %-?nan", { cutoff = { 0 / 0, 30 } })
    bad("order must be 1 to 12, got 0", { order = 0 })
    bad("order must be 1 to 12, got 13", { order = 13 })
    bad("option 'order' must be a whole number, got 1.5", { order = 1.5 })
    bad("option 'btype' must be one of lowpass, ", { btype = "band" })
    bad("cutoff of a bandpass must be { low, high } in Hz, got 25", { btype = "bandpass", cutoff = 25 })
    bad("cutoff of a lowpass must be one frequency in Hz, got { 25, 400 }", { btype = "lowpass" })
    bad("sr must be above 0 Hz, got 0", { sr = 0 })
    bad("unknown option 'cutof'; did you mean 'cutoff'?", { cutof = 3 })
    fails("butter: option 'sr' is missing", signal.butter, { order = 4, cutoff = 3 })
  end)
end)

describe("sosfilt and sosfiltfilt", function()
  it("give scipy's values", function()
    for _, case in ipairs(golden "signal_filter.json") do
      local options = { order = case.order, btype = case.btype, cutoff = case.cutoff, sr = 2000 }
      local filter, x = signal.butter(options), noise(case.n, case.n)
      close(signal.sosfilt(filter, x), case.sosfilt, 2e-7)
      close(signal.sosfiltfilt(filter, x), case.sosfiltfilt, 2e-7)
      close(signal.sosfiltfilt(filter.sos, x, { padtype = "even" }), case.even, 2e-7)
      close(signal.sosfiltfilt(filter, x, { padtype = "constant", padlen = 5 }), case.constant, 2e-7)
      close(signal.sosfiltfilt(filter, x, { padtype = false }), case.none, 2e-7)
      assert.is_true(filter(x):equal(signal.sosfiltfilt(filter, x)))
      options.zero_phase = false
      assert.is_true(signal.butter(options)(x):equal(signal.sosfilt(filter, x)))

      -- from where a constant first sample would have led
      local zi, start = signal.sosfilt_zi(filter), {}
      for i, z in ipairs(zi) do
        start[i] = { z[1] * x:totable()[1], z[2] * x:totable()[1] }
        assert.is_true(distance(z, case.zi[i]) < 1e-9)
      end
      local steady, zf = signal.sosfilt(filter, x, { zi = start })
      close(steady, case.steady, 2e-7)
      for i, z in ipairs(case.zf) do assert.is_true(distance({ zf[2 * i - 1], zf[2 * i] }, z) < 1e-9) end

      -- the shortest signal is scipy's too
      assert.same({ case.shortest }, filter(noise(case.shortest, 1)):shape())
      fails("sosfiltfilt: the signal must be longer than padlen, which is %d+ samples, and has " .. case.shortest - 1,
        filter, noise(case.shortest - 1, 1))
    end
  end)

  it("do the same to a long signal as to its parts", function()
    local filter = signal.butter { order = 4, cutoff = { 25, 400 }, sr = 2000 }
    local x = noise(200001, 9)
    local y = signal.sosfilt(filter, x)
    assert.is_true(y:slice(1, 1, 70000):equal(signal.sosfilt(filter, x:slice(1, 1, 70000))))
    -- far from the ends the extension no longer matters
    local z, part = filter(x), filter(x:slice(1, 1, 150000))
    assert.is_true(z:slice(1, 1, 100000):allclose(part:slice(1, 1, 100000), { atol = 1e-6, rtol = 0 }))
  end)

  it("go on where the block before ended, bit for bit", function()
    local filter = signal.butter { order = 4, cutoff = { 25, 400 }, sr = 2000 }
    for _, x in ipairs { noise(5000, 3), Tensor.stack { noise(5000, 1), noise(5000, 2), noise(5000, 3) } } do
      local axis, y = #x:shape(), signal.sosfilt(filter, x)
      local at, memory = 1, "rest"
      for _, n in ipairs { 1, 2, 700, 1297, 3000 } do
        local part
        part, memory = signal.sosfilt(filter, x:slice(axis, at, at + n - 1), { zi = memory })
        assert.equal(2 * 4 * (axis == 2 and 3 or 1), #memory)
        assert.is_true(part:equal(y:slice(axis, at, at + n - 1)))
        at = at + n
      end
      assert.equal(5001, at)
    end
    assert.equal(1, select("#", signal.sosfilt(filter, noise(10, 1))))
  end)

  it("take every channel on its own, and views", function()
    local filter = signal.butter { order = 3, cutoff = 100, sr = 2000 }
    local x = Tensor.stack { noise(300, 1), noise(300, 2) }
    local y = filter(x)
    assert.is_true(y[1]:equal(filter(x[1])))
    assert.is_true(y[2]:equal(filter(x[2])))
    local turned = x:transpose():contiguous():transpose()
    assert.is_true(filter(turned):equal(y))
  end)

  it("refuse what is no signal", function()
    local filter = signal.butter { order = 3, cutoff = 100, sr = 2000 }
    fails("sosfilt: expected a Tensor, got table", signal.sosfilt, filter, { 1, 2 })
    fails("sosfilt: a signal must be %(samples,%) or %(channels, samples%), got %(1, 2, 3%)", signal.sosfilt, filter,
      Tensor.zeros { 1, 2, 3 })
    fails("sosfilt: the signal is empty", signal.sosfilt, filter, Tensor.zeros { 0 })
    fails("sosfilt: zi must have 2 numbers for each of 2 sections and 1 channels, got 3 numbers", signal.sosfilt,
      filter, noise(9, 1), { zi = { 1, 2, 3 } })
    fails("sosfilt: zi must hold finite numbers, got nan", signal.sosfilt, filter, noise(9, 1),
      { zi = { 1, 2, 3, math.abs(0 / 0) } })
    fails("sosfilt: zi must hold finite numbers, got x", signal.sosfilt, filter, noise(9, 1), { zi = { 1, 2, 3, "x" } })
    fails('sosfilt: zi must be "rest" or a list of numbers, got boolean', signal.sosfilt, filter, noise(9, 1),
      { zi = true })
    fails("sosfilt_zi: expected a filter of signal.butter or a list of sections, got number", signal.sosfilt_zi, 3)
    local x = noise(300, 1)
    x[17] = 0 / 0
    fails("sosfiltfilt: sample 17 is not finite", filter, x)
    x[17] = math.huge
    fails("sosfilt: sample 17 is not finite", signal.sosfilt, filter, x)
    fails("sosfilt: expected a filter of signal.butter or a list of sections, got nil", signal.sosfilt, nil, x)
    fails("sosfilt: section 1 must be { b0", signal.sosfilt, { { 1, 2 } }, x)
    fails("sosfilt: a0 of section 1 must be 1", signal.sosfilt, { { 1, 0, 0, 2, 0, 0 } }, x)
    fails("sosfiltfilt: unknown option 'pad'", signal.sosfiltfilt, filter, x, { pad = 3 })
    fails("sosfiltfilt: option 'padtype' must be one of odd, even, constant", signal.sosfiltfilt, filter, x,
      { padtype = "odds" })
  end)
end)

describe("signal.envelope", function()
  it("is the absolute value of scipy.signal.hilbert, for any length", function()
    for _, case in ipairs(golden "signal_envelope.json") do
      close(signal.envelope(noise(case.n, case.n)), case.values, 2e-7)
    end
  end)

  it("is the amplitude of a tone", function()
    -- a prime, twice and four times a prime; every small length; products of 2, 3, 5, 7, 11, 13 and 49
    local sizes = { 30011, 2 * 7919, 4 * 1009, 4096, 30030, 44100, 7200 }
    for n = 3, 40 do sizes[#sizes + 1] = n end
    for _, n in ipairs(sizes) do
      local x, cycles = {}, math.max(1, n // 30)
      for i = 1, n do x[i] = math.sin(2 * math.pi * cycles * i / n) end
      local envelope = signal.envelope(Tensor(x))
      assert.is_true(envelope:allclose(Tensor.ones { n }, { atol = 1e-6, rtol = 0 }), n .. " samples")
    end
  end)

  it("keeps what has no sign of frequency: a constant, and half the sample rate", function()
    for n = 1, 12 do
      local x = {}
      for i = 1, n do x[i] = n % 2 == 0 and 3 + (-1) ^ i or -3 end
      assert.is_true(signal.envelope(Tensor(x)):allclose(Tensor(x):abs(), { atol = 1e-6, rtol = 0 }))
    end
  end)

  it("can be homomorphic", function()
    local case = golden "signal_homomorphic.json"
    local options = { method = "homomorphic", sr = case.sr, cutoff = case.cutoff }
    close(signal.envelope(noise(case.n, case.seed), options), case.values, 3e-6)
    assert.is_true(signal.envelope(Tensor.zeros { 100 }, options):max() < 1e-30)
    fails("envelope: option 'sr' is missing", signal.envelope, noise(100, 1), { method = "homomorphic" })
    fails("cutoff must be below half the sample rate", signal.envelope, noise(100, 1),
      { method = "homomorphic", sr = 10, cutoff = 8 })
    fails("envelope: option 'method' must be one of hilbert, homomorphic", signal.envelope, noise(9, 1),
      { method = "x" })
  end)
end)

describe("signal.trim", function()
  local function lead_body_tail(case)
    local n = case.lead + case.body + case.tail
    local x = noise(n, case.seed)
    local gain = Tensor.zeros { n } + case.quiet
    if case.body > 0 then gain:slice(1, case.lead + 1, case.lead + case.body):fill(1) end
    return x * gain
  end

  it("finds librosa's interval", function()
    for i, case in ipairs(golden "signal_trim.json") do
      local x = lead_body_tail(case)
      local y, first, last = signal.trim(x, case.options)
      assert.same(case.interval, { last == 0 and 0 or first - 1, last }, "case " .. i)
      assert.same({ last == 0 and 0 or last - first + 1 }, y:shape())
      if last > 0 then assert.is_true(y:equal(x:slice(1, first, last))) end
    end
  end)

  it("keeps what any channel has", function()
    local x = Tensor.zeros { 2, 8192 }
    x:slice(2, 2049, 3000):fill(0.5)
    x[1]:fill(0)
    x[2]:slice(1, 5001, 6000):fill(0.5)
    local _, first, last = signal.trim(x)
    local _, first1 = signal.trim(x[2])
    assert.equal(first1, first)
    assert.is_true(last >= 6000 and last < 8192)
    local silent, from, to = signal.trim(Tensor.zeros { 2, 4096 }, { ref = 1 })
    assert.same({ { 2, 0 }, 1, 0 }, { silent:shape(), from, to })
  end)

  it("refuses bad options", function()
    local x = noise(100, 1)
    fails("trim: hop_length must be a whole number of at least 1, got 0", signal.trim, x, { hop_length = 0 })
    fails("trim: top_db must be a number of at least 0, got %-3", signal.trim, x, { top_db = -3 })
    fails("trim: ref must be an amplitude above 0", signal.trim, x, { ref = 0 })
    fails("trim: expected a Tensor, got string", signal.trim, "x.wav")
    x[3] = 0 / 0
    fails("trim: the signal holds a sample that is not finite", signal.trim, x)
  end)
end)

describe("signal", function()
  it("fixes lengths", function()
    local x = Tensor { { 1, 2, 3 }, { 4, 5, 6 } }
    assert.same({ { 1, 2 }, { 4, 5 } }, signal.fix_length(x, 2):totable())
    assert.same({ { 1, 2, 3, 0 }, { 4, 5, 6, 0 } }, signal.fix_length(x, 4):totable())
    assert.same({ 0, 0 }, signal.fix_length(Tensor.zeros { 0 }, 2):totable())
    assert.same({ 2, 0 }, signal.fix_length(x, 0):shape())
    fails("fix_length: size must be a whole number", signal.fix_length, x, -1)
  end)

  it("normalizes peak and RMS", function()
    local x = Tensor { { 1, -2, 0.5 }, { 0, 0, 0 } }
    assert.same({ { 0.5, -1, 0.25 }, { 0, 0, 0 } }, signal.normalize(x):totable())
    assert.same({ { 2, -4, 1 }, { 0, 0, 0 } }, signal.normalize(x, { level = 4 }):totable())
    local y = signal.normalize(noise(1000, 1), { norm = "rms", level = 0.1 })
    assert.is_true(math.abs(math.sqrt((y * y):mean()) - 0.1) < 1e-7)
    fails("normalize: option 'norm' must be one of peak, rms, got 'max'", signal.normalize, x, { norm = "max" })
    fails("normalize: option 'level' must", signal.normalize, x, { level = 0 })
  end)

  it("takes out spikes by Schmidt's rule", function()
    for _, case in ipairs(golden "signal_spikes.json") do
      local x = Tensor(case.x)
      local y = signal.remove_spikes(x, { sr = 1000, window = case.window / 1000 })
      local zeros, seen = {}, 0
      for _, i in ipairs(case.zeros) do zeros[i + 1] = true end
      assert.is_true(#case.zeros > 0)
      for i, value in ipairs(y:totable()) do
        if zeros[i] then seen = seen + 1 end
        assert.is_true(math.abs((zeros[i] and 0 or case.x[i]) - value) < 1e-6)
      end
      assert.equal(#case.zeros, seen)
    end
    local silence = Tensor.zeros { 1000 }
    silence[500] = 1
    assert.is_true(signal.remove_spikes(silence, { sr = 100 }):equal(silence))
    fails("remove_spikes: option 'sr' is missing", signal.remove_spikes, silence)
    fails("remove_spikes: option 'threshold' must", signal.remove_spikes, silence, { sr = 100, threshold = 0 })
  end)

  it("stretches time as librosa", function()
    for _, case in ipairs(golden "signal_stretch.json") do
      local y = signal.time_stretch(noise(case.n, case.n), { rate = case.rate, n_fft = case.n_fft })
      assert.same({ case.length }, y:shape())
      close(y, case.values, 1e-6, 5)
    end
    fails("time_stretch: option 'rate' must", signal.time_stretch, noise(100, 1), { rate = 0 })
    fails("time_stretch: n_fft must be even", signal.time_stretch, noise(100, 1), { rate = 1, n_fft = 511 })
    fails("time_stretch: hop_length must be 1 to n_fft / 2", signal.time_stretch, noise(100, 1),
      { rate = 1, n_fft = 512, hop_length = 512 })
    fails("time_stretch: sample 3 is not finite", signal.time_stretch, Tensor { 1, 2, 0 / 0 }, { rate = 1 })
  end)

  it("shifts pitch as librosa", function()
    for _, case in ipairs(golden "signal_shift.json") do
      local y = signal.pitch_shift(noise(case.n, case.n), { n_steps = case.n_steps, sr = case.sr, n_fft = 512 })
      close(y, case.values, 1e-5, 5)
    end
    local x = Tensor.stack { noise(3000, 1), noise(3000, 2) }
    local y = signal.pitch_shift(x, { n_steps = 1, sr = 4000 })
    assert.is_true(y[2]:equal(signal.pitch_shift(x[2], { n_steps = 1, sr = 4000 })))
    fails("pitch_shift: option 'sr' is missing", signal.pitch_shift, x, { n_steps = 1 })
  end)
end)
