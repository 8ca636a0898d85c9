--- A sheet that a figure is written on: gnuplot's commands, in pixels, for one output format.
-- Texts are always in single quotes, where gnuplot runs no backticks and expands nothing; `noenhanced` leaves _ ^ { }
-- alone. Boxes of text are estimated, so that margins fit long names.
-- @module lubdub.plot.canvas
local theme = require "lubdub.plot.theme"

local Canvas = {}
Canvas.__index = Canvas

local WIDE = 0.6 -- of the font size: a character of a sans-serif face, on average, rather too much

-- gnuplot's units: cairo fonts are in points of 4/3 pixel, SVG fonts in pixels; a PDF's size is in inches of 72 pixels.
local terminals = {
  png = { name = "pngcairo", face = "Sans", point = 0.75 },
  svg = { name = "svg", face = "sans-serif", point = 1 },
  sixel = { name = "sixelgd", face = "Sans", point = 0.75, more = "truecolor" },
  -- For lubdub.plot.cells, on sheets of 8 by 16 pixels a character: the picture without letters, at 1 by 2 pixels a
  -- character, and the letters, which are read from an SVG.
  cells = { name = "sixelgd", face = "Sans", point = 1e-4, more = "truecolor linewidth 0.5", shrink = 8,
    bare = true },
  letters = { name = "svg", face = "sans-serif", point = 1, upright = true },
  pdf = { name = "pdfcairo", face = "Sans", point = 0.75, smooths = true, inch = 72,
    more = "fontscale 1 linewidth 1.5" },
}

Canvas.formats = { "png", "svg", "pdf" }

--- A string for gnuplot: one line of UTF-8 in single quotes.
local function quote(text)
  text = tostring(text):gsub("%c", " ")
  return "'" .. text:gsub("'", "''") .. "'"
end

--- @tparam string format "png", "svg", "pdf", "sixel", "cells" or "letters"
-- @tparam integer width pixels
-- @tparam integer height pixels
-- @tparam string theme_name "light" or "dark"
function Canvas.new(format, width, height, theme_name)
  local self = setmetatable({
    format = format,
    width = width,
    height = height,
    theme = theme.get(theme_name),
    lines = {},
  }, Canvas)
  local t = terminals[format]
  local shrink = t.shrink or 1
  local size = ("%d,%d"):format(width // shrink, height // shrink)
  if t.inch then size = ("%.4fin,%.4fin"):format(width / t.inch, height / t.inch) end
  self.terminal, self.smooths, self.bare, self.upright = t, t.smooths, t.bare, t.upright or t.bare
  self.points = t.bare and 0.1 or 0.6 -- the size of a curve's points
  self:add("set encoding utf8")
  self:add("set terminal %s noenhanced size %s font %s background %s %s", t.name, size, self:font(14),
    self:colour "background", t.more or "")
  self:add("set border 3 linecolor rgb %s", self:colour "text")
  self:add("set tics nomirror out scale 0.6 textcolor rgb %s", self:colour "text")
  self:add("set grid linecolor rgb %s linewidth 1 linetype 1", self:colour "faint")
  self:add("set key textcolor rgb %s", self:colour "text")
  self.legend = false -- until a figure asks for one
  if t.bare then self.lines[#self.lines + 1] = "unset key; unset xtics; unset ytics; unset cbtics" end
  return self
end

--- Adds one line; its arguments must be quoted already where they are texts. A bare sheet takes neither letters nor
-- what is placed by them: legend, tics and grid.
function Canvas:add(line, ...)
  if self.bare and (line:find "^set key" or line:find "^set grid" or line:find "^set c?[xyb]?tics"
    or line:find "^set label") then
    return
  end
  self.legend = self.legend or line:find "^set key" ~= nil
  self.lines[#self.lines + 1] = (select("#", ...) > 0 and line:format(...) or line):gsub("%s+$", "")
end

Canvas.quote = quote

--- The name of a tic: a text in which gnuplot sees no number format.
function Canvas.tic(text) return (quote(text):gsub("%%", "%%%%")) end

--- A font of `px` pixels.
function Canvas:font(px)
  return quote(("%s,%.4g"):format(self.terminal.face, px * self.terminal.point))
end

--- A colour of the theme by name or of a list by value.
function Canvas:colour(what)
  return quote(theme.hex(type(what) == "string" and self.theme[what] or what))
end

--- A text of at most `most` characters, with an ellipsis where it was longer.
function Canvas.shortened(text, most)
  text = tostring(text):gsub("%c", " ")
  local length = utf8.len(text)
  if not length or length <= most then return text end
  return text:sub(1, utf8.offset(text, most) - 1) .. "…"
end

--- The width of a text in pixels, estimated.
function Canvas.text_width(text, px)
  return (utf8.len(text) or #text) * px * WIDE
end

--- Puts the frame of the axes `left`, `right`, `top`, `bottom` pixels from the sheet's edges.
function Canvas:margins(left, right, top, bottom)
  self:add("set lmargin at screen %.5f", left / self.width)
  self:add("set rmargin at screen %.5f", 1 - right / self.width)
  self:add("set tmargin at screen %.5f", 1 - top / self.height)
  self:add("set bmargin at screen %.5f", bottom / self.height)
end

--- A text around (x, y) pixels from the sheet's left and top, `turn` degrees to the left. Titles and the names of axes
-- are such texts: each terminal would put its own distance between them and the axes.
function Canvas:text(text, x, y, px, turn)
  self:add("set label %s at screen %.5f,%.5f center rotate by %d font %s textcolor rgb %s", quote(text),
    x / self.width, 1 - y / self.height, turn or 0, self:font(px), self:colour "text")
end

--- The colours of a picture's numbers.
function Canvas:palette(map)
  self.map = map
  local stops = {}
  for i, colour in ipairs(map) do stops[i] = ("%d %s"):format(i - 1, self:colour(colour)) end
  self:add("set palette defined (%s)", table.concat(stops, ", "))
end

--- The script as text.
function Canvas:script() return table.concat(self.lines, "\n") .. "\n" end

return Canvas
