--- Sounds and their features as pictures.
-- @module lubdub.plot.signal
local blame = require "lubdub.blame"
local Figure = require "lubdub.plot.figure"
local options = require "lubdub.options"
local theme = require "lubdub.plot.theme"

local signal = {}

local LEFT, ABOVE, BELOW = 84, 48, 62 -- pixels around the axes

local function plain(value)
  if type(value) == "userdata" and value.totable then return value:totable() end
  return value
end

local function positive(where, name, value)
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then
    blame("%s: %s must be a number above 0, got %s", where, name, tostring(value))
  end
  return value
end

local function finite(x) return type(x) == "number" and x == x and math.abs(x) ~= math.huge end

-- Frame, title and the names of the axes; `right` is the room for what stands beside.
local function axes(canvas, title, x_name, y_name, right)
  local above = title and ABOVE or 20
  canvas:margins(LEFT, right, above, BELOW)
  if title then canvas:text(title, (LEFT + canvas.width - right) / 2, above / 2, 16) end
  canvas:text(x_name, (LEFT + canvas.width - right) / 2, canvas.height - 16, 14)
  canvas:text(y_name, 18, (above + canvas.height - BELOW) / 2, 14, 90)
  canvas:add "unset key"
  return above
end

-- Lowest and highest sample of each of `columns` stretches; a stretch without a finite sample is left out.
local function envelope(samples, columns)
  local stretches = {}
  for c = 1, columns do
    local low, high = math.huge, -math.huge
    local first, last = (c - 1) * #samples // columns + 1, c * #samples // columns
    for i = first, last do
      local x = samples[i]
      if finite(x) then low, high = math.min(low, x), math.max(high, x) end
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
-- @usage lubdub.plot.waveform(signal, sr):save "waveform.png"
function signal.waveform(samples, sr, given)
  local where = "plot.waveform"
  local o = options.read(where, given, Figure.options "Waveform")
  samples = plain(samples)
  if type(samples) ~= "table" or type(samples[1]) ~= "number" then
    blame("%s: samples must be a tensor (n) or a list of numbers", where)
  end
  positive(where, "sr", sr)
  o.size = o.size or { 960, 320 }
  return Figure.new(where, ("waveform of %.3g s"):format(#samples / sr), o, function(canvas)
    axes(canvas, o.title, "time (s)", "amplitude", 24)
    local columns = canvas.width - LEFT - 24
    local band = #samples > 3 * columns
    local colour, empty = canvas:colour(canvas.theme.curves[1]), true
    canvas:add "$SOUND << END"
    if band then
      for _, s in ipairs(envelope(samples, columns)) do
        canvas:add("%.7g %.7g %.7g", s[1] / sr, s[2], s[3])
        empty = false
      end
    else
      for i, x in ipairs(samples) do
        canvas:add(finite(x) and ("%.7g %.7g"):format((i - 1) / sr, x) or "")
        empty = empty and not finite(x)
      end
    end
    canvas:add "END"
    canvas:add("set xrange [0:%.7g]", #samples / sr)
    if empty then
      canvas:add "set yrange [-1:1]"
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

-- Rows of a matrix, without a last axis of one channel.
local function rows_of(where, value)
  local rows = plain(value)
  local columns = type(rows) == "table" and type(rows[1]) == "table" and #rows[1] or 0
  if columns == 0 then blame("%s: features must be a tensor (n_mfcc, frames)", where) end
  local result = {}
  for i, row in ipairs(rows) do
    if #row ~= columns then blame("%s: row %d has %d frames and row 1 has %d", where, i, #row, columns) end
    result[i] = {}
    for j, x in ipairs(row) do
      if type(x) == "table" and #x == 1 then x = x[1] end
      if type(x) ~= "number" then blame("%s: features must be a tensor (n_mfcc, frames)", where) end
      result[i][j] = x
    end
  end
  return result, columns
end

-- The range of all values but the lowest and the highest 2 %. The first coefficient (loudness, in the hundreds) is left
-- out where there are others, for it would flatten them all to one colour.
local function middle_range(rows)
  local all = {}
  for i = #rows > 1 and 2 or 1, #rows do
    for _, x in ipairs(rows[i]) do
      if finite(x) then all[#all + 1] = x end
    end
  end
  table.sort(all)
  local low, high = all[math.ceil(#all * 0.02)] or 0, all[math.ceil(#all * 0.98)] or 1
  return low, high > low and high or low + 1
end

--- MFCCs as an image: time to the right, coefficients upwards. The colours span the coefficients from the second on
-- without their lowest and highest 2 %; what lies beyond has the end's colour.
-- @tparam Tensor|table features (n_mfcc, frames) or (n_mfcc, frames, 1)
-- @tparam[opt] table given
-- @tparam ?number given.sr samples per second (22050)
-- @tparam ?number given.hop_length samples from frame to frame (512)
-- @tparam ?string|boolean given.title default "MFCC"; false for none
-- @tparam ?table given.size { 960, 400 } pixels
-- @tparam ?string given.theme
-- @treturn Figure
-- @usage lubdub.plot.mfcc(lubdub.MFCC { sr = 4000 } (signal), { sr = 4000 }):save "mfcc.png"
function signal.mfcc(features, given)
  local where = "plot.mfcc"
  local o = options.read(where, given, Figure.options("MFCC", { sr = 22050, hop_length = 512 }))
  local rows, frames = rows_of(where, features)
  local step = positive(where, "hop_length", o.hop_length) / positive(where, "sr", o.sr)
  o.size = o.size or { 960, 400 }
  return Figure.new(where, ("MFCC of %d frames"):format(frames), o, function(canvas)
    local right = 110
    local above = axes(canvas, o.title, "time (s)", "coefficient", right)
    local low, high = middle_range(rows)
    canvas:palette(theme.sound)
    canvas:add("set cbrange [%.7g:%.7g]", low, high)
    canvas:add("set colorbox user origin screen %.5f,%.5f size screen %.5f,%.5f noborder",
      1 - (right - 16) / canvas.width, BELOW / canvas.height, 16 / canvas.width,
      1 - (above + BELOW) / canvas.height)
    canvas:text("value", canvas.width - 16, (above + canvas.height - BELOW) / 2, 14, 90)
    canvas:add "unset grid"
    canvas:add("set xrange [%.7g:%.7g]", -step / 2, (frames - 0.5) * step)
    canvas:add("set yrange [0.5:%.1f]", #rows + 0.5)
    if #rows <= 12 then canvas:add "set ytics 1" end
    canvas:add "$IMAGE << END"
    for _, row in ipairs(rows) do
      local cells = {}
      for j, x in ipairs(row) do cells[j] = finite(x) and ("%.6g"):format(x) or "NaN" end
      canvas:add(table.concat(cells, " "))
    end
    canvas:add "END"
    -- a bitmap in a PNG; drawn cells where a bitmap would be smoothed
    canvas:add("plot $IMAGE matrix using ($1*%.9g):($2+1):3 with image%s", step,
      canvas.format == "png" and "" or " pixels")
  end)
end

return signal
