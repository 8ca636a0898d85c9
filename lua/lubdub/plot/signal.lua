--- A sound over time.
-- @module lubdub.plot.signal
local axes = require "lubdub.plot.axes"
local blame = require "lubdub.blame"
local Figure = require "lubdub.plot.figure"
local options = require "lubdub.options"
local sound = require "lubdub.plot.sound"

-- A long tensor as lists of its lowest and highest values in stretches; how long those are.
local function narrowed(samples, columns)
  local n = samples:shape(1)
  local factor = n // (8 * columns)
  if factor < 2 or samples:has_nan() then return samples:totable(), nil, 1 end
  local stretches = samples:slice(1, 1, n // factor * factor):reshape { n // factor, factor }
  return stretches:min(2):totable(), stretches:max(2):totable(), factor
end

-- Lowest and highest sample of each of `columns` stretches; a stretch without a finite sample is left out.
local function envelope(samples, highs, columns)
  local stretches = {}
  for c = 1, columns do
    local low, high = math.huge, -math.huge
    local first, last = (c - 1) * #samples // columns + 1, c * #samples // columns
    for i = first, last do
      local x, y = samples[i], highs[i]
      if axes.finite(x) and axes.finite(y) then low, high = math.min(low, x), math.max(high, y) end
    end
    if low <= high then stretches[#stretches + 1] = { (first + last) / 2 - 1, low, high } end
  end
  return stretches
end

--- A sound over time. A long one is drawn as the band between its lowest and highest samples in each pixel.
-- @tparam Tensor|table samples (n), or a row of a data set
-- @tparam ?number sr samples per second (of a row: its own); or the option `sr`, as of the other pictures
-- @tparam[opt] table given `title` ("Waveform"; false for none), `size` ({ 960, 320 } pixels), `theme`
-- @treturn Figure
-- @usage lubdub.plot.waveform(signal, sr):save "waveform.png"
return function(samples, sr, given)
  local where = "plot.waveform"
  if type(sr) == "table" and given == nil then sr, given = nil, sr end
  local o = options.read(where, given, Figure.options("Waveform", { sr = options.none }))
  if sr == nil then sr = o.sr end
  samples, sr = sound.read(where, samples, sr)
  local highs, factor, length
  if type(samples) == "userdata" and samples.totable then
    if samples:ndim() ~= 1 then blame("%s: samples must be a tensor (n) or a list of numbers", where) end
    length = samples:shape(1)
    samples, highs, factor = narrowed(samples, type(o.size) == "table" and tonumber(o.size[1]) or 960)
  end
  if type(samples) ~= "table" or type(samples[1]) ~= "number" then
    blame("%s: samples must be a tensor (n) or a list of numbers", where)
  end
  highs, factor, length = highs or samples, factor or 1, length or #samples
  axes.positive(where, "sr", sr)
  o.size = o.size or { 960, 320 }
  return Figure.new(where, ("waveform of %.3g s"):format(length / sr), o, function(canvas)
    local columns = math.floor(axes.frame(canvas, { title = o.title, x = "time (s)", y = "amplitude" }).width)
    local band = #samples > 3 * columns
    local colour, highest = canvas:colour(canvas.theme.curves[1]), 0
    for i, x in ipairs(samples) do
      local y = highs[i]
      if axes.finite(x) and axes.finite(y) then highest = math.max(highest, math.abs(x), math.abs(y)) end
    end
    local empty = true
    canvas:add "$SOUND << END"
    if band then
      for _, s in ipairs(envelope(samples, highs, columns)) do
        canvas:add("%.7g %.7g %.7g", s[1] * factor / sr, s[2], s[3])
        empty = false
      end
    else
      for i, x in ipairs(samples) do
        canvas:add(axes.finite(x) and ("%.7g %.7g"):format((i - 1) / sr, x) or "")
        empty = empty and not axes.finite(x)
      end
    end
    canvas:add "END"
    canvas:add("set xrange [0:%.7g]", length / sr)
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
  end, axes.least { title = o.title })
end
