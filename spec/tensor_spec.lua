-- The Tensor class: what its values are is in tensor_numpy_spec.lua and tensor_random_spec.lua; here is how
-- it behaves: views, assignment, rows, operators, reductions, mistakes.
local Tensor = require("lubdub").Tensor
local assert_raises = require "support.raises"

local nan, inf = 0 / 0, math.huge

describe("A tensor", function()
  local t
  before_each(function() t = Tensor.arange { 2, 3, 4 } end)

  it("knows its size", function()
    assert.equal(2, #t)
    assert.equal(3, t:ndim())
    assert.equal(24, t:size())
    assert.equal("(2, 3, 4)", tostring(t:shape()))
    assert.equal(3, t:shape(2))
    assert.equal(4, t:shape(-1))
    assert_raises(function() t:shape(4) end, "Tensor:shape", "1..3", "4")
    assert.is_true(Tensor.is(t))
    assert.is_false(Tensor.is {})
    assert.is_false(Tensor.is(io.stdout))
  end)

  it("is indexed from 1, and from the end", function()
    assert.same({ { 12, 13, 14, 15 }, { 16, 17, 18, 19 }, { 20, 21, 22, 23 } }, t[2]:totable())
    assert.equal(17, t[2][2][2])
    assert.equal(23, t[-1][-1][-1])
    assert.equal(17, t[2.0][2][2])
    for _, i in ipairs { 0, 4, -3 } do
      assert_raises(function() return t[i] end, "index " .. i, "1..2", "(2, 3, 4)")
    end
    assert_raises(function() return t[1.5] end, "whole number", "1.5")
    assert_raises(function() return t[{ 1, 2 }] end, "whole number", "table")
    assert.is_nil(t.no_such_thing)
  end)

  it("is walked with ipairs and pairs", function()
    local sums = {}
    for i, part in ipairs(t) do sums[i] = part:sum() end
    assert.same({ 66, 210 }, sums)
    sums = {}
    for i, x in pairs(t[1][2]) do sums[#sums + 1] = i * x end
    assert.same({ 4, 10, 18, 28 }, sums)
    for _ in pairs(Tensor {}) do error "an empty tensor has no rows" end
  end)

  it("gives views, which write through", function()
    t[1][1][1] = 100
    t:slice(3, -1):fill(-1)
    t:permute(3, 1, 2)[2]:copy { { 1, 2, 3 }, { 4, 5, 6 } }
    t:reshape(-1)[3] = 50
    assert.same({ { { 100, 1, 50, -1 }, { 4, 2, 6, -1 }, { 8, 3, 10, -1 } },
      { { 12, 4, 14, -1 }, { 16, 5, 18, -1 }, { 20, 6, 22, -1 } } }, t:totable())
  end)

  it("gives views that outlive their owner", function()
    local rows = {}
    for i = 1, 50 do rows[i] = Tensor.full({ 1000, 3, value = i }):permute(2, 1)[2]:slice(1, 10, 20) end
    collectgarbage()
    collectgarbage()
    for i = 1, 50 do assert.equal(11 * i, rows[i]:sum()) end
  end)

  it("weighs on the collector", function()
    collectgarbage()
    local before = collectgarbage "count"
    local big = Tensor.zeros { 1000, 1000 }
    assert.is_true(collectgarbage "count" - before > 3900)
    assert.equal(0, big[1][1])
  end)

  it("is reshaped", function()
    assert.same({ 4, 6 }, t:reshape(4, 6):shape())
    assert.same({ 4, 6 }, t:reshape({ 4, -1 }):shape())
    assert.same({ 24 }, t:reshape(-1):shape())
    assert.same({}, Tensor({ { 3 } }):reshape():shape())
    assert.same({ 0, 5 }, Tensor.zeros({ 0, 3 }):reshape(-1, 5):shape())
    local copy = t:transpose():reshape(-1)
    assert.same({ 0, 12, 4 }, copy:slice(1, 1, 3):totable())
    copy[1] = 99
    assert.equal(0, t[1][1][1])
    assert_raises(function() t:reshape(5, 5) end, "Tensor:reshape", "(2, 3, 4)", "24", "(5, 5)")
    assert_raises(function() t:reshape(5, -1) end, "Tensor:reshape", "(2, 3, 4)", "(5, -1)")
    assert_raises(function() t:reshape(0, -1) end, "Tensor:reshape")
    assert_raises(function() t:reshape(-1, -1) end, "Tensor:reshape", "one may be -1")
    assert_raises(function() t:reshape(-2, 12) end, "Tensor:reshape", "at least 0")
    assert_raises(function() t:reshape(1 << 40, 1 << 40) end, "Tensor:reshape")
    assert_raises(function() t:reshape "x" end, "Tensor:reshape", "whole numbers", "x")
  end)

  it("is turned", function()
    assert.same({ 4, 3, 2 }, t:transpose():shape())
    assert.same({ 2, 4, 3 }, t:transpose(2, -1):shape())
    assert.same({ 3, 4, 2 }, t:permute({ 2, -1, 1 }):shape())
    assert.equal(t:permute(3, 1, 2), t:permute { 3, 1, 2 })
    assert_raises(function() t:permute(1, 2) end, "Tensor:permute", "every axis", "(2, 3, 4)")
    assert_raises(function() t:permute(1, 2, 2) end, "Tensor:permute", "every axis")
    assert_raises(function() t:permute(1, 2, 4) end, "Tensor:permute")
    assert_raises(function() t:transpose(1, 4) end, "Tensor:transpose", "1..3", "4")
    assert_raises(function() t:transpose(1) end, "transpose")
  end)

  it("gains and loses axes of size 1", function()
    assert.same({ 1, 2, 3, 4 }, t:expand_dims(1):shape())
    assert.same({ 2, 3, 4, 1 }, t:expand_dims(-1):shape())
    assert.same({ 2, 3, 1, 4 }, t:expand_dims(3):shape())
    assert.equal(t, t:expand_dims(1):expand_dims(-1):squeeze())
    assert.equal(t, t:expand_dims(2):squeeze(2))
    assert_raises(function() t:squeeze(1) end, "Tensor:squeeze", "(2, 3, 4)")
    assert_raises(function() t:expand_dims(6) end, "Tensor:expand_dims", "1..4", "6")
  end)

  it("is sliced as strings are", function()
    local v = Tensor { 1, 2, 3, 4, 5 }
    assert.same({ 2, 3 }, v:slice(1, 2, 3):totable())
    assert.same({ 4, 5 }, v:slice(1, -2):totable())
    assert.same({ 1, 3, 5 }, v:slice(1, 1, -1, 2):totable())
    assert.same({ 5, 4, 3, 2, 1 }, v:slice(1, nil, nil, -1):totable())
    assert.same({ 5, 3, 1 }, v:slice(1, 99, -99, -2):totable())
    assert.same({ 1, 2, 3, 4, 5 }, v:slice(1, -99, 99):totable())
    assert.same({}, v:slice(1, 4, 3):totable())
    assert.same({}, v:slice(1, 9):totable())
    assert.same({}, v:slice(1, 2, 4, -1):totable())
    assert.same({ 5 }, v:slice(1, 5, 5, math.maxinteger):totable())
    assert.same({ 5 }, v:slice(1, 5, 5, -7):totable())
    assert_raises(function() v:slice(2, 1) end, "Tensor:slice", "1..1", "2")
    assert_raises(function() v:slice() end, "Tensor:slice", "1..1", "nothing")
    assert_raises(function() v:slice(1, 1, 2, 0) end, "step must not be 0")
  end)

  it("is assigned numbers, tensors and tables", function()
    t[1] = 7
    t[2] = { 1, 2, 3, 4 }
    assert.same({ { { 7, 7, 7, 7 }, { 7, 7, 7, 7 }, { 7, 7, 7, 7 } },
      { { 1, 2, 3, 4 }, { 1, 2, 3, 4 }, { 1, 2, 3, 4 } } }, t:totable())
    t[-2] = Tensor { { 1 }, { 2 }, { 3 } }
    assert.same({ 3, 3, 3, 3 }, t[1][3]:totable())
    local v = Tensor { 1, 2, 3 }
    v[2] = Tensor(5)
    v[3] = v[1]
    assert.same({ 1, 5, 1 }, v:totable())
    assert.equal(t, t:fill(3))
    assert.equal(t, t:copy(4))
    assert.equal(96, t:sum())
    assert_raises(function() t[1] = { 1, 2, 3 } end, "t[i] = v", "(3, 4)", "(3,)")
    assert_raises(function() v[1] = { 1, 2 } end, "t[i] = v", "()", "(2,)")
    assert_raises(function() t[3] = 1 end, "index 3", "1..2")
    assert_raises(function() t[1] = "x" end, "t[i] = v", "string")
    assert_raises(function() t.name = 1 end, "name")
    assert_raises(function() t:fill {} end, "number expected")
    assert_raises(function() t[1]:copy(t) end, "Tensor:copy", "(3, 4)", "(2, 3, 4)")
  end)

  it("is assigned a view of itself", function()
    local v = Tensor.arange(6)
    v:slice(1, 2):copy(v:slice(1, 1, -2))
    assert.same({ 0, 0, 1, 2, 3, 4 }, v:totable())
    v:copy(v:slice(1, -1, 1, -1))
    assert.same({ 4, 3, 2, 1, 0, 0 }, v:totable())
    local m = Tensor { { 1, 2 }, { 3, 4 } }
    m:copy(m:transpose())
    assert.same({ { 1, 3 }, { 2, 4 } }, m:totable())
  end)

  it("is cloned, and made contiguous", function()
    local view = t:transpose()
    local clone = view:clone()
    clone[1] = 0
    assert.equal(12, view[1][1][2])
    assert.is_true(rawequal(t, t:contiguous()))
    assert.is_false(rawequal(view, view:contiguous()))
    assert.equal(view, view:contiguous())
  end)

  it("is taken apart by rows", function()
    local out = Tensor.full { 3, 3, 4, value = -1 }
    assert.is_true(rawequal(out, t:take({ 2, 1, -1 }, { out = out })))
    assert.equal(Tensor.stack { t[2], t[1], t[2] }, out)
    assert.equal(out, t:take(Tensor { 2, 1, 2 }))
    assert.same({ 0, 3, 4 }, t:take({}):shape())
    local batch = Tensor.zeros { 3, 3, 4 }
    t:take({ 2 }, { out = batch:slice(1, 3, 3) })
    assert.equal(t[2], batch[3])
    assert.equal(0, batch:slice(1, 1, 2):sum())

    out:fill(-1)
    assert_raises(function() t:take({ 1, 2, 3 }, { out = out }) end, "Tensor:take", "index 3", "1..2", "got 3",
      "(2, 3, 4)")
    assert.equal(-36, out:sum()) -- nothing was written
    assert_raises(function() t:take({ 1.5 }) end, "Tensor:take", "1.5")
    assert_raises(function() t:take({ 0 }) end, "Tensor:take", "got 0")
    assert_raises(function() t:take(Tensor { { 1 } }) end, "Tensor:take", "(1, 1)")
    assert_raises(function() t:take(3) end, "take", "table or tensor")
    assert_raises(function() t:take({ 1 }, { out = out }) end, "'out'", "(1, 3, 4)", "(3, 3, 4)")
    assert_raises(function() t:take({ 1 }, { out = 1 }) end, "'out'", "tensor", "number")
    assert_raises(function() t:take({ 2, 1 }, { out = t }) end, "'out'", "share memory")
    assert_raises(function() t:take({ 1 }, { ou = out }) end, "'ou'", "'out'")
  end)
end)

describe("Tensors together:", function()
  it("concat and stack", function()
    local a, b = Tensor { { 1, 2 } }, Tensor { { 3, 4 }, { 5, 6 } }
    assert.same({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, Tensor.concat({ a, b }):totable())
    assert.same({ { 3, 4, 3, 4 }, { 5, 6, 5, 6 } }, Tensor.concat({ b, b }, -1):totable())
    assert.same({ 3, 1, 2 }, Tensor.stack({ a, a, a }):shape())
    assert.same({ { { 1, 1 }, { 2, 2 } } }, Tensor.stack({ a, a }, -1):totable())
    assert.same({ 1, 2 }, Tensor.stack({ Tensor(1), Tensor(2) }):totable())
    assert_raises(function() Tensor.concat { a, Tensor { 1 } } end, "Tensor.concat", "(1, 2)", "tensor 2", "(1,)")
    assert_raises(function() Tensor.concat({ a, b }, 2) end, "Tensor.concat", "(1, 2)", "(2, 2)")
    assert_raises(function() Tensor.stack { a, b } end, "Tensor.stack", "(1, 2)", "(2, 2)")
    assert_raises(function() Tensor.stack {} end, "Tensor.stack", "empty")
    assert_raises(function() Tensor.stack { a, 3 } end, "Tensor.stack", "element 2", "number")
    assert_raises(function() Tensor.concat { Tensor(1) } end, "Tensor.concat", "Tensor.stack")
    assert_raises(function() Tensor.concat({ a }, 3) end, "Tensor.concat", "1..2", "3")
  end)

  it("arithmetic takes numbers and tables on both sides", function()
    local t = Tensor { 1, 2, 4 }
    assert.same({ 3, 4, 6 }, (t + 2):totable())
    assert.same({ 1, 0, -2 }, (2 - t):totable())
    assert.same({ 2, 1, 0.5 }, (2 / t):totable())
    assert.same({ 3, 4, 4 }, ({ 3, 2, 1 } * t):totable())
    assert.same({ 1, 4, 16 }, (t ^ 2):totable())
    assert.same({ 2, 4, 16 }, (2 ^ t):totable())
    assert.same({ 3, 3, 4 }, t:maximum(3):totable())
    assert_raises(function() return t + Tensor { 1, 2 } end, "a + b", "(3,)", "(2,)")
    assert_raises(function() return t * nil end, "a * b", "nil")
    assert_raises(function() return "3" / t end, "a / b", "string")
    assert_raises(function() return t:clamp(2, 1) end, "Tensor:clamp", "2", "1")
    assert.same({ 2, 2, 4 }, t:clamp(2):totable())
    assert.same({ 1, 2, 2 }, t:clamp(false, 2):totable())
  end)

  it("equality is exact, and of shapes too", function()
    local t = Tensor { 1, 2, nan }
    assert.is_true(Tensor { 1, 2 } == Tensor { 1, 2 })
    assert.is_false(Tensor { 1, 2 } == Tensor { 1, 2.0000002 })
    assert.is_false(Tensor { 1, 2 } == Tensor { { 1, 2 } })
    assert.is_false(t == t:clone())
    assert.is_false(Tensor { 1 } == 1)
    assert.is_true(Tensor({ 1, 2 }):equal { 1, 2 })
    assert.is_false(Tensor({ 1, 2 }):equal { 1, 3 })
    assert.is_true(Tensor.zeros { 0, 2 } == Tensor.zeros { 0, 2 })
    assert_raises(function() t:allclose { 1, 2 } end, "Tensor:allclose", "(3,)", "(2,)")
    assert_raises(function() t:allclose(t, { rtoll = 1 }) end, "Tensor:allclose", "'rtoll'", "'rtol'")
    assert_raises(function() t:allclose(t, { rtol = -1 }) end, "Tensor:allclose", "'rtol'")
  end)

  it("NaN and infinity are found", function()
    local t = Tensor.ones { 40, 50 }
    assert.is_false(t:has_nan())
    assert.is_true(t:isfinite())
    t[7][9] = inf
    assert.is_false(t:has_nan())
    assert.is_false(t:isfinite())
    t[7][9] = nan
    assert.is_true(t:has_nan())
    assert.is_false(t:transpose():isfinite())
    assert.is_true(t:slice(1, 8):isfinite())
  end)

  it("matmul says what does not fit", function()
    local a = Tensor.ones { 2, 3 }
    assert.equal(14, Tensor({ 1, 2, 3 }):matmul { 1, 2, 3 })
    assert.equal(Tensor { 3, 3 }, Tensor.matmul(a, { 1, 1, 1 }))
    assert_raises(function() a:matmul(a) end, "Tensor:matmul", "(2, 3) and (2, 3)")
    assert_raises(function() a:matmul(Tensor(1)) end, "Tensor:matmul", "(2, 3) and ()")
    assert_raises(function() Tensor.ones({ 2, 4, 3 }):matmul(Tensor.ones { 5, 3, 2 }) end, "(2, 4, 3) and (5, 3, 2)")
    assert_raises(function() a:matmul(nil) end, "Tensor:matmul", "nil")
  end)

  it("matmul reads views of any kind", function()
    local t, one = Tensor.arange { 4, 4, 4 }, Tensor.arange { 4, 4 }
    local views = { t[2]:transpose(), t:transpose(1, 2)[3], t:permute(2, 3, 1)[1], t:transpose()[4] }
    for _, view in ipairs(views) do
      for axis = 1, 2 do
        for _, step in ipairs { 1, 2, -1 } do
          local part = view:slice(axis, nil, nil, step)
          assert.equal(part:clone():matmul(one:slice(1, 1, part:shape(2))), part:matmul(one:slice(1, 1, part:shape(2))))
          assert.equal(one:slice(2, 1, #part):matmul(part:clone()), one:slice(2, 1, #part):matmul(part))
        end
      end
    end
  end)

  it("matmul of large matrices is stopped between bands", function()
    local a, calls = Tensor.ones { 1400, 1300 }, 0
    local b = Tensor.ones { 1300, 1200 }
    local matmul, sethook, protected = Tensor.matmul, debug.sethook, pcall -- a look-up below would count too
    sethook(function()
      calls = calls + 1
      if calls == 3 then error "interrupted!" end -- pcall, matmul, and the pause within it
    end, "c")
    local done, message = protected(matmul, a, b)
    sethook()
    assert.is_false(done)
    assert.truthy(tostring(message):find "interrupted!")
    local product = a:matmul(b)
    assert.equal(1300, product:min())
    assert.equal(1300, product:max())
  end)
end)

describe("Reductions", function()
  local t = Tensor { { 1, 5, 3 }, { 4, 2, 6 } }

  it("give numbers over all, and tensors over an axis", function()
    assert.equal(21, t:sum())
    assert.equal(6, t:argmax())
    assert.equal("integer", math.type(t:argmax()))
    assert.same({ 5, 7, 9 }, t:sum(1):totable())
    assert.same({ 2, 3 }, t:argmax(-1):totable())
    assert.same({ { 9 }, { 12 } }, t:sum(2, { keepdims = true }):totable())
    assert.same({ { 9 }, { 12 } }, t:sum({ axis = 2, keepdims = true }):totable())
    assert.same({ { 21 } }, t:sum({ keepdims = true }):totable())
    assert.equal(3, Tensor({ 1, 2, 3 }):max(1))
    assert.equal(7, Tensor(7):sum())
  end)

  it("take several axes", function()
    local cube = Tensor.arange { 2, 3, 4 }
    assert.same({ 60, 92, 124 }, cube:sum({ 1, -1 }):totable())
    assert.same({ { { 60 }, { 92 }, { 124 } } }, cube:sum({ 3, 1 }, { keepdims = true }):totable())
    assert.equal(cube:mean { 2, 3 }, cube:reshape(2, -1):mean(2))
    assert.equal(cube:std { axis = { 1, 2 }, ddof = 1 }, cube:reshape(-1, 4):std(1, { ddof = 1 }))
    assert.equal(cube:transpose():max { 1, 2, 3 }, 23)
    assert.same({ 7, 7, 7 }, (cube:permute(2, 1, 3) + { 0, 0, 50, 0 }):argmax({ 2, 3 }):totable())
    assert_raises(function() cube:sum { 1, 1 } end, "Tensor:sum", "axis 1", "twice")
    assert_raises(function() cube:sum { 1, 4 } end, "Tensor:sum", "1..3", "4")
    assert_raises(function() cube:sum { 1, "x" } end, "Tensor:sum", "1..3", "x")
  end)

  it("sum exactly enough", function()
    local big = Tensor.full { 3000, 1000, value = 0.1 }
    assert.near(3e6 * Tensor(0.1):item(), big:sum(), 1e-6)
    assert.near(3000 * Tensor(0.1):item(), big:sum(1)[500], 1e-4)
    assert.equal(big:mean(), big:transpose():mean())
  end)

  it("say what is wrong", function()
    assert_raises(function() t:sum(3) end, "Tensor:sum", "1..2", "3")
    assert_raises(function() t:sum(0) end, "Tensor:sum", "0")
    assert_raises(function() t:mean(1, { keepdim = true }) end, "Tensor:mean", "'keepdim'", "'keepdims'")
    assert_raises(function() t:mean(1, { ddof = 1 }) end, "Tensor:mean", "'ddof'")
    assert_raises(function() Tensor({}):max() end, "Tensor:max", "no elements", "(0,)")
    assert_raises(function() Tensor.zeros({ 0, 2 }):argmin(1) end, "Tensor:argmin", "(0, 2)")
    assert_raises(function() t.sum(3) end, "lubdub.Tensor expected")
  end)
end)
