-- Numbers that are out of bounds are told, where they would do something else in silence.
local lubdub = require "lubdub"
local raises = require "support.raises"

local layers, Tensor = lubdub.layers, lubdub.Tensor
local lua = os.getenv "LUA" or "lua5.4"

describe("bounds", function()
  it("LUBDUB_NUM_THREADS is a number of threads", function()
    local function threads(text)
      local pipe = io.popen(("LUBDUB_NUM_THREADS='%s' LUA_PATH='%s' LUA_CPATH='%s' %s -e '%s' 2>&1"):format(text,
        package.path, package.cpath, lua, "print(require(\"lubdub\").num_threads())"))
      local said = pipe:read "a"
      pipe:close()
      return said
    end
    assert.equal("3\n", threads "3")
    assert.equal(threads "0", threads "")
    for _, wrong in ipairs { "many", "-1", "2x", "1.5", "257" } do
      local wanted = ("LUBDUB_NUM_THREADS=%s: expected a whole number from 1 to 256"):format(wrong)
      assert.truthy(threads(wrong):find(wanted, 1, true), wrong)
    end
  end)

  it("seeds of random tensors begin at 0", function()
    for _, name in ipairs { "rand", "randn" } do
      raises(function() Tensor[name] { 3, seed = -1 } end, "seed", "-1")
      raises(function() Tensor[name] { 3, seed = 0.5 } end, "seed", "a whole number")
      assert.equal(3, #Tensor[name] { 3, seed = 0 })
    end
  end)

  it("targets of a crossentropy are shares", function()
    local function fit(units, activation, loss, y)
      local model = lubdub.Sequential { layers.Input { 2 }, layers.Dense { units = units, activation = activation } }
      model:compile { optimizer = "sgd", loss = loss }
      return model:fit(Tensor.ones { 2, 2 }, y, { verbose = 0 })
    end
    raises(function() fit(2, "softmax", "categorical_crossentropy", Tensor { { 1, 0 }, { -1, 0 } }) end,
      "fit: y has the value -1; categorical_crossentropy takes shares from 0 to 1, such as one-hot rows")
    raises(function() fit(1, "sigmoid", "binary_crossentropy", Tensor { 1, 2 }) end, "fit: y has the value 2",
      "binary_crossentropy")
    assert.truthy(fit(2, "softmax", "categorical_crossentropy", Tensor { { 0.5, 0.5 }, { 1, 0 } }))
    assert.truthy(fit(1, false, "mse", Tensor { -1, 2 }))
  end)

  it("durations are those of recordings", function()
    local clips = lubdub.datasets.hearts { n = 2 }
    for _, wrong in ipairs { 1e300, math.huge } do
      raises(function() clips:extract(lubdub.MFCC(), { duration = wrong }) end, "duration", "1e")
    end
  end)
end)
