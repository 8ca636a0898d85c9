-- Tensor on random shapes and views, against plain Lua (spec/support/plain_tensor.lua); and the kernel variants
-- against one another.
local lubdub = require "lubdub"
local Plain = require "support.plain_tensor"
local Tensor = lubdub.Tensor

-- Numbers from 1 to n, the same in every run.
local state = 1
local function random(n)
  state = (state * 6364136223846793005 + 1442695040888963407)
  return (state >> 33) % n + 1
end

local function random_shape(ndim, most)
  local shape = {}
  for axis = 1, ndim do shape[axis] = random(most) end
  return shape
end

-- A plain tensor with small integers, so that there are ties, or other numbers.
local function random_plain(shape, integers)
  return Plain.new(shape, function()
    return integers and random(7) - 4 or (random(2000001) - 1000001) / 250000
  end)
end

-- The same as a Tensor: its elements row-major, or scattered as a view of something larger.
local function tensor_of(plain)
  local ndim = #plain.shape
  local t = Tensor(plain.values):reshape(plain.shape)
  local kind = random(4)
  if kind == 1 or ndim == 0 then return t end
  if kind == 2 then -- axes stored in another order
    local axes, back = {}, {}
    for axis = 1, ndim do table.insert(axes, random(axis), axis) end
    for i, axis in ipairs(axes) do back[axis] = i end
    return t:permute(axes):clone():permute(back)
  end
  local axis = random(ndim)
  if kind == 3 then -- every second one
    local shape = t:shape()
    shape[axis] = 2 * shape[axis]
    local wide = Tensor.full { shape = shape, value = -99 }
    return wide:slice(axis, 1, -1, 2):copy(t)
  end
  return t:slice(axis, -1, 1, -1):clone():slice(axis, -1, 1, -1) -- backwards
end

local function assert_same(expected, t, tolerance, what)
  assert.same(expected.shape, t:shape(), what)
  local got = t:ndim() == 0 and { t:item() } or t:reshape(-1):totable()
  for i, value in ipairs(expected.values) do
    local difference = math.abs(got[i] - value)
    if difference ~= difference or difference > tolerance * math.max(1, math.abs(value)) then
      error(("%s: element %d is %s, not %s"):format(what, i, got[i], value))
    end
  end
end

local function text(shape) return "(" .. table.concat(shape, ", ") .. ")" end

describe("Tensor on random shapes:", function()
  it("views and copies", function()
    for _ = 1, 150 do
      local plain = random_plain(random_shape(random(5), 5))
      local shape, t = plain.shape, tensor_of(plain)
      assert_same(plain, t, 0, text(shape))
      assert_same(plain, t:clone(), 0, "clone")
      assert_same(plain, Tensor(t:totable()), 0, "totable")
      assert_same(plain, Tensor.from_bytes(t:to_bytes(), shape), 0, "bytes")

      local axes = {}
      for axis = 1, #shape do table.insert(axes, random(axis), axis) end
      assert_same(plain:permute(axes), t:permute(axes), 0, "permute")

      local axis = random(#shape)
      local step, places = (random(2) * 2 - 3) * random(3), {}
      local first, last = random(shape[axis]), random(shape[axis])
      for i = first, last, step do places[#places + 1] = i end
      assert_same(plain:pick(axis, places), t:slice(axis, first, last, step), 0, "slice")
      assert_same(plain:pick(axis, places), t:slice(axis - #shape - 1, first - shape[axis] - 1, last, step), 0,
        "slice from the end")

      places = {}
      for i = 1, random(6) do places[i] = random(shape[1]) end
      assert_same(plain:pick(1, places), t:take(places), 0, "take")
      local target = tensor_of(random_plain(plain:pick(1, places).shape))
      assert.equal(target, t:take(Tensor(places), { out = target }))
      assert_same(plain:pick(1, places), target, 0, "take out")
    end
  end)

  it("broadcasting", function()
    local operations = {
      { function(a, b) return a + b end }, { function(a, b) return a - b end },
      { function(a, b) return a * b end }, { function(a, b) return a / b end },
      { math.max, Tensor.maximum }, { math.min, Tensor.minimum },
    }
    for _ = 1, 150 do
      local whole = random_shape(random(4), 5)
      local function part() -- some axes of size 1, some left out in front
        local shape = {}
        for axis = random(#whole), #whole do shape[#shape + 1] = random(3) == 1 and 1 or whole[axis] end
        return shape
      end
      local a, b = random_plain(part()), random_plain(part())
      for i = 1, #b.values do if b.values[i] == 0 then b.values[i] = 1 end end
      for _, f in ipairs(operations) do
        assert_same(Plain.binary(a, b, f[1]), (f[2] or f[1])(tensor_of(a), tensor_of(b)), 0,
          text(a.shape) .. text(b.shape))
      end
    end
  end)

  it("reductions", function()
    local function best(better)
      return function(list)
        local at = 1
        for i = 2, #list do if better(list[i], list[at]) then at = i end end
        return at
      end
    end
    local function sum(list)
      local s = 0
      for _, x in ipairs(list) do s = s + x end
      return s
    end
    local function var(list)
      local mean, s = sum(list) / #list, 0
      for _, x in ipairs(list) do s = s + (x - mean) ^ 2 end
      return s / #list
    end
    local oracles = {
      sum = sum, mean = function(list) return sum(list) / #list end,
      var = var, std = function(list) return var(list) ^ 0.5 end,
      max = function(list) return math.max(table.unpack(list)) end,
      min = function(list) return math.min(table.unpack(list)) end,
      argmax = best(function(a, b) return a > b end), argmin = best(function(a, b) return a < b end),
    }
    for round = 1, 60 do
      local shape = round % 2 == 0 and random_shape(1 + random(3), 6) or { random(80), random(80) }
      local plain = random_plain(shape, random(2) == 1)
      local axis = random(#shape)
      for name, f in pairs(oracles) do
        local exact = name:find "m[axin]+$" ~= nil and name ~= "sum"
        local t = tensor_of(plain)
        assert_same(plain:reduce(axis, f), t[name](t, axis), exact and 0 or 1e-6, name .. text(shape) .. axis)
        local all = f(plain.values)
        assert.near(all, t[name](t), 1e-9 * math.max(1, math.abs(all)), name .. text(shape))
      end
    end
  end)

  it("matmul", function()
    for _ = 1, 60 do
      local batch = random_shape(random(3) - 1, 3)
      local m, k, n = random(9), random(9), random(9)
      local function shape(rows, columns)
        local s = {}
        for i = random(#batch + 1), #batch do s[#s + 1] = random(3) == 1 and 1 or batch[i] end
        s[#s + 1], s[#s + 2] = rows, columns
        return s
      end
      local a, b = random_plain(shape(m, k)), random_plain(shape(k, n))
      assert_same(a:matmul(b), tensor_of(a):matmul(tensor_of(b)), 1e-5, text(a.shape) .. text(b.shape))
    end
  end)

  it("concat and stack", function()
    for _ = 1, 60 do
      local shape = random_shape(random(3), 4)
      local axis, list, places = random(#shape), {}, {}
      local whole = table.move(shape, 1, #shape, 1, {})
      whole[axis] = 0
      for i = 1, random(4) do
        shape[axis] = random(4)
        list[i] = shape[axis]
        whole[axis] = whole[axis] + shape[axis]
      end
      local plain = random_plain(whole)
      local parts, at = {}, 0
      for i, n in ipairs(list) do
        for k = 1, n do places[k] = at + k end
        for k = n + 1, #places do places[k] = nil end
        parts[i], at = tensor_of(plain:pick(axis, places)), at + n
      end
      assert_same(plain, Tensor.concat(parts, axis), 0, "concat")

      local one = random_plain(shape)
      local stacked = Tensor.stack({ tensor_of(one), tensor_of(one) }, axis)
      assert_same(one, stacked:slice(axis, 2, 2):squeeze(axis), 0, "stack")
      assert.equal(#shape + 1, stacked:ndim())
    end
  end)
end)

describe("Tensor's kernel variants", function()
  it("give the same bits", function()
    local program = [[
      local Tensor = require("lubdub").Tensor
      local a, b = Tensor.randn { 37, 53, seed = 1 }, Tensor.randn { 53, seed = 2 }
      for _, t in ipairs {
        a + b, a - b, a * b, a / b, a:maximum(b), a:minimum(b), -a, a:abs(), a:abs():sqrt(), a:clamp(-1, 1), a:exp(),
        a:sum(1), a:sum(2), a:var(1), a:std(2), a:mean(2), a:max(1), a:argmax(1), a:argmin(2), a:transpose():sum(1),
        Tensor { a:sum(), a:std() } } do
        for word in t:to_bytes():gmatch("....") do io.write(("%08x"):format(string.unpack("<I4", word))) end
      end]]
    local interpreter, i = "lua5.4", 0
    while arg[i] do
      interpreter, i = arg[i], i - 1
    end
    local first
    for _, variant in ipairs(select(2, lubdub.cpu())) do
      local pipe = assert(io.popen(("LUBDUB_CPU=%s LUA_PATH='%s' LUA_CPATH='%s' '%s' -e '%s'"):format(variant,
        package.path, package.cpath, interpreter, program)))
      local bits = pipe:read "a"
      assert.is_true(pipe:close())
      assert.is_true(#bits > 100000)
      first = first or bits
      assert.is_true(bits == first, variant .. " differs")
    end
  end)
end)
