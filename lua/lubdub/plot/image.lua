--- Pictures of sounds as images: spectrogram, mel spectrogram, MFCC. Time runs to the right.
-- @module lubdub.plot.image
local axes = require "lubdub.plot.axes"
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local feature = require "lubdub.feature"
local Figure = require "lubdub.plot.figure"
local options = require "lubdub.options"
local sounds = require "lubdub.plot.sound"
local theme = require "lubdub.plot.theme"

local image = {}

local MOST = 1200 -- columns of a picture that Lua looks at
local DRAWN = 20000 -- cells of a PDF that are drawn one by one

-- Means of neighbouring columns, at most `most` of them: a picture has no more pixels.
local function narrowed(rows, columns, most)
  if columns <= most then return rows, columns end
  local result = {}
  for i, row in ipairs(rows) do
    local narrow = {}
    for c = 1, most do
      local sum, n = 0.0, 0
      for j = (c - 1) * columns // most + 1, c * columns // most do
        if axes.finite(row[j]) then sum, n = sum + row[j], n + 1 end
      end
      narrow[c] = n > 0 and sum / n or 0 / 0
    end
    result[i] = narrow
  end
  return result, most
end

--- The range of the rows from the second on (the first coefficient, loudness, is far from the others) without their
-- lowest and highest 2 %.
function image.middle_range(rows)
  local all = {}
  for i = #rows > 1 and 2 or 1, #rows do
    for _, x in ipairs(rows[i]) do
      if axes.finite(x) then all[#all + 1] = x end
    end
  end
  table.sort(all)
  local low, high = all[math.ceil(#all * 0.02)] or 0, all[math.ceil(#all * 0.98)] or 1
  return low, high > low and high or low + 1
end

local function whole_range(rows)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(rows) do
    for _, x in ipairs(row) do
      if axes.finite(x) then low, high = math.min(low, x), math.max(high, x) end
    end
  end
  if low > high then return 0, 1 end
  return low, high > low and high or low + 1
end

--- Writes rows of cells as a data block and plots them. Row i lies at y = i.
-- @tparam Canvas canvas
-- @tparam table rows numbers
-- @tparam number step seconds from column to column
-- @tparam ?function cells (row, column, number) -> "x y red green blue"; without it the palette gives the colours
function image.plot(canvas, rows, step, cells)
  local columns = #rows[1]
  -- a bitmap; drawn cells where a bitmap would be smoothed, unless they are too many
  local drawn = canvas.smooths and #rows * columns <= DRAWN
  canvas:add "$IMAGE << END"
  for i, row in ipairs(rows) do
    local line = {}
    for j, x in ipairs(row) do line[j] = cells and cells(i, j, x) or axes.finite(x) and ("%.6g"):format(x) or "NaN" end
    canvas:add(table.concat(line, cells and "\n" or " "))
  end
  canvas:add "END"
  if cells then
    canvas:add("plot $IMAGE using ($1*%.9g):2:3:4:5 with rgbimage%s, 1/0 with points palette", step,
      drawn and " pixels" or "")
  else
    canvas:add("plot $IMAGE matrix using ($1*%.9g):($2+1):3 with image%s", step, drawn and " pixels" or "")
  end
end

--- The axes of a picture: time below, its rows on the left, a colour bar on the right.
-- @tparam Canvas canvas
-- @tparam table o title, y, step (seconds per column), columns, n_rows, tics (a list of { text, row }, or nil)
-- @treturn table the frame
function image.axes(canvas, o)
  local frame = axes.frame(canvas, { title = o.title, x = "time (s)", y = o.y, right = axes.BAR })
  canvas:add "unset grid"
  canvas:add("set xrange [%.7g:%.7g]", -o.step / 2, (o.columns - 0.5) * o.step)
  canvas:add("set yrange [0.5:%.1f]", o.n_rows + 0.5)
  if o.tics then
    local tics, last = {}, nil
    for _, tic in ipairs(o.tics) do
      local y = tic[2] / o.n_rows * frame.height
      if tic[2] >= 0.5 and tic[2] <= o.n_rows + 0.5 and (not last or y - last >= 22) then
        tics[#tics + 1], last = ("%s %.6g"):format(canvas.tic(tic[1]), tic[2]), y
      end
    end
    canvas:add("set ytics (%s)", table.concat(tics, ", "))
  elseif o.n_rows <= 12 then
    canvas:add "set ytics 1"
  end
  return frame
end

-- A figure of rows as colours; o has image.axes' fields, and range, bar (the name of the bar), what.
local function figure(where, o, rows, columns, picture)
  o.size = o.size or { 960, 400 }
  return Figure.new(where, ("%s of %d frames"):format(picture.what, columns), o, function(canvas)
    local cells, n = narrowed(rows, columns, canvas.width - axes.LEFT - axes.BAR)
    local step = picture.step * columns / n
    local frame = image.axes(canvas, { title = o.title, y = picture.y, step = step, columns = n, n_rows = #rows,
      tics = picture.tics })
    axes.bar(canvas, frame, theme.sound, picture.low, picture.high, picture.bar)
    image.plot(canvas, cells, step)
  end, axes.least { title = o.title, right = axes.BAR })
end

local function is_tensor(value, ndim) return core.Tensor.is(value) and value:ndim() == ndim end

-- Reads a row of a data set: its sound, and its rate among the options where they have none.
local function read(where, value, given)
  if not sounds.is_row(value) then return value, given end
  local o = {}
  for name, option in pairs(type(given) == "table" and given or {}) do o[name] = option end
  value, o.sr = sounds.read(where, value, o.sr)
  return value, o
end

-- A sound as a tensor, or nil.
local function sound_of(where, value)
  if type(value) == "table" and type(value[1]) == "number" then value = core.Tensor(value) end
  if not is_tensor(value, 1) then return nil end
  if #value == 0 then blame("%s: the sound is empty", where) end
  return value
end

local function step_of(where, o)
  return axes.positive(where, "hop_length", o.hop_length) / axes.positive(where, "sr", o.sr)
end

--- MFCCs as an image, coefficients upwards. The colours span the coefficients from the second on (the first, loudness,
-- in the hundreds, would flatten them all to one) without their lowest and highest 2 %; what lies beyond has the end's
-- colour.
-- @tparam Tensor|table features (n_mfcc, frames) or (n_mfcc, frames, 1), a sound (n), or a row of a data set
-- @tparam[opt] table given
-- @tparam ?number given.sr samples per second (22050; of a row its own)
-- @tparam ?integer given.hop_length samples from frame to frame (512)
-- @tparam ?integer given.n_mfcc coefficients of a sound (20)
-- @tparam ?string|boolean given.title default "MFCC"; false for none
-- @tparam ?table given.size { 960, 400 } pixels
-- @tparam ?string given.theme
-- @treturn Figure
function image.mfcc(features, given)
  local where = "plot.mfcc"
  features, given = read(where, features, given)
  local o = options.read(where, given, Figure.options("MFCC", { sr = 22050, hop_length = 512, n_mfcc = 20 }))
  local step = step_of(where, o)
  local sound = core.Tensor.is(features) and sound_of(where, features)
  if sound then features = feature.MFCC { sr = o.sr, hop_length = o.hop_length, n_mfcc = o.n_mfcc }(sound) end
  local thin, factor = axes.thinned(features, MOST)
  local rows, columns = axes.rows(where, "features must be a tensor (n_mfcc, frames)", thin)
  step = step * factor
  local low, high = image.middle_range(rows)
  return figure(where, o, rows, columns,
    { what = "MFCC", step = step, y = "coefficient", low = low, high = high, bar = "value" })
end

-- Hz to mel, Slaney's scale or HTK's.
local function mel(hz, htk)
  if htk then return 2595 * math.log(1 + hz / 700, 10) end
  return hz < 1000 and hz * 3 / 200 or 15 + 27 * math.log(hz / 1000) / math.log(6.4)
end

-- Tics at powers of two, as librosa's: 0 and 64 Hz to 64 kHz.
local function octaves(low, high)
  local list = { 0 }
  for power = 5, 17 do list[#list + 1] = 2 ^ power end
  local result = {}
  for _, hz in ipairs(list) do
    if hz >= low and hz <= high * 1.0001 then result[#result + 1] = hz end
  end
  return result
end

--- A mel spectrogram in dB, on the mel scale; the tics are in Hz.
-- @tparam Tensor|table S a sound (n), a row of a data set, or (n_mels, frames) in dB
-- @tparam[opt] table given
-- @tparam ?number given.sr samples per second (22050; of a row its own)
-- @tparam ?integer given.hop_length samples from frame to frame (512)
-- @tparam ?integer given.n_fft of a sound (2048)
-- @tparam ?integer given.n_mels bands of a sound (128)
-- @tparam ?number given.fmin the lowest band's lower end, Hz (0)
-- @tparam ?number given.fmax the highest band's upper end, Hz (false: sr / 2)
-- @tparam ?boolean given.htk HTK's mel scale (false: Slaney's)
-- @tparam ?string|boolean given.title default "Mel spectrogram"; false for none
-- @tparam ?table given.size { 960, 400 } pixels
-- @tparam ?string given.theme
-- @treturn Figure
function image.melspectrogram(S, given)
  local where = "plot.melspectrogram"
  S, given = read(where, S, given)
  local o = options.read(where, given, Figure.options("Mel spectrogram", { sr = 22050, hop_length = 512, n_fft = 2048,
    n_mels = 128, fmin = 0, fmax = false, htk = false }))
  local step = step_of(where, o)
  local fmax = o.fmax or o.sr / 2
  if type(fmax) ~= "number" or type(o.fmin) ~= "number" or not (o.fmin >= 0 and fmax > o.fmin) then
    blame("%s: fmin and fmax must be frequencies with 0 <= fmin < fmax, got %s and %s", where, tostring(o.fmin),
      tostring(fmax))
  end
  local sound = sound_of(where, S)
  if sound then
    S = feature.power_to_db(feature.MelSpectrogram { sr = o.sr, hop_length = o.hop_length, n_fft = o.n_fft,
      n_mels = o.n_mels, fmin = o.fmin, fmax = fmax, htk = o.htk }(sound), { ref = "max" })
  end
  local thin, factor = axes.thinned(S, MOST)
  local rows, columns = axes.rows(where, "expected a sound (n), or a tensor (n_mels, frames) in dB", thin)
  step = step * factor
  local from, to, tics = mel(o.fmin, o.htk), mel(fmax, o.htk), {}
  for i, hz in ipairs(octaves(o.fmin, fmax)) do
    tics[i] = { ("%d"):format(hz), (mel(hz, o.htk) - from) / (to - from) * (#rows + 1) }
  end
  if tics[1] and tics[1][2] < 0.5 then tics[1][2] = 0.5 end
  local low, high = whole_range(rows)
  return figure(where, o, rows, columns,
    { what = "mel spectrogram", step = step, y = "frequency (Hz)", low = low, high = high, bar = "dB", tics = tics })
end

-- Rows of a spectrum between two frequencies, evenly spaced (in octaves if `logarithmic`): the nearest bin of each.
local function between(rows, nyquist, low, high, logarithmic)
  local bin = nyquist / (#rows - 1)
  local n = math.max(2, math.min(512, math.ceil((high - low) / bin) + 1))
  local result = {}
  for i = 1, n do
    local share = (i - 1) / (n - 1)
    local hz = logarithmic and low * (high / low) ^ share or low + (high - low) * share
    result[i] = rows[math.min(#rows, math.floor(hz / bin + 0.5) + 1)]
  end
  return result
end

-- Round frequencies over a range, some eight of them.
local function even(low, high)
  local step = 10 ^ math.floor(math.log((high - low) / 4, 10))
  for _, factor in ipairs { 5, 2 } do
    if (high - low) / (step * factor) >= 4 then
      step = step * factor
      break
    end
  end
  local result = {}
  for k = math.ceil(low / step), math.floor(high / step) do result[#result + 1] = k * step end
  return result
end

--- A spectrogram in dB.
-- @tparam Tensor|table S a sound (n), a row of a data set, an STFT (bins, frames, 2), or (bins, frames) in dB
-- @tparam[opt] table given
-- @tparam ?number given.sr samples per second (22050; of a row its own)
-- @tparam ?integer given.n_fft of a sound (2048)
-- @tparam ?integer given.hop_length samples from frame to frame (512)
-- @tparam ?string given.y_axis "linear" or "log"
-- @tparam ?number given.fmin lowest frequency shown, Hz (0; with "log" 32, or the first bin above)
-- @tparam ?number given.fmax highest frequency shown, Hz (false: sr / 2)
-- @tparam ?string|boolean given.title default "Spectrogram"; false for none
-- @tparam ?table given.size { 960, 400 } pixels
-- @tparam ?string given.theme
-- @treturn Figure
function image.spectrogram(S, given)
  local where = "plot.spectrogram"
  S, given = read(where, S, given)
  local o = options.read(where, given, Figure.options("Spectrogram",
    { sr = 22050, n_fft = 2048, hop_length = 512, y_axis = "linear", fmin = false, fmax = false }))
  local step = step_of(where, o)
  if o.y_axis ~= "linear" and o.y_axis ~= "log" then
    blame('%s: y_axis must be "linear" or "log", got %s', where, tostring(o.y_axis))
  end
  local sound = sound_of(where, S)
  if sound then S = feature.STFT { sr = o.sr, n_fft = o.n_fft, hop_length = o.hop_length }(sound) end
  if is_tensor(S, 3) and S:shape(3) == 2 then
    local squares = S * S
    S = feature.power_to_db(squares:sum(3), { ref = "max" })
  end
  local thin, factor = axes.thinned(S, MOST)
  local rows, columns = axes.rows(where, "expected a sound (n), its STFT (bins, frames, 2), or (bins, frames) in dB",
    thin)
  step = step * factor
  if #rows < 2 then blame("%s: at least 2 bins are needed", where) end
  local logarithmic, nyquist = o.y_axis == "log", o.sr / 2
  local fmin = o.fmin or logarithmic and math.min(math.max(32, nyquist / (#rows - 1)), nyquist / 2) or 0
  local fmax = o.fmax or nyquist
  if type(fmin) ~= "number" or type(fmax) ~= "number" or not (fmin >= 0 and fmin < fmax and fmax <= nyquist)
    or logarithmic and fmin == 0 then
    blame("%s: fmin and fmax must be frequencies with %s fmin < fmax <= sr / 2, got %s and %s", where,
      logarithmic and "0 <" or "0 <=", tostring(fmin), tostring(fmax))
  end
  local low, high = whole_range(rows)
  rows = between(rows, nyquist, fmin, fmax, logarithmic)
  local tics = {}
  for i, hz in ipairs(logarithmic and octaves(fmin, fmax) or even(fmin, fmax)) do
    local share = logarithmic and math.log(hz / fmin) / math.log(fmax / fmin) or (hz - fmin) / (fmax - fmin)
    tics[i] = { ("%g"):format(hz), 1 + share * (#rows - 1) }
  end
  return figure(where, o, rows, columns,
    { what = "spectrogram", step = step, y = "frequency (Hz)", low = low, high = high, bar = "dB", tics = tics })
end

return image
