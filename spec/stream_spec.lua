local lubdub = require "lubdub"
local raises = require "support.raises"
local signals = require "support.signals"
local warning = require "lubdub.warning"

local Tensor = lubdub.Tensor

local seed = 5
local function random(low, high)
  seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
  return low + (seed >> 8) % (high - low + 1)
end

local function one_of(list) return list[random(1, #list)] end

-- All frames of a signal that comes in blocks of random size, as offline: (rows, frames). Checks that each frame comes
-- as early as is told.
local function hear(stream, y, most, hop)
  local frames, at, n = {}, 0, #y
  local function take(t, frame)
    assert.equal(#frames + 1, t)
    frames[t] = frame:reshape(-1):clone()
  end
  while at < n do
    local size = math.min(n - at, random(0, most))
    local block = y:slice(1, at + 1, at + size)
    at = at + size
    for t, frame in stream:push(block) do
      if hop then assert.is_true(at >= (t - 1) * hop + stream.latency) end
      take(t, frame)
    end
    if hop then assert.equal(math.max(0, (at - stream.latency) // hop + 1), #frames) end
  end
  for t, frame in stream:flush() do take(t, frame) end
  assert.equal(#frames, stream.frames)
  return #frames > 0 and Tensor.stack(frames):transpose() or nil
end

-- A plan of any kind over random options that a stream takes.
local kinds = { "STFT", "MelSpectrogram", "MFCC", "RMS", "ZeroCrossingRate", "SpectralCentroid", "SpectralBandwidth",
  "SpectralRolloff", "SpectralContrast", "ChromaSTFT" }
local function random_plan(kind)
  local n_fft = one_of { 16, 64, 128, 256, 100, 99, random(8, 300) }
  local o = { hop_length = random(1, 2 * n_fft), center = random(1, 3) > 1,
    pad_mode = one_of { "constant", "reflect", "edge" } }
  if kind == "RMS" or kind == "ZeroCrossingRate" then
    o.frame_length = n_fft
  else
    o.n_fft, o.win_length = n_fft, random(n_fft // 2, n_fft)
    o.window = one_of { "hann", "hamming", { "kaiser", 5 } }
  end
  if kind == "ZeroCrossingRate" then o.pad_mode = nil end
  if kind == "MelSpectrogram" or kind == "MFCC" then o.n_mels = random(3, 12) end
  if kind == "MFCC" then o.n_mfcc, o.top_db = random(1, o.n_mels), false end
  if kind == "SpectralContrast" then o.linear, o.n_bands, o.fmin, o.n_fft, o.win_length = true, 2, 3000, 256, nil end
  return lubdub[kind](o), o
end

describe("a stream", function()
  before_each(function() warning.on_warning(function() end) end)
  after_each(function() warning.on_warning(nil) end)

  for _, kind in ipairs(kinds) do
    it("of " .. kind .. " gives the bits of the whole recording, block sizes and options as they come", function()
      for _ = 1, 25 do
        local plan, o = random_plan(kind)
        local n = random(1, 3000)
        local y = signals("beats", n)
        local live = lubdub.stream(plan)
        local whole, offline = pcall(plan, y)
        local x = hear(live, y, one_of { 1, 7, 200, 5000 }, o.hop_length)
        if whole then
          local rows = x:shape(1)
          local expected = kind == "STFT" and offline:transpose(2, 3):contiguous():reshape(rows, -1) or offline
          assert.is_true(x:equal(expected), tostring(plan) .. " of " .. n)
          assert.is_true(hear(live:reset(), y, 300):equal(expected)) -- and again
        else
          assert.is_nil(x) -- too short, and not centred
        end
      end
    end)
  end

  it("gives deltas as offline, edges included", function()
    for _ = 1, 60 do
      local plan = random_plan(one_of { "MFCC", "RMS", "ChromaSTFT" })
      local deltas = { order = random(1, 3), width = 2 * random(2, 5) + 1,
        mode = one_of { "interp", "nearest", "mirror", "constant" } }
      local y = signals("noise", random(1, 3000))
      local whole, offline = pcall(plan, y)
      local live = lubdub.stream(plan, { deltas = deltas })
      if whole and not (deltas.mode == "interp" and offline:shape(2) < deltas.width) then
        local all = { offline }
        for order = 1, deltas.order do
          all[order + 1] = lubdub.delta(offline, { order = order, width = deltas.width, mode = deltas.mode })
        end
        assert.equal(live.rows, offline:shape(1) * (1 + deltas.order))
        assert.is_true(hear(live, y, 500):equal(Tensor.concat(all, 1)))
      elseif whole then
        raises(function() hear(live, y, 500) end, "must be at most the number of frames", "in mode 'interp'")
      end
    end
  end)

  it("gives what the step 'deltas' gives a model", function()
    local plan = lubdub.MFCC { n_mfcc = 5, n_mels = 20, n_fft = 256, hop_length = 100, top_db = false }
    local y = signals("beats", 3000)
    local steps = lubdub.preprocessing.steps(plan)
    steps[3] = { name = "deltas", options = { order = 2, width = 5 } }
    local x = assert(lubdub.preprocessing.apply(steps, { audio = y, samplerate = 22050 }))
    assert.same({ 1, 15, 31, 1 }, x:shape())
    assert.is_true(hear(lubdub.stream(plan, { deltas = { order = 2, width = 5 } }), y, 999):equal(
      x:reshape(15, 31)))
  end)

  it("hears every sample of a loop that was left", function()
    local plan = lubdub.RMS { frame_length = 64, hop_length = 16 }
    local y = signals("noise", 1000)
    local live, frames = lubdub.stream(plan), {}
    for i = 1, 1000, 250 do
      for t, frame in live:push(y:slice(1, i, i + 249)) do
        frames[t] = frame:clone()
        if t % 5 == 0 then break end
      end
    end
    for t, frame in live:flush() do frames[t] = frame:clone() end
    assert.is_true(Tensor.stack(frames):transpose():equal(plan(y)))
  end)

  it("tells itself", function()
    local live = lubdub.stream(lubdub.MFCC { n_mfcc = 13, top_db = false, sr = 4000 })
    assert.equal("stream of MFCC: 13 rows, latency 1024 samples, 0 frames given", tostring(live))
    assert.equal(13, live.rows)
    assert.equal(4000, live.sr)
    assert.equal(1025, lubdub.stream(lubdub.STFT { pad_mode = "reflect" }).latency)
    assert.equal(2048, lubdub.stream(lubdub.STFT { center = false }).latency)
    assert.equal(500, lubdub.stream(lubdub.STFT { n_fft = 999 }).latency)
  end)

  for what, case in pairs {
    ["a floor that needs the whole clip"] = { lubdub.MFCC {}, nil,
      "stream: top_db = 80 of MFCC is a floor below the loudest frame of the whole clip", "give top_db = false" },
    ["the contrast's floor"] = { lubdub.SpectralContrast {}, nil, "SpectralContrast has a floor 80 dB below",
      "give linear = true" },
    ["deltas that wrap around"] = { lubdub.RMS {}, { deltas = { mode = "wrap" } },
      "begin with the end of the whole clip" },
    ["an even width"] = { lubdub.RMS {}, { deltas = { width = 4 } }, "width must be odd and at least 3, got 4" },
    ["an unknown option"] = { lubdub.RMS {}, { deltas = { with = 4 } },
      "unknown option 'with'; did you mean 'width'?" },
    ["no plan"] = { "mfcc", nil, "stream: expected a feature plan such as lubdub.MFCC { top_db = false }, got string" },
  } do
    it("refuses " .. what, function()
      raises(function() lubdub.stream(case[1], case[2]) end, case[3], case[4] or "")
    end)
  end

  it("refuses blocks that are none, and takes nothing of them", function()
    local live = lubdub.stream(lubdub.RMS { frame_length = 4, hop_length = 4, center = false })
    raises(function() live:push(Tensor { 1, 0 / 0 }) end, "stream: sample 2 of the block is not finite")
    raises(function() live:push(Tensor.zeros { 2, 2 }) end, "a block must be (samples,), got (2, 2)")
    raises(function() live:push { 1 } end, "a block must be a Tensor, got table")
    local values = {}
    for _, frame in live:push(Tensor { 2, 2, 2, 2 }) do values[#values + 1] = frame:totable()[1] end
    assert.same({ 2 }, values)
    for _ in live:flush() do error "no frame is left" end
    raises(function() live:push(Tensor { 1 }) end, "nothing can follow flush")
    assert.equal(0, live:reset().frames)
    for _ in live:flush() do error "there was no sample" end
  end)

  it("allocates nothing from block to block", function()
    if os.getenv "LD_PRELOAD" then return pending "another library is preloaded" end
    local library, script = os.tmpname(), os.tmpname() -- LD_PRELOAD knows no spaces in names
    local function remove()
      os.remove(library)
      os.remove(script)
    end
    local built = os.execute(("cc -shared -fPIC $(pkg-config --cflags lua5.4) -o '%s' spec/support/count_malloc.c 2>&1")
      :format(library))
    if not built then
      remove()
      return pending "a C compiler and Lua's headers are needed to count"
    end
    local file = assert(io.open(script, "w"))
    file:write([[
      local count = package.loadlib(..., "count")
      local lubdub = require "lubdub"
      assert(count() > 1000, "nothing is counted")
      for _, plan in ipairs { lubdub.MFCC { top_db = false }, lubdub.STFT {}, lubdub.MelSpectrogram { n_fft = 1000 },
        lubdub.SpectralContrast { linear = true }, lubdub.ChromaSTFT {}, lubdub.RMS {} } do
        for _, deltas in ipairs { false, { order = 2 } } do
          local live = lubdub.stream(plan, { deltas = deltas })
          local blocks = { lubdub.Tensor.rand { 441, seed = 1 }, lubdub.Tensor.rand { 3000, seed = 2 } }
          local frames, sum = 0, 0
          local function run(n)
            for i = 1, n do
              for t, frame in live:push(blocks[i % 7 == 0 and 2 or 1]) do frames = t end
            end
          end
          run(20)
          collectgarbage()
          collectgarbage "stop"
          local before = count()
          run(200)
          print(plan.kind, frames > 100, count() - before)
          collectgarbage "restart"
        end
      end
    ]])
    file:close()
    local pipe = io.popen(("LD_PRELOAD='%s' LUA_PATH='%s' LUA_CPATH='%s' lua5.4 '%s' '%s' 2>&1"):format(library,
      package.path, package.cpath, script, library))
    local text = pipe:read "a"
    pipe:close()
    remove()
    local lines = 0
    for line in text:gmatch "[^\n]+" do
      lines = lines + 1
      assert.matches("^%w+\ttrue\t0$", line)
    end
    assert.equal(12, lines)
  end)
end)
