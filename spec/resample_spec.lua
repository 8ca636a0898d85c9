local lubdub = require "lubdub"
local golden = require "support.json" "resampling.json"
local grid = require "lubdub.validation.grid"
local raises = require "support.raises"
local student = require "lubdub.validation.student"

local function letters(text)
  local list = {}
  for letter in text:gmatch "." do list[#list + 1] = letter end
  return list
end

describe("resample", function()
  it("takes imbalanced-learn's rows", function()
    local n = 0
    for _, case in ipairs(golden.sampled) do
      local labels = letters(case.labels)
      for name, expected in pairs(case) do
        local kind, how = tostring(name):match "^(%a+) (.*)$"
        if kind then
          n = n + 1
          local given = { seed = case.seed, sampling_strategy = how }
          if how == "again" then given = { seed = case.seed, replacement = true } end
          assert.same(expected, lubdub.resample[kind](labels, given), name .. case.seed)
        end
      end
    end
    assert.equal(24 * 11, n)
  end)

  it("takes sizes, and data sets", function()
    local labels = { "a", "a", "a", "b", "b", "c" }
    local function counts(rows)
      local count = {}
      for _, i in ipairs(rows) do count[labels[i]] = (count[labels[i]] or 0) + 1 end
      return count
    end
    assert.same({ a = 3, b = 2, c = 3 }, counts(lubdub.resample.over(labels, { sampling_strategy = { c = 3 } })))
    assert.same({ a = 1, b = 2, c = 1 }, counts(lubdub.resample.under(labels, { sampling_strategy = { a = 1 } })))
    local clips = lubdub.Dataset { label = labels, n = { 1, 2, 3, 4, 5, 6 } }
    assert.same(lubdub.resample.over(labels, { seed = 3 }), lubdub.resample.over(clips, { seed = 3 }):column "n")
    assert.equal(3, #lubdub.resample.under(clips, { seed = 3 }))
    assert.same({ 2, 1 }, { #lubdub.resample.under { 7, 8.0 }, #lubdub.resample.under { 7 } })
  end)

  it("refuses what it cannot do", function()
    local labels = { "a", "a", "b" }
    raises(function() lubdub.resample.over {} end, "resample.over: no labels")
    raises(function() lubdub.resample.over(3) end, "labels must be a list, got number")
    local function refused(kind, strategy, message)
      raises(function() lubdub.resample[kind](labels, { sampling_strategy = strategy }) end, message)
    end
    refused("over", { x = 3 }, "names x, which is no label")
    refused("over", { a = 1 }, "2 rows of a cannot become 1")
    refused("under", { b = 2 }, "1 rows of b cannot become 2")
    refused("under", { b = "x" }, "a number of rows for b")
    refused("over", "majority", "sampling_strategy must be")
    refused("under", "minority", "sampling_strategy must be")
    raises(function() lubdub.resample.over(labels, { sead = 1 }) end, "unknown option 'sead'")
    raises(function() lubdub.resample.over(lubdub.Dataset { { x = 1 } }) end, 'no column "label"')
  end)
end)

describe("ParameterGrid", function()
  it("has scikit-learn's order", function()
    for _, case in ipairs(golden.grids) do assert.same(case.list, lubdub.ParameterGrid(case.grid)) end
    assert.same({ {} }, lubdub.ParameterGrid {})
    assert.equal("a = 1, b = 0.5, c = x", grid.text { c = "x", a = 1, b = 0.5 })
  end)

  it("draws as scikit-learn's ParameterSampler", function()
    for _, case in ipairs(golden.samples) do
      assert.same(case.list, grid.ParameterSampler(case.grid, case.n, case.seed))
    end
    local distributions = { rate = function(rng) return rng:random_sample() end, a = { 1, 2 } }
    local drawn = grid.ParameterSampler(distributions, 3, 5)
    assert.equal(3, #drawn)
    assert.same(drawn, grid.ParameterSampler(distributions, 3, 5))
    assert.is_true(drawn[1].rate ~= drawn[2].rate)
  end)

  it("refuses what is no grid", function()
    raises(function() lubdub.ParameterGrid(3) end, "expected { name = { values } }, got number")
    raises(function() lubdub.ParameterGrid { a = 3 } end, "a must be a list of values, got number")
    raises(function() lubdub.ParameterGrid { a = {} } end, "a has no values")
    raises(function() lubdub.ParameterGrid { { 3 } } end, "the key 1")
    raises(function() grid.ParameterSampler({ a = { 1 } }, 0) end, "n_iter must be a whole number from 1, got 0")
  end)
end)

describe("Student's t", function()
  it("has SciPy's quantiles", function()
    for _, case in ipairs(golden.student) do
      local value = student.quantile(case[2], case[1])
      assert.is_true(math.abs(value / case[3] - 1) < 1e-10, ("df %d, p %g: %.15g"):format(case[1], case[2], value))
      assert.is_true(math.abs(student.cdf(value, case[1]) - case[2]) < 1e-12)
    end
    assert.equal(0, student.quantile(0.5, 3))
    assert.equal(-student.quantile(0.9, 3), student.quantile(0.1, 3))
  end)
end)
