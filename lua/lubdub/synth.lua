--- A toy heart: labelled recordings from a seed.
-- For tests, examples and first steps on a machine without data. It has rates, systoles, valves, murmurs, extra
-- sounds, extrasystoles, breath, hum, noise and stethoscopes of roughly the right kind (csrc/audio/synth.h says
-- which), but it is no model of a patient: results on it say that the software works, never how good
-- a method is. The same options give the same bits on every machine, with any number of threads.
-- @module lubdub.synth
-- @usage local y, sr = lubdub.synth.clip { label = "murmur", seed = 7 }
local core = require "lubdub.core"
local options = require "lubdub.options"

local synth = {}

--- The five labels, in alphabetical order: artifact, extrahls, extrastole, murmur, normal.
synth.labels = table.move(core.synth.labels, 1, #core.synth.labels, 1, {})

-- How often each label occurs, mildly uneven as in life.
local shares = { artifact = 0.14, extrahls = 0.17, extrastole = 0.18, murmur = 0.22, normal = 0.29 }

-- Part of the normal clips that come from patients with extrasystoles, between two attacks.
local calm = 0.2

-- One call into C makes at most so many samples (well below 50 ms), unless one recording alone has more.
local slice = 400000

--- One recording.
-- @tparam ?table given
-- @tparam[opt="normal"] string given.label artifact, extrahls, extrastole, murmur or normal
-- @tparam[opt=0] int given.seed
-- @tparam[opt=1] int given.patient a patient keeps rate, timbre and stethoscope over all recordings of a seed
-- @tparam[opt=1] int given.take the number of the recording
-- @tparam[opt=4000] int given.sr samples per second, 1000 to 48000
-- @tparam[opt=5] number given.duration seconds, 1 to 30
-- @tparam[opt=false] number given.rate beats a minute, 30 to 180; false: the patient's own
-- @tparam[opt=false] number given.snr dB from the ambient noise to the peak of an S1; false: drawn
-- @treturn Tensor the samples, (n)
-- @treturn int the sample rate
-- @usage local y, sr = lubdub.synth.clip { label = "murmur", seed = 7 }
function synth.clip(given)
  local clips, rates = core.synth.render("synth.clip", { given or {} })
  return clips[1], rates[1]
end

--- The beats of a recording: what an ideal listener would mark in `clip` with the same options.
-- Times are seconds from the start to the onsets; the first beat may begin before 0, the last one end after the
-- recording. An artifact without a heart has none.
-- @tparam ?table given as for `clip`
-- @treturn {table,...} a list of { s1 = seconds, s2 = seconds, premature = boolean }
-- @usage for _, beat in ipairs(lubdub.synth.beats { seed = 7 }) do print(beat.s1, beat.s2) end
function synth.beats(given) return core.synth.beats("synth.beats", given) end

-- Splits n into whole numbers in proportion to the weights (largest remainders; the first of equals wins).
local function apportion(n, weights)
  local total, rest, result, order = 0, n, {}, {}
  for _, w in ipairs(weights) do total = total + w end
  for i, w in ipairs(weights) do
    local quota = total > 0 and n * w / total or 0
    result[i] = math.floor(quota)
    rest = rest - result[i]
    order[i] = { i = i, left = quota - result[i] }
  end
  table.sort(order, function(a, b)
    if a.left ~= b.left then return a.left > b.left end
    return a.i < b.i
  end)
  for k = 1, #order > 0 and rest or 0 do
    local i = order[(k - 1) % #order + 1].i
    result[i] = result[i] + 1
  end
  return result
end

-- A function that gives the next whole number in 1 .. n, and one that gives the next number in [0, 1).
local function draws(seed)
  local i = 0
  local function uniform()
    i = i + 1
    return core.synth.uniform(seed, i)
  end
  return function(n) return math.floor(uniform() * n) + 1 end, uniform
end

local function is_count(value, least) return math.type(value) == "integer" and value >= least end

-- Refuses wrong values; returns the set of labels wanted.
local function check(o)
  local function wrong(name, expected)
    error(("synth.hearts: option '%s' must be %s, got %s"):format(name, expected, tostring(o[name])), 3)
  end
  if not is_count(o.n, 1) then wrong("n", "a whole number of at least 1") end
  if not is_count(o.seed, math.mininteger) then wrong("seed", "a whole number") end
  if o.patients and not is_count(o.patients, 1) then wrong("patients", "a whole number of at least 1, or false") end
  if type(o.duration) == "number" then o.duration = { o.duration, o.duration } end
  local d = o.duration
  if type(d) ~= "table" or type(d[1]) ~= "number" or type(d[2]) ~= "number" or not (1 <= d[1] and d[1] <= d[2])
    or d[2] > 30 then
    wrong("duration", "seconds or { shortest, longest }, from 1 to 30")
  end
  if type(o.classes) ~= "table" or #o.classes == 0 then wrong("classes", "a list of labels") end
  local chosen = {}
  for _, label in ipairs(o.classes) do
    if not shares[label] then
      error(("synth.hearts: classes must be among %s, got '%s'"):format(table.concat(synth.labels, ", "),
        tostring(label)), 3)
    end
    chosen[label] = true
  end
  return chosen
end

-- Who is recorded with which label: a list of { patient =, label = }, by patient.
local function cast(o, chosen)
  local below, uniform = draws(o.seed)
  local labels, weights = {}, {}
  for _, label in ipairs(synth.labels) do -- in a fixed order, however `classes` is written
    if chosen[label] then
      labels[#labels + 1], weights[#weights + 1] = label, shares[label]
    end
  end
  local counts, clips_of, conditions, spare = apportion(o.n, weights), {}, {}, {}
  local with_heart = 0
  for i, label in ipairs(labels) do
    clips_of[label] = counts[i]
    if label ~= "artifact" and counts[i] > 0 then
      conditions[#conditions + 1], spare[#spare + 1] = label, counts[i] - 1
      with_heart = with_heart + counts[i]
    end
  end
  local most = #conditions > 0 and with_heart or o.n
  local patients = o.patients or math.max(1, #conditions, math.min(o.n // 4, most))
  if patients < #conditions or patients > most then
    error(("synth.hearts: option 'patients' must be from %d (one per condition) to %d, got %d"):format(
      math.max(1, #conditions), most, patients), 3)
  end

  -- Patients have one condition each, in shuffled order.
  local has = {}
  for i, count in ipairs(apportion(patients - #conditions, spare)) do
    for _ = 0, count do has[#has + 1] = conditions[i] end
  end
  for i = #has, 2, -1 do
    local j = below(i)
    has[i], has[j] = has[j], has[i]
  end
  local those_with, everybody = {}, {}
  for patient = 1, patients do
    local condition = has[patient] or "none"
    those_with[condition] = those_with[condition] or {}
    table.insert(those_with[condition], patient)
    everybody[patient] = patient
  end

  local result = {}
  for _, label in ipairs(labels) do
    local own = label == "artifact" and everybody or those_with[label]
    for k = 1, clips_of[label] do
      local from = own
      if label == "artifact" then
        if k <= patients and #conditions == 0 then from = { k } end
      elseif k <= #own then
        from = { own[k] } -- nobody is left out
      elseif label == "normal" and those_with.extrastole and uniform() < calm then
        from = those_with.extrastole
      end
      result[#result + 1] = { patient = from[below(#from)], label = label, key = uniform() }
    end
  end
  table.sort(result, function(a, b)
    if a.patient ~= b.patient then return a.patient < b.patient end
    return a.key < b.key
  end)
  return result, uniform
end

--- A set of recordings, ordered by patient.
-- A patient is healthy or has one condition (extrahls, extrastole or murmur) and some four recordings; artifacts
-- happen to anybody, and patients with extrasystoles have normal recordings too. So a split by patient is an honest
-- one, and nobody's voice gives the label away. The labels come in the proportions
-- artifact 14, extrahls 17, extrastole 18, murmur 22, normal 29.
-- Row i is `synth.clip` with the row's label, patient, take, duration and the set's seed and sr.
-- @tparam ?table given
-- @tparam[opt=600] int given.n how many recordings
-- @tparam[opt=0] int given.seed
-- @tparam[opt=4000] int given.sr samples per second, 1000 to 48000
-- @tparam[opt={4.2,8}] number|table given.duration seconds, 1 to 30, or { shortest, longest }
-- @tparam[opt=synth.labels] {string,...} given.classes the labels wanted
-- @tparam[opt=false] int given.patients how many; false: a quarter of n
-- @treturn {table,...} rows { audio = Tensor (n), label =, patient =, take =, duration =, samplerate = }
-- @usage local rows = lubdub.synth.hearts { n = 40, seed = 1, classes = { "murmur", "normal" } }
function synth.hearts(given)
  local o = options.read("synth.hearts", given, {
    n = 600, seed = 0, sr = 4000, duration = { 4.2, 8 }, classes = synth.labels, patients = false,
  })
  local rows, uniform = cast(o, check(o))
  local batch, first, samples, take = {}, 1, 0, 0
  for i, row in ipairs(rows) do
    take = i > 1 and rows[i - 1].patient == row.patient and take + 1 or 1
    local seconds = o.duration[1] + (o.duration[2] - o.duration[1]) * uniform()
    row.key, row.take, row.duration = nil, take, math.floor(seconds * 100 + 0.5) / 100
    batch[#batch + 1] = {
      label = row.label, seed = o.seed, patient = row.patient, take = take, sr = o.sr, duration = row.duration,
    }
    samples = samples + row.duration * (tonumber(o.sr) or 0)
    if samples > slice or i == #rows then
      local clips, rates = core.synth.render("synth.hearts", batch)
      for k, audio in ipairs(clips) do
        rows[first + k - 1].audio, rows[first + k - 1].samplerate = audio, rates[k]
      end
      batch, first, samples = {}, i + 1, 0
    end
  end
  return rows
end

return synth
