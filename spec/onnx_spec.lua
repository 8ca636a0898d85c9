-- model:to_onnx; that ONNX Runtime predicts the same is shown by `make interop`.
local lubdub = require "lubdub"
local assert_raises = require "support.raises"
local json = require "dkjson"
local lfs = require "lfs"
local nets = require "support.nets"
local onnx_models = require "interop.onnx_models"
local onnx_reader = require "support.onnx_reader"
local random_models = require "interop.random_models"
local temporary = require "support.temporary"

local L, Tensor = lubdub.layers, lubdub.Tensor
local onnx = lubdub.onnx

local function read(model) return onnx_reader.read(onnx.encode(model)) end
local function chain(...) return read(lubdub.Sequential { ... }) end

-- Every name is made once, before it is read; weights are as long as they say.
local function check(model)
  local known = { [""] = true }
  local function make(name)
    assert(not known[name] or name == "", name .. " is made twice")
    assert(utf8.len(name))
    known[name] = true
  end
  for name, constant in pairs(model.constants) do
    make(name)
    local size = 1
    for _, n in ipairs(constant.dims) do size = size * n end
    assert.equal(size * (constant.kind == 7 and 8 or 4), constant.bytes)
  end
  for _, input in ipairs(model.inputs) do make(input.name) end
  local used = {}
  for _, node in ipairs(model.nodes) do
    for _, name in ipairs(node.inputs) do
      assert(known[name], name .. " is read before it is made")
      used[name] = true
    end
    for _, name in ipairs(node.outputs) do make(name) end
  end
  for name in pairs(model.constants) do assert(used[name], name .. " is not used") end
  for _, output in ipairs(model.outputs) do assert(known[output.name]) end
end

local function count(model, op)
  local n = 0
  for _, node in ipairs(model.nodes) do n = n + (node.op == op and 1 or 0) end
  return n
end

local function find(model, op)
  for _, node in ipairs(model.nodes) do
    if node.op == op then return node end
  end
end

describe("ONNX files", function()
  it("are whole graphs for every kind of layer, behind an input and behind a convolution", function()
    for _, kind in ipairs(onnx_models.kinds) do
      for number = 1, 4 do check(read(onnx_models.layer(kind, nets.random(number)))) end
    end
    for kind in pairs(require("lubdub.onnx.layers").makers) do assert.is_function(L[kind]) end
  end)

  it("are whole for random models and graphs", function()
    for number = 1, 20 do
      check(read((random_models.sequential(number))))
      check(read((random_models.graph(number))))
    end
    for _, make in pairs(onnx_models.graphs) do check(read(make())) end
  end)

  it("hold the notebook's net with its channels moved once, its names, labels and preprocessing", function()
    local net = onnx_models.graphs.notebook()
    local model = read(net)
    local ops = {}
    for i, node in ipairs(model.nodes) do ops[i] = node.op end
    assert.same({ "Transpose", "Conv", "Relu", "MaxPool", "Conv", "Relu", "MaxPool", "Conv", "Relu", "MaxPool",
      "ReduceMean", "Gemm", "Softmax" }, ops)
    assert.same({ name = net.inputs[1].layer.name, shape = { "batch", 40, 173, 1 } }, model.inputs[1])
    assert.same({ name = net.layers[#net.layers].name, shape = { "batch", 5 } }, model.outputs[1])
    assert.same(net.labels, json.decode(model.metadata.labels))
    assert.same({ sr = 22050, n_mfcc = 40, top_db = false }, json.decode(model.metadata.preprocessing)[1].options)
    assert.equal(39, json.decode(model.metadata.preprocessing)[2].options.mean[40])
    assert.equal("lubdub", model.producer)
    assert.equal(13, model.opset)
    local kernel = net.layers[1]:weights()[1].value
    assert.same({ 16, 1, 2, 2 }, model.constants["conv2d/kernel"].dims)
    assert.same(kernel:permute { 4, 3, 1, 2 }:reshape { -1 }:totable(), model.constants["conv2d/kernel"].values)
    local path, remove = temporary.folder()
    path = path .. "/net.onnx"
    assert.is_true(net:to_onnx(path))
    assert.equal(onnx.encode(net), assert(io.open(path, "rb")):read "a")
    assert.is_nil(lfs.attributes(path .. ".part"))
    remove()
  end)

  it("say padding in numbers", function()
    local model = chain(L.Input { 10, 7, 2 },
      L.Conv2D { filters = 4, kernel_size = { 4, 3 }, strides = { 3, 2 }, padding = "same", groups = 2 })
    local conv = find(model, "Conv")
    assert.same({ 1, 1, 2, 1 }, conv.pads)
    assert.same({ 4, 3 }, conv.kernel_shape)
    assert.same({ 3, 2 }, conv.strides)
    assert.equal(2, conv.group)
    local causal = L.Conv1D { filters = 1, kernel_size = 3, dilation_rate = 2, padding = "causal" }
    conv = find(chain(L.Input { 9, 2 }, causal), "Conv")
    assert.same({ 4, 0 }, conv.pads)
    assert.same({ 2 }, conv.dilations)
    local pool = find(chain(L.Input { 5, 6, 1 }, L.AveragePooling2D { padding = "same", pool_size = 2 }), "AveragePool")
    assert.same({ 0, 0, 1, 0 }, pool.pads)
    assert.is_nil(pool.count_include_pad)
  end)

  it("have the gates of recurrent layers in ONNX's order", function()
    local lstm = L.LSTM { units = 1 }
    local net = lubdub.Sequential { L.Input { 3, 1 }, lstm }
    lstm:set_weights { Tensor { { 1, 2, 3, 4 } }, Tensor { { 5, 6, 7, 8 } }, Tensor { 9, 10, 11, 12 } } -- i f c o
    local model = read(net)
    assert.same({ 1, 4, 2, 3 }, model.constants["lstm/kernel"].values)
    assert.same({ 1, 4, 1 }, model.constants["lstm/kernel"].dims)
    assert.same({ 5, 8, 6, 7 }, model.constants["lstm/recurrent_kernel"].values)
    assert.same({ 9, 12, 10, 11, 0, 0, 0, 0 }, model.constants["lstm/bias"].values)
    assert.same({ "Sigmoid", "Tanh", "Tanh" }, find(model, "LSTM").activations)
    for _, after in ipairs { true, false } do
      local gru = L.GRU { units = 1, reset_after = after }
      net = lubdub.Sequential { L.Input { 3, 1 }, gru }
      gru:set_weights { Tensor { { 1, 2, 3 } }, Tensor { { 4, 5, 6 } },
        after and Tensor { { 1, 2, 3 }, { 4, 5, 6 } } or Tensor { 1, 2, 3 } }
      model = read(net)
      assert.equal(after and 1 or 0, find(model, "GRU").linear_before_reset)
      assert.same(after and { 1, 2, 3, 4, 5, 6 } or { 1, 2, 3, 0, 0, 0 }, model.constants["gru/bias"].values)
    end
    model = chain(L.Input { 3, 1 }, L.Bidirectional(L.GRU { units = 2, activation = "linear",
      recurrent_activation = "keras2_hard_sigmoid" }))
    local directions = {}
    for _, node in ipairs(model.nodes) do directions[#directions + 1] = node.direction end
    assert.same({ "forward", "reverse" }, directions)
    assert.same({ "HardSigmoid", "Affine" }, find(model, "GRU").activations)
    assert.near(0.2, find(model, "GRU").activation_alpha[1], 1e-7)
  end)

  it("have the weights of a layer that is called twice once, and no dropout", function()
    local x, dense = L.Input { 4 }, L.Dense { units = 4 }
    local y = L.Dropout { rate = 0.5 }(dense(L.GaussianNoise { stddev = 1 }(dense(x))))
    local model = read(lubdub.Model { inputs = x, outputs = y })
    assert.equal(2, #model.nodes)
    assert.equal(2, count(model, "Gemm"))
    assert.same(model.nodes[1].inputs[2], model.nodes[2].inputs[2])
  end)

  it("hold names that are no UTF-8, and long ones", function()
    local name = ("n"):rep(127)
    local net = lubdub.Sequential { L.Input { 2, name = "gr\xf6sse" }, L.Dense { units = 1, name = name } }
    net.labels = { "\xff" }
    local model = read(net)
    check(model)
    assert.equal("gr?sse", model.inputs[1].name)
    assert.equal(name, model.outputs[1].name)
    assert.equal('["?"]', model.metadata.labels)
  end)

  it("are refused with all that ONNX lacks", function()
    local model = lubdub.Sequential { L.Input { 4, 3 },
      L.LSTM { units = 2, activation = "selu", return_sequences = true, name = "first" },
      L.Bidirectional { L.GRU { units = 2, recurrent_activation = "relu6" }, name = "both" } }
    assert_raises(function() model:to_onnx "/nowhere/x.onnx" end, "onnx_spec.lua", "to_onnx: ONNX has no",
      "LSTM with the activation 'selu' (layer first)", "GRU with the activation 'relu6' (layer both)")
  end)

  it("are refused where the model or the path is none", function()
    local model = lubdub.Sequential { L.Input { 2 }, L.Dense { units = 1 } }
    assert_raises(function() model:to_onnx "x.h5" end, "to_onnx: path must end in .onnx, got 'x.h5'")
    assert_raises(function() model:to_onnx() end, "to_onnx: path must be a file name, got nil")
    assert_raises(function() lubdub.Sequential { L.Flatten() }:to_onnx "x.onnx" end, "to_onnx: the model is not built")
    assert_raises(function() onnx.save({}, "x.onnx") end, "onnx.save: expected a model, got table")
    assert_raises(function() onnx.encode(3) end, "onnx.encode: expected a model, got number")
    local done, reason = model:to_onnx "/nowhere/x.onnx"
    assert.is_nil(done)
    assert.equal("/nowhere/x.onnx: No such file or directory", reason)
  end)
end)
