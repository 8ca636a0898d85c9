--- Curves of a training: one panel per measure, training beside validation.
-- @module lubdub.plot.history
local blame = require "lubdub.blame"
local Figure = require "lubdub.plot.figure"
local options = require "lubdub.options"

local PANEL, HEIGHT, LEAST = 480, 400, 220 -- pixels of a panel, and of its sides at the least
local LEFT, RIGHT, ABOVE, BELOW, HEAD = 76, 24, 68, 62, 36 -- pixels around a panel; HEAD for the whole title

local axis_names = { loss = "loss", accuracy = "accuracy (share correct)", acc = "accuracy (share correct)" }

-- The measures of a history, loss first; val_NAME belongs to NAME, and the learning rate is none.
local function measures(values)
  local names = {}
  for name, list in pairs(values) do
    if type(name) == "string" and type(list) == "table" and not name:find "^val_" and name ~= "learning_rate"
      and name ~= "lr" and name ~= "epoch" then
      names[#names + 1] = name
    end
  end
  table.sort(names, function(a, b)
    if (a == "loss") ~= (b == "loss") then return a == "loss" end
    return a < b
  end)
  return names
end

-- The last index that holds anything.
local function last_index(list)
  local last = 0
  for i in pairs(list) do
    if math.type(i) == "integer" and i > last then last = i end
  end
  return last
end

-- Lines "epoch value". A missing value is stepped over (the curve goes on to the next one); nan or infinity is a gap.
local function points(list, epochs)
  local lines, gap, low, high = {}, false, math.huge, -math.huge
  for i = 1, last_index(list) do
    local y, x = tonumber(list[i]), tonumber(epochs[i]) or i
    if y and y == y and math.abs(y) ~= math.huge then
      if gap and #lines > 0 then lines[#lines + 1] = "" end
      lines[#lines + 1] = ("%.9g %.9g"):format(x, y)
      gap, low, high = false, math.min(low, y), math.max(high, y)
    elseif y then
      gap = true
    end
  end
  return lines, low, high
end

local function panel(canvas, number, box, name, values, epochs, last)
  local right, bottom = box.left + box.width, box.top + box.height
  local middle = (box.left + LEFT + right - RIGHT) / 2
  canvas:margins(box.left + LEFT, canvas.width - right + RIGHT, box.top + ABOVE, canvas.height - bottom + BELOW)
  canvas:text(name, middle, box.top + 20, 16)
  canvas:text("epoch", middle, bottom - 16, 14)
  canvas:text(axis_names[name] or name, box.left + 18, (box.top + ABOVE + bottom - BELOW) / 2, 14, 90)
  canvas:add("set key at screen %.5f,%.5f center center horizontal samplen 2", middle / canvas.width,
    1 - (box.top + ABOVE - 18) / canvas.height)
  local plots, low, high = {}, math.huge, -math.huge
  for i, part in ipairs { { name, "training" }, { "val_" .. name, "validation" } } do
    local lines, least, most = points(values[part[1]] or {}, epochs)
    if #lines > 0 then
      local block = ("$P%d_%d"):format(number, i)
      canvas:add("%s << END", block)
      for _, line in ipairs(lines) do canvas:add(line) end
      canvas:add "END"
      local style = last <= 40 and ("linespoints pointtype 7 pointsize %g"):format(canvas.points) or "lines"
      plots[#plots + 1] = ("%s using 1:2 with %s linewidth 2 linecolor rgb %s title %s"):format(block, style,
        canvas:colour(canvas.theme.curves[i]), canvas.quote(part[2]))
      low, high = math.min(low, least), math.max(high, most)
    end
  end
  if #plots == 0 then -- gnuplot refuses an empty plot
    canvas:add "set yrange [0:1]"
    canvas:add("set label %s at graph 0.5,0.5 center textcolor rgb %s", canvas.quote "no finite values",
      canvas:colour "text")
    plots[1] = "1/0 notitle"
  elseif name == "accuracy" or name == "acc" then
    canvas:add "set yrange [0:1.02]"
  elseif low >= 0 then
    canvas:add("set yrange [0:%.9g]", high > 0 and high * 1.05 or 1)
  else
    local room = (high - low) * 0.05
    canvas:add("set yrange [%.9g:%.9g]", low - (room > 0 and room or 1), high + (room > 0 and room or 1))
  end
  canvas:add("plot %s", table.concat(plots, ", \\\n  "))
  canvas:add "unset label"
end

-- Columns and rows of n panels: up to three side by side, 2 by 2, 3 by 2, ...
local function grid(n)
  local columns = n <= 3 and n or math.ceil(math.sqrt(n))
  return columns, (n + columns - 1) // columns
end

local function draw(canvas, title, names, values, epochs)
  local columns, rows = grid(#names)
  local last, first = 1, math.huge
  for _, name in ipairs(names) do
    for _, key in ipairs { name, "val_" .. name } do
      for i = 1, last_index(values[key] or {}) do
        local epoch = tonumber(epochs[i]) or i
        last, first = math.max(last, epoch), math.min(first, epoch)
      end
    end
  end
  first = math.min(first, last)
  canvas:add "set multiplot"
  if title then canvas:text(title, canvas.width / 2, HEAD * 0.7, 18) end
  canvas:add("set xrange [%.9g:%.9g]", first == last and first - 1 or first, first == last and last + 1 or last)
  if last - first <= 12 then canvas:add("set xtics 1") end
  local head = title and HEAD or 0
  local width, height = canvas.width / columns, (canvas.height - head) / rows
  for i, name in ipairs(names) do
    local box = { left = (i - 1) % columns * width, top = head + (i - 1) // columns * height, width = width,
      height = height }
    panel(canvas, i, box, name, values, epochs, last - first + 1)
  end
  canvas:add "unset multiplot"
end

--- Loss and metrics by epoch, training beside validation.
-- @tparam table history what `model:fit` returns, or a table { loss = list, val_loss = list, ... }. Missing values are
-- stepped over, nan is a gap.
-- @tparam[opt] table options
-- @tparam ?table options.metrics names of the panels, in order (default: loss, then all others)
-- @tparam ?string|boolean options.title above all panels (default: none)
-- @tparam ?table options.size { width, height } in pixels (default: 480 by 400 a panel)
-- @tparam ?string options.theme "light" (default) or "dark"
-- @treturn Figure
-- @usage lubdub.plot.history(history):save "curves.png"
return function(history, given)
  local where = "plot.history"
  local o = options.read(where, given, Figure.options(false, { metrics = false }))
  if type(history) ~= "table" then blame("%s: a history expected, got %s", where, type(history)) end
  local values = type(history.history) == "table" and history.history or history
  local epochs = type(history.epoch) == "table" and history.epoch or {}
  local names = o.metrics or measures(values)
  if type(names) ~= "table" or #names == 0 then blame("%s: the history holds no values", where) end
  for _, name in ipairs(names) do
    if type(values[name]) ~= "table" and type(values["val_" .. tostring(name)]) ~= "table" then
      blame("%s: the history has no %s (it has %s)", where, tostring(name), table.concat(measures(values), ", "))
    end
  end
  local columns, rows = grid(#names)
  o.size = o.size or { PANEL * columns, HEIGHT * rows + (o.title and HEAD or 0) }
  return Figure.new(where, "curves of " .. table.concat(names, ", "), o, function(canvas)
    draw(canvas, o.title, names, values, epochs)
  end, { LEAST * columns, LEAST * rows + (o.title and HEAD or 0) })
end
