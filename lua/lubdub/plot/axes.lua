--- A frame with a title, named axes and, on the right, a colour bar.
-- @module lubdub.plot.axes
local blame = require "lubdub.blame"

local axes = {}

axes.LEFT, axes.ABOVE, axes.BELOW, axes.RIGHT, axes.BAR = 84, 48, 62, 24, 110 -- pixels around the frame
local TOP = 20 -- above it without a title

local FRAME = 80 -- pixels of a frame's sides, at the least

--- The least size of a picture with a frame, for Figure.new.
-- @tparam table o as of `frame`, and `wide`: pixels of the frame's width at the least
-- @treturn table { width, height } in pixels
function axes.least(o)
  return { (o.left or axes.LEFT) + (o.right or axes.RIGHT) + (o.wide or FRAME),
    (o.title and axes.ABOVE or TOP) + (o.below or axes.BELOW) + FRAME }
end

--- Frame, title and the names of the axes.
-- @tparam Canvas canvas
-- @tparam table o title (false for none), x, y, and right, left, below: pixels beside the frame
-- @treturn table left, top, width, height of the frame in pixels
function axes.frame(canvas, o)
  local left, right, below = o.left or axes.LEFT, o.right or axes.RIGHT, o.below or axes.BELOW
  local above = o.title and axes.ABOVE or TOP
  local width, height = canvas.width - left - right, canvas.height - above - below
  canvas:margins(left, right, above, below)
  if o.title then canvas:text(o.title, left + width / 2, above / 2, 16) end
  if o.x then canvas:text(o.x, left + width / 2, canvas.height - below + 46, 14) end
  if o.y then canvas:text(o.y, 18, above + height / 2, 14, 90) end
  canvas:add "unset key"
  return { left = left, top = above, width = width, height = height }
end

--- A colour bar right of a frame.
-- @tparam Canvas canvas
-- @tparam table frame
-- @tparam table map colours
-- @tparam number low
-- @tparam number high
-- @tparam string name what its numbers are
function axes.bar(canvas, frame, map, low, high, name)
  canvas:palette(map)
  canvas:add("set cbrange [%.7g:%.7g]", low, high)
  canvas:add("set colorbox user origin screen %.5f,%.5f size screen %.5f,%.5f noborder",
    (frame.left + frame.width + 16) / canvas.width, 1 - (frame.top + frame.height) / canvas.height, 16 / canvas.width,
    frame.height / canvas.height)
  canvas:text(name, canvas.width - 16, frame.top + frame.height / 2, 14, 90)
end

--- Whether a value is a number that can be drawn.
function axes.finite(x) return type(x) == "number" and x == x and math.abs(x) ~= math.huge end

--- A number above 0.
function axes.positive(where, name, value)
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then
    blame("%s: %s must be a number above 0, got %s", where, name, tostring(value))
  end
  return value
end

--- A tensor (rows, columns) with means of as many neighbouring columns each that no more than twice `most` are left,
-- and how many those are: Lua need not see millions of numbers. What is over at the end is left out.
-- @param value anything; what is no such tensor comes back as it is
-- @tparam integer most
-- @treturn any value
-- @treturn integer columns that became one
function axes.thinned(value, most)
  if type(value) ~= "userdata" or not value.ndim or value:ndim() ~= 2 then return value, 1 end
  local rows, columns = table.unpack(value:shape())
  local factor = columns // most
  if factor < 2 then return value, 1 end
  local n = columns // factor
  return value:slice(2, 1, n * factor):reshape({ rows, n, factor }):mean(3), factor
end

--- The rows of a matrix: a tensor (rows, columns) or (rows, columns, 1), or a table.
-- @tparam string where
-- @tparam string expected the argument and its shape, for messages
-- @param value
-- @treturn table rows
-- @treturn integer columns
function axes.rows(where, expected, value)
  local rows = value
  if type(value) == "userdata" and value.totable then rows = value:totable() end
  local columns = type(rows) == "table" and type(rows[1]) == "table" and #rows[1] or 0
  if columns == 0 then blame("%s: %s", where, expected) end
  local result = {}
  for i, row in ipairs(rows) do
    if type(row) ~= "table" then blame("%s: %s", where, expected) end
    if #row ~= columns then blame("%s: row %d has %d frames and row 1 has %d", where, i, #row, columns) end
    result[i] = {}
    for j, x in ipairs(row) do
      if type(x) == "table" and #x == 1 then x = x[1] end
      if type(x) ~= "number" then blame("%s: %s", where, expected) end
      result[i][j] = x
    end
  end
  return result, columns
end

return axes
