--- A data set in parts: train and test, and folds.
-- @module lubdub.dataset.parts
local blame = require "lubdub.blame"
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"
local warning = require "lubdub.warning"

local methods = object.methods

--- The column that says what must stay together, if any row has it.
-- @treturn ?string "group", "patient" or "recording"
function methods:group_column()
  for _, name in ipairs { "group", "patient", "recording" } do
    for _, clip in self:iter() do
      if row.data(clip)[name] ~= nil then return name end
    end
  end
  return nil
end

local function warn_of_leaks(where, name, train, test)
  if not name then return end
  local inside, seen, both, all = {}, {}, 0, 0
  for _, clip in ipairs(object.rows(train)) do
    local group = clip[name]
    if group ~= nil and not inside[group] then inside[group], all = true, all + 1 end
  end
  for _, clip in ipairs(object.rows(test)) do
    local group = clip[name]
    if group ~= nil and not seen[group] then
      seen[group] = true
      if inside[group] then both = both + 1 else all = all + 1 end
    end
  end
  if both > 0 then
    warning.warn(("%s: %d of %d groups (column %q) have rows on both sides, so the test will look better than it is; "
      .. "groups = %q keeps each on one side"):format(where, both, all, name, name))
  end
end

-- Labels or groups from an option: a column's name or a list.
local function values_of(self, where, what)
  if type(what) == "string" then return values.complete(self, where, what) end
  return what or nil
end

--- Two parts, as `lubdub.split.train_test_split` makes them.
-- Warns once when groups that the rows know (columns group, patient or recording) end up on both sides.
-- @tparam ?table given `test_size` (0.25), `train_size`, `seed`, `shuffle` (true); `stratify` and `groups`: a column
-- name or a list
-- @treturn Dataset the rest (train)
-- @treturn Dataset test
function methods:split(given)
  local o = options.read("Dataset:split", given, {
    test_size = options.none, train_size = options.none, seed = options.none,
    shuffle = true, stratify = options.none, groups = options.none,
  })
  o.stratify = values_of(self, "Dataset:split: stratify", o.stratify)
  o.groups = values_of(self, "Dataset:split: groups", o.groups)
  local train, test = require("lubdub.split").train_test_split(#self, o)
  train, test = self:take(train), self:take(test)
  if not o.groups then warn_of_leaks("split", self:group_column(), train, test) end
  return train, test
end

--- Cross-validation: `for train, test in clips:folds(lubdub.split.KFold { n_splits = 5 }) do`.
-- @tparam table splitter of `lubdub.split`
-- @tparam ?table given `stratify`, `groups`: a column name or a list (default: the column label and the column of
-- groups, where every row has them)
-- @treturn function an iterator of train, test
function methods:folds(splitter, given)
  local where = "Dataset:folds"
  if type(splitter) ~= "table" or type(splitter.split) ~= "function" then
    blame("%s: expected a splitter such as lubdub.split.KFold { n_splits = 5 }, got %s", where, type(splitter))
  end
  local o = options.read(where, given, { stratify = options.none, groups = options.none })
  local known = self:group_column()
  local function default(name)
    local list, _, hole = values.all(self, name)
    return not hole and list or nil
  end
  local labels = o.stratify == nil and default "label" or values_of(self, where, o.stratify)
  local groups = o.groups == nil and known and default(known) or values_of(self, where, o.groups)
  local each = splitter:split(labels or #self, groups)
  return function()
    local train, test = each()
    if not train then return nil end
    train, test = self:take(train), self:take(test)
    warn_of_leaks("folds", o.groups == nil and known or nil, train, test)
    return train, test
  end
end
