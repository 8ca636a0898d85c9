-- Figures in the terminal: how the way is chosen, and what each writes.
local plot = require "lubdub.plot"
local terminal = require "lubdub.plot.terminal"
local theme = require "lubdub.plot.theme"

local has_gnuplot = os.execute "command -v gnuplot >/dev/null 2>&1"

local function text(figure, how, width) return assert(terminal.text(figure, { how = how, width = width })) end

local function lines_of(string)
  local lines = {}
  for line in string:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

describe("figure:show", function()
  local curves = plot.history { loss = { 3, 2, 1 }, val_loss = { 3, 3, 3 } }

  it("chooses the way from the environment alone", function()
    local function way(environment, is_terminal)
      environment.LANG = environment.LANG or "en_US.UTF-8"
      return terminal.way(function(name) return environment[name] end, is_terminal ~= false)
    end
    assert.are.equal("256", way { TERM = "xterm-256color" })
    assert.are.equal("blocks", way { TERM = "xterm-256color", COLORTERM = "truecolor" })
    assert.are.equal("blocks", way { TERM = "xterm-direct" })
    assert.are.equal("sixel", way { TERM = "foot" })
    assert.are.equal("sixel", way { TERM = "mlterm-256color" })
    assert.are.equal("sixel", way { TERM = "xterm-256color", TERM_PROGRAM = "WezTerm" })
    assert.are.equal("sixel", way { TERM = "xterm-256color", KONSOLE_VERSION = "230800" })
    assert.are.equal("256", way { TERM = "xterm-256color", KONSOLE_VERSION = "210800" })
    assert.are.equal("256", way { TERM = "screen-256color", TERM_PROGRAM = "WezTerm" })
    assert.are.equal("blocks", way { TERM = "tmux-256color", TMUX = "/tmp/x", COLORTERM = "24bit" })
    assert.are.equal("ascii", way { TERM = "vt100" })
    assert.are.equal("ascii", way { TERM = "dumb", COLORTERM = "truecolor" })
    assert.are.equal("ascii", way {})
    assert.are.equal("ascii", way { TERM = "xterm-256color", LANG = "C" })
    assert.are.equal("256", way { TERM = "xterm-256color", LANG = "C", LC_ALL = "C.utf8" })
    assert.are.equal("ascii", way { TERM = "xterm-256color", LC_ALL = "POSIX" })
    assert.are.equal("ascii", way({ TERM = "foot" }, false))
    assert.are.equal("sixel", way({ LUBDUB_SHOW = "sixel" }, false))
    assert.are.equal("ascii", way { TERM = "foot", LUBDUB_SHOW = "ascii" })
    assert.are.equal("sixel", way { TERM = "foot", LUBDUB_SHOW = "nonsense" })
  end)

  it("writes plain characters, a mark for each curve", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local plain = text(curves, "ascii", 60)
    assert.is_nil(plain:find "[\27\128-\255]")
    local lines = lines_of(plain)
    for _, line in ipairs(lines) do assert(#line <= 60) end
    assert(plain:find "%* training +o validation")
    assert(plain:find "\n +loss\n")
    assert(plain:find "\n +epoch\n")
    assert(plain:find "\n +1 +2 +3\n")
    -- validation stays at the top right, training falls to a third of it
    local top, low
    for i, line in ipairs(lines) do
      if line:find "ooo$" then top = i end
      if line:find "%*$" then low = i end
    end
    assert(top and low and low > top + 5, plain)
  end)

  it("writes half blocks in 24-bit and in 256 colours", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    for how, code in pairs { blocks = "%d?8;2;0;114;178", ["256"] = "%d?8;5;%d+" } do
      local blocks = text(curves, how, 50)
      assert(blocks:find(code), how)
      for _, line in ipairs(lines_of(blocks)) do
        assert(line:find "\27%[0m$")
        assert.are.equal(50, utf8.len((line:gsub("\27%[[%d;]*m", ""))))
      end
      assert(blocks:find "■")
      assert((blocks:gsub("\27%[[%d;]*m", "")):find("training", 1, true))
    end
  end)

  it("writes the map's colours where they belong", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local figure = plot.mfcc({ { 0, 0, 0, 9 }, { 0, 0, 0, 9 } }, { title = false, size = { 400, 200 } })
    local blocks = text(figure, "blocks", 50)
    local function near(colour) -- sixels have percents
      for r, g, b in blocks:gmatch "48;2;(%d+);(%d+);(%d+)" do
        local off = math.abs(r - (colour >> 16)) + math.abs(g - (colour >> 8 & 255)) + math.abs(b - (colour & 255))
        if off < 9 then return true end
      end
    end
    assert(near(theme.sound[1]) and near(theme.sound[#theme.sound]))
  end)

  it("shows names as they are, and lets none steer the terminal", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local names = { "\27[31mred\a", "<&>\"'", "Ж正", "50 %" }
    local plain = text(plot.class_counts(names), "ascii", 80)
    assert.is_nil(plain:find "[%c\128-\159]" and plain:gsub("\n", ""):find "%c")
    for _, name in ipairs { "[31mred", "<&>\"'", "Ж正", "50 %" } do assert(plain:find(name, 1, true), name) end
  end)

  it("writes sixels", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local sixels = text(curves, "sixel")
    assert(sixels:find "^\27P")
    assert(sixels:find "\27\\\n$")
    assert(sixels:find('"1;1;480;400', 1, true))
  end)

  it("fits every figure into a narrow terminal", function()
    if not has_gnuplot then return pending "gnuplot is not installed" end
    local truth, guess = { "a", "b", "c", "c" }, { "a", "c", "c", "b" }
    for _, figure in ipairs { plot.confusion_matrix(truth, guess), plot.class_counts(truth),
      plot.roc_curve({ 0, 1, 1 }, { 0.1, 0.4, 0.05 }), plot.calibration_curve({ 0, 1, 1 }, { 0.1, 0.4, 0.05 }),
      plot.waveform({ 0, 1, 0, -1 }, 4), plot.spectrogram({ { 1, 2 }, { 3, 4 } }), plot.history { loss = {} } } do
      for _, how in ipairs { "ascii", "blocks" } do assert(#text(figure, how, 40) > 100) end
    end
    local plain = text(plot.confusion_matrix(truth, guess), "ascii", 60)
    assert(plain:find "\n +a +b +c\n")
  end)

  it("returns the reason where gnuplot is missing", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    assert(file:write 'print(require "lubdub.plot".history({ loss = { 1 } }):show())')
    file:close()
    local lua = os.execute "command -v lua5.4 >/dev/null 2>&1" and "lua5.4" or "lua"
    local pipe = assert(io.popen(("LUA_PATH='%s' LUA_CPATH='%s'; export LUA_PATH LUA_CPATH; L=$(command -v %s); "
      .. "PATH=/nowhere \"$L\" '%s' 2>&1"):format(package.path, package.cpath, lua, path)))
    local said = pipe:read "a"
    pipe:close()
    os.remove(path)
    assert.are.equal(
      "nil\tgnuplot: the program was not found; install gnuplot-nox (Debian, Ubuntu) or gnuplot\n", said)
  end)

  it("says what is wrong", function()
    local function fails(message, given)
      local ok, got = pcall(function() curves:show(given) end)
      assert.is_false(ok)
      assert.are.equal(message, (got:gsub("^spec/show_spec.lua:%d+: ", "")))
    end
    fails('show: how must be "auto", "sixel", "blocks", "256" or "ascii", got "kitty"', { how = "kitty" })
    fails("show: width must be a whole number from 30, got 5", { width = 5 })
    fails("show: unknown option 'widht'; did you mean 'width'?", { widht = 80 })
  end)
end)
