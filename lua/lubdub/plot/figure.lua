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
function Figure.new(where, what, o, draw)
  local size = o.size
  if type(size) ~= "table" or #size ~= 2 then blame("%s: size must be { width, height } in pixels", where) end
  for _, length in ipairs(size) do
    if type(length) ~= "number" or not (length >= SMALLEST and length <= LARGEST) then
      blame("%s: size must be { width, height }, each from %d to %d pixels, got %s", where, SMALLEST, LARGEST,
        tostring(length))
    end
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
  text = text:gsub("^%s*<%?xml.-%?>%s*", "")
  return (text:gsub("<title>.-</title>", function() return "<title>" .. escaped .. "</title>" end, 1))
end

--- Draws the figure and writes it to `path`: .png, .svg or .pdf.
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string reason: gnuplot is missing, or the file cannot be written
-- @raise on another ending
function Figure:save(path)
  local format = format_of("save", path)
  local canvas = Canvas.new(format, self.width, self.height, self.theme)
  self.draw(canvas)
  local picture, reason = gnuplot.draw(canvas:script(), format)
  if not picture then return nil, reason end
  if format == "svg" then picture = tidy_svg(picture, self.what) end
  return core.write_aside(path, picture)
end

-- In a notebook: the picture; where it cannot be drawn, the reason.
function Figure:__mimebundle()
  local canvas = Canvas.new("png", self.width, self.height, self.theme)
  self.draw(canvas)
  local picture, reason = gnuplot.draw(canvas:script(), "png")
  if not picture then return { ["text/plain"] = tostring(self) .. "\n" .. reason } end
  return { ["image/png"] = picture, ["text/plain"] = ("Figure(%s)"):format(self.what) }
end

function Figure:__tostring()
  return ("Figure(%s, %d x %d pixels, %s): save it with figure:save \"name.png\", .svg or .pdf"):format(
    self.what, self.width, self.height, self.theme)
end

return Figure
