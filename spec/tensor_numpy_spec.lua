-- Tensor against values that NumPy gave (spec/golden/make_tensor.py).
local Tensor = require("lubdub").Tensor
local json = require "dkjson"

local special = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }

local function plain(value)
  return special[value] or value
end

local function read_golden(name)
  local file = assert(io.open("spec/golden/" .. name, "rb"))
  local content = file:read "a"
  file:close()
  return assert(json.decode(content))
end

local golden = read_golden "tensor.json"

local tensors = {}
for i, t in ipairs(golden.tensors) do
  for k, value in ipairs(t.values) do t.values[k] = plain(value) end
  tensors[i] = Tensor(t.values):reshape(t.shape)
end

local operators = {
  ["+"] = function(a, b) return a + b end,
  ["-"] = function(a, b) return a - b end,
  ["*"] = function(a, b) return a * b end,
  ["/"] = function(a, b) return a / b end,
  unm = function(a) return -a end,
}

local function near(a, b, tolerance)
  if a ~= a or b ~= b then return a ~= a and b ~= b end
  return a == b or math.abs(a - b) <= tolerance * math.max(1, math.abs(b))
end

local function compute(case)
  local arguments = {}
  for i, t in ipairs(case.of) do arguments[i] = tensors[t] end
  for _, value in ipairs(case["with"]) do arguments[#arguments + 1] = value end
  return (operators[case.method] or Tensor[case.method])(table.unpack(arguments))
end

local function check(case)
  local result, expected = compute(case), plain(case.result)
  if type(expected) ~= "table" then
    assert.equal(type(expected), type(result))
    if type(expected) == "boolean" then return assert.equal(expected, result) end
    return assert.is_true(near(result, expected, case.tolerance), ("%s, not %s"):format(result, expected))
  end
  expected = tensors[expected.tensor]
  assert.same(expected:shape(), result:shape())
  local got, wanted = result:reshape(-1):totable(), expected:reshape(-1):totable()
  for i, value in ipairs(wanted) do
    if not near(got[i], value, case.tolerance) then
      error(("element %d is %s, not %s"):format(i, got[i], value))
    end
  end
end

describe("Tensor gives NumPy's values:", function()
  local methods, order = {}, {}
  for _, case in ipairs(golden.cases) do
    if not methods[case.method] then
      methods[case.method] = {}
      order[#order + 1] = case.method
    end
    table.insert(methods[case.method], case)
  end
  for _, method in ipairs(order) do
    it(("%s (%d cases)"):format(method, #methods[method]), function()
      for _, case in ipairs(methods[method]) do
        local done, message = pcall(check, case)
        if not done then error(case.name .. ": " .. tostring(message)) end
      end
    end)
  end
end)
