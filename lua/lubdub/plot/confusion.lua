--- The confusion matrix as an annotated heat map.
-- @module lubdub.plot.confusion
local blame = require "lubdub.blame"
local Canvas = require "lubdub.plot.canvas"
local Figure = require "lubdub.plot.figure"
local confusion = require "lubdub.metrics.confusion"
local options = require "lubdub.options"
local theme = require "lubdub.plot.theme"

local LONGEST = 32 -- characters of a class name that are shown
local FONT = 14
local BAR = 110 -- pixels on the right, for the colour bar and its numbers
local LEAST = 12 -- pixels of a cell, below which nothing can be read

local scale_names = {
  ["true"] = "share of the true class",
  pred = "share of the predicted class",
  all = "share of all samples",
  [false] = "samples",
}

local function longest(names)
  local width = 0
  for _, name in ipairs(names) do width = math.max(width, Canvas.text_width(name, FONT)) end
  return width
end

-- Pixels left of, above and below the cells. Names lie flat below the columns where they fit, else slanted.
local function frame(names, title, cell)
  local widest = longest(names)
  local slanted = widest > cell - 6
  return widest + 50, title and 52 or 20, slanted and widest * 0.71 + 62 or 62, slanted
end

-- The largest cell that a sheet has room for.
local function cell_of(names, title, width, height)
  local n = #names
  local left, top, flat = frame(names, title, math.huge)
  local cell = math.min((width - left - BAR) / n, (height - top - flat) / n)
  local _, _, bottom, slanted = frame(names, title, cell)
  return slanted and math.min(cell, (height - top - bottom) / n) or cell
end

local function cell_text(count, normalize)
  if normalize then return ("%.2f"):format(count) end
  return math.type(count) == "integer" and tostring(count) or ("%.4g"):format(count)
end

-- Names no wider than a cell, for sheets on which nothing can be slanted.
local function fitted(names, cell)
  local most, result = math.max(2, math.floor((cell - 16) / Canvas.text_width("0", FONT))), {}
  for i, name in ipairs(names) do result[i] = Canvas.shortened(name, most) end
  return result
end

local function draw(canvas, title, names, cm, counts)
  local n = #cm
  if canvas.upright then names = fitted(names, (canvas.width - BAR) / (n + 1)) end
  local cell = cell_of(names, title, canvas.width, canvas.height)
  local left, top, bottom, slanted = frame(names, title, cell)
  canvas:margins(left, canvas.width - left - cell * n, top, canvas.height - top - cell * n)
  local middle, center = left + cell * n / 2, top + cell * n / 2
  if title then canvas:text(title, middle, top / 2, 16) end
  canvas:text("predicted class", middle, top + cell * n + bottom - 20, FONT)
  canvas:text("true class", 18, center, FONT, 90)
  local scale = scale_names[cm.normalize]
  canvas:text(scale, left + cell * n + BAR - 16, math.max(center, Canvas.text_width(scale, FONT) / 2), FONT, 90)

  local highest = 1
  if not cm.normalize then
    for _, row in ipairs(cm) do highest = math.max(highest, table.unpack(row)) end
  end
  canvas:palette(canvas.theme.map)
  canvas:add("set cbrange [0:%.9g]", highest)
  if not cm.normalize and highest <= 10 then canvas:add "set cbtics 1" end
  canvas:add("set colorbox user origin screen %.5f,%.5f size screen %.5f,%.5f noborder",
    (left + cell * n + 16) / canvas.width, 1 - (top + cell * n) / canvas.height, 16 / canvas.width,
    cell * n / canvas.height)

  local tics = {}
  for i, name in ipairs(names) do tics[i] = ("%s %d"):format(canvas.tic(name), i) end
  canvas:add "unset grid"
  canvas:add "unset key"
  canvas:add "unset border"
  canvas:add("set xtics (%s) scale 0 %s", table.concat(tics, ", "), slanted and "rotate by 45 right" or "norotate")
  canvas:add("set ytics (%s) scale 0", table.concat(tics, ", "))
  canvas:add("set xrange [0.5:%.1f]", n + 0.5)
  canvas:add("set yrange [%.1f:0.5]", n + 0.5)

  local two_lines, longest_text = counts and cell >= 44, 1
  canvas:add "$CELLS << END"
  for i, row in ipairs(cm) do
    for j, value in ipairs(row) do
      local text = cell_text(value, cm.normalize)
      longest_text = math.max(longest_text, #text)
      canvas:add("%d %d %.9g %s %s %d", j, i, value, text,
        two_lines and cell_text(counts[i][j]) or "0", theme.on(theme.at(canvas.theme.map, value / highest)))
    end
  end
  canvas:add "END"
  canvas:add("set style fill solid border rgb %s", canvas:colour "background")
  local size = math.max(7, math.min(16, cell / 3.2, (cell - 4) / Canvas.text_width(("0"):rep(longest_text), 1)))
  local plots = {
    "$CELLS using 1:2:(0.5):(0.5):3 with boxxyerror fillcolor palette linewidth 1",
    ("$CELLS using 1:2:(stringcolumn(4)):6 with labels font %s textcolor rgb variable%s"):format(canvas:font(size),
      two_lines and " offset 0,0.35" or ""),
  }
  if two_lines then
    plots[3] = ("$CELLS using 1:2:(stringcolumn(5)):6 with labels font %s textcolor rgb variable offset 0,-0.6"):format(
      canvas:font(size * 0.75))
  end
  canvas:add("plot %s", table.concat(plots, ", \\\n  ", 1, canvas.bare and 1 or #plots))
end

--- How often each true class (rows) was predicted as each class (columns). With shares, the counts stand small below.
-- @tparam table|Tensor|ConfusionMatrix y_true labels, or a matrix of `metrics.confusion_matrix` (then without y_pred)
-- @tparam[opt] table|Tensor y_pred labels
-- @tparam[opt] table options
-- @tparam ?string|boolean options.normalize "true", "pred", "all" or false, as in `metrics.confusion_matrix`
-- @tparam ?table options.labels classes and their order (default: all that occur, sorted)
-- @tparam ?string|boolean options.title default "Confusion matrix"; false for none
-- @tparam ?table options.size { width, height } in pixels (default: from the number and the length of the names)
-- @tparam ?string options.theme "light" (default) or "dark"
-- @tparam ?table|Tensor options.sample_weight
-- @treturn Figure
-- @usage lubdub.plot.confusion_matrix(y_true, y_pred, { normalize = "true" }):save "confusion.svg"
return function(y_true, y_pred, given)
  local where = "plot.confusion_matrix"
  local is_matrix = confusion.is_matrix(y_true)
  if is_matrix and given == nil then given = y_pred end
  local o = options.read(where, given,
    Figure.options("Confusion matrix", { normalize = false, labels = false, sample_weight = false }))
  local counts = y_true
  if is_matrix then
    if o.labels or o.sample_weight then blame("%s: labels and sample_weight belong to the matrix given", where) end
  else
    counts = confusion.confusion_matrix(y_true, y_pred, { labels = o.labels, sample_weight = o.sample_weight })
  end
  local cm = counts
  if o.normalize then cm = counts:normalized(o.normalize) end
  if counts.normalize then counts = nil end

  local n, names = #cm, {}
  for i, label in ipairs(cm.labels) do names[i] = Canvas.shortened(label, LONGEST) end
  local cell = math.max(32, math.min(90, 528 / n))
  local left, top, bottom = frame(names, o.title, cell)
  local given_size = o.size
  o.size = given_size or { math.ceil(left + n * cell + BAR), math.ceil(top + n * cell + bottom) }
  local figure = Figure.new(where, ("confusion matrix of %d classes"):format(n), o, function(canvas)
    draw(canvas, o.title, names, cm, cm.normalize and counts)
  end)
  if given_size and cell_of(names, o.title, figure.width, figure.height) < LEAST then
    blame("%s: size leaves no room for %d %s; at least { %d, %d }", where, n,
      n == 1 and "class with this name" or "classes with these names",
      math.ceil(left + n * LEAST + BAR), math.ceil(top + n * LEAST + select(3, frame(names, o.title, LEAST))))
  end
  return figure
end
