--- A data set in parts: train and test, and folds.
-- @module lubdub.dataset.parts
local blame = require "lubdub.blame"
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local sides = require "lubdub.dataset.sides"

local methods = object.methods

--- The column that says what must stay together, if any row has it.
-- @treturn ?string "group", "patient" or "recording"
function methods:group_column()
  return sides.group_columns(self)[1]
end

--- Two parts, as `lubdub.split.train_test_split` makes them.
-- Warns once per data set when groups that the rows know (columns group, patient or recording), or else recordings,
-- end up on both sides.
-- @tparam ?table given `test_size` (0.25), `train_size`, `seed`, `shuffle` (true); `stratify` and `groups`: a column
-- name or a list
-- @treturn Dataset the rest (train)
-- @treturn Dataset test
function methods:split(given)
  local o = options.read("Dataset:split", given, {
    test_size = options.none, train_size = options.none, seed = options.none,
    shuffle = true, stratify = options.none, groups = options.none,
  })
  o.stratify = sides.list(self, "Dataset:split: stratify", o.stratify)
  o.groups = sides.list(self, "Dataset:split: groups", o.groups)
  if #self == 0 then blame "Dataset:split: the data set is empty" end
  local train, test = require("lubdub.split").train_test_split(#self, o)
  sides.warn("split", self, { { train, test } }, true)
  return self:take(train), self:take(test)
end

--- Cross-validation: `for train, test in clips:folds(lubdub.split.KFold { n_splits = 5 }) do`.
-- @tparam table splitter of `lubdub.split`
-- @tparam ?table given `stratify`, `groups`: a column name or a list (default: the column label and the column of
-- groups, where every row has them)
-- @treturn function an iterator of train, test
function methods:folds(splitter, given)
  local o = options.read("Dataset:folds", given, { stratify = options.none, groups = options.none })
  local parts, k = sides.folds("folds", self, splitter, o.stratify, o.groups), 0
  return function()
    k = k + 1
    if not parts[k] then return nil end
    return self:take(parts[k][1]), self:take(parts[k][2])
  end
end
