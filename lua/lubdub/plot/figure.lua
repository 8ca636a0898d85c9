--- A figure: what to draw, and how to write it to a file.
-- @classmod lubdub.plot.Figure
local blame = require "lubdub.blame"
local Canvas = require "lubdub.plot.canvas"
local core = require "lubdub.core"
local gnuplot = require "lubdub.plot.gnuplot"
local theme = require "lubdub.plot.theme"

local Figure = { __name = "lubdub.Figure" }
Figure.__index = Figure

local SMALLEST, LARGEST = 100, 10000

--- The options of every figure, with defaults for `options.read`, and `more` of one figure's own.
function Figure.options(title, more)
  local known = { size = false, title = title, theme = "light" }
  for name, value in pairs(more or {}) do known[name] = value end
  return known
end

--- @tparam string where the function that makes it, for messages
-- @tparam string what a few words on what it shows
-- @tparam table o size = { width, height } in pixels, theme = "light" or "dark"
-- @tparam function draw draw(canvas) adds the commands
-- @tparam ?table least { width, height } in pixels below which nothing can be read
function Figure.new(where, what, o, draw, least)
  local size = o.size
  if type(size) ~= "table" or #size ~= 2 then blame("%s: size must be { width, height } in pixels", where) end
  for _, length in ipairs(size) do
    if type(length) ~= "number" or not (length >= SMALLEST and length <= LARGEST) then
      blame("%s: size must be { width, height }, each from %d to %d pixels, got %s", where, SMALLEST, LARGEST,
        tostring(length))
    end
  end
  if least and (size[1] < least[1] or size[2] < least[2]) then
    blame("%s: size leaves no room for the picture; at least { %d, %d }", where, math.ceil(least[1]),
      math.ceil(least[2]))
  end
  if not theme.get(o.theme) then
    blame('%s: theme must be "%s", got %s', where, table.concat(theme.names, '" or "'), tostring(o.theme))
  end
  return setmetatable({
    what = what, width = math.floor(size[1]), height = math.floor(size[2]), theme = o.theme, draw = draw,
  }, Figure)
end

local function format_of(where, path)
  if type(path) ~= "string" then blame("%s: a file name expected, got %s", where, type(path)) end
  local extension = path:match "%.([^./]+)$"
  for _, format in ipairs(Canvas.formats) do
    if extension and extension:lower() == format then return format end
  end
  blame('%s: the file name must end in .%s, got "%s"', where, table.concat(Canvas.formats, ", ."), path)
end

--- The gnuplot script: of a PNG on standard output, or of the file `path` (its ending is the format).
-- @tparam[opt] string path
-- @treturn string
function Figure:script(path)
  local format = path and format_of("script", path) or "png"
  local canvas = Canvas.new(format, self.width, self.height, self.theme)
  if path then canvas:add("set output %s", canvas.quote(path)) end
  self.draw(canvas)
  return canvas:script()
end

-- An SVG that can stand in a web page: no XML declaration, and our words where gnuplot names itself.
local function tidy_svg(text, what)
  local escaped = what:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })
  text = text:gsub("^%s*<%?xml.-%?>%s*", ""):gsub("<image ", '<image style="image-rendering:pixelated" ')
  return (text:gsub("<title>.-</title>", function() return "<title>" .. escaped .. "</title>" end, 1))
end

-- The commands for one of the canvas' formats, on a sheet of another size where one is given; and the canvas.
function Figure:commands(format, width, height)
  local canvas = Canvas.new(format, width or self.width, height or self.height, self.theme)
  self.draw(canvas)
  return canvas:script(), canvas
end

--- The picture as a string.
-- @tparam ?string format "png" (default), "svg" or "pdf"
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string reason: gnuplot is missing, or what it says
function Figure:render(format)
  format = format or "png"
  local known = { png = true, svg = true, pdf = true }
  if not known[format] then blame('render: format must be "png", "svg" or "pdf", got %s', tostring(format)) end
  local picture, reason = gnuplot.draw(self:commands(format), format)
  if picture and format == "svg" then picture = tidy_svg(picture, self.what) end
  return picture, reason
end

--- Draws the figure and writes it to `path`: .png, .svg or .pdf.
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string reason: gnuplot is missing, or the file cannot be written
-- @raise on another ending
function Figure:save(path)
  local picture, reason = self:render(format_of("save", path))
  if not picture then return nil, reason end
  return core.write_aside(path, picture)
end

--- Shows the figure in the terminal: as a picture (sixel) where the terminal is known to take one, else in coloured
-- half blocks, and in plain characters where output is no terminal. See `lubdub.plot.terminal` for how that is found
-- out; the terminal is never asked. In a notebook it is shown there.
-- @tparam[opt] table given
-- @tparam ?string given.how "auto", "sixel", "blocks" (24-bit colours), "256" (blocks of 256 colours) or "ascii"
-- @tparam ?integer given.width in characters (default: the terminal's, at most 100; 80 elsewhere)
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string reason: gnuplot is missing, or what it says
function Figure:show(given)
  if given == nil and rawget(_G, "ilua") then
    require("lubdub.display").show(self)
    return true
  end
  local text, reason = require "lubdub.plot.terminal".text(self, given)
  if not text then return nil, reason end
  io.stdout:write(text)
  io.stdout:flush()
  return true
end

-- In a notebook: the picture; where it cannot be drawn, the reason.
function Figure:__mimebundle()
  local picture, reason = self:render "png"
  if not picture then return { ["text/plain"] = tostring(self) .. "\n" .. reason } end
  return { ["image/png"] = picture, ["text/plain"] = ("Figure(%s)"):format(self.what) }
end

function Figure:__tostring()
  return ("Figure(%s, %d x %d pixels, %s): figure:show(), or save it: figure:save \"name.png\", .svg or .pdf"):format(
    self.what, self.width, self.height, self.theme)
end

return Figure
