local random = require "lubdub.random"
local set_seed = require("lubdub.seed").set_seed
local golden = require "support.json" "splits.json"

describe("random", function()
  it("gives NumPy's numbers", function()
    for _, case in ipairs(golden.random) do
      local n, rng = case.n, random.RandomState(case.seed)
      for i = 1, 3 do assert.equal(case.uint32[i], rng:random_uint32()) end
      local sample = rng:random_sample(3)
      for i = 1, 3 do assert.equal(tonumber(case.sample[i]), sample[i]) end
      assert.same(case.permutation, rng:permutation(n))
      local letters = {}
      for i = 1, n do letters[i] = string.char(97 + (i - 1) % 26) end
      assert.equal(letters, rng:shuffle(letters))
      assert.equal(case.shuffle, table.concat(letters))
      assert.same(case.choice, rng:choice(n, n // 2, { replace = false }))
      assert.same(case.choice_again, rng:choice(n, 5))
      local four = { table.unpack(case.randint, 1, 4) }
      if n % 2 == 0 then
        assert.same(four, rng:randint(3, 1002, 4))
      else
        for i = 1, 4 do assert.equal(four[i], rng:randint(3, 1002)) end
      end
      rng:random_sample(1300)
      assert.equal(tonumber(case.late), rng:random_sample())
      assert.same(case.sklearn_shuffle, random.RandomState(case.seed):permutation(n))
    end
  end)

  it("copies in permutation and choice, and shuffles in place", function()
    local list = { "a", "b", "c", "d" }
    local copy = random.RandomState(1):permutation(list)
    assert.same({ "a", "b", "c", "d" }, list)
    table.sort(copy)
    assert.same(list, copy)
    random.RandomState(1):choice(list, 2, { replace = false })
    assert.same({ "a", "b", "c", "d" }, list)
  end)

  it("stays within its bounds and reaches them", function()
    local rng, seen = random.RandomState(3), {}
    for _ = 1, 400 do seen[rng:randint(-2, 2)] = true end
    local values = {}
    for value in pairs(seen) do values[#values + 1] = value end
    table.sort(values)
    assert.same({ -2, -1, 0, 1, 2 }, values)
    assert.equal(0, rng:random_interval(0))
    assert.equal(7, rng:randint(7, 7))
    assert.same({ 7, 7 }, rng:randint(7, 7, 2))
    assert.same({}, rng:randint(1, 7, 0))
    assert.same({}, rng:permutation(0))
  end)

  it("goes on with a given generator, starts anew with a given number", function()
    local rng = random.RandomState(9)
    assert.equal(rng, random.check(rng))
    local a, b = random.check(5):permutation(20), random.check(5):permutation(20)
    assert.same(a, b)
    set_seed(11)
    local first = random.check(nil):permutation(20)
    local second = random.check(nil):permutation(20)
    assert.not_same(first, second)
    set_seed(11)
    assert.same(first, random.check(false):permutation(20))
  end)

  it("names a wrong argument", function()
    assert.error_matches(function() random.RandomState(-1) end,
      "RandomState: seed must be a whole number from 0 to 4294967295, got %-1")
    assert.error_matches(function() random.RandomState "x" end, "seed must be .* got string")
    assert.error_matches(function() random.RandomState(1.5) end, "got 1.5")
    assert.error_matches(function() random.RandomState(1):choice(3, 4, { replace = false }) end,
      "cannot take 4 of 3 without replacement")
    assert.error_matches(function() random.RandomState(1):choice(3, 4, { replaced = false }) end, "replace")
    assert.error_matches(function() random.RandomState(1):choice({}) end, "nothing to choose from")
    assert.error_matches(function() random.RandomState(1):shuffle(3) end, "expected a list, got number")
    assert.error_matches(function() random.RandomState(1):permutation "abc" end, "n must be a whole number from 0")
    assert.error_matches(function() random.RandomState(1):randint(3, 2) end, "high must be .* from 3")
  end)

  it("prints itself and points to the caller's line", function()
    assert.equal("RandomState(seed = 4)", tostring(random.RandomState(4)))
    local _, message = pcall(function() random.RandomState(-1) end)
    assert.matches("random_spec%.lua:%d+: RandomState", message)
  end)
end)
