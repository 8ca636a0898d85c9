local lubdub = require "lubdub"
local golden = require "support.json" "split_edges.json"
local raises = require "support.raises"
local warned = require "support.warned"

local split = lubdub.split
local Dataset = lubdub.Dataset

describe("splits at the edges", function()
  local said = warned(before_each, after_each)

  it("are scikit-learn's: numbers for labels, lonely classes, giant groups, as many folds as can be", function()
    local kinds = {}
    for _, case in ipairs(golden.folds) do
      local options
      if case.n_splits then
        options = { n_splits = case.n_splits, shuffle = case.shuffle, seed = case.shuffle and case.seed or nil }
      end
      local fold, k = {}, 0
      for train, test in split[case.kind](options):split(case.labels, case.groups) do
        k = k + 1
        assert.equal(#case.labels, #train + #test)
        for _, i in ipairs(test) do fold[i] = k end
      end
      assert.same(case.fold, fold, case.kind .. " " .. case.edge)
      kinds[case.kind .. case.edge] = true
    end
    local n = 0
    for _ in pairs(kinds) do n = n + 1 end
    assert.equal(20, n)
    for _, case in ipairs(golden.halves) do
      local n_rows = #case.labels
      assert.same(case.stratified,
        { split.train_test_split(n_rows, { test_size = 0.25, seed = case.seed, stratify = case.labels }) })
      assert.same(case.grouped,
        { split.train_test_split(n_rows, { test_size = 0.25, seed = case.seed, groups = case.groups }) })
    end
  end)

  it("refuse what cannot be split", function()
    local labels, groups = { "a", "a", "b", "b" }, { 1, 1, 2, 2 }
    raises(function() split.GroupKFold { n_splits = 3 }:split(labels, groups) end,
      "GroupKFold:split: 3 folds need as many groups, there are 2")
    raises(function() split.StratifiedGroupKFold { n_splits = 3 }:split({ "a", "a", "a", "b" }, groups) end,
      "3 folds need as many groups, there are 2")
    raises(function() split.KFold { n_splits = 5 }:split(labels) end, "5 folds need as many rows, there are 4")
    raises(function() split.StratifiedKFold { n_splits = 3 }:split(labels) end, "no class has more than 2 rows")
    raises(function() split.LeaveOneGroupOut():split(labels, { 1, 1, 1, 1 }) end, "at least 2 groups are needed")
    raises(function() split.StratifiedKFold { n_splits = 2 }:split { 0.5, 1.5, 0.5, 1.5 } end,
      "labels must be classes, got 0.5 in row 1")
    raises(function() split.StratifiedGroupKFold { n_splits = 2 }:split({ 1, 1.5, 1, 1.5 }, groups) end,
      "labels must be classes, got 1.5 in row 2")
    local fine = split.StratifiedKFold { n_splits = 2 }:split { 1.0, 2, 1, 2.0 }
    assert.same({ 3, 4 }, (fine()))
    split.StratifiedKFold { n_splits = 2 }:split { "a", "a", "b" }
    assert.matches("the smallest class %(1%) has fewer rows than there are folds %(2%)", said[#said])
  end)
end)

describe("a split of a data set", function()
  local said = warned(before_each, after_each)

  -- 12 clips of 4 patients.
  local function clips(more)
    local rows = {}
    for i = 1, 12 do
      rows[i] = { name = i, label = i % 2 == 0 and "x" or "y", patient = "p" .. (i - 1) // 3,
        audio = lubdub.Tensor.zeros { 1000 }, samplerate = 100 }
      for name, f in pairs(more or {}) do rows[i][name] = f(i) end
    end
    return Dataset(rows)
  end

  local function sides_of(train, test, column)
    local inside = {}
    for _, value in ipairs(train:unique(column)) do inside[value] = true end
    for _, value in ipairs(test:unique(column)) do
      if inside[value] then return "leaks" end
    end
    return "clean"
  end

  it("warns once for each data set, whatever splits it", function()
    local some = clips()
    for seed = 1, 20 do some:split { test_size = 0.5, seed = seed } end
    assert.equal(1, #said)
    assert.matches('^split: %d of 4 groups %(column "patient"%) have rows on both sides, .*; ' ..
      'groups = "patient" keeps each on one side$', said[1])
    for _ = 1, 2 do some:folds(split.KFold { n_splits = 5 })() end
    assert.equal(2, #said)
    assert.matches('^folds: %d of 4 groups %(column "patient"%) .* GroupKFold and StratifiedGroupKFold keep', said[2])
    local positions = {}
    for _, test in split.KFold { n_splits = 5 }:split(some) do positions[#positions + 1] = #test end
    assert.same({ 3, 3, 2, 2, 2 }, positions)
    assert.equal(3, #said)
    assert.matches('^KFold:split: %d of 4 groups', said[3])
    -- another data set is another matter
    clips():split { test_size = 0.5, seed = 1 }
    assert.equal(4, #said)
    local train, test = split.train_test_split(clips(), { test_size = 0.5, seed = 1, groups = "patient" })
    assert.equal("clean", sides_of(train, test, "patient"))
    assert.equal(4, #said)
  end)

  it("counts the groups of all folds", function()
    clips():folds(split.KFold { n_splits = 4 })() -- 3 rows each: a patient is a fold
    assert.equal(0, #said)
    clips():folds(split.KFold { n_splits = 6 })()
    assert.matches('^folds: 4 of 4 groups', said[1])
  end)

  it("warns where the groups that were named are not those that matter", function()
    local some = clips { visit = function(i) return "v" .. i end }
    some:split { test_size = 0.5, seed = 1, groups = "visit" }
    assert.matches('column "patient"', said[1])
    local nested = clips { group = function(i) return "g" .. i end }
    nested:folds(split.GroupKFold { n_splits = 5 })()
    assert.matches('column "patient"', said[1 + 1])
  end)

  it("knows a recording that is there twice", function()
    local twice = Dataset { { path = "a.wav", label = "x" }, { path = "b.wav", label = "y" } }
    twice = twice .. twice
    twice:split { test_size = 2, shuffle = false }
    assert.matches('^split: 2 of 2 groups %(column "path"%)', said[1])
    local own = lubdub.Tensor.zeros { 8 }
    Dataset({ { audio = own }, { audio = own } }):split { test_size = 1, seed = 1 }
    assert.equal(2, #said)
  end)

  it("never cuts between windows of one recording", function()
    local windows = clips():drop("patient"):windows { size = 3, hop = 1 }
    assert.equal(12 * 8, #windows)
    local train, test = windows:split { test_size = 0.25, seed = 3, groups = "group" }
    assert.equal("clean", sides_of(train, test, "recording"))
    train, test = windows:split { test_size = 0.25, seed = 3, groups = "group", stratify = "label" }
    assert.equal("clean", sides_of(train, test, "recording"))
    for _, kind in ipairs { "GroupKFold", "StratifiedGroupKFold", "LeaveOneGroupOut", "GroupShuffleSplit" } do
      for a, b in windows:folds(split[kind]()) do assert.equal("clean", sides_of(a, b, "recording")) end
    end
    assert.equal(0, #said)
    windows:split { test_size = 0.25, seed = 3 }
    assert.matches('^split: %d+ of 12 groups %(column "group"%)', said[1])
    windows:folds(split.StratifiedKFold { n_splits = 4, shuffle = true, seed = 1 })()
    assert.matches('^folds: 12 of 12 groups %(column "group"%)', said[2])
  end)

  it("names what is missing", function()
    local some = clips()
    raises(function() some:split { groups = "patent" } end, 'Dataset:split: groups: no column "patent"')
    raises(function() Dataset({}):split {} end, "Dataset:split: the data set is empty")
    raises(function() Dataset({}):folds(split.KFold()) end, "the data set is empty")
    raises(function() some:filter(function() return false end):folds(split.KFold()) end, "the data set is empty")
    raises(function() some:folds(split.GroupKFold { n_splits = 5 }) end, "5 folds need as many groups, there are 4")
    local unlabelled = clips { label = function(i) return i > 3 and "x" or nil end }
    raises(function() unlabelled:folds(split.StratifiedKFold { n_splits = 2 }) end,
      'column "label" has no value in 3 of 12 rows (the first: row 1)')
    local some_groups = clips { patient = function(i) return i > 1 and "p" or nil end }
    local two = split.GroupKFold { n_splits = 2 }
    raises(function() some_groups:folds(two) end, 'column "patient" has no value in 1 of 12')
    raises(function() Dataset({ { x = 1 }, { x = 2 } }):folds(two) end, "groups are needed")
    raises(function() split.StratifiedKFold { n_splits = 2 }:split(Dataset { { x = 1 }, { x = 2 } }) end,
      'no column "label"; there are: x')
  end)
end)
