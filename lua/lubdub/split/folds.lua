--- Cross-validation: every row (or group) is in the test part of exactly one fold.
-- Each splitter is made once and used on any data: `for train, test in KFold { n_splits = 5 }:split(labels)`.
-- Options of those with folds: `n_splits` (5), `shuffle` (false), `seed` (only with `shuffle`). The
-- positions come out ascending and are those of scikit-learn 1.9 for the same seed, plus one.
-- @module lubdub.split.folds
local options = require "lubdub.options"
local order = require "lubdub.order"
local blame = require "lubdub.blame"
local random = require "lubdub.random"
local splitter = require "lubdub.split.splitter"
local stats = require "lubdub.split.stats"
local warning = require "lubdub.warning"

local folds = {}

local defaults = { n_splits = 5, shuffle = false, seed = options.none }

local function check(kind)
  return function(self)
    splitter.check_n_splits(kind, self.n_splits, 2)
    if type(self.shuffle) ~= "boolean" then
      blame("%s: shuffle must be true or false, got %s", kind, tostring(self.shuffle))
    end
    if self.seed and not self.shuffle then
      blame("%s: seed does nothing without shuffle = true", kind)
    end
    if self.seed then random.check(self.seed, kind) end
  end
end

local function check_rows(kind, n_splits, n)
  if n_splits > n then blame("%s: %d folds need as many rows, there are %d", kind, n_splits, n) end
end

-- Numbers are classes where they are whole: what lies between is a quantity, and no fold can give it its share.
local function check_whole(kind, labels)
  for i, label in ipairs(labels) do
    if math.type(label) == "float" and not math.tointeger(label) then
      blame("%s: labels must be classes, got %s in row %d", kind, label, i)
    end
  end
end

-- Labels or groups as classes: place of each, count of each, number of classes.
local function classes(kind, name, list, n)
  if list == nil then blame("%s: %s are needed: split(labels, groups)", kind, name) end
  order.check(kind, name, list, n)
  local distinct, places, counts = order.unique(list)
  return places, counts, #distinct, distinct
end

local function check_groups(kind, n_splits, n_groups)
  if n_splits > n_groups then
    blame("%s: %d folds need as many groups, there are %d", kind, n_splits, n_groups)
  end
end

-- An error when no class has a row for each fold, a warning when some have not.
local function check_members(kind, n_splits, counts)
  local least, most = math.huge, 0
  for _, count in ipairs(counts) do least, most = math.min(least, count), math.max(most, count) end
  if n_splits > most then
    blame("%s: %d folds, but no class has more than %d rows", kind, n_splits, most)
  elseif n_splits > least then
    warning.warn(("%s: the smallest class (%d) has fewer rows than there are folds (%d), so some folds lack it")
      :format(kind, least, n_splits))
  end
end

-- Sizes of `parts` nearly equal parts of n, the larger ones first.
local function even(n, parts)
  local sizes = {}
  for i = 1, parts do sizes[i] = n // parts + (i <= n % parts and 1 or 0) end
  return sizes
end

--- Folds of nearly equal size.
-- @function KFold
-- @tparam ?table options
-- @tparam ?integer options.n_splits 5
-- @tparam ?boolean options.shuffle false
-- @tparam ?integer options.seed for shuffle = true
-- @usage
-- for train, test in lubdub.split.KFold { n_splits = 5, shuffle = true, seed = 1 }:split(100) do
--   print(#train, #test)
-- end
folds.KFold = splitter.define("KFold", defaults, {
  check = check "KFold",
  parts = function(self, labels)
    local n = splitter.count("KFold:split", labels)
    check_rows("KFold:split", self.n_splits, n)
    local rows = {}
    for i = 1, n do rows[i] = i end
    if self.shuffle then random.check(self.seed):shuffle(rows) end
    local fold, at = {}, 0
    for k, size in ipairs(even(n, self.n_splits)) do
      for i = at + 1, at + size do fold[rows[i]] = k end
      at = at + size
    end
    return function(k) return splitter.part(fold, k) end, self.n_splits
  end,
})

--- Folds in which each class has its share.
-- @function StratifiedKFold
-- @tparam ?table options
-- @tparam ?integer options.n_splits 5
-- @tparam ?boolean options.shuffle false
-- @tparam ?integer options.seed for shuffle = true
-- @usage
-- for train, test in lubdub.split.StratifiedKFold { n_splits = 3 }:split(clips:column "label") do
--   print(#test)
-- end
folds.StratifiedKFold = splitter.define("StratifiedKFold", defaults, {
  check = check "StratifiedKFold",
  needs = { labels = true },
  parts = function(self, labels)
    local k_folds = self.n_splits
    local places, counts, n_classes = classes("StratifiedKFold:split", "labels", labels)
    check_whole("StratifiedKFold:split", labels)
    check_rows("StratifiedKFold:split", k_folds, #labels)
    check_members("StratifiedKFold:split", k_folds, counts)

    -- The classes in order of appearance, their rows dealt out to the folds one by one, as if the rows lay
    -- sorted by class.
    local appeared, members = {}, {}
    for i, class in ipairs(places) do
      if not members[class] then
        members[class] = {}
        appeared[#appeared + 1] = class
      end
      table.insert(members[class], i)
    end
    local rng = self.shuffle and random.check(self.seed)
    local fold, dealt = {}, 0
    for c = 1, n_classes do
      local rows = members[appeared[c]]
      local share = {}
      for _ = 1, #rows do
        local k = dealt % k_folds + 1
        share[k] = (share[k] or 0) + 1
        dealt = dealt + 1
      end
      local of_class = {}
      for k = 1, k_folds do
        for _ = 1, share[k] or 0 do of_class[#of_class + 1] = k end
      end
      if rng then rng:shuffle(of_class) end
      for i, row in ipairs(rows) do fold[row] = of_class[i] end
    end
    return function(k) return splitter.part(fold, k) end, k_folds
  end,
})

--- Folds that keep each group on one side; about equal in rows, or, shuffled, in groups.
-- @function GroupKFold
-- @tparam ?table options
-- @tparam ?integer options.n_splits 5
-- @tparam ?boolean options.shuffle false
-- @tparam ?integer options.seed for shuffle = true
-- @usage
-- for train, test in lubdub.split.GroupKFold { n_splits = 3 }:split(clips:column "label", clips:column "patient") do
--   print(#test)
-- end
folds.GroupKFold = splitter.define("GroupKFold", defaults, {
  check = check "GroupKFold",
  needs = { groups = true },
  parts = function(self, labels, groups)
    local k_folds = self.n_splits
    local n = splitter.count("GroupKFold:split", labels, groups)
    check_rows("GroupKFold:split", k_folds, n)
    local places, counts, n_groups = classes("GroupKFold:split", "groups", groups, n)
    check_groups("GroupKFold:split", k_folds, n_groups)

    local fold_of = {}
    if self.shuffle then
      local shuffled, at = random.check(self.seed):permutation(n_groups), 0
      for k, size in ipairs(even(n_groups, k_folds)) do
        for i = at + 1, at + size do fold_of[shuffled[i]] = k end
        at = at + size
      end
    else
      -- The largest group first (of equal ones the last), each to the fold with the fewest rows.
      local ascending, rows = order.argsort(counts), {}
      for k = 1, k_folds do rows[k] = 0 end
      for i = n_groups, 1, -1 do
        local group, lightest = ascending[i], 1
        for k = 2, k_folds do
          if rows[k] < rows[lightest] then lightest = k end
        end
        rows[lightest] = rows[lightest] + counts[group]
        fold_of[group] = lightest
      end
    end
    local fold = {}
    for i, group in ipairs(places) do fold[i] = fold_of[group] end
    return function(k) return splitter.part(fold, k) end, k_folds
  end,
})

-- The fold that is best for a group: the one that leaves the classes spread most evenly over the folds; of
-- about equal ones that with the fewest rows. `counts[k][c]` are rows of class c in fold k.
local function best_fold(counts, totals, group)
  local best, least, fewest
  local column = {}
  for k = 1, #counts do
    local spread, rows = {}, 0
    for c = 1, #totals do
      for j = 1, #counts do
        local count = counts[j][c]
        if j == k then count = count + group[c] end
        column[j] = count / totals[c]
      end
      spread[c] = stats.std(column, #totals > 1)
      rows = rows + counts[k][c]
    end
    local value = stats.mean(spread)
    local close = best and math.abs(value - least) <= 1e-8 + 1e-5 * math.abs(least)
    if not best or value < least or close and rows < fewest then
      best, least, fewest = k, value, rows
    end
  end
  return best
end

--- Folds that keep each group on one side and give each class as nearly its share as the groups allow.
-- @function StratifiedGroupKFold
-- @tparam ?table options
-- @tparam ?integer options.n_splits 5
-- @tparam ?boolean options.shuffle false
-- @tparam ?integer options.seed for shuffle = true
-- @usage
-- local folds = lubdub.split.StratifiedGroupKFold { n_splits = 3, shuffle = true, seed = 1 }
-- for train, test in folds:split(clips:column "label", clips:column "patient") do print(#test) end
folds.StratifiedGroupKFold = splitter.define("StratifiedGroupKFold", defaults, {
  check = check "StratifiedGroupKFold",
  needs = { labels = true, groups = true },
  parts = function(self, labels, groups)
    local where, k_folds = "StratifiedGroupKFold:split", self.n_splits
    local class_of, totals, n_classes = classes(where, "labels", labels)
    check_whole(where, labels)
    check_rows(where, k_folds, #labels)
    check_members(where, k_folds, totals)
    local group_of, _, n_groups = classes(where, "groups", groups, #labels)
    check_groups(where, k_folds, n_groups)

    local by_group, shuffled = {}, {}
    for g = 1, n_groups do
      by_group[g], shuffled[g] = {}, g
      for c = 1, n_classes do by_group[g][c] = 0 end
    end
    for i, class in ipairs(class_of) do
      local row = by_group[group_of[i]]
      row[class] = row[class] + 1
    end
    if self.shuffle then random.check(self.seed):shuffle(shuffled) end

    -- The most lopsided group first; of equal ones the first of the shuffled order.
    local lopsided = {}
    for i, group in ipairs(shuffled) do lopsided[i] = stats.std(by_group[group]) end
    local counts, fold_of = {}, {}
    for k = 1, k_folds do
      counts[k] = {}
      for c = 1, n_classes do counts[k][c] = 0 end
    end
    for _, i in ipairs(order.argsort(lopsided, true)) do
      local group = shuffled[i]
      local k = best_fold(counts, totals, by_group[group])
      for c = 1, n_classes do counts[k][c] = counts[k][c] + by_group[group][c] end
      fold_of[group] = k
    end
    local fold = {}
    for i, group in ipairs(group_of) do fold[i] = fold_of[group] end
    return function(k) return splitter.part(fold, k) end, k_folds
  end,
})

--- Each group is the test part once, in the order of their names.
-- @function LeaveOneGroupOut
-- @usage
-- for train, test in lubdub.split.LeaveOneGroupOut():split(clips:column "label", clips:column "patient") do
--   print(#test)
-- end
folds.LeaveOneGroupOut = splitter.define("LeaveOneGroupOut", {}, {
  needs = { groups = true },
  n_splits = function(_, labels, groups)
    local n = splitter.count("LeaveOneGroupOut:get_n_splits", labels, groups)
    local _, _, n_groups = classes("LeaveOneGroupOut:get_n_splits", "groups", groups, n)
    return n_groups
  end,
  parts = function(_, labels, groups)
    local where = "LeaveOneGroupOut:split"
    local n = splitter.count(where, labels, groups)
    local places, _, n_groups = classes(where, "groups", groups, n)
    if n_groups < 2 then blame("%s: at least 2 groups are needed, there are %d", where, n_groups) end
    return function(k) return splitter.part(places, k) end, n_groups
  end,
})

return folds
