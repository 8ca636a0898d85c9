-- Graphs of layers in Keras' files.
local lubdub = require "lubdub"
local failure = require "lubdub.keras.failure"
local functional = require "lubdub.keras.functional"
local golden = require "support.json"
local json = require "lubdub.keras.json"
local temporary = require "support.temporary"

local L, Tensor = lubdub.layers, lubdub.Tensor

local function tensor(packed) return Tensor(packed.values):reshape(packed.shape) end

local function largest(tensor_) return tensor_:abs():max() end

local folder, remove

local function path(ending) return folder .. "/model" .. ending end

setup(function() folder, remove = temporary.folder() end)
teardown(function() remove() end)

describe("Keras' files of graphs", function()
  for _, case in ipairs(golden "functional.json") do
    it(("are read and written both ways: %s"):format(case.name), function()
      local model = assert(lubdub.load_model("spec/golden/functional_" .. case.name .. ".h5"))
      local x = {}
      for i, packed in ipairs(case.inputs) do x[i] = tensor(packed) end
      local names = {}
      for i, layer in ipairs(model.layers) do names[i] = layer.name end
      assert.same(case.layers, names)
      assert.is_true(largest(model:predict(x) - tensor(case.outputs)) < 1e-6)
      assert.equal(case.loss_name, model.loss)
      for _, ending in ipairs { ".h5", ".keras" } do
        local name = path(ending)
        assert(model:save(name))
        local again = assert(lubdub.load_model(name))
        assert.equal("functional", again.name)
        assert.equal(0, largest(again:predict(x) - model:predict(x)))
        assert.equal(tostring(model), tostring(again))
        again:train_on_batch(x, tensor(case.y))
        local stepped = again:get_weights()
        for i, packed in ipairs(case.stepped) do
          assert.is_true(largest(stepped[i] - tensor(packed)) < 1e-5)
        end
      end
    end)
  end

  it("may hold operators between outputs", function()
    local case = golden "functional_operators.json"
    local model = assert(lubdub.load_model "spec/golden/functional_operators.keras")
    assert.is_true(largest(model:predict(tensor(case.inputs)) - tensor(case.outputs)) < 1e-6)
  end)

  it("hold several outputs, and inputs that nothing needs", function()
    local a, b = L.Input { 4, name = "a" }, L.Input { 2, name = "b" }
    local first = L.Dense { units = 3 }(a)
    local model = lubdub.Model { inputs = { a, b }, outputs = { L.ReLU()(first), first, a }, name = "three" }
    local x = { Tensor.randn { 5, 4, seed = 1 }, Tensor.randn { 5, 2, seed = 2 } }
    for _, ending in ipairs { ".h5", ".keras" } do
      local name = path(ending)
      assert(model:save(name))
      local again = assert(lubdub.load_model(name))
      assert.equal("three", again.name)
      local got = again:predict(x)
      for k, expected in ipairs(model:predict(x)) do assert.equal(0, largest(got[k] - expected)) end
    end
  end)

  it("count only the calls that are part of the model", function()
    local x, dense = L.Input { 4, name = "x" }, L.Dense { units = 4 }
    dense(L.Input { 4 })
    local model = lubdub.Model { inputs = x, outputs = dense(dense(x)) }
    local name = path ".h5"
    assert(model:save(name))
    local again = assert(lubdub.load_model(name))
    local data = Tensor.randn { 3, 4, seed = 1 }
    assert.equal(0, largest(again:predict(data) - model:predict(data)))
    assert.equal(1, #again:get_layer("dense"):weights() - 1)
  end)
end)

-- === configs ===

local function made(config)
  return failure.caught(functional.read, "file", config, function(item, name)
    if item.class_name == "InputLayer" then return L.Input { shape = item.config.shape, name = name } end
    local options = { name = name }
    for key, value in pairs(item.config) do options[key] = value end
    return L[item.class_name](options)
  end, function() end)
end

local function item(class, name, config, ...)
  return { class_name = class, name = name, config = config or {}, inbound_nodes = { ... } }
end

local function input(name) return item("InputLayer", name, { shape = { 4 } }) end

local function keras3(...)
  local list = {}
  for i, place in ipairs { ... } do
    list[i] = { class_name = "__keras_tensor__", config = { keras_history = place } }
  end
  return list
end

local function graph(outputs, ...)
  return { name = "made", layers = { ... }, input_layers = { { "x", 0, 0 } }, output_layers = outputs }
end

describe("a graph's config", function()
  it("may be in any order, in either form", function()
    local model = assert(made(graph({ "end", 0, 0 },
      item("Add", "end", {}, { { "dense", 1, 0, {} }, { "x", 0, 0, { training = false } } }),
      item("Dense", "dense", { units = 4 }, { args = keras3({ "x", 0, 0 }), kwargs = {} }, { { "dense", 0, 0 } }),
      input "x")))
    assert.equal(3, #model.layers)
    assert.equal("made", model.name)
    local data = Tensor.randn { 2, 4, seed = 1 }
    local w, b = table.unpack(model:get_weights())
    local once = data:matmul(w) + b
    assert.is_true(largest(model:predict(data) - (once:matmul(w) + b + data)) < 1e-5)
  end)

  local function refused(reason, config)
    local model, got = made(config)
    assert.is_nil(model)
    assert.equal("file: " .. reason, got)
  end

  it("is refused where it does not hold together", function()
    local dense = function(...) return item("Dense", "dense", { units = 4 }, ...) end
    local from_x = { { "x", 0, 0 } }
    refused("the calls of layer other go round in a circle",
      graph({ "dense", 0, 0 }, input "x", dense { { "other", 0, 0 } },
        item("ReLU", "other", {}, { { "dense", 0, 0 } })))
    refused("layer dense: there is no call 1 of a layer gone",
      graph({ "dense", 0, 0 }, input "x", dense { { "gone", 0, 0 } }))
    refused("layer dense: there is no call 2 of a layer x",
      graph({ "dense", 0, 0 }, input "x", dense { { "x", 1, 0 } }))
    refused("output_layers: there is no call 2 of a layer dense",
      graph({ "dense", 1, 0 }, input "x", dense(from_x)))
    refused("layer dense: it reads output 2 of layer x, which has one",
      graph({ "dense", 0, 0 }, input "x", dense { { "x", 0, 1 } }))
    refused("layer dense: it is called with mask = 3, which is not supported",
      graph({ "dense", 0, 0 }, input "x", dense { { "x", 0, 0, { mask = 3 } } }))
    refused("layer dense: it is called on something that is no layer's output",
      graph({ "dense", 0, 0 }, input "x", dense { args = { 1.5 } }))
    refused("layer dense: a call of it has no inputs", graph({ "dense", 0, 0 }, input "x", dense { args = {} }))
    refused("layer dense: inbound_nodes must list its calls", graph({ "dense", 0, 0 }, input "x", dense { "x" }))
    refused("two layers are named x", graph({ "x", 0, 0 }, input "x", input "x"))
    refused("input_layers and output_layers of model_config must list layers", graph(nil, input "x", dense(from_x)))
    refused("layer 1 of model_config has no name", graph({ "x", 0, 0 }, item("InputLayer", nil, { shape = { 4 } })))
    refused("layer dense: dense: Dense takes 1 input, got 2",
      graph({ "dense", 0, 0 }, input "x", dense { { "x", 0, 0 }, { "x", 0, 0 } }))
    refused("layer sum: an operator between outputs with different numbers of axes is not supported",
      graph({ "sum", 0, 0 }, input "x", item("Reshape", "wide", { target_shape = { 2, 2 } }, from_x),
        item("Add", "sum", {}, { args = keras3({ "x", 0, 0 }, { "wide", 0, 0 }) })))
    local disconnected = graph({ "dense", 0, 0 }, input "x", input "y", dense { { "y", 0, 0 } })
    local _, reason = made(disconnected)
    assert.is_truthy(reason:find("file: Model: the graph is disconnected: .* needs the input .* from y"))
  end)

  it("is written without anything else than Keras needs", function()
    local x, dense = L.Input { 4, name = "x" }, L.Dense { units = 2, name = "dense" }
    local model = lubdub.Model { inputs = x, outputs = L.Add { name = "sum" }({ dense(x), dense(x) }), name = "net" }
    local given = {
      layer = function(layer) return json.object("class_name", layer.kind) end,
      input = function() return json.object("class_name", "InputLayer") end,
    }
    local start = '{"name":"net","trainable":true,"layers":[{"class_name":"InputLayer","name":"x","inbound_nodes":[]},'
    local ending = ']}],"input_layers":[["x",0,0]],"output_layers":[["sum",0,0]]}'
    assert.equal(start .. '{"class_name":"Dense","name":"dense","inbound_nodes":[[["x",0,0,{}]],[["x",0,0,{}]]]},'
      .. '{"class_name":"Add","name":"sum","inbound_nodes":[[["dense",0,0,{}],["dense",1,0,{}]]' .. ending,
      json.encode(functional.write(model, given)))
    given.arguments = true
    local function written(name, call, shape)
      return ('{"class_name":"__keras_tensor__","config":{"shape":[null,%d],"dtype":"float32",'
        .. '"keras_history":["%s",%d,0]}}'):format(shape, name, call)
    end
    local call = '{"args":[' .. written("x", 0, 4) .. '],"kwargs":{}}'
    assert.equal(start .. '{"class_name":"Dense","name":"dense","inbound_nodes":[' .. call .. "," .. call .. ']},'
      .. '{"class_name":"Add","name":"sum","inbound_nodes":[{"args":[[' .. written("dense", 0, 2) .. ","
      .. written("dense", 1, 2) .. ']],"kwargs":{}}' .. ending, json.encode(functional.write(model, given)))
  end)
end)

describe("a saved graph", function()
  it("has names that Keras' files can hold", function()
    local x = L.Input { 4, name = "a/b" }
    local model = lubdub.Model { inputs = x, outputs = L.Dense { units = 1 }(x) }
    local _, message = pcall(model.save, model, path ".h5")
    assert.is_truthy(message:find("a Input layer is named 'a/b', which Keras files cannot hold", 1, true))
  end)
end)
