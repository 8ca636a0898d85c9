--- A sound over time.
-- @module lubdub.plot.signal
local axes = require "lubdub.plot.axes"
local blame = require "lubdub.blame"
local Figure = require "lubdub.plot.figure"
local options = require "lubdub.options"

-- Lowest and highest sample of each of `columns` stretches; a stretch without a finite sample is left out.
local function envelope(samples, columns)
  local stretches = {}
  for c = 1, columns do
    local low, high = math.huge, -math.huge
    local first, last = (c - 1) * #samples // columns + 1, c * #samples // columns
    for i = first, last do
      local x = samples[i]
      if axes.finite(x) then low, high = math.min(low, x), math.max(high, x) end
    end
    if low <= high then stretches[#stretches + 1] = { (first + last) / 2 - 1, low, high } end
  end
  return stretches
end

--- A sound over time. A long one is drawn as the band between its lowest and highest samples in each pixel.
-- @tparam Tensor|table samples (n)
-- @tparam number sr samples per second
-- @tparam[opt] table given `title` ("Waveform"; false for none), `size` ({ 960, 320 } pixels), `theme`
-- @treturn Figure
return function(samples, sr, given)
  local where = "plot.waveform"
  local o = options.read(where, given, Figure.options "Waveform")
  if type(samples) == "userdata" and samples.totable then samples = samples:totable() end
  if type(samples) ~= "table" or type(samples[1]) ~= "number" then
    blame("%s: samples must be a tensor (n) or a list of numbers", where)
  end
  axes.positive(where, "sr", sr)
  o.size = o.size or { 960, 320 }
  return Figure.new(where, ("waveform of %.3g s"):format(#samples / sr), o, function(canvas)
    local columns = math.floor(axes.frame(canvas, { title = o.title, x = "time (s)", y = "amplitude" }).width)
    local band = #samples > 3 * columns
    local colour, highest = canvas:colour(canvas.theme.curves[1]), 0
    for _, x in ipairs(samples) do
      if axes.finite(x) then highest = math.max(highest, math.abs(x)) end
    end
    local empty = true
    canvas:add "$SOUND << END"
    if band then
      for _, s in ipairs(envelope(samples, columns)) do
        canvas:add("%.7g %.7g %.7g", s[1] / sr, s[2], s[3])
        empty = false
      end
    else
      for i, x in ipairs(samples) do
        canvas:add(axes.finite(x) and ("%.7g %.7g"):format((i - 1) / sr, x) or "")
        empty = empty and not axes.finite(x)
      end
    end
    canvas:add "END"
    canvas:add("set xrange [0:%.7g]", #samples / sr)
    highest = highest > 0 and highest * 1.05 or 1
    canvas:add("set yrange [%.7g:%.7g]", -highest, highest)
    if empty then
      canvas:add "plot 1/0"
    elseif band then
      canvas:add("plot $SOUND using 1:2:3 with filledcurves linecolor rgb %s, \\", colour)
      canvas:add("  $SOUND using 1:2 with lines linecolor rgb %s, $SOUND using 1:3 with lines linecolor rgb %s",
        colour, colour)
    else
      canvas:add("plot $SOUND using 1:2 with lines linecolor rgb %s", colour)
    end
  end)
end
