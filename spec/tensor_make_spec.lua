-- How tensors come from tables, shapes and seeds, and become text and bytes.
local Tensor = require("lubdub").Tensor
local assert_raises = require "support.raises"

local nan, inf = 0 / 0, math.huge

describe("Tensor constructors:", function()
  it("nested tables", function()
    local t = Tensor { { 1, 2, 3 }, { 4, 5, 6.5 } }
    assert.same({ 2, 3 }, t:shape())
    assert.same({ { 1, 2, 3 }, { 4, 5, 6.5 } }, t:totable())
    assert.same({ 3 }, Tensor({ 1, 2, 3 }):shape())
    assert.same({ 0 }, Tensor({}):shape())
    assert.same({ 2, 0 }, Tensor({ {}, {} }):shape())
    assert.same({ 1, 1, 1, 1, 1, 1, 1, 1 }, Tensor({ { { { { { { { 7 } } } } } } } }):shape())
  end)

  it("a number has no dimensions", function()
    local t = Tensor(5)
    assert.same({}, t:shape())
    assert.equal(1, t:size())
    assert.equal(5, t:item())
    assert.equal(5, t:totable())
    assert.equal("Tensor () float32\n  5", tostring(t))
    assert_raises(function() return #t end, "no length")
    assert_raises(function() return t[1] end, "t:item()")
    assert_raises(function() return Tensor({ 1, 2 }):item() end, "Tensor:item", "one element", "(2,)")
  end)

  it("a tensor is copied", function()
    local t = Tensor { 1, 2 }
    local u = Tensor(t:slice(1, -1, 1, -1))
    u[1] = 9
    assert.same({ 1, 2 }, t:totable())
    assert.same({ 9, 1 }, u:totable())
  end)

  it("elements are float32", function()
    assert.equal(16777216, Tensor(16777217):item())
    assert.equal(0.10000000149011612, Tensor(0.1):item())
    assert.equal(inf, Tensor(1e300):item())
  end)

  it("say where a nested table is wrong", function()
    assert_raises(function() Tensor { { 1, 2 }, { 3 } } end, "Tensor:", "[2]", "1 elements", "has 2", "ragged")
    assert_raises(function() Tensor { { 1, 2 }, { 3, "x" } } end, "[2][2]", "number", "x")
    assert_raises(function() Tensor { { 1, 2 }, 3 } end, "[2]", "list of 2", "3")
    assert_raises(function() Tensor { 1, { 2 } } end, "[2]", "number", "table")
    assert_raises(function() Tensor { true } end, "[1]", "number", "true")
    assert_raises(function() Tensor { "1" } end, "[1]", "number")
    assert_raises(function() Tensor { x = 1 } end, "'x'")
    assert_raises(function() Tensor "x" end, "expected a number", "got string")
    assert_raises(function() Tensor(nil) end, "got nil")
    assert_raises(function() Tensor() end, "Tensor:", "got no value")
    assert_raises(function() Tensor { { { { { { { { { 1 } } } } } } } } } end, "deeper than 8")
    local loop = {}
    loop[1] = loop
    assert_raises(function() Tensor(loop) end, "deeper than 8")
  end)

  it("zeros, ones, full, arange", function()
    assert.same({ { 0, 0 }, { 0, 0 } }, Tensor.zeros({ 2, 2 }):totable())
    assert.same({ 1, 1, 1 }, Tensor.ones({ 3 }):totable())
    assert.same({ { 7 }, { 7 } }, Tensor.full({ 2, 1, value = 7 }):totable())
    assert.same({ { 0, 1, 2 }, { 3, 4, 5 } }, Tensor.arange({ 2, 3 }):totable())
    assert.same({ 1, 1.5, 2 }, Tensor.arange({ 3, start = 1, step = 0.5 }):totable())
    assert.same({ 0, 1, 2 }, Tensor.arange(3):totable())
    assert.same({ 1, 2, 3 }, Tensor.arange(1, 4):totable())
    assert.same({ 5, 3, 1 }, Tensor.arange(5, 0, -2):totable())
    assert.same({ 0 }, Tensor.arange(5, 0):shape())
    assert.same({ 2, 3 }, Tensor.zeros({ shape = Tensor.ones({ 2, 3 }):shape() }):shape())
    assert.equal(0, Tensor.zeros({}):item())
    assert.same({ 0, 3 }, Tensor.zeros({ 0, 3 }):shape())
  end)

  it("refuse wrong shapes and options", function()
    assert_raises(function() Tensor.zeros { 2, -1 } end, "Tensor.zeros", "size 2", "-1")
    assert_raises(function() Tensor.ones { 2.5 } end, "Tensor.ones", "2.5")
    assert_raises(function() Tensor.ones { "2" } end, "Tensor.ones", "size 1")
    assert_raises(function() Tensor.zeros(3) end, "zeros", "table {dims...} expected, got number")
    assert_raises(function() Tensor.zeros { 1, 1, 1, 1, 1, 1, 1, 1, 1 } end, "at most 8", "9")
    assert_raises(function() Tensor.full { 2 } end, "Tensor.full", "'value'", "missing")
    assert_raises(function() Tensor.rand { 2, sed = 1 } end, "Tensor.rand", "'sed'", "'seed'")
    assert_raises(function() Tensor.rand { 2, seed = "x" } end, "Tensor.rand", "'seed'", "whole number")
    assert_raises(function() Tensor.arange(1, 5, 0) end, "step must not be 0")
  end)

  it("a size that overflows, or finds no memory, is an error", function()
    assert_raises(function() Tensor.zeros { 1 << 40, 1 << 40 } end, "overflows", "(1099511627776, 1099511627776)")
    assert_raises(function() Tensor.zeros { math.maxinteger } end, "overflows")
    assert_raises(function() Tensor.zeros { 1 << 50 } end, "out of memory", "(1125899906842624,)", "MB")
    collectgarbage() -- the session is still usable
    assert.equal(3, Tensor.ones({ 3 }):sum())
  end)

  it("random numbers are a function of the seed", function()
    assert.equal(Tensor.rand { 5, 7, seed = 3 }, Tensor.rand { 5, 7, seed = 3 })
    assert.equal(Tensor.randn { 35, seed = 3 }, Tensor.randn({ 5, 7, seed = 3 }):reshape(-1))
    assert.equal(Tensor.rand { 5, seed = 3 }, Tensor.rand { 5, random_state = 3 })
    assert.not_equal(Tensor.rand { 5, 7, seed = 3 }, Tensor.rand { 5, 7, seed = 4 })
    assert.not_equal(Tensor.rand { 5 }, Tensor.rand { 5 })
    local u, g = Tensor.rand { 100000, seed = 1 }, Tensor.randn { 100000, seed = 1 }
    assert.is_true(u:min() >= 0 and u:max() < 1)
    assert.near(0.5, u:mean(), 0.005)
    assert.near(1 / 12, u:var(), 0.001)
    assert.near(0, g:mean(), 0.02)
    assert.near(1, g:std(), 0.02)
    assert.near(0, (g ^ 3):mean(), 0.05)
    local r = Tensor.rand { 1000, seed = 1, low = -3, high = -2 }
    assert.is_true(r:min() >= -3 and r:max() < -2)
    assert.near(5, Tensor.randn({ 10000, seed = 1, mean = 5, std = 0.1 }):mean(), 0.01)
  end)
end)

describe("tostring(tensor)", function()
  it("shows small ones whole", function()
    assert.equal("Tensor (2, 3) float32\n     1  0.5    3\n    -4 1000  nan",
      tostring(Tensor { { 1, 0.5, 3 }, { -4, 1000, nan } }))
    assert.equal("Tensor (3,) float32\n  1 2 3", tostring(Tensor { 1, 2, 3 }))
    assert.equal("Tensor (0, 3) float32", tostring(Tensor.zeros { 0, 3 }))
  end)

  it("shows the corners of large ones", function()
    assert.equal([[
Tensor (3, 40, 173) float32
  t[1] =
     0    1    2 ...  170  171  172
   173  174  175 ...  343  344  345
   346  347  348 ...  516  517  518
  ...
  6401 6402 6403 ... 6571 6572 6573
  6574 6575 6576 ... 6744 6745 6746
  6747 6748 6749 ... 6917 6918 6919]], tostring(Tensor.arange { 3, 40, 173 }))
    assert.equal("Tensor (2, 2, 2, 1) float32\n  t[1] =\n  0 1\n  2 3", tostring(Tensor.arange { 2, 2, 2, 1 }))
    assert.is_true(#tostring(Tensor.randn { 9, 9, 9, 9, 9 } * 1e-30) < 1000)
  end)
end)

describe("Bytes of a tensor", function()
  it("are little-endian float32", function()
    assert.equal("\0\0\128\63\0\0\0\192", Tensor({ 1, -2 }):to_bytes())
    assert.equal(Tensor { { 1 }, { -2 } }, Tensor.from_bytes("\0\0\128\63\0\0\0\192", { 2, 1 }))
    assert.equal(Tensor { 1, -2 }, Tensor.from_bytes "\0\0\128\63\0\0\0\192")
    assert.equal("", Tensor({}):to_bytes())
    assert_raises(function() Tensor.from_bytes("abcd", { 2 }) end, "Tensor.from_bytes", "(2,)", "8 bytes", "got 4")
    assert_raises(function() Tensor.from_bytes "abcde" end, "Tensor.from_bytes", "got 5")
    assert_raises(function() Tensor.from_bytes("abcd", 1) end, "Tensor.from_bytes", "table of sizes")
  end)
end)
