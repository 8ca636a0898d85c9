--- What is missing or odd in a data set, as one table: see `Dataset:check`.
-- @module lubdub.dataset.check
local blame = require "lubdub.blame"
local Table = require "lubdub.table"
local core = require "lubdub.core"
local findings = require "lubdub.dataset.findings"
local lfs = require "lfs"
local options = require "lubdub.options"
local progress = require "lubdub.progress"
local row = require "lubdub.row"

-- So many examples of each problem are named.
local EXAMPLES = 3

local function name_of(clip, i)
  return clip.name or row.data(clip).path or ("row %d"):format(i)
end

-- Problems by name, in the order in which they were first noted.
local function notes()
  local list, by_name = {}, {}
  local function note(problem, example)
    local entry = by_name[problem]
    if not entry then
      entry = { problem = problem, count = 0, names = {} }
      by_name[problem], list[#list + 1] = entry, entry
    end
    entry.count = entry.count + 1
    entry.names[#entry.names + 1] = example
  end
  return note, list
end

-- Headers: can it be read, is there sound in it; returns the rows that are fine.
local function check_headers(clips, note)
  local rates, most = {}, nil
  local seen, fine = {}, {}
  local function once(clip) -- windows of one recording are one file
    local key = row.data(clip).audio or row.data(clip).path
    if key == nil or seen[key] then return false end
    seen[key] = true
    return true
  end
  for i, clip in clips:iter() do
    local data = row.data(clip)
    if not data.path and not data.audio then
      note("neither path nor audio", name_of(clip, i))
    elseif once(clip) then
      local reason = row.unreadable(clip)
      if reason and not lfs.attributes(data.path, "mode") then
        note("file not there", name_of(clip, i))
      elseif reason and lfs.attributes(data.path, "size") == 0 then
        note("empty file", name_of(clip, i))
      elseif reason then
        note("unreadable header", name_of(clip, i))
      else
        fine[#fine + 1] = clip
        local header = row.header(clip)
        if header.frames == 0 then note("no sound in it (0 samples)", name_of(clip, i)) end
        if header.channels and header.channels > 1 then note("more than one channel", name_of(clip, i)) end
        if header.samplerate then rates[header.samplerate] = (rates[header.samplerate] or 0) + 1 end
      end
    end
  end
  for rate, count in pairs(rates) do
    if not most or count > rates[most] or count == rates[most] and rate < most then most = rate end
  end
  local expected = findings.of(clips).samplerate
  for i, clip in ipairs(fine) do
    local rate, wanted = row.header(clip).samplerate, most
    if expected then wanted = type(expected) == "function" and expected(clip) or expected end
    if rate and wanted and rate ~= wanted then
      local text = expected and "sample rate not %g Hz" or "sample rate not %g Hz, as most"
      note(text:format(wanted), name_of(clip, i))
    end
  end
  return fine
end

-- Rows that say the same twice, or nothing where others say something.
local function check_rows(clips, note)
  local seen = {}
  local columns = { label = false, [clips:group_column() or ""] = false }
  columns[""] = nil
  for i, clip in clips:iter() do
    local data = row.data(clip)
    for name in pairs(columns) do columns[name] = columns[name] or data[name] ~= nil end
    if data.path then
      local key = ("%s\0%s"):format(data.path, data.offset or "")
      if seen[key] then note("path in several rows", name_of(clip, i)) end
      seen[key] = true
    end
  end
  for i, clip in clips:iter() do
    for _, name in ipairs { "label", clips:group_column() } do
      if columns[name] and clip[name] == nil then note("no " .. name, name_of(clip, i)) end
    end
  end
end

-- Files with the same bytes; two labels for one sound weigh more.
local function check_content(clips, note, show)
  if #clips == 0 then return end
  local contents = {}
  for i, clip in ipairs(clips) do
    local data = row.data(clip)
    contents[i] = data.audio and { audio = data.audio:contiguous(), samplerate = data.samplerate or 0 } or data.path
  end
  local job <close> = core.fingerprint.Contents(contents)
  local bar = show and progress.bar { label = "check", delay = 0.5, unit = "step" }
  local step = 0
  while not job:advance() do
    step = step + 1
    if bar then bar:update(step) end
  end
  if bar then bar:clear() end
  local first = {}
  for i, clip in ipairs(clips) do
    local a, b, c, d = job:result(i)
    if a then
      local key = string.pack("<i8i8i8i8", a, b, c, d)
      local twin = first[key]
      if twin then
        local other = clips[twin]
        local text = clip.label ~= other.label and "same content, other label" or "same content"
        note(text, ("%s = %s"):format(name_of(clip, i), name_of(other, twin)))
      else
        first[key] = i
      end
    end
  end
end

-- Sound that cannot be decoded, and recordings in which nothing is heard.
local function check_sound(clips, note, show)
  local audio = require "lubdub.audio"
  local bar = show and progress.bar { label = "listen", total = #clips, delay = 0.5, unit = "clip" }
  for i, clip in ipairs(clips) do
    local data = row.data(clip)
    local sound = data.audio or audio.load(data.path, { sr = false, mono = true })
    if not sound then
      note("sound cannot be decoded", name_of(clip, i))
    elseif sound:size() > 0 then
      local peak = math.max(sound:max(), -sound:min())
      if peak ~= peak then
        note("samples that are no numbers", name_of(clip, i))
      elseif peak < 0.001 then
        note("near silence (peak below 0.001)", name_of(clip, i))
      end
    end
    if bar then bar:update(i) end
  end
  if bar then bar:clear() end
end

--- @tparam Dataset self
-- @tparam ?table given
-- @treturn lubdub.Table
return function(self, given)
  local o = options.read("Dataset:check", given, { content = true, silence = false, progress = true })
  for _, name in ipairs { "content", "silence", "progress" } do
    if type(o[name]) ~= "boolean" then
      blame("Dataset:check: %s must be true or false, got %s", name, tostring(o[name]))
    end
  end
  local note, list = notes()
  for _, found in ipairs(findings.of(self)) do
    for _, example in ipairs(found.names) do note(found.problem, example) end
  end
  local fine = check_headers(self, note)
  check_rows(self, note)
  if o.content then check_content(fine, note, o.progress) end
  if o.silence then check_sound(fine, note, o.progress) end
  local rows = {}
  for i, entry in ipairs(list) do
    local examples = table.concat(entry.names, ", ", 1, math.min(EXAMPLES, #entry.names))
    if #entry.names > EXAMPLES then examples = examples .. ", ..." end
    rows[i] = { problem = entry.problem, count = entry.count, examples = examples, names = entry.names }
  end
  local from = findings.of(self).source
  return Table({ "problem", "count", "examples" }, rows, {
    title = ("check of %d clips%s: %s"):format(#self, from and " from " .. from or "",
      #rows == 0 and "nothing missing or odd" or #rows == 1 and "1 kind of problem"
      or ("%d kinds of problems"):format(#rows)) })
end
