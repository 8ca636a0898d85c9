--- Curves of probabilities against the truth: ROC, precision and recall, calibration.
-- @module lubdub.plot.curves
local axes = require "lubdub.plot.axes"
local blame = require "lubdub.blame"
local Canvas = require "lubdub.plot.canvas"
local calibration = require "lubdub.metrics.calibration"
local Figure = require "lubdub.plot.figure"
local input = require "lubdub.metrics.input"
local options = require "lubdub.options"
local roc = require "lubdub.metrics.curves"
local warning = require "lubdub.warning"

local curves = {}

local LEGEND, LINE, SAMPLE = 12, 23, 40 -- pixels of the legend's letters and lines, and of a line's colour beside them
local LONGEST = 24 -- characters of a class name
local LOWER, GAP = 130, 40 -- pixels of calibration's lower panel, and of it what lies between the two

local function short(label) return Canvas.shortened(label, LONGEST) end

-- Truth, and one list of scores for each class that is shown: { { label =, positive = list of 0 and 1, scores = } }.
local function series_of(where, y_true, y_score, o)
  local truth, kind = input.labels(where, "y_true", y_true)
  if #truth == 0 then blame("%s: y_true is empty", where) end
  local scores, columns = input.scores(where, "y_score", y_score, #truth)
  local labels = input.classes(where, truth, kind, o.labels)
  local wanted = {}
  if columns == 0 or (columns == 2 and #labels <= 2) then
    local positive = o.pos_label
    if positive == nil then
      if #labels ~= 2 then
        blame("%s: %d classes, and scores of one; give (n, classes), or the option pos_label", where, #labels)
      end
      positive = labels[2]
    end
    wanted[1] = { label = positive, scores = input.second_column(where, "y_score", y_score, #truth) }
  else
    if columns ~= #labels then
      blame("%s: y_score has %d columns for %d classes; name the class of each column with the option labels", where,
        columns, #labels)
    end
    for c, label in ipairs(labels) do
      local list = {}
      for i, row in ipairs(scores) do list[i] = row[c] end
      wanted[c] = { label = label, scores = list }
    end
  end
  for _, one in ipairs(wanted) do
    one.positive = {}
    for i, label in ipairs(truth) do one.positive[i] = label == one.label and 1 or 0 end
  end
  return wanted
end

-- Where a legend of n lines stands below the frame, and pixels below the frame: no corner of it is free for sure.
local function legend_below(canvas, n)
  return ("at screen %.5f,%.5f left top vertical maxrows %d"):format(axes.LEFT / canvas.width, n * LINE / canvas.height,
    n), axes.BELOW + n * LINE
end

-- The least size with n lines of legend for these curves.
local function least(o, list, n)
  local widest = 0
  for _, curve in ipairs(list) do widest = math.max(widest, Canvas.text_width(curve.title, LEGEND)) end
  return axes.least { title = o.title, below = axes.BELOW + n * LINE, wide = math.max(80, widest + SAMPLE) }
end

-- A square frame from 0 to 1 on both axes with its curves: lists of { x, y, title, points }, and more plots.
local function draw(canvas, o, names, list, key, more, below)
  axes.frame(canvas, { title = o.title, x = names[1], y = names[2], below = below })
  canvas:add("set key %s Left reverse samplen 2 spacing 1.2 font %s textcolor rgb %s", key, canvas:font(LEGEND),
    canvas:colour "text")
  canvas:add "set xrange [0:1]"
  canvas:add "set yrange [0:1.02]"
  canvas:add "set xtics 0.2"
  canvas:add "set ytics 0.2"
  local plots = {}
  for i, curve in ipairs(list) do
    canvas:add("$C%d << END", i)
    for k, x in ipairs(curve.x) do canvas:add("%.9g %.9g", x, curve.y[k]) end
    canvas:add "END"
    local colours = canvas.theme.curves
    local style = curve.points and ("linespoints pointtype 7 pointsize %g"):format(canvas.points) or "lines"
    plots[i] = ("$C%d using 1:2 with %s linewidth 2 dashtype %d linecolor rgb %s title %s"):format(i,
      style, (i - 1) // #colours + 1,
      canvas:colour(colours[(i - 1) % #colours + 1]), canvas.quote(curve.title))
  end
  for _, plot in ipairs(more or {}) do plots[#plots + 1] = plot end
  canvas:add("plot %s", table.concat(plots, ", \\\n  "))
end

local function chance(canvas, title)
  return ("x with lines linewidth 1 dashtype 2 linecolor rgb %s %s"):format(canvas:colour "text",
    title and "title " .. canvas.quote(title) or "notitle")
end

local function known(title) return Figure.options(title, { labels = false, pos_label = options.none }) end

-- A curve for each class of which there are positive and negative samples.
local function both_sides(where, series)
  local result, left_out = {}, {}
  for _, one in ipairs(series) do
    local sum = 0
    for _, p in ipairs(one.positive) do sum = sum + p end
    local list = sum > 0 and sum < #one.positive and result or left_out
    list[#list + 1] = list == result and one or short(one.label)
  end
  if #result == 0 then blame("%s: y_true holds one class only, so there is no curve", where) end
  if #left_out > 0 then
    warning.warn(("%s: no curve for %s, without true samples of it"):format(where, table.concat(left_out, ", ")))
  end
  return result
end

--- ROC curves, of each class against the rest where there are several, with the area below each.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score (n) of the class that sorts last, or (n, classes) in the order of the sorted labels
-- @tparam[opt] table given
-- @tparam ?table given.labels the class of each column, sorted (default: those in y_true)
-- @tparam ?any given.pos_label the positive class of (n)
-- @tparam ?string|boolean given.title default "ROC"; false for none
-- @tparam ?table given.size { width, height } in pixels
-- @tparam ?string given.theme
-- @treturn Figure
function curves.roc_curve(y_true, y_score, given)
  local where = "plot.roc_curve"
  local o = options.read(where, given, known "ROC")
  local series, list = both_sides(where, series_of(where, y_true, y_score, o)), {}
  for i, one in ipairs(series) do
    local x, y = roc.roc_curve(one.positive, one.scores)
    list[i] = { x = x, y = y, title = ("%s (AUC %.2f)"):format(short(one.label), roc.auc(x, y)) }
  end
  o.size = o.size or { 560, 500 + (#list + 1) * LINE }
  return Figure.new(where, ("ROC of %d %s"):format(#list, #list == 1 and "class" or "classes"), o, function(canvas)
    local key, below = legend_below(canvas, #list + 1)
    draw(canvas, o, { "false positive rate", "true positive rate" }, list, key, { chance(canvas, "chance") }, below)
  end, least(o, list, #list + 1))
end

--- Precision over recall, of each class against the rest where there are several, with the average precision (AP).
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score (n) of the class that sorts last, or (n, classes) in the order of the sorted labels
-- @tparam[opt] table given as of `roc_curve`; title "Precision and recall"
-- @treturn Figure
function curves.precision_recall_curve(y_true, y_score, given)
  local where = "plot.precision_recall_curve"
  local o = options.read(where, given, known "Precision and recall")
  local series, list = both_sides(where, series_of(where, y_true, y_score, o)), {}
  for i, one in ipairs(series) do
    local precision, recall = roc.precision_recall_curve(one.positive, one.scores, { drop_intermediate = true })
    local x, y = {}, {}
    for k = 1, #recall do -- steps: the precision of a threshold holds back to the recall of the next
      if k > 1 then x[#x + 1], y[#y + 1] = recall[k], precision[k - 1] end
      x[#x + 1], y[#y + 1] = recall[k], precision[k]
    end
    list[i] = { x = x, y = y, title = ("%s (AP %.2f)"):format(short(one.label),
      roc.average_precision_score(one.positive, one.scores)) }
  end
  o.size = o.size or { 560, 500 + #list * LINE }
  return Figure.new(where, ("precision and recall of %d %s"):format(#list, #list == 1 and "class" or "classes"), o,
    function(canvas)
      local key, below = legend_below(canvas, #list)
      draw(canvas, o, { "recall", "precision" }, list, key, nil, below)
    end, least(o, list, #list))
end

-- How sure the likeliest class is, and whether it is right.
local function top_label(where, y_true, y_score, o)
  local truth, kind = input.labels(where, "y_true", y_true)
  local rows = input.scores(where, "y_score", y_score, #truth)
  local labels, right, sure = input.classes(where, truth, kind, o.labels), {}, {}
  for i, row in ipairs(rows) do
    local best = 1
    for c, p in ipairs(row) do
      if p > row[best] then best = c end
    end
    right[i], sure[i] = truth[i] == labels[best] and 1 or 0, math.min(row[best], 1)
  end
  return { positive = right, scores = sure }
end

--- Whether probabilities mean what they say: the share that is right in each bin, over the mean probability, with the
-- samples of each bin below. Of several classes the probability of the predicted one is judged.
-- @tparam table|Tensor y_true labels
-- @tparam table|Tensor y_score (n) of the class that sorts last, or (n, classes) in the order of the sorted labels
-- @tparam[opt] table given as of `roc_curve`, with `n_bins` (10) and `strategy` ("uniform" or "quantile"); title
-- "Calibration"
-- @treturn Figure
function curves.calibration_curve(y_true, y_score, given)
  local where = "plot.calibration_curve"
  local o = options.read(where, given,
    Figure.options("Calibration", { labels = false, pos_label = options.none, n_bins = 10, strategy = "uniform" }))
  local series = series_of(where, y_true, y_score, o)
  local one = #series == 1 and series[1] or top_label(where, y_true, y_score, o)
  local y, x, counts = calibration.calibration_curve(one.positive, one.scores,
    { n_bins = o.n_bins, strategy = o.strategy, pos_label = 1 })
  local sure, share = "probability of the predicted class", "share that is right"
  if one.label ~= nil then sure, share = "probability of " .. short(one.label), "share of " .. short(one.label) end
  o.size = o.size or { 560, 620 }
  return Figure.new(where, ("calibration in %d bins"):format(#counts), o, function(canvas)
    local bottom = canvas.height
    canvas:add "set multiplot"
    draw(canvas, o, { false, share }, { { x = x, y = y, title = "this model", points = true } }, "top left",
      { chance(canvas, "perfect") }, axes.BELOW + LOWER)
    canvas:add "unset label"
    canvas:margins(axes.LEFT, axes.RIGHT, bottom - LOWER - axes.BELOW + GAP, axes.BELOW)
    canvas:text(sure, (axes.LEFT + canvas.width - axes.RIGHT) / 2, bottom - 16, 14)
    canvas:text("samples", 18, bottom - axes.BELOW - (LOWER - GAP) / 2, 14, 90)
    local most = math.max(table.unpack(counts))
    canvas:add "unset key"
    canvas:add("set yrange [0:%.9g]", most * 1.1)
    local step = 10 ^ math.floor(math.log(most, 10))
    canvas:add("set ytics %d", math.max(1, most / step >= 4 and 2 * step or most / step >= 2 and step or step // 2))
    canvas:add "$COUNTS << END"
    for i, n in ipairs(counts) do canvas:add("%.9g %d", x[i], n) end
    canvas:add "END"
    canvas:add("plot $COUNTS using 1:2 with impulses linewidth 6 linecolor rgb %s",
      canvas:colour(canvas.theme.curves[1]))
    canvas:add "unset multiplot"
  end, axes.least { title = o.title, below = axes.BELOW + LOWER, wide = 200 })
end

return curves
