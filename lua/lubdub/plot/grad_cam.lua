--- What a network looked at: a heat map over the features that it was given.
-- @module lubdub.plot.grad_cam
local axes = require "lubdub.plot.axes"
local blame = require "lubdub.blame"
local Figure = require "lubdub.plot.figure"
local image = require "lubdub.plot.image"
local options = require "lubdub.options"
local theme = require "lubdub.plot.theme"

local MOST = 0.8 -- of a cell's colour is the heat's, where it is hottest; elsewhere by the root of the heat

-- The values of a map at (rows, columns) places: linear between its own, whose centres spread over the same area.
local function spread(map, rows, columns)
  local h, w, result = #map, #map[1], {}
  local function place(i, n, of)
    local x = math.min(math.max((i - 0.5) / n * of + 0.5, 1), of)
    local low = math.min(math.floor(x), math.max(of - 1, 1))
    return low, math.min(low + 1, of), x - low
  end
  for i = 1, rows do
    local top, bottom, down = place(i, rows, h)
    result[i] = {}
    for j = 1, columns do
      local left, right, across = place(j, columns, w)
      local above = map[top][left] + (map[top][right] - map[top][left]) * across
      local below = map[bottom][left] + (map[bottom][right] - map[bottom][left]) * across
      result[i][j] = above + (below - above) * down
    end
  end
  return result
end

--- A heat map (Grad-CAM) over features: the features are grey, and the hotter a place the more it has the heat's
-- colour.
-- @tparam Tensor|table features (n_mfcc, frames) or (n_mfcc, frames, 1)
-- @tparam Tensor|table heat (h, w) of any size, spread over the features; values below 0 count as 0, the highest is 1
-- @tparam[opt] table given
-- @tparam ?number given.sr samples per second (22050)
-- @tparam ?integer given.hop_length samples from frame to frame (512)
-- @tparam ?string given.y name of the vertical axis ("coefficient")
-- @tparam ?string|boolean given.title default "Grad-CAM"; false for none
-- @tparam ?table given.size { 960, 400 } pixels
-- @tparam ?string given.theme
-- @treturn Figure
return function(features, heat, given)
  local where = "plot.grad_cam"
  local o = options.read(where, given,
    Figure.options("Grad-CAM", { sr = 22050, hop_length = 512, y = "coefficient" }))
  local rows, columns = axes.rows(where, "features must be a tensor (n_mfcc, frames)", features)
  local map = axes.rows(where, "heat must be a tensor (h, w)", heat)
  local step = axes.positive(where, "hop_length", o.hop_length) / axes.positive(where, "sr", o.sr)
  local highest = 0
  for _, row in ipairs(map) do
    for j, x in ipairs(row) do
      if not axes.finite(x) then blame("%s: heat holds a number that is not finite", where) end
      row[j] = math.max(x, 0)
      highest = math.max(highest, x)
    end
  end
  o.size = o.size or { 960, 400 }
  return Figure.new(where, ("heat map over %d frames"):format(columns), o, function(canvas)
    local frame = image.axes(canvas,
      { title = o.title, y = o.y, step = step, columns = columns, n_rows = #rows })
    axes.bar(canvas, frame, theme.heat, 0, 1, "attention")
    local hot = spread(map, #rows, columns)
    local low, high = image.middle_range(rows)
    image.plot(canvas, rows, step, function(i, j, x)
      local share = highest > 0 and hot[i][j] / highest or 0
      local shade = axes.finite(x) and math.min(math.max((x - low) / (high - low), 0), 1) or 0.5
      local grey = theme.blend(0x101010, 0xE0E0E0, shade)
      local colour = theme.blend(grey, theme.at(theme.heat, share), MOST * share ^ 0.5)
      return ("%d %d %d %d %d"):format(j - 1, i, colour >> 16, colour >> 8 & 255, colour & 255)
    end)
  end, axes.least { title = o.title, right = axes.BAR })
end
