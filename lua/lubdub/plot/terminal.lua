--- Figures in the terminal.
--
-- How a figure is shown is chosen from the environment alone: a terminal that is asked may never answer.
--
-- 1. `LUBDUB_SHOW` = sixel, blocks, 256 or ascii decides, where it is set.
-- 2. Output that is no terminal, `TERM` = dumb or none, or a locale (LC_ALL, LC_CTYPE, LANG) without UTF-8: ascii.
-- 3. Terminals known for sixels, outside of tmux and screen: `TERM` that begins with foot, mlterm, yaft or contour or
--    contains sixel; `TERM_PROGRAM` = WezTerm, iTerm.app or mintty; Konsole from 22.04 (`KONSOLE_VERSION`): sixel.
-- 4. `COLORTERM` = truecolor or 24bit, or a `TERM` that says direct: blocks of 24-bit colours.
-- 5. Any other: blocks of 256 colours where `TERM` says 256color, else ascii.
--
-- xterm takes sixels only where it was so built and started, and says so nowhere: LUBDUB_SHOW=sixel tells it.
-- @module lubdub.plot.terminal
local cells = require "lubdub.plot.cells"
local core = require "lubdub.core"
local gnuplot = require "lubdub.plot.gnuplot"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"

local terminal = {}

local WIDEST, ELSEWHERE = 100, 80 -- columns

local ways = { "auto", "sixel", "blocks", "256", "ascii" }
local sixel_programs = { WezTerm = true, ["iTerm.app"] = true, mintty = true }

--- How figures are shown here.
-- @tparam function getenv name -> value or nil
-- @tparam boolean is_terminal whether output goes to a terminal
-- @treturn string "sixel", "blocks", "256" or "ascii"
function terminal.way(getenv, is_terminal)
  local wish = getenv "LUBDUB_SHOW"
  for i = 2, #ways do
    if wish == ways[i] then return wish end
  end
  local term = getenv "TERM" or ""
  local locale = ""
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    if locale == "" then locale = getenv(name) or "" end
  end
  if not is_terminal or term == "" or term == "dumb" or not locale:upper():find "UTF%-?8" then return "ascii" end
  local inside = getenv "TMUX" or term:find "^screen" or term:find "^tmux"
  if not inside and (term:find "^foot" or term:find "^mlterm" or term:find "^yaft" or term:find "^contour"
    or term:find "sixel" or sixel_programs[getenv "TERM_PROGRAM" or ""]
    or (tonumber(getenv "KONSOLE_VERSION") or 0) >= 220400) then
    return "sixel"
  end
  local colours = getenv "COLORTERM"
  if colours == "truecolor" or colours == "24bit" or term:find "direct" then return "blocks" end
  return term:find "256color" and "256" or "ascii"
end

-- The number of a colour among xterm's 256.
local function of_256(colour)
  local r, g, b = colour >> 16, colour >> 8 & 255, colour & 255
  if math.max(r, g, b) - math.min(r, g, b) < 12 then
    local grey = (r + g + b) // 3
    if grey < 4 then return 16 elseif grey > 246 then return 231 end
    return 232 + math.min(23, math.max(0, math.floor((grey - 8) / 10 + 0.5)))
  end
  local function step(c) return c < 48 and 0 or c < 115 and 1 or (c - 35) // 40 end
  return 16 + 36 * step(r) + 6 * step(g) + step(b)
end

local function rgb(kind, colour)
  return ("%d;2;%d;%d;%d"):format(kind, colour >> 16, colour >> 8 & 255, colour & 255)
end

local function indexed(kind, colour) return ("%d;5;%d"):format(kind, of_256(colour)) end

local function mix(a, b) return (a & 0xFEFEFE) // 2 + (b & 0xFEFEFE) // 2 end

-- Half blocks: the upper point in the letter's colour, the lower in the background's.
local function blocks(grid, code)
  local lines = {}
  for i, row in ipairs(grid) do
    local parts, ink, paper = {}, nil, nil
    for _, cell in ipairs(row) do
      local text, fore, back = cell.text, cell.ink, cell.upper
      if not text and cell.upper == cell.lower then
        text, fore = " ", ink
      elseif not text then
        text, fore, back = "▀", cell.upper, cell.lower
      else
        back = mix(cell.upper, cell.lower)
      end
      local codes = {}
      if fore and fore ~= ink then codes[1], ink = code(38, fore), fore end
      if back ~= paper then codes[#codes + 1], paper = code(48, back), back end
      if #codes > 0 then parts[#parts + 1] = "\27[" .. table.concat(codes, ";") .. "m" end
      parts[#parts + 1] = text
    end
    parts[#parts + 1] = "\27[0m\n"
    lines[i] = table.concat(parts)
  end
  return table.concat(lines)
end

local marks = { "*", "o", "+", "x", "#", "%", "@" } -- of curves
local ramp = { " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" }

local function apart(a, b)
  return math.abs((a >> 16) - (b >> 16)) + math.abs((a >> 8 & 255) - (b >> 8 & 255)) + math.abs((a & 255) - (b & 255))
end

-- The colours of the curves that a figure has: those in its legend, or else the first.
local function curves_of(grid, theme)
  local colours, seen = {}, {}
  for _, row in ipairs(grid) do
    for _, cell in ipairs(row) do
      local colour = cell.curve
      if colour and not seen[colour] and apart(colour, theme.text) > 150 then
        colours[#colours + 1], seen[colour] = colour, true
      end
    end
  end
  return #colours > 0 and colours or { theme.curves[1] }
end

-- The mark of the nearest of the curves; of a letter's colour a dot, which axes and their like have.
local function mark_of(colour, curves, theme)
  local best, distance = ".", apart(colour, theme.text)
  for i, curve in ipairs(curves) do
    local d = apart(curve, colour)
    if d < distance then best, distance = marks[(i - 1) % #marks + 1], d end
  end
  return best
end

local function luminance(colour)
  return (0.3 * (colour >> 16) + 0.59 * (colour >> 8 & 255) + 0.11 * (colour & 255)) / 255
end

-- A plain character for a cell: of a picture the denser the more it differs from the paper, of curves one each.
local function plain(cell, canvas, curves)
  local theme = canvas.theme
  if cell.curve then return mark_of(cell.curve, curves, theme) end
  if cell.text then return cell.text end
  if canvas.map then
    local share = math.abs(luminance(mix(cell.upper, cell.lower)) - luminance(theme.background))
    return ramp[math.min(#ramp, math.floor(share * #ramp) + 1)]
  end
  local colour = apart(cell.upper, theme.background) > apart(cell.lower, theme.background) and cell.upper or cell.lower
  return apart(colour, theme.background) < 120 and " " or mark_of(colour, curves, theme)
end

local function ascii(grid, canvas)
  local lines, curves = {}, curves_of(grid, canvas.theme)
  for i, row in ipairs(grid) do
    local parts = {}
    for j, cell in ipairs(row) do parts[j] = plain(cell, canvas, curves) end
    lines[i] = table.concat(parts):gsub(" +$", "")
  end
  return table.concat(lines, "\n") .. "\n"
end

--- What `figure:show` writes.
-- @tparam Figure figure
-- @tparam ?table given `how`, `width`
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string reason
function terminal.text(figure, given)
  local o = options.read("show", given, { how = "auto", width = false })
  input.choice("show", "how", o.how, ways)
  local columns = core.terminal_columns()
  local width = o.width and input.count("show", "width", o.width, 30)
    or columns and math.max(30, math.min(columns, WIDEST)) or ELSEWHERE
  local way = o.how ~= "auto" and o.how or terminal.way(os.getenv, columns ~= nil)
  if way == "sixel" then
    local picture, reason = gnuplot.draw((figure:commands "sixel"), "sixel")
    return picture and picture .. "\n", reason
  end
  local grid, canvas = cells.of(figure, width)
  if not grid then return nil, canvas end
  if way == "ascii" then return ascii(grid, canvas) end
  return blocks(grid, way == "256" and indexed or rgb)
end

return terminal
