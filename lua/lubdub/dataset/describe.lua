--- A data set in words: rows and groups per label, durations, sample rates, columns; a few rows are shown themselves.
-- @module lubdub.dataset.describe
local counts = require "lubdub.dataset.counts"
local order = require "lubdub.order"
local row = require "lubdub.row"
local texttable = require "lubdub.texttable"

local MOST_LABELS = 30

-- So few rows are shown themselves.
local FEW = 5

local function plural(n, word)
  return ("%d %s%s"):format(n, word, n == 1 and "" or "s")
end

-- Seconds for people.
local function span(seconds)
  if seconds < 120 then return ("%.1f s"):format(seconds) end
  if seconds < 7200 then return ("%.1f min"):format(seconds / 60) end
  return ("%.1f h"):format(seconds / 3600)
end

local function median(sorted)
  local n = #sorted
  if n % 2 == 1 then return sorted[n // 2 + 1] end
  return (sorted[n // 2] + sorted[n // 2 + 1]) / 2
end

-- What is said about some rows: their number, groups and durations.
local function summary(clips, group_column)
  local groups, n_groups, durations, total = {}, 0, {}, 0
  for _, clip in ipairs(clips) do
    local group = group_column and clip[group_column]
    if group ~= nil and not groups[group] then groups[group], n_groups = true, n_groups + 1 end
    local duration = row.peek(clip, "duration")
    if duration then
      durations[#durations + 1] = duration
      total = total + duration
    end
  end
  table.sort(durations)
  return { n = #clips, groups = n_groups, durations = durations, total = total }
end

local function line(name, s, all, has_groups, has_durations)
  local cells = { name, s.n, ("%.1f"):format(100 * s.n / all) }
  if has_groups then cells[#cells + 1] = s.groups end
  if has_durations and #s.durations > 0 then
    local d = s.durations
    for _, value in ipairs { d[1], median(d), d[#d] } do cells[#cells + 1] = ("%.2f"):format(value) end
    cells[#cells + 1] = span(s.total)
  end
  return cells
end

-- The rows of each label, the labels sorted; rows without one last.
local function by_label(self)
  local parts, labels, unlabelled = {}, {}, {}
  local kind, mixed
  for _, clip in self:iter() do
    local label = clip.label
    if label == nil then
      unlabelled[#unlabelled + 1] = clip
    else
      local new = type(label)
      kind = kind or new
      mixed = mixed or new ~= kind or new ~= "string" and new ~= "number"
      if not parts[label] then
        parts[label] = {}
        labels[#labels + 1] = label
      end
      table.insert(parts[label], clip)
    end
  end
  return order.sort(labels, mixed and tostring or nil), parts, unlabelled
end

local function rates(self)
  local list = {}
  for _, clip in self:iter() do
    list[#list + 1] = row.peek(clip, "samplerate")
  end
  if #list == 0 then return nil end
  local parts = {}
  for rate, count in pairs(counts("samplerate", list)) do
    parts[#parts + 1] = ("%d Hz (%d)"):format(math.tointeger(rate) or rate // 1, count)
  end
  return "sample rates: " .. table.concat(parts, ", ")
end

local function unreadable(self)
  local n, first = 0, nil
  for _, clip in self:iter() do
    local reason = row.unreadable(clip)
    if reason then n, first = n + 1, first or reason end
  end
  if n == 0 then return nil end
  return ("unreadable: %s (%s); clips:readable() leaves them out"):format(plural(n, "file"), first)
end

--- @tparam Dataset self
-- @tparam ?function tabulate makes text of rows of cells (default lubdub.texttable)
-- @treturn string several lines
return function(self, tabulate)
  if #self == 0 then return "Dataset: empty" end
  local group_column = self:group_column()
  local all = {}
  for i, clip in self:iter() do all[i] = clip end
  local whole = summary(all, group_column)
  local labels, parts, unlabelled = by_label(self)

  local head = "Dataset: " .. plural(#self, "clip")
  if #labels > 0 then head = head .. ", " .. plural(#labels, "label") end
  if whole.groups > 0 then head = head .. ", " .. plural(whole.groups, "group") end
  local lines = { head }
  if #self <= FEW then
    lines[2], lines[3] = require "lubdub.dataset.show"(self, FEW, nil, tabulate), unreadable(self)
    return table.concat(lines, "\n")
  end

  local has_groups, has_durations = whole.groups > 0, #whole.durations > 0
  local titles = { "label", "clips", "%" }
  if has_groups then titles[#titles + 1] = "groups" end
  if has_durations then
    for _, title in ipairs { "min s", "median s", "max s", "total" } do titles[#titles + 1] = title end
  end
  local rows = { titles }
  for i, label in ipairs(labels) do
    if i > MOST_LABELS then
      rows[#rows + 1] = { ("... %d more"):format(#labels - MOST_LABELS) }
      break
    end
    rows[#rows + 1] = line(tostring(label), summary(parts[label], group_column), #self, has_groups, has_durations)
  end
  if #unlabelled > 0 and #labels > 0 then
    rows[#rows + 1] = line("(none)", summary(unlabelled, group_column), #self, has_groups, has_durations)
  end
  rows[#rows + 1] = line("all", whole, #self, has_groups, has_durations)
  lines[#lines + 1] = (tabulate or texttable)(rows)
  lines[#lines + 1] = rates(self)
  lines[#lines + 1] = unreadable(self)
  lines[#lines + 1] = "columns: " .. table.concat(self:columns(), ", ")
  return table.concat(lines, "\n")
end
