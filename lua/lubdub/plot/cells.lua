--- A figure in characters. gnuplot draws it twice: without letters in sixels, two points a character one above the
-- other, and as an SVG, whose letters become characters at their places.
-- @module lubdub.plot.cells
local gnuplot = require "lubdub.plot.gnuplot"

local cells = {}

local WIDE, HIGH = 8, 16 -- pixels of a character on the sheet

-- The colours of a sixel picture: rows of 0xRRGGBB.
local function decode(text)
  local width, height = text:match '"%d+;%d+;(%d+);(%d+)'
  width, height = tonumber(width), tonumber(height)
  local rows, palette, colour, x, y = {}, {}, 0, 1, 1
  for i = 1, height do rows[i] = {} end
  local at, last = select(2, text:find '"[%d;]+') + 1, #text
  while at <= last do
    local byte = text:byte(at)
    if byte == 35 then -- # number, or # number ; 2 ; red ; green ; blue (in percent)
      local stop = select(2, text:find("^#%d+[%d;]*", at))
      local number, rest = text:sub(at, stop):match "^#(%d+);?(.*)$"
      colour = tonumber(number)
      local r, g, b = rest:match "^2;(%d+);(%d+);(%d+)$"
      if r then
        local function channel(percent) return math.floor(percent * 255 / 100 + 0.5) end
        palette[colour] = channel(r) << 16 | channel(g) << 8 | channel(b)
      end
      at = stop + 1
    elseif byte == 36 then -- $: back to the line's start
      x, at = 1, at + 1
    elseif byte == 45 then -- -: six points down
      x, y, at = 1, y + 6, at + 1
    elseif byte == 27 then
      break
    else
      local count = 1
      if byte == 33 then -- ! count character
        local stop = select(2, text:find("^!%d+", at))
        count = tonumber(text:sub(at + 1, stop))
        at = stop + 1
        byte = text:byte(at)
      end
      if byte and byte >= 63 and byte <= 126 then
        local bits = byte - 63
        for bit = 0, 5 do
          local row = bits >> bit & 1 == 1 and rows[y + bit]
          for i = x, row and math.min(x + count, width + 1) - 1 or 0 do row[i] = palette[colour] end
        end
        x = x + count
      end
      at = at + 1
    end
  end
  return rows, width, height
end

local entities = { amp = "&", lt = "<", gt = ">", quot = '"', ["#39"] = "'", apos = "'" }

local function colour_of(attributes, pattern)
  local r, g, b = attributes:match(pattern .. "rgb%(%s*(%d+),%s*(%d+),%s*(%d+)%)")
  return r and tonumber(r) << 16 | tonumber(g) << 8 | tonumber(b)
end

-- The letters of an SVG: { text =, x =, y =, anchor =, turned =, colour =, curve = colour of the curve that it names }.
local function letters(svg, legend)
  local list, named = {}, nil
  for tag, attributes, body in svg:gmatch "<(/?%w+)([^>]*)>([^<]*)" do
    if tag == "g" then
      local x, y = attributes:match "translate%(([-%d.]+),([-%d.]+)%)"
      if x then
        list[#list + 1] = {
          x = tonumber(x), y = tonumber(y), turned = attributes:find("rotate(-90", 1, true) ~= nil,
          anchor = attributes:match 'text%-anchor="(%w+)"' or "start", text = "",
          colour = colour_of(attributes, 'fill="') or 0,
        }
        if named == "title" then named = list[#list] end
      elseif legend and attributes:find('id="gnuplot_plot', 1, true) then
        named = "title"
      end
    elseif (tag == "text" or tag == "tspan") and list[#list] then
      list[#list].text = list[#list].text .. body
    elseif tag == "path" and type(named) == "table" then
      named.curve = colour_of(attributes, "stroke='")
      if named.curve then named = nil end
    end
  end
  for _, letter in ipairs(list) do
    letter.text = letter.text:gsub("&(#?%w+);", entities):gsub("^%s+", ""):gsub("%s+$", "")
  end
  return list
end

-- Whether a character takes two columns.
local function is_wide(code)
  return code >= 0x1100 and (code <= 0x115F or code >= 0x2E80 and code <= 0xA4CF or code >= 0xAC00 and code <= 0xD7A3
    or code >= 0xF900 and code <= 0xFAFF or code >= 0xFE30 and code <= 0xFE6F or code >= 0xFF00 and code <= 0xFF60
    or code >= 0xFFE0 and code <= 0xFFE6 or code >= 0x1F300 and code <= 0x1FAFF or code >= 0x20000)
end

local function write_letter(grid, letter)
  local list, length = {}, 0
  if letter.curve then list[1], length = { "■", curve = letter.curve }, 2 end
  if letter.curve then list[2] = { " " } end
  for _, code in utf8.codes(utf8.len(letter.text) and letter.text or letter.text:gsub("[\x80-\xFF]", "?")) do
    if code >= 32 and not (code >= 127 and code < 160) then
      list[#list + 1] = { utf8.char(code), wide = is_wide(code) and not letter.turned }
      length = length + (list[#list].wide and 2 or 1)
    end
  end
  local back = letter.anchor == "middle" and length / 2 or letter.anchor == "end" and length or 0
  local row, column = (letter.y - 4.5) / HIGH, letter.x / WIDE - back
  if letter.turned then row, column = letter.y / HIGH - back, (letter.x - 4.5) / WIDE end
  row, column = math.floor(row) + 1, math.floor(column + 0.5) + 1
  for _, one in ipairs(list) do
    local line = grid[row]
    local cell = line and line[column]
    if cell then cell.text, cell.ink, cell.curve = one[1], one.curve or letter.colour, one.curve end
    if one.wide and line and line[column + 1] then line[column + 1].text = "" end
    if letter.turned then row = row + 1 else column = column + (one.wide and 2 or 1) end
  end
end

--- A figure as a grid of cells.
-- @tparam Figure figure
-- @tparam integer columns
-- @treturn[1] table rows of { upper =, lower = colours; text =, ink = where a letter stands; curve = its curve's
-- colour }
-- @treturn[1] table the canvas: `theme`, and `map` where numbers are shown as colours
-- @treturn[2] nil
-- @treturn[2] string reason
function cells.of(figure, columns)
  local lines = math.max(14, math.floor(columns * WIDE * figure.height / figure.width / HIGH + 0.5))
  local script, canvas = figure:commands("cells", columns * WIDE, lines * HIGH)
  local sixels, reason = gnuplot.draw(script, "cells")
  if not sixels then return nil, reason end
  local lettered, sheet = figure:commands("letters", columns * WIDE, lines * HIGH)
  local svg, no_letters = gnuplot.draw(lettered, "letters")
  if not svg then return nil, no_letters end
  local points, grid = decode(sixels), {}
  for row = 1, lines do
    grid[row] = {}
    local upper, lower = points[2 * row - 1] or {}, points[2 * row] or {}
    for column = 1, columns do
      local background = canvas.theme.background
      grid[row][column] = { upper = upper[column] or background, lower = lower[column] or background }
    end
  end
  for _, letter in ipairs(letters(svg, sheet.legend)) do write_letter(grid, letter) end
  return grid, canvas
end

return cells
