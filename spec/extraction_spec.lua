local core = require "lubdub.core"
local feature = require "lubdub.feature"
local lubdub = require "lubdub"
local signals = require "support.signals"
local temporary = require "support.temporary"

local Tensor, audio = lubdub.Tensor, lubdub.audio

describe("extraction", function()
  local folder, remove
  local mfcc = lubdub.MFCC { n_mfcc = 13, sr = 8000, n_fft = 512, hop_length = 128, n_mels = 40 }
  before_each(function() folder, remove = temporary.folder() end)
  after_each(function()
    lubdub.set_num_threads(0)
    remove()
  end)

  local function write(name, signal, sr, options)
    local path = folder .. "/" .. name
    assert(audio.write(path, signal, sr, options or { subtype = "FLOAT" }))
    return path
  end

  local function run(items, options)
    options.items, options.plan = items, options.plan or mfcc
    local job <close> = core.pipeline.Extraction(options)
    local done, total
    repeat done, total = job:advance() until done == total
    assert.equal(#items, total)
    return job:result(), job:errors(), job:warnings()
  end

  -- 24 recordings of several rates and lengths, in files and in memory.
  local function collection()
    local items = {}
    for i = 1, 24 do
      local sr = ({ 4000, 8000, 11025, 44100 })[i % 4 + 1]
      local signal = signals("noise", sr + i * 50):slice(1, i) * (i / 24)
      if i % 3 == 0 then items[i] = { audio = signal, samplerate = sr }
      elseif i % 3 == 1 then items[i] = write(i .. ".wav", signal, sr)
      else items[i] = { path = write(i .. ".wav", Tensor.stack { signal, signal }, sr), label = "x" } end
    end
    return items
  end

  local function alone(item, options)
    local x
    if type(item) == "table" and item.audio then
      x = item.audio:slice(1, 1, item.samplerate // 2)
      if item.samplerate ~= 8000 then
        x = audio.resample(x, { orig_sr = item.samplerate, target_sr = 8000 })
      end
    else
      x = assert(audio.load(type(item) == "table" and item.path or item, options))
    end
    return mfcc(x)
  end

  it("lets no bad recording touch its neighbours", function()
    local items, failing = {}, { [5] = "sample 30001 is not finite", [18] = "the file holds 3000" }
    for i = 1, 32 do
      local signal = signals("noise", 40000 + i):slice(1, i + 1)
      local path = write(i .. ".wav", signal, 4000)
      if i == 5 then
        path = write("nan.wav", Tensor.concat { signal:slice(1, 1, 30000), Tensor { 0 / 0 }, signal }, 4000)
      end
      if i == 18 then
        local file = assert(io.open(path, "rb"))
        local bytes = file:read "a"
        file:close()
        path = temporary.write(folder, "cut.wav", bytes:sub(1, #bytes - 4 * 37000))
      end
      items[i] = path
    end
    for _, threads in ipairs { 1, 2 } do
      lubdub.set_num_threads(threads)
      local x, errors, warnings = run(items, { duration = 9 })
      for i, path in ipairs(items) do
        if failing[i] then
          assert.matches(failing[i], errors[i] .. (warnings[i] or ""))
          assert.equal(0, x[i]:abs():max())
        else
          assert.is_nil(errors[i])
          local expected = mfcc((assert(audio.load(path, { sr = 8000, duration = 9 }))))
          assert.is_true(x[i]:reshape(expected:shape()):equal(expected))
        end
      end
    end
  end)

  it("gives in row i what load and the plan give for item i, on any number of threads", function()
    local items = collection()
    local first
    for _, threads in ipairs { 1, 2, 3, 4 } do
      lubdub.set_num_threads(threads)
      local x, errors, warnings = run(items, { duration = 0.5 })
      assert.same({}, errors)
      assert.same({}, warnings)
      assert.same({ 24, 13, 32, 1 }, x:shape())
      if not first then
        first = x
        for i, item in ipairs(items) do
          assert.is_true(x[i]:squeeze(3):equal(alone(item, { sr = 8000, duration = 0.5 })), "row " .. i)
        end
      end
      assert.is_true(first:equal(x))
    end
  end)

  it("takes an offset", function()
    local y = signals("beats", 8000)
    local x = run({ { audio = y, samplerate = 8000 } }, { offset = 0.25, duration = 0.5 })
    assert.is_true(x[1]:squeeze(3):equal(mfcc(y:slice(1, 2001, 6000))))
  end)

  it("appends zeros to what is too short, where asked", function()
    local short, long = signals("noise", 100), signals("noise", 4000)
    local items = { { audio = short, samplerate = 8000 }, { audio = long, samplerate = 8000 } }
    local x, errors = run(items, { duration = 0.5, pad = true })
    assert.same({}, errors)
    assert.is_true(x[1]:squeeze(3):equal(mfcc(Tensor.concat { short, Tensor.zeros { 3900 } })))
    assert.is_true(x[2]:squeeze(3):equal(mfcc(long)))
    x, errors = run(items, { duration = 0.5 })
    assert.matches("^clip 1: is too short: 0%.01 s from 0 s on, and 0%.5 s are wanted", errors[1])
    assert.is_nil(errors[2])
    assert.equal(0, x[1]:abs():max())
    assert.is_true(x[2]:squeeze(3):equal(mfcc(long)))
  end)

  it("takes whole recordings where they are equally long", function()
    local a, b = signals("noise", 3000), signals("beats", 3010)
    local items = { { audio = a, samplerate = 8000 }, write("b.wav", b, 8000) }
    local x, errors = run(items, {})
    assert.same({}, errors)
    assert.same({ 2, 13, 24, 1 }, x:shape())
    assert.is_true(x[2]:squeeze(3):equal(mfcc(b)))
    items[3] = write("c.wav", signals("noise", 5000), 8000)
    assert.error_matches(function() run(items, {}) end,
      "the clips differ in length: clip 1 gives 24 frames, clip 3 gives 40; give a duration")
  end)

  it("takes every kind of feature", function()
    local items = { { audio = signals("noise", 3000), samplerate = 8000 } }
    local mel, stft = feature.MelSpectrogram { sr = 8000, n_mels = 30 }, feature.STFT { sr = 8000, n_fft = 400 }
    local x = run(items, { plan = mel })
    assert.same({ 1, 30, 6, 1 }, x:shape())
    assert.is_true(x[1]:squeeze(3):equal(mel(items[1].audio)))
    x = run(items, { plan = stft })
    assert.same({ 1, 201, 31, 2 }, x:shape())
    assert.is_true(x[1]:equal(stft(items[1].audio)))
  end)

  it("tries every recording, and tells each failure with its reason", function()
    local good = signals("noise", 8000)
    local wrong = good:clone()
    wrong[77] = 0 / 0
    local items = {
      write("a.wav", good, 8000), folder .. "/no.wav", temporary.write(folder, "text.wav", "no sound"),
      write("nan.wav", wrong, 8000), { audio = wrong, samplerate = 8000 }, { audio = Tensor {}, samplerate = 8000 },
      folder, write("z.wav", good, 8000),
    }
    for _, options in ipairs { { duration = 0.5 }, {} } do
      local x, errors = run(items, options)
      assert.same({ 2, 3, 4, 5, 6, 7 }, (function()
        local rows = {}
        for row in pairs(errors) do rows[#rows + 1] = row end
        table.sort(rows)
        return rows
      end)())
      assert.equal(folder .. "/no.wav: No such file or directory", errors[2])
      assert.matches("text%.wav: no audio file", errors[3])
      assert.matches("nan%.wav: sample 77 is not finite", errors[4])
      assert.matches("^clip 5: sample 77 is not finite", errors[5])
      assert.equal("clip 6: holds no audio", errors[6])
      assert.equal(folder .. ": is a folder", errors[7])
      assert.is_true(x[1]:equal(x[8]))
      for row in pairs(errors) do assert.equal(0, x[row]:abs():max()) end
    end
  end)

  it("refuses what resampling takes beyond all floats, and takes the loudest whole numbers", function()
    local square = {}
    for i = 1, 4000 do square[i] = i % 40 < 20 and 1 or -1 end
    local full = Tensor(square)
    local loud = full * 3.4e38
    local items = { { audio = loud, samplerate = 4000 }, write("loud.wav", loud, 4000),
      write("full.wav", full, 4000, { subtype = "PCM_16" }) }
    local _, errors = run(items, {})
    assert.matches("^clip 1: MFCC: sample %d+ is not finite", errors[1])
    assert.matches("loud%.wav: MFCC: sample %d+ is not finite", errors[2])
    assert.is_nil(errors[3])
  end)

  it("tells of data that is cut", function()
    local path = write("cut.wav", signals("noise", 8000), 8000)
    local file = io.open(path, "rb")
    local bytes = file:read "a"
    file:close()
    path = temporary.write(folder, "cut.wav", bytes:sub(1, -4001))
    local x, errors, warnings = run({ path }, { duration = 0.5 })
    assert.same({ {}, { path .. ": the header promises 8000 frames, the file holds 7000" } }, { errors, warnings })
    assert.same({ 1, 13, 32, 1 }, x:shape())
    local _
    _, errors = run({ path }, { duration = 0.5, strict = true })
    assert.same({ warnings[1] }, errors)
  end)

  it("refuses channels where they are not to be averaged", function()
    local items = { { audio = Tensor.stack { signals("noise", 800), signals("tone", 800) }, samplerate = 8000 } }
    local x, errors = run(items, {})
    assert.same({}, errors)
    assert.is_true(x[1]:squeeze(3):equal(mfcc((items[1].audio[1] + items[1].audio[2]) / 2)))
    local _
    _, errors = run(items, { mono = false })
    assert.matches("clip 1: has 2 channels", errors[1])
  end)

  it("is interrupted between two steps and leaves nothing behind", function()
    for _ = 1, 3 do
      local job <close> = core.pipeline.Extraction { items = collection(), plan = mfcc, duration = 0.5 }
      assert.error_matches(function() job:result() end, "not finished")
      job:advance()
    end
    collectgarbage()
    assert.same({}, select(2, run(collection(), { duration = 0.5 })))
  end)

  it("refuses what makes no sense", function()
    for expected, options in pairs {
      ["extract: there are no clips"] = { items = {} },
      ["item 2 must be a path or a table with path, or audio and samplerate, got number"] = { items = { "a", 2 } },
      ["item 1 must be a path or a table with path, or audio and samplerate, got nil"] = { items = { {} } },
      ["item 1 has audio but no samplerate"] = { items = { { audio = Tensor { 1 } } } },
      ["audio of item 1 must be a Tensor"] = { items = { { audio = { 1 } } } },
      ["expected a feature plan such as lubdub.MFCC{}, got nil"] = { items = { "a" }, plan = false },
      ["unknown option 'durration'; did you mean 'duration'?"] = { items = { "a" }, durration = 4 },
      ["option 'duration' must be in [1e-09, 1000000000], got -4"] = { items = { "a" }, duration = -4 },
      ["option 'offset' must be at least"] = { items = { "a" }, offset = -4 },
      ["without centring the signal must have n_fft (2048) samples, got 800"] = { items = { "a" }, duration = 0.1,
        plan = lubdub.MFCC { sr = 8000, center = false } },
    } do
      if options.plan == nil then options.plan = mfcc end
      options.plan = options.plan or nil
      local ok, message = pcall(core.pipeline.Extraction, options)
      assert.is_false(ok)
      assert.is_truthy(message:find(expected, 1, true), message)
    end
  end)
end)
