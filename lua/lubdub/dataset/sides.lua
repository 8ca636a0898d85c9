--- What a split needs to know of a data set: labels, groups, and which groups must not be on both sides.
-- @module lubdub.dataset.sides
local blame = require "lubdub.blame"
local leaks = require "lubdub.split.leaks"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"

local sides = {}

local kinds = { "group", "patient", "recording" }

--- The columns that say what must stay together, those that some row has.
-- @tparam Dataset clips
-- @treturn table a list out of "group", "patient" and "recording"
function sides.group_columns(clips)
  local there = {}
  for _, clip in clips:iter() do
    local data = row.data(clip)
    for _, name in ipairs(kinds) do there[name] = there[name] or data[name] ~= nil end
  end
  local list = {}
  for _, name in ipairs(kinds) do list[#list + 1] = there[name] and name or nil end
  return list
end

--- Labels or groups from an option: a column's name or a list.
-- @treturn ?table
function sides.list(clips, where, what)
  if type(what) == "string" then return values.complete(clips, where, what) end
  return what or nil
end

--- Warns once per data set when groups that it knows are on both sides; where it knows none, when recordings are.
-- @tparam string where the asking function
-- @tparam Dataset clips
-- @tparam table parts a list of { train, test }, positions
-- @tparam ?boolean single whether it is one split, which takes the option groups
function sides.warn(where, clips, parts, single)
  local function warn(name, groups)
    return leaks.warn(where, name, groups, parts, clips, single and ("groups = %q keeps"):format(name) or nil)
  end
  local names = sides.group_columns(clips)
  for _, name in ipairs(names) do
    if warn(name, (values.all(clips, name))) > 0 then return end
  end
  if #names > 0 then return end
  local recordings = {}
  for i, clip in clips:iter() do recordings[i] = row.data(clip).path or row.data(clip).audio end
  warn("path", recordings)
end

-- The column that serves where nothing is said: of all rows, or, where a splitter cannot do without, an error.
local function default(clips, where, name, needed)
  if not name then return nil end
  if needed then return values.complete(clips, where, name) end
  local list, _, hole = values.all(clips, name)
  return not hole and list or nil
end

--- Whether a value is a splitter of `lubdub.split`, or serves as one.
function sides.is_splitter(value)
  return type(value) == "table" and type(value.split) == "function"
end

--- All folds of a data set.
-- @tparam string where the asking function
-- @tparam Dataset clips
-- @tparam table splitter
-- @param labels column name, list, nil (the column label) or false
-- @param groups column name, list, nil (the column of groups) or false
-- @treturn table a list of { train, test }, positions
function sides.folds(where, clips, splitter, labels, groups)
  if not sides.is_splitter(splitter) then
    blame("%s: expected a splitter such as lubdub.split.KFold { n_splits = 5 }, got %s", where, type(splitter))
  end
  if #clips == 0 then blame("%s: the data set is empty", where) end
  local needs = splitter.needs or {}
  if labels == nil then
    labels = default(clips, where, "label", needs.labels)
  else
    labels = sides.list(clips, where, labels)
  end
  if groups == nil then
    groups = default(clips, where, sides.group_columns(clips)[1], needs.groups)
  else
    groups = sides.list(clips, where, groups)
  end
  local parts = {}
  for train, test in splitter:split(labels or #clips, groups) do parts[#parts + 1] = { train, test } end
  sides.warn(where, clips, parts)
  return parts
end

return sides
