-- The numbers behind the pictures, and what their makers refuse; spec/plot_spec.lua draws them.
local lubdub = require "lubdub"
local metrics = require "lubdub.metrics"
local plot = require "lubdub.plot"
local theme = require "lubdub.plot.theme"
local warned = require "support.warned"

local Tensor = lubdub.Tensor

local function has(figure, ...)
  local script = figure:script()
  for _, text in ipairs { ... } do assert(script:find(text, 1, true), text .. "\nnot in\n" .. script) end
end

describe("pictures of predictions", function()
  local said = warned(before_each, after_each)

  local t, p = { "a", "b", "b", "a", "b" }, { 0.2, 0.9, 0.4, 0.5, 0.7 }

  it("draws the points of metrics.roc_curve, with the area", function()
    local figure = plot.roc_curve(t, p)
    local fpr, tpr = metrics.roc_curve(t, p, { pos_label = "b" })
    local lines = {}
    for i, x in ipairs(fpr) do lines[i] = ("%.9g %.9g"):format(x, tpr[i]) end
    has(figure, "$C1 << END\n" .. table.concat(lines, "\n") .. "\nEND", "'b (AUC 0.83)'", "'chance'",
      "'false positive rate'", "'true positive rate'", "'ROC'")
    assert.are.equal(0.83, math.floor(metrics.roc_auc_score(t, p) * 100) / 100)
    assert.are.equal(figure:script(), plot.roc_curve(t, Tensor(p)):script() and figure:script())
  end)

  it("draws each class against the rest", function()
    local truth, rows = { 1, 2, 3, 1 }, { { 0.8, 0.1, 0.1 }, { 0.2, 0.7, 0.1 }, { 0.3, 0.3, 0.4 }, { 0.1, 0.8, 0.1 } }
    has(plot.roc_curve(truth, rows), "'1 (AUC 0.50)'", "'2 (AUC 0.67)'", "'3 (AUC 1.00)'")
    has(plot.precision_recall_curve(truth, rows), "'1 (AP 0.75)'", "'2 (AP 0.50)'", "'3 (AP 1.00)'", "'recall'",
      "'precision'")
    has(plot.roc_curve({ 1, 2, 1, 2 }, rows, { labels = { 1, 2, 3 } }), "'1 (AUC")
    assert.are.same({ "plot.roc_curve: no curve for 3, without true samples of it" }, said)
  end)

  it("gives every curve a colour and, beyond the colours, a dash of its own", function()
    local truth, rows, classes = {}, {}, 9
    for i = 1, classes do
      truth[i], rows[i] = i, {}
      for c = 1, classes do rows[i][c] = c == i and 1 or 0 end
    end
    local script, seen = plot.roc_curve(truth, rows):script(), {}
    for dash, colour in script:gmatch "dashtype (%d) linecolor rgb '(#%x+)' title '%d" do
      assert.is_nil(seen[dash .. colour])
      seen[dash .. colour] = true
    end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.are.equal(classes, count)
  end)

  it("holds the precision of a threshold back to the next recall", function()
    has(plot.precision_recall_curve({ 0, 1, 1 }, { 0.35, 0.4, 0.3 }),
      "$C1 << END\n1 0.666666667\n0.5 0.666666667\n0.5 0.5\n0.5 0.5\n0.5 1\n0 1\n0 1\nEND")
  end)

  it("draws calibration with the samples of each bin", function()
    local truth, sure = { 1, 0, 1, 1 }, { 0.05, 0.05, 0.95, 0.85 }
    local shares, means = metrics.calibration_curve(truth, sure, { n_bins = 10 })
    local figure = plot.calibration_curve(truth, sure)
    has(figure, ("$C1 << END\n%.9g %.9g\n"):format(means[1], shares[1]), "$COUNTS << END\n0.05 2\n0.85 1\n0.95 1\nEND",
      "'probability of 1'", "'share of 1'", "'samples'")
    -- of several classes: the likeliest one, and whether it is right
    has(plot.calibration_curve({ "a", "b", "c" }, { { 0.5, 0.25, 0.25 }, { 0.5, 0.25, 0.25 }, { 0, 0, 1 } }),
      "$C1 << END\n0.5 0.5\n1 1\nEND", "'share that is right'")
  end)

  it("counts classes of lists and data sets", function()
    local clips = lubdub.Dataset { { label = "x", site = 2 }, { label = "y", site = 1 }, { label = "y" }, {} }
    has(plot.class_counts(clips), "$BARS << END\n2 1\n1 2\n1 3\nEND", "'y' 1, '(none)' 2, 'x' 3", "'recordings'")
    has(plot.class_counts(clips:take { 1, 2 }, { column = "site" }), "'1' 1, '2' 2")
    has(plot.class_counts { 3, 3, 1 }, "$BARS << END\n2 1\n1 2\nEND", "'3' 1, '1' 2")
  end)
end)

describe("pictures of sounds", function()
  it("puts a spectrogram's rows at their frequencies", function()
    -- bins at 0, 500, 1000, 1500, 2000 Hz
    local S = { { -80, 0 }, { -70, -1 }, { -60, -2 }, { -50, -3 }, { -40, -4 } }
    has(plot.spectrogram(S, { sr = 4000, hop_length = 100 }),
      "$IMAGE << END\n-80 0\n-70 -1\n-60 -2\n-50 -3\n-40 -4\nEND",
      "'0' 1, '500' 2, '1000' 3, '1500' 4, '2000' 5", "($1*0.025)", "set cbrange [-80:0]", "'dB'", "'frequency (Hz)'",
      "'time (s)'")
    has(plot.spectrogram(S, { sr = 4000, fmin = 500, fmax = 1500 }), "$IMAGE << END\n-70 -1\n-60 -2\n-50 -3\nEND")
    has(plot.spectrogram(S, { sr = 4000, y_axis = "log", fmin = 500 }), "'512' 1.0", "'1024' 2.")
  end)

  it("makes spectrograms of sounds as librosa would", function()
    local sound, values = {}, {}
    for i = 1, 256 do sound[i] = math.sin(2 * math.pi * 500 * i / 4000) end
    local o = { sr = 4000, n_fft = 64, hop_length = 32 }
    local stft = lubdub.feature.STFT { sr = 4000, n_fft = 64, hop_length = 32 }(Tensor(sound))
    for i, row in ipairs(stft:totable()) do
      values[i] = {}
      for j, z in ipairs(row) do values[i][j] = z[1] ^ 2 + z[2] ^ 2 end
    end
    local S = lubdub.power_to_db(Tensor(values), { ref = "max" })
    local function cells(figure)
      local list = {}
      for line in figure:script():match "IMAGE << END\n(.-)END":gmatch "[^\n]+" do
        for x in line:gmatch "%S+" do list[#list + 1] = tonumber(x) end
      end
      return list
    end
    local expected = cells(plot.spectrogram(S, o))
    for _, what in ipairs { sound, Tensor(sound), stft } do
      for i, x in ipairs(cells(plot.spectrogram(what, o))) do
        assert(math.abs(x - expected[i]) < 2e-3, ("%d: %g, %g"):format(i, x, expected[i]))
      end
    end
    assert.are.equal(33 * 9, #expected)
  end)

  it("takes rows of data sets: files, tensors and windows", function()
    local tone, path = {}, os.tmpname() .. ".wav"
    for i = 1, 8000 do tone[i] = i / 10000 end
    assert(lubdub.audio.write(path, Tensor(tone), 4000, { subtype = "FLOAT" }))
    local clips = lubdub.Dataset { { path = path }, { audio = Tensor(tone), samplerate = 4000 },
      { audio = Tensor { tone, tone }, samplerate = 4000 } }
    local expected = plot.waveform(tone, 4000):script()
    for i = 1, 3 do
      assert.are.equal(plot.spectrogram(Tensor(tone), { sr = 4000 }):script(), plot.spectrogram(clips[i]):script())
      assert.are.equal(#expected, #plot.waveform(clips[i], { title = "Waveform" }):script())
      has(plot.mfcc(clips[i], { hop_length = 400 }), "($1*0.1)")
      has(plot.melspectrogram(clips[i]), "'1024'")
    end
    local windows = clips:windows { size = 0.5, hop = 0.5 }
    for i = 1, #windows do has(plot.waveform(windows[i]), "set xrange [0:0.5]") end
    os.remove(path)
  end)

  it("puts tics on the mel scale", function()
    local S = {}
    for i = 1, 10 do S[i] = { -i, -i } end
    -- Slaney: 15 mel at 1000 Hz, 30 mel at 2000 Hz would be linear; here 0 to 1000 Hz is linear
    has(plot.melspectrogram(S, { sr = 4000, fmax = 1000 }), "'512' 5.632")
    has(plot.melspectrogram(S, { sr = 4000, fmax = 1000, htk = true }), "'512' 6.80536")
    has(plot.melspectrogram(S, { sr = 22050 }), "'1024'", "'8192'", "set cbrange [-10:-1]")
  end)

  it("draws no more columns than there are pixels", function()
    local row = {}
    for i = 1, 5000 do row[i] = i % 2 end
    local script = plot.mfcc({ row, row }, { size = { 400, 200 } }):script()
    local line, n = script:match "IMAGE << END\n([^\n]+)", 0
    for _ in line:gmatch "%S+" do n = n + 1 end
    assert.are.equal(400 - 84 - 110, n)
    has(plot.mfcc({ row, row }, { size = { 400, 200 }, sr = 1000, hop_length = 100 }), ("set xrange [%.7g:"):format(
      -0.5 * 0.1 * 5000 / n))
  end)

  it("draws long tensors as it draws lists", function()
    local rows, sound = { {}, {} }, {}
    for i = 1, 3600 do rows[1][i], rows[2][i] = (i - 1) // 3, -((i - 1) // 3) end
    has(plot.mfcc(Tensor(rows), { size = { 1500, 200 }, sr = 100, hop_length = 1 }), "<< END\n0 1 2 3 4 5", "($1*0.03)",
      "set xrange [-0.015:35.985]")
    for i = 1, 40000 do sound[i] = ((i * 7919) % 1000 - 500) / 1000 * i / 40000 end
    local function envelope(samples)
      local list = {}
      local script = plot.waveform(samples, 1000, { size = { 400, 200 } }):script()
      assert(script:find("set xrange [0:40]", 1, true))
      for time, low, high in script:match "SOUND << END\n(.-)END":gmatch "(%S+) (%S+) (%S+)\n" do
        list[#list + 1] = { tonumber(time), tonumber(low), tonumber(high) }
      end
      return list
    end
    local expected, got = envelope(sound), envelope(Tensor(sound))
    assert.are.equal(400 - 84 - 24, #expected)
    assert.are.equal(#expected, #got)
    for i, point in ipairs(expected) do
      for k, value in ipairs(point) do assert(math.abs(value - got[i][k]) < 0.03, i) end
    end
  end)

  it("blends heat into grey features", function()
    local script = plot.grad_cam({ { 0, 0 }, { 0, 100 } }, { { 0, 5 } }):script()
    local cells = {}
    for x, y, r, g, b in script:match "IMAGE << END\n(.-)END":gmatch "(%d+) (%d+) (%d+) (%d+) (%d+)" do
      cells[y .. x] = { tonumber(r), tonumber(g), tonumber(b) }
    end
    assert.are.same({ 16, 16, 16 }, cells["10"]) -- cold: grey as dark as the feature is low
    assert.are.same({ 16, 16, 16 }, cells["20"])
    local hot = theme.blend(0x101010, theme.heat[#theme.heat], 0.8)
    assert.are.same({ hot >> 16, hot >> 8 & 255, hot & 255 }, cells["11"])
    -- a map of another size is spread over the same area, linear between its centres
    local middle = plot.grad_cam({ { 0, 0, 0, 0 } }, { { 0, 1 } }):script()
    local shares = { 0, 0.25, 0.75, 1 }
    for j, share in ipairs(shares) do
      local colour = theme.blend(0x101010, theme.at(theme.heat, share), 0.8 * share ^ 0.5)
      assert(middle:find(("%d 1 %d %d %d"):format(j - 1, colour >> 16, colour >> 8 & 255, colour & 255), 1, true))
    end
  end)

  it("says what is wrong, at the caller's line", function()
    local function fails(message, f, ...)
      local arguments = table.pack(...)
      local ok, got = pcall(function() f(table.unpack(arguments, 1, arguments.n)) end)
      assert.is_false(ok)
      assert(got:find "^spec/pictures_spec.lua:%d+: ", got)
      assert.are.equal(message, (got:gsub("^spec/pictures_spec.lua:%d+: ", "")))
    end
    local S = { { 1, 2 }, { 3, 4 } }
    fails("plot.roc_curve: y_true is empty", plot.roc_curve, {}, {})
    fails("plot.roc_curve: y_true holds one class only, so there is no curve", plot.roc_curve, { 1, 1 }, { 0, 1 },
      { pos_label = 1 })
    fails("plot.roc_curve: 3 classes, and scores of one; give (n, classes), or the option pos_label", plot.roc_curve,
      { 1, 2, 3 }, { 0, 1, 0 })
    fails("plot.roc_curve: y_score has 3 columns for 2 classes; name the class of each column with the option labels",
      plot.roc_curve, { 1, 2 }, { { 1, 0, 0 }, { 0, 1, 0 } })
    fails("plot.roc_curve: y_score must have as many values as y_true, 2, got 1", plot.roc_curve, { 1, 2 }, { 0 })
    fails("plot.precision_recall_curve: unknown option 'label'; did you mean 'labels'?", plot.precision_recall_curve,
      { 1, 2 }, { 0, 1 }, { label = { 1, 2 } })
    fails("calibration_curve: n_bins must be a whole number from 1, got 0", plot.calibration_curve, { 0, 1 }, { 0, 1 },
      { n_bins = 0 })
    fails("plot.class_counts: a data set or a list of labels expected, got nil", plot.class_counts)
    fails('plot.class_counts: there is no column "sex"; there are label', plot.class_counts,
      lubdub.Dataset { { label = 1 } }, { column = "sex" })
    fails("plot.waveform: gone.wav: No such file or directory", plot.waveform, { path = "gone.wav" })
    fails("plot.mfcc: the row has audio, and no samplerate", plot.mfcc, { audio = Tensor { 1 } })
    fails("plot.class_counts: there are no labels to count", plot.class_counts, {})
    fails("plot.class_counts: labels mix a number (row 1) and a string (row 2)", plot.class_counts, { 1, "a" })
    fails("plot.spectrogram: the sound is empty", plot.spectrogram, Tensor.zeros { 0 })
    fails("plot.spectrogram: expected a sound (n), its STFT (bins, frames, 2), or (bins, frames) in dB",
      plot.spectrogram, "x.wav")
    fails('plot.spectrogram: y_axis must be "linear" or "log", got mel', plot.spectrogram, S, { y_axis = "mel" })
    fails("plot.spectrogram: fmin and fmax must be frequencies with 0 <= fmin < fmax <= sr / 2, got 0 and 9000",
      plot.spectrogram, S, { sr = 4000, fmax = 9000 })
    fails("plot.spectrogram: at least 2 bins are needed", plot.spectrogram, { { 1, 2 } })
    fails("plot.melspectrogram: fmin and fmax must be frequencies with 0 <= fmin < fmax, got 500 and 100",
      plot.melspectrogram, S, { fmin = 500, fmax = 100 })
    fails("plot.melspectrogram: row 2 has 1 frames and row 1 has 2", plot.melspectrogram, { { 1, 2 }, { 1 } })
    fails("plot.mfcc: sr must be a number above 0, got 0", plot.mfcc, S, { sr = 0 })
    fails("plot.grad_cam: heat must be a tensor (h, w)", plot.grad_cam, S, { 1, 2 })
    fails("plot.grad_cam: heat holds a number that is not finite", plot.grad_cam, S, { { 0 / 0 } })
    fails("plot.waveform: samples must be a tensor (n) or a list of numbers", plot.waveform, Tensor.zeros { 2, 2 }, 4)
    fails("plot.waveform: sr must be a number above 0, got -1", plot.waveform, { 0 }, -1)
    fails('render: format must be "png", "svg" or "pdf", got gif', function() plot.class_counts({ 1 }):render "gif" end)
  end)
end)
