--- Splits into train and test: scikit-learn's, row for row, for the same seed.
-- Everything here works on positions from 1 and knows nothing of what the rows are;
-- `clips:split` and `clips:folds` use it on a data set.
-- @module lubdub.split
-- @usage local train, test = lubdub.split.train_test_split(100, { test_size = 0.2, seed = 42 })
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local order = require "lubdub.order"
local blame = require "lubdub.blame"
local random = require "lubdub.random"
local sizes = require "lubdub.split.sizes"
local shuffled = require "lubdub.split.shuffled"
local folds = require "lubdub.split.folds"

local split = {
  KFold = folds.KFold,
  StratifiedKFold = folds.StratifiedKFold,
  GroupKFold = folds.GroupKFold,
  StratifiedGroupKFold = folds.StratifiedGroupKFold,
  LeaveOneGroupOut = folds.LeaveOneGroupOut,
  ShuffleSplit = shuffled.ShuffleSplit,
  StratifiedShuffleSplit = shuffled.StratifiedShuffleSplit,
  GroupShuffleSplit = shuffled.GroupShuffleSplit,
}

local where = "train_test_split"

-- Both classes and groups: no random split does justice to both, so the test part is one of the folds that
-- come nearest to it. `share` is a float, or a count of the n rows.
local function stratified_groups(n, share, labels, groups, seed)
  local parts = math.type(share) == "float" and 1 / share or n / share
  local n_splits = math.floor(parts + 0.5)
  if n_splits < 2 then
    blame("%s: with both stratify and groups, test_size can be a half at most, got %s of %d rows", where, share, n)
  end
  order.check(where, "stratify", labels, n)
  order.check(where, "groups", groups, n)
  return folds.StratifiedGroupKFold { n_splits = n_splits, shuffle = true, seed = seed }:split(labels, groups)()
end

--- Two lists of positions: train, test.
--
-- With `stratify` each class has its share on both sides; with `groups` no group is on both sides, and the
-- sizes are shares or counts of groups (as GroupShuffleSplit); with both, the parts are the first fold of
-- `StratifiedGroupKFold { n_splits = round(1 / test_size), shuffle = true, seed = seed }`, so that the size is
-- approximate.
-- @tparam integer n number of rows; or a data set, which gives two data sets, as its method `split` does
-- @tparam ?table given `test_size` (0.25 unless `train_size` is given) and `train_size`: a share (float)
-- or a count (integer); `seed`; `shuffle` (true; false: the first rows are train, the last are test); `stratify`: a
-- list of n labels; `groups`: a list of n groups
-- @treturn table train
-- @treturn table test
-- @raise on sizes that leave a part empty, a class with one row, missing labels or groups
-- @usage
-- local train, test = lubdub.split.train_test_split(#clips, {
--   test_size = 0.2, seed = 42, stratify = clips:column "label" })
function split.train_test_split(n, given)
  if object.is(n) then return n:split(given) end
  if math.type(n) ~= "integer" or n < 0 then
    blame("%s: expected the number of rows, got %s", where, type(n) == "number" and n or type(n))
  end
  local o = options.read(where, given, {
    test_size = options.none, train_size = options.none, seed = options.none,
    shuffle = true, stratify = options.none, groups = options.none,
  })
  local labels, groups = o.stratify or nil, o.groups or nil
  if not o.shuffle then
    if labels or groups then blame("%s: shuffle = false goes with neither stratify nor groups", where) end
    local n_train, n_test = sizes(where, n, o, 0.25)
    local train, test = {}, {}
    for i = 1, n_train do train[i] = i end
    for i = 1, n_test do test[i] = n_train + i end
    return train, test
  elseif labels and groups then
    if o.train_size then blame("%s: with both stratify and groups, give test_size alone", where) end
    sizes(where, n, o, 0.25)
    return stratified_groups(n, o.test_size or 0.25, labels, groups, o.seed)
  elseif groups then
    order.check(where, "groups", groups, n)
    local distinct, places = order.unique(groups)
    local n_train, n_test = sizes(where, #distinct, o, 0.25, "groups")
    return shuffled.grouped(random.check(o.seed, where), n_train, n_test, places, #distinct)
  end
  local n_train, n_test = sizes(where, n, o, 0.25)
  if labels then
    local rows, counts = shuffled.strata(where, labels, n, n_train, n_test)
    return shuffled.stratified(random.check(o.seed, where), n_train, n_test, rows, counts)
  end
  return shuffled.plain(random.check(o.seed, where), n_train, n_test, n)
end

return split
