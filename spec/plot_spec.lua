local metrics = require "lubdub.metrics"
local plot = require "lubdub.plot"
local theme = require "lubdub.plot.theme"
local warning = require "lubdub.warning"

local nan = 0 / 0
local has_gnuplot = os.execute "command -v gnuplot >/dev/null 2>&1"
local lua = os.execute "command -v lua5.4 >/dev/null 2>&1" and "lua5.4" or "lua"

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- Runs Lua code in another process, with `before` as shell commands in front; returns its output.
local function elsewhere(before, code)
  local path = os.tmpname()
  write(path, code)
  local command = ("LUA_PATH='%s' LUA_CPATH='%s'; export LUA_PATH LUA_CPATH; L=$(command -v %s); %s \"$L\" '%s' 2>&1")
    :format(package.path, package.cpath, lua, before, path)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  os.remove(path)
  return text
end

-- Texts that a plotting program could take for its own syntax.
local nasty = { "left_hand", "50 % {/Bold x}^2", "it's \"so\" @home $x", "`touch /tmp/lubdub-backtick`", "Geräusch ñ 正",
  "a\nline \\n and \\", "%d %s %g" }

describe("lubdub.plot", function()
  local folder

  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir '" .. folder .. "'"))
    warning.on_warning(function() end)
  end)
  teardown(function()
    os.execute("rm -r '" .. folder .. "'")
    warning.on_warning(nil)
  end)

  local truth, guess = {}, {}
  for i = 1, 70 do
    truth[i] = nasty[i % #nasty + 1]
    guess[i] = i % 5 == 0 and nasty[i * 3 % #nasty + 1] or truth[i]
  end

  local function figures()
    return {
      matrix = plot.confusion_matrix(truth, guess, { normalize = "true", title = nasty[3] }),
      dark = plot.confusion_matrix(truth, guess, { theme = "dark", title = false }),
      two = plot.confusion_matrix({ 0, 1, 1 }, { 0, 1, 0 }),
      history = plot.history({
        history = { loss = { 2, nan, 1 }, val_loss = { [3] = 1.5 }, accuracy = { nan, nan } }, epoch = { 1, 2, 3 },
      }, { title = nasty[4] }),
      empty = plot.history { loss = {} },
      wave = plot.waveform({ 0, 0.5, nan, -0.5 }, 4000),
      silence = plot.waveform({ nan }, 4000),
      mfcc = plot.mfcc { { 1, 2, nan }, { 3, 4, 5 } },
      roc = plot.roc_curve({ "a", nasty[1], nasty[2] }, { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
        { labels = { nasty[2], "a", nasty[1] } }),
      precision = plot.precision_recall_curve({ 0, 1, 1 }, { 0.1, 0.4, 0.3 }, { theme = "dark" }),
      calibration = plot.calibration_curve({ 0, 1, 1 }, { 0.1, 0.4, 0.3 }),
      counts = plot.class_counts(truth),
      spectrogram = plot.spectrogram({ 0, 0.5, -0.5, 0, 0.25 }, { sr = 4000, n_fft = 64, hop_length = 2 }),
      mel = plot.melspectrogram({ { -80, 0 }, { -3, nan } }, { sr = 4000 }),
      heat = plot.grad_cam({ { 1, 2 }, { 3, 4 } }, { { 0.5 } }, { title = nasty[2] }),
    }
  end

  for _, format in ipairs { "png", "svg", "pdf" } do
    it("writes whole " .. format .. " files", function()
      if not has_gnuplot then return pending "gnuplot is not installed" end
      local starts = { png = "^\x89PNG\r\n", svg = "^<svg", pdf = "^%%PDF" }
      local ends = { png = "IEND....$", svg = "</svg>%s*$", pdf = "%%%%EOF%s*$" }
      for name, figure in pairs(figures()) do
        local path = ("%s/%s é'.%s"):format(folder, name, format)
        assert.are.same({ true }, { figure:save(path) }, name)
        local content = assert(read(path))
        assert.truthy(content:find(starts[format]), name)
        assert.truthy(content:find(ends[format]), name)
        assert.is_nil(read(path .. ".part"))
      end
      assert.is_nil(read "/tmp/lubdub-backtick")
    end)
  end

  it("gives a PNG the size that was asked for", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local path = folder .. "/size.PNG"
    assert(plot.history({ loss = { 1, 2 } }, { size = { 321, 234 } }):save(path))
    local width, height = (">I4I4"):unpack(read(path), 17)
    assert.are.same({ 321, 234 }, { width, height })
  end)

  it("shows every name as it is", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local path = folder .. "/names.svg"
    assert(plot.confusion_matrix(truth, guess):save(path))
    local svg = read(path):gsub("&amp;", "&"):gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"')
    for _, name in ipairs(nasty) do
      name = name:gsub("\n", " ")
      assert(svg:find(name, 1, true), name)
    end
    for _, text in ipairs { "Confusion matrix", "true class", "predicted class", "samples" } do
      assert(svg:find(text, 1, true), text)
    end
    assert(svg:find("<title>confusion matrix of 7 classes</title>", 1, true))
  end)

  it("draws curves by name and unit, with the numbers of the history", function()
    local script = plot.history({ history = { loss = { 3, 2.5 }, val_loss = { 4, 3.5 }, accuracy = { 0.25, 0.5 },
      learning_rate = { 1, 1 } }, epoch = { 7, 8 } }):script()
    for _, text in ipairs { "'loss'", "'accuracy (share correct)'", "'epoch'", "'training'", "'validation'",
      "\n7 3\n8 2.5\nEND", "\n7 4\n8 3.5\nEND", "\n7 0.25\n8 0.5\nEND", "set xrange [7:8]", "pngcairo" } do
      assert(script:find(text, 1, true), text)
    end
    assert.is_nil(script:find "learning_rate")
    assert.is_nil(script:find "set output")
    script = plot.history({ loss = { 1 } }):script "my curves.svg"
    assert(script:find("set output 'my curves.svg'", 1, true))
    assert(script:find("terminal svg", 1, true))
  end)

  it("steps over missing values and leaves a gap for nan", function()
    local script = plot.history { loss = { 3, nil, 2, nan, 1, math.huge } }:script()
    assert(script:find("<< END\n1 3\n3 2\n\n5 1\nEND", 1, true), script)
  end)

  it("takes a matrix, and counts below shares", function()
    local cm = metrics.confusion_matrix({ "a", "a", "b" }, { "a", "b", "b" })
    assert(plot.confusion_matrix(cm):script():find("\n2 1 1 1 0 ", 1, true))
    local script = plot.confusion_matrix(cm, { normalize = "true" }):script()
    assert(script:find("\n2 1 0.5 0.50 1 ", 1, true))
    assert(script:find("'share of the true class'", 1, true))
    assert.are.equal(script, plot.confusion_matrix({ "a", "a", "b" }, { "a", "b", "b" },
      { normalize = "true" }):script())
    assert(plot.confusion_matrix(cm:normalized "all"):script():find("\n2 1 0.333333333 0.33 0 ", 1, true))
  end)

  it("grows with the number and the length of the names", function()
    local function size(count, name)
      local labels = {}
      for i = 1, count do labels[i] = name .. i end
      local figure = plot.confusion_matrix(labels, labels)
      return figure.width, figure.height
    end
    local w2, h2 = size(2, "a")
    local w12, h12 = size(12, "a")
    local long_w, long_h = size(12, "a name of twenty five ch ")
    assert(w2 < w12 and h2 < h12 and w12 < long_w and h12 < long_h)
  end)

  it("writes text that stands out on every colour of the maps", function()
    local function luminance(colour)
      local total = 0
      for shift, share in pairs { [16] = 0.2126, [8] = 0.7152, [0] = 0.0722 } do
        local c = (colour >> shift & 255) / 255
        total = total + share * (c <= 0.04045 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4)
      end
      return total + 0.05
    end
    for _, name in ipairs(theme.names) do
      local map, last = theme.get(name).map, nil
      for share = 0, 1, 0.01 do
        local colour = theme.at(map, share)
        local a, b = luminance(colour), luminance(theme.on(colour))
        assert(math.max(a, b) / math.min(a, b) >= 3.5)
        local step = a - (last or a)
        assert(name == "dark" and step >= 0 or name == "light" and step <= 0, "the map's lightness must be steady")
        last = a
      end
    end
  end)

  it("describes itself", function()
    assert.are.equal(
      "Figure(curves of loss, 480 x 400 pixels, light): figure:show(), or save it: figure:save \"name.png\", .svg "
        .. "or .pdf",
      tostring(plot.history { loss = { 1 } }))
  end)

  it("says where a file cannot be written, and leaves none", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local figure = plot.history { loss = { 1, 2 } }
    write(folder .. "/file", "text")
    assert.are.same({ nil, folder .. "/file/x.png: Not a directory" }, { figure:save(folder .. "/file/x.png") })
    assert.are.same({ nil, folder .. "/none/x.svg: No such file or directory" },
      { figure:save(folder .. "/none/x.svg") })
    assert(os.execute("mkdir '" .. folder .. "/taken.png'"))
    local ok, reason = figure:save(folder .. "/taken.png")
    assert.is_nil(ok)
    assert.are.equal(folder .. "/taken.png: Is a directory", reason)
    assert.is_nil(read(folder .. "/taken.png.part"))
  end)

  it("keeps the old picture when the disk is full", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local path = folder .. "/full.png"
    write(path, "old")
    local said = elsewhere("ulimit -f 8;", ([[
      local plot = require "lubdub.plot"
      print(plot.history({ loss = { 1, 2 } }):save "%s")
    ]]):format(path))
    assert.are.equal("nil\t" .. path .. ": File too large\n", said)
    assert.are.equal("old", read(path))
    assert.is_nil(read(path .. ".part"))
  end)

  it("writes through a link, and keeps it", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    assert(os.execute(("ln -sf /dev/full '%s/device.png'"):format(folder)))
    assert.are.same({ nil, folder .. "/device.png: No space left on device" },
      { plot.history({ loss = { 1, 2 } }):save(folder .. "/device.png") })
    assert(os.execute(("test -L '%s/device.png'"):format(folder)))
  end)

  it("says that gnuplot is missing, without a signal", function()
    local path = folder .. "/never.png"
    local said = elsewhere("PATH=/nowhere", ([[
      local plot = require "lubdub.plot"
      print(plot.history({ loss = { 1, 2 } }):save "%s")
    ]]):format(path))
    assert.are.equal(
      "nil\tgnuplot: the program was not found; install gnuplot-nox (Debian, Ubuntu) or gnuplot\n", said)
    assert.is_nil(read(path))
  end)

  it("passes on what gnuplot says, and refuses half a picture", function()
    local gnuplot = require "lubdub.plot.gnuplot"
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local picture, reason = gnuplot.draw("set nonsense\n", "png")
    assert.is_nil(picture)
    assert.truthy(reason:find "^gnuplot: line 1: [Uu]nrecogni[sz]ed option")
    assert.are.same({ nil, "gnuplot: the picture is not whole" }, { gnuplot.draw("x = 1\n", "svg") })
  end)

  it("says what is wrong, at the caller's line", function()
    local function fails(message, f, ...)
      local arguments = table.pack(...)
      local ok, got = pcall(function() f(table.unpack(arguments, 1, arguments.n)) end)
      assert.is_false(ok)
      assert(got:find "^spec/plot_spec.lua:%d+: ", got)
      assert.are.equal(message, (got:gsub("^spec/plot_spec.lua:%d+: ", "")))
    end
    local figure = plot.history { loss = { 1 } }
    fails('save: the file name must end in .png, .svg, .pdf, got "x.bmp"', figure.save, figure, "x.bmp")
    fails('save: the file name must end in .png, .svg, .pdf, got "png"', figure.save, figure, "png")
    fails("save: a file name expected, got nil", figure.save, figure)
    fails("plot.history: a history expected, got nil", plot.history)
    fails("plot.history: the history holds no values", plot.history, {})
    fails("plot.history: the history has no recall (it has loss)", plot.history, { loss = { 1 } },
      { metrics = { "recall" } })
    fails("plot.history: unknown option 'titel'; did you mean 'title'?", plot.history, { loss = { 1 } },
      { titel = "x" })
    fails('plot.history: theme must be "light" or "dark", got blue', plot.history, { loss = { 1 } },
      { theme = "blue" })
    fails("plot.history: size must be { width, height } in pixels", plot.history, { loss = { 1 } }, { size = 3 })
    fails("plot.history: size must be { width, height }, each from 100 to 10000 pixels, got 5", plot.history,
      { loss = { 1 } }, { size = { 5, 300 } })
    fails("confusion_matrix: y_true and y_pred must have the same length, got 2 and 1", plot.confusion_matrix,
      { 1, 2 }, { 1 })
    fails("plot.confusion_matrix: labels and sample_weight belong to the matrix given", plot.confusion_matrix,
      metrics.confusion_matrix({ 1, 2 }, { 1, 2 }), { labels = { 1 } })
    fails("plot.confusion_matrix: size leaves no room for 2 classes with these names; at least { 193, 144 }",
      plot.confusion_matrix, { 1, 2 }, { 1, 2 }, { size = { 150, 150 } })
    fails("plot.confusion_matrix: size leaves no room for 1 class with this name; at least { 240, 174 }",
      plot.confusion_matrix, { "artifact" }, { "artifact" }, { size = { 150, 150 }, labels = { "artifact" } })
    local y, scores = { 1, 2, 3, 1, 2, 3 }, {}
    for i = 1, 6 do scores[i] = { i / 10, 0.1, 0.9 - i / 10 } end
    for _, case in ipairs {
      { "roc_curve", { 300, 250 }, "{ 235, 282 }", y, scores }, -- three curves and chance
      { "precision_recall_curve", { 200, 600 }, "{ 228, 259 }", y, scores },
      { "calibration_curve", { 320, 240 }, "{ 308, 320 }", y, scores },
      { "class_counts", { 200, 400 }, "{ 235, 126 }", { "normal" } },
      { "history", { 320, 300 }, "{ 440, 220 }", { loss = { 1 }, accuracy = { 1 } } },
      { "waveform", { 150, 300 }, "{ 188, 190 }", { 1, 2 }, 4000 },
      { "mfcc", { 250, 300 }, "{ 274, 190 }", { { 1 } } },
      { "grad_cam", { 250, 300 }, "{ 274, 190 }", { { 1 } }, { { 1 } } },
    } do
      local arguments = { table.unpack(case, 4) }
      arguments[#arguments + 1] = { size = case[2] }
      fails(("plot.%s: size leaves no room for the picture; at least %s"):format(case[1], case[3]),
        plot[case[1]], table.unpack(arguments))
    end
    assert.are.equal(plot.waveform({ 1, 2 }, 4000):script(), plot.waveform({ 1, 2 }, { sr = 4000 }):script())
    fails("plot.waveform: samples must be a tensor (n) or a list of numbers", plot.waveform, { { 1 } }, 4000)
    fails("plot.waveform: sr must be a number above 0, got nil", plot.waveform, { 1 })
    fails("plot.mfcc: features must be a tensor (n_mfcc, frames)", plot.mfcc, { 1, 2 })
    fails("plot.mfcc: row 2 has 1 frames and row 1 has 2", plot.mfcc, { { 1, 2 }, { 1 } })
  end)
end)
