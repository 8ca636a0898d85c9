local split = require "lubdub.split"
local random = require "lubdub.random"
local warning = require "lubdub.warning"
local golden = require "support.json" "splits.json"

local function letters(text)
  local list = {}
  for letter in text:gmatch "." do list[#list + 1] = letter end
  return list
end

local function with(options, more)
  local result = {}
  for name, value in pairs(options) do result[name] = value end
  for name, value in pairs(more) do result[name] = value end
  return result
end

local function names(groups)
  local list = {}
  for i, group in ipairs(groups) do list[i] = ("patient %03d"):format(group) end
  return list
end

describe("train_test_split", function()
  setup(function() warning.on_warning(function() end) end)
  teardown(function() warning.on_warning(nil) end)

  it("gives scikit-learn's rows in scikit-learn's order", function()
    for _, case in ipairs(golden.train_test) do
      local options = with(case.size, { seed = case.seed, shuffle = case.shuffle })
      local train, test = split.train_test_split(case.n, options)
      assert.same(case.train, train)
      assert.same(case.test, test)
    end
  end)

  it("gives scikit-learn's rows with stratify", function()
    for _, case in ipairs(golden.stratified) do
      local labels = letters(case.labels)
      local train, test = split.train_test_split(#labels, with(case.size, { seed = case.seed, stratify = labels }))
      assert.same(case.train, train)
      assert.same(case.test, test)
    end
  end)

  it("gives GroupShuffleSplit's rows with groups, whatever the groups are called", function()
    for _, case in ipairs(golden.grouped) do
      for _, groups in ipairs { case.groups, names(case.groups) } do
        local train, test = split.train_test_split(#groups, with(case.size, { seed = case.seed, groups = groups }))
        assert.same(case.train, train)
        assert.same(case.test, test)
      end
    end
  end)

  it("gives a fold of StratifiedGroupKFold with both", function()
    for _, case in ipairs(golden.grouped) do
      local labels = letters(case.labels)
      local train, test = split.train_test_split(#labels,
        { test_size = case.share, seed = case.seed, stratify = labels, groups = case.groups })
      assert.same(case.both, test)
      assert.equal(#labels, #train + #test)
      local there = {}
      for _, i in ipairs(test) do there[case.groups[i]] = true end
      for _, i in ipairs(train) do assert.is_nil(there[case.groups[i]]) end
    end
  end)

  it("takes random_state for seed, false for None, and a generator that goes on", function()
    local a = split.train_test_split(20, { random_state = 3 })
    assert.same(a, (split.train_test_split(20, { seed = 3, train_size = false, stratify = false, groups = false })))
    local rng = random.RandomState(3)
    assert.same(a, (split.train_test_split(20, { seed = rng })))
    assert.not_same(a, (split.train_test_split(20, { seed = rng })))
  end)

  it("uses every row once", function()
    for n = 2, 40 do
      local train, test = split.train_test_split(n, { test_size = 0.3, seed = n })
      local all = table.move(test, 1, #test, #train + 1, table.move(train, 1, #train, 1, {}))
      table.sort(all)
      assert.equal(n, #all)
      for i = 1, n do assert.equal(i, all[i]) end
    end
  end)

  local function fails(pattern, ...)
    local ok, message = pcall(split.train_test_split, ...)
    assert.is_false(ok)
    assert.matches(pattern, message)
  end

  it("refuses sizes that leave a part empty", function()
    fails("test_size must be a share above 0 and below 1, or a whole number from 1 to 9 %(there are 10 rows%), got 1.0",
      10, { test_size = 1.0 })
    fails("test_size must be", 10, { test_size = 0 })
    fails("test_size must be", 10, { test_size = 10 })
    fails("train_size must be .* got %-0.5", 10, { train_size = -0.5 })
    fails("test_size must be", 10, { test_size = 0 / 0 })
    fails("test_size must be a number, got string", 10, { test_size = "a" })
    fails("add up to 1%.2", 10, { test_size = 0.6, train_size = 0.6 })
    fails("train_size 6 and test_size 6 are more than the 10 rows", 10, { test_size = 6, train_size = 6 })
    fails("no rows would be left to train on", 1, {})
    fails("no groups would be left to train on", 3, { groups = { "a", "a", "a" } })
    fails("expected the number of rows, got table", {})
    fails("test_size", 10, { test_sise = 0.2 })
  end)

  it("refuses labels and groups that cannot be split", function()
    local labels = { "a", "a", "b", "a", "c" }
    fails("every class needs at least 2 rows to be on both sides; 1 row only: b, c", 5, { stratify = labels })
    fails("a test part of 1 is too small for 2 classes", 6,
      { stratify = { "a", "a", "b", "b", "a", "a" }, test_size = 1 })
    fails("a train part of 1 is too small for 2 classes", 6,
      { stratify = { "a", "a", "b", "b", "a", "a" }, train_size = 1 })
    fails("stratify is missing for row 2 of 3", 3, { stratify = { "a", nil, "b" } })
    fails("stratify has 4 entries for 3 rows", 3, { stratify = { "a", "a", "b", "b" } })
    fails("stratify mix a string %(row 1%) and a number %(row 3%)", 3, { stratify = { "a", "a", 3 } })
    fails("groups is missing for row 2", 3, { groups = { "a", nil, "b" } })
    fails("shuffle = false goes with neither", 4, { shuffle = false, stratify = { "a", "a", "b", "b" } })
    fails("test_size can be a half at most, got 3 of 4 rows", 4,
      { test_size = 3, stratify = { "a", "a", "b", "b" }, groups = { 1, 2, 3, 4 } })
    fails("give test_size alone", 4,
      { train_size = 0.5, stratify = { "a", "a", "b", "b" }, groups = { 1, 2, 3, 4 } })
  end)
end)

describe("folds", function()
  setup(function() warning.on_warning(function() end) end)
  teardown(function() warning.on_warning(nil) end)

  it("are scikit-learn's", function()
    local compared = 0
    for _, case in ipairs(golden.folds) do
      local labels = letters(case.labels)
      for name, expected in pairs(case.fold) do
        local kind, shuffle = name:match "^(%a+)(%+?)"
        shuffle = shuffle == "+"
        local options = { n_splits = case.n_splits, shuffle = shuffle, seed = shuffle and case.seed or nil }
        if kind == "LeaveOneGroupOut" then options = nil end
        local fold, k = {}, 0
        for train, test in split[kind](options):split(labels, case.groups) do
          assert.equal(#labels, #train + #test)
          for _, i in ipairs(test) do
            assert.is_nil(fold[i])
            fold[i] = string.char(65 + k)
          end
          k = k + 1
        end
        assert.equal(expected, table.concat(fold), name .. " of case " .. case.seed)
        compared = compared + 1
      end
    end
    assert.is_true(compared > 400)
  end)

  it("drawn anew are scikit-learn's", function()
    for _, case in ipairs(golden.repeated) do
      local k = 0
      local splitter = split[case.kind](with(case.options, { seed = case.seed }))
      for train, test in splitter:split(letters(case.labels), case.groups) do
        k = k + 1
        if case.parts[k] then
          assert.same(case.parts[k][1], train)
          assert.same(case.parts[k][2], test)
        end
      end
      assert.equal(case.n, k)
      assert.equal(case.n, splitter:get_n_splits(letters(case.labels), case.groups))
    end
  end)

  it("take a number of rows where the labels do not matter", function()
    local tests = {}
    for _, test in split.KFold { n_splits = 2 }:split(5) do tests[#tests + 1] = test end
    assert.same({ { 1, 2, 3 }, { 4, 5 } }, tests)
    local n = 0
    for _ in split.GroupKFold { n_splits = 2 }:split(nil, { "a", "b", "a" }) do n = n + 1 end
    assert.equal(2, n)
    assert.equal(3, split.LeaveOneGroupOut():get_n_splits(nil, { 5, 5, 7, 9 }))
  end)

  it("print themselves", function()
    assert.equal("KFold(n_splits = 3, seed = 1, shuffle = true)",
      tostring(split.KFold { n_splits = 3, shuffle = true, seed = 1 }))
    assert.equal("LeaveOneGroupOut()", tostring(split.LeaveOneGroupOut()))
  end)

  it("warn when a class is smaller than the number of folds", function()
    local said = {}
    warning.on_warning(function(message) said[#said + 1] = message end)
    split.StratifiedKFold { n_splits = 3 }:split { "a", "a", "a", "b" }
    warning.on_warning(function() end)
    assert.equal(1, #said)
    assert.matches("the smallest class %(1%) has fewer rows than there are folds %(3%)", said[1])
  end)

  local function fails(pattern, kind, options, ...)
    local arguments = table.pack(...)
    local ok, message = pcall(function()
      return split[kind](options):split(table.unpack(arguments, 1, arguments.n))
    end)
    assert.is_false(ok)
    assert.matches(pattern, message)
    assert.matches("split_spec%.lua:%d+:", message)
  end

  it("refuse what cannot be", function()
    fails("KFold: n_splits must be a whole number from 2, got 1", "KFold", { n_splits = 1 }, 10)
    fails("got 2.5", "KFold", { n_splits = 2.5 }, 10)
    fails("seed does nothing without shuffle = true", "KFold", { seed = 1 }, 10)
    fails("shuffle must be true or false", "KFold", { shuffle = 1 }, 10)
    fails("5 folds need as many rows, there are 4", "KFold", {}, 4)
    fails("expected the labels or the number of rows, got nil", "KFold", {})
    fails("labels are needed", "StratifiedKFold", {})
    fails("3 folds, but no class has more than 2 rows", "StratifiedKFold", { n_splits = 3 }, { 1, 1, 2, 2 })
    fails("groups are needed", "GroupKFold", {}, { 1, 1, 2, 2, 1 })
    fails("5 folds need as many groups, there are 2", "GroupKFold", {}, 5, { "a", "a", "b", "b", "a" })
    fails("3 folds need as many groups, there are 2", "StratifiedGroupKFold", { n_splits = 3 },
      { 1, 1, 1, 1 }, { "a", "a", "b", "b" })
    fails("at least 2 groups", "LeaveOneGroupOut", nil, 2, { "a", "a" })
    fails("groups is missing for row 2 of 3", "GroupShuffleSplit", {}, 3, { "a" })
  end)
end)
