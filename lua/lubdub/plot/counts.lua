--- How many recordings each class has, as bars.
-- @module lubdub.plot.counts
local axes = require "lubdub.plot.axes"
local blame = require "lubdub.blame"
local Canvas = require "lubdub.plot.canvas"
local Figure = require "lubdub.plot.figure"
local options = require "lubdub.options"
local order = require "lubdub.order"

local LONGEST, BAR, LEAST = 32, 34, 16 -- characters of a name; pixels of a bar with its gap, and at the least

-- The labels of a data set's column, or of a list; rows without one count as "(none)".
local function labels_of(where, what, column)
  if type(what) == "table" and type(what.column) == "function" then
    local list, any = {}, false
    for i, clip in what:iter() do
      local label = clip[column]
      any = any or label ~= nil
      list[i] = label == nil and "(none)" or tostring(label)
    end
    if #list > 0 and not any then
      blame("%s: there is no column %q; there are %s", where, column, table.concat(what:columns(), ", "))
    end
    return list
  end
  if type(what) ~= "table" then blame("%s: a data set or a list of labels expected, got %s", where, type(what)) end
  order.check(where, "labels", what)
  return what
end

--- The number of rows of each class, the most frequent first.
-- @tparam Dataset|table what a data set, or a list of labels
-- @tparam[opt] table given
-- @tparam ?string given.column of a data set ("label")
-- @tparam ?string|boolean given.title default "Classes"; false for none
-- @tparam ?table given.size { width, height } in pixels (default: from the number of classes)
-- @tparam ?string given.theme
-- @treturn Figure
return function(what, given)
  local where = "plot.class_counts"
  local o = options.read(where, given, Figure.options("Classes", { column = "label" }))
  local labels = labels_of(where, what, o.column)
  if #labels == 0 then blame("%s: there are no labels to count", where) end
  local distinct, _, counts = order.unique(labels)
  local ranked, names, widest = order.argsort(counts, true), {}, 0
  for i, place in ipairs(ranked) do
    names[i] = Canvas.shortened(distinct[place], LONGEST)
    widest = math.max(widest, Canvas.text_width(names[i], 14))
  end
  o.size = o.size or { 640, math.min(10000, #names * BAR + axes.ABOVE + axes.BELOW) }
  return Figure.new(where, ("counts of %d classes"):format(#names), o, function(canvas)
    axes.frame(canvas, { title = o.title, x = "recordings", left = widest + 24, right = 60 })
    local tics = {}
    canvas:add "$BARS << END"
    for i, place in ipairs(ranked) do
      tics[i] = ("%s %d"):format(canvas.tic(names[i]), i)
      canvas:add("%d %d", counts[place], i)
    end
    canvas:add "END"
    canvas:add("set ytics (%s) scale 0", table.concat(tics, ", "))
    canvas:add("set yrange [%.1f:0.5]", #names + 0.5)
    canvas:add("set xrange [0:%.9g]", counts[ranked[1]] * 1.02)
    canvas:add "unset grid"
    canvas:add("set grid xtics linecolor rgb %s linewidth 1 linetype 1", canvas:colour "faint")
    canvas:add "set style fill solid noborder"
    canvas:add("plot $BARS using ($1/2.0):2:($1/2.0):(0.36) with boxxyerror linecolor rgb %s%s",
      canvas:colour(canvas.theme.curves[1]), canvas.bare and "" or ", \\")
    if canvas.bare then return end
    canvas:add("  $BARS using 1:2:(sprintf('%%d',$1)) with labels left offset 0.6,0 font %s textcolor rgb %s",
      canvas:font(13), canvas:colour "text")
  end, { widest + 24 + 60 + 100, #names * LEAST + axes.ABOVE + axes.BELOW })
end
