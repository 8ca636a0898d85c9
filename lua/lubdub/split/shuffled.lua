--- Random splits, each independent of the one before: ShuffleSplit and its stratified and grouped kin.
-- Options: `n_splits`, `test_size`, `train_size` (a share or a count; what is missing is the rest), `seed`. The
-- positions are those of scikit-learn 1.9 for the same seed, plus one.
-- @module lubdub.split.shuffled
local options = require "lubdub.options"
local order = require "lubdub.order"
local blame = require "lubdub.blame"
local random = require "lubdub.random"
local sizes = require "lubdub.split.sizes"
local splitter = require "lubdub.split.splitter"

local shuffled = {}

local function defaults(n_splits)
  return { n_splits = n_splits, test_size = options.none, train_size = options.none, seed = options.none }
end

local function check(kind)
  return function(self)
    splitter.check_n_splits(kind, self.n_splits, 1)
    if self.seed then random.check(self.seed, kind) end
  end
end

--- One random split of 1..n.
-- @tparam RandomState rng
-- @tparam integer n_train
-- @tparam integer n_test
-- @tparam integer n
-- @treturn table train
-- @treturn table test
function shuffled.plain(rng, n_train, n_test, n)
  local all = rng:permutation(n)
  return table.move(all, n_test + 1, n_test + n_train, 1, {}), table.move(all, 1, n_test, 1, {})
end

-- How many of `draws` fall to each class: its exact share rounded down, then one more for the largest
-- remainders; among equal remainders chance decides.
local function shares(rng, counts, draws)
  local sum = 0
  for _, count in ipairs(counts) do sum = sum + count end
  local taken, remainders, missing = {}, {}, draws
  for c, count in ipairs(counts) do
    local exact = count / sum * draws
    taken[c] = math.floor(exact)
    remainders[c] = exact - taken[c]
    missing = missing - taken[c]
  end
  if missing <= 0 then return taken end
  local distinct, places = order.unique(remainders)
  for place = #distinct, 1, -1 do
    local equal = {}
    for c in ipairs(counts) do
      if places[c] == place then equal[#equal + 1] = c end
    end
    local now = math.min(#equal, missing)
    for _, c in ipairs(rng:choice(equal, now, { replace = false })) do taken[c] = taken[c] + 1 end
    missing = missing - now
    if missing == 0 then break end
  end
  return taken
end

--- Checks labels for a stratified split: at least 2 rows of each class, and a place for each class in both
-- parts.
-- @tparam string where for messages
-- @tparam table labels
-- @tparam integer n rows
-- @tparam integer n_train
-- @tparam integer n_test
-- @treturn table rows of each class, a list of lists
-- @treturn table number of rows of each class
function shuffled.strata(where, labels, n, n_train, n_test)
  order.check(where, "stratify", labels, n)
  local distinct, places, counts = order.unique(labels)
  local lonely = {}
  for c, count in ipairs(counts) do
    if count < 2 then lonely[#lonely + 1] = tostring(distinct[c]) end
  end
  if #lonely > 0 then
    blame("%s: every class needs at least 2 rows to be on both sides; 1 row only: %s", where,
      table.concat(lonely, ", "))
  end
  for name, size in pairs { train = n_train, test = n_test } do
    if size < #distinct then
      blame("%s: a %s part of %d is too small for %d classes", where, name, size, #distinct)
    end
  end
  local rows = {}
  for c = 1, #distinct do rows[c] = {} end
  for i, c in ipairs(places) do table.insert(rows[c], i) end
  return rows, counts
end

--- One random split in which each class has its share on both sides.
-- @tparam RandomState rng
-- @tparam integer n_train
-- @tparam integer n_test
-- @tparam table rows of each class
-- @tparam table counts of each class
-- @treturn table train
-- @treturn table test
function shuffled.stratified(rng, n_train, n_test, rows, counts)
  local to_train = shares(rng, counts, n_train)
  local left = {}
  for c, count in ipairs(counts) do left[c] = count - to_train[c] end
  local to_test = shares(rng, left, n_test)
  local train, test = {}, {}
  for c = 1, #counts do
    local drawn = rng:permutation(rows[c])
    table.move(drawn, 1, to_train[c], #train + 1, train)
    table.move(drawn, to_train[c] + 1, to_train[c] + to_test[c], #test + 1, test)
  end
  return rng:shuffle(train), rng:shuffle(test)
end

--- One random split of the groups; the rows come out ascending.
-- @tparam RandomState rng
-- @tparam integer n_train groups
-- @tparam integer n_test groups
-- @tparam table places group number of each row
-- @tparam integer n_groups
-- @treturn table train
-- @treturn table test
function shuffled.grouped(rng, n_train, n_test, places, n_groups)
  local side = {}
  local train_groups, test_groups = shuffled.plain(rng, n_train, n_test, n_groups)
  local train, test = {}, {}
  for _, group in ipairs(train_groups) do side[group] = train end
  for _, group in ipairs(test_groups) do side[group] = test end
  for i, group in ipairs(places) do
    local rows = side[group]
    if rows then rows[#rows + 1] = i end
  end
  return train, test
end

--- Random splits (`n_splits` 10, `test_size` 0.1).
-- @function ShuffleSplit
-- @tparam ?table options
-- @tparam ?integer options.n_splits 10
-- @tparam ?number options.test_size a share or a number of rows (0.1, or what train_size leaves)
-- @tparam ?number options.train_size likewise (the rest)
-- @tparam ?integer options.seed
shuffled.ShuffleSplit = splitter.define("ShuffleSplit", defaults(10), {
  check = check "ShuffleSplit",
  parts = function(self, labels)
    local n = splitter.count("ShuffleSplit:split", labels)
    local n_train, n_test = sizes("ShuffleSplit:split", n, self, 0.1)
    local rng = random.check(self.seed)
    return function() return shuffled.plain(rng, n_train, n_test, n) end, self.n_splits
  end,
})

--- Random splits in which each class has its share on both sides (`n_splits` 10, `test_size` 0.1).
-- @function StratifiedShuffleSplit
-- @tparam ?table options
-- @tparam ?integer options.n_splits 10
-- @tparam ?number options.test_size a share or a number of rows (0.1, or what train_size leaves)
-- @tparam ?number options.train_size likewise (the rest)
-- @tparam ?integer options.seed
shuffled.StratifiedShuffleSplit = splitter.define("StratifiedShuffleSplit", defaults(10), {
  check = check "StratifiedShuffleSplit",
  needs = { labels = true },
  parts = function(self, labels)
    local where = "StratifiedShuffleSplit:split"
    order.check(where, "labels", labels)
    local n_train, n_test = sizes(where, #labels, self, 0.1)
    local rows, counts = shuffled.strata(where, labels, #labels, n_train, n_test)
    local rng = random.check(self.seed)
    return function() return shuffled.stratified(rng, n_train, n_test, rows, counts) end, self.n_splits
  end,
})

--- Random splits that keep each group on one side (`n_splits` 5, `test_size` 0.2; sizes are of groups).
-- @function GroupShuffleSplit
-- @tparam ?table options
-- @tparam ?integer options.n_splits 5
-- @tparam ?number options.test_size a share or a number of groups (0.2, or what train_size leaves)
-- @tparam ?number options.train_size likewise (the rest)
-- @tparam ?integer options.seed
shuffled.GroupShuffleSplit = splitter.define("GroupShuffleSplit", defaults(5), {
  check = check "GroupShuffleSplit",
  needs = { groups = true },
  parts = function(self, labels, groups)
    local where = "GroupShuffleSplit:split"
    if groups == nil then blame("%s: groups are needed: split(labels, groups)", where) end
    local n = splitter.count(where, labels, groups)
    order.check(where, "groups", groups, n)
    local distinct, places = order.unique(groups)
    local n_train, n_test = sizes(where, #distinct, self, 0.2, "groups")
    local rng = random.check(self.seed)
    return function() return shuffled.grouped(rng, n_train, n_test, places, #distinct) end, self.n_splits
  end,
})

return shuffled
