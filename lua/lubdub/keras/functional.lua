--- Graphs of layers in Keras' configs: class "Functional" (Keras 2 wrote "Model" too).
-- A layer of such a config has a name and `inbound_nodes`, its calls; a call says which outputs of which calls of which
-- layers it reads. Keras 3 writes a call as { args = { tensor, or a list of them }, kwargs = {} }, where a tensor is
-- { class_name = "__keras_tensor__", config = { keras_history = { layer, call, output } } }; Keras 2 as a list of
-- { layer, call, output, kwargs }, which Keras 3 reads as well. Calls and outputs count from 0, and calls that are not
-- part of the model do not count.
-- @module lubdub.keras.functional
local failure = require "lubdub.keras.failure"
local graph = require "lubdub.graph"
local json = require "lubdub.keras.json"

local fail = failure.raise

local functional = {}

-- === writing ===

-- The calls of each layer that are part of the model, in order; and the number of each, from 0.
local function calls_by_layer(model)
  local calls, number = {}, {}
  local function note(tensor)
    local list = calls[tensor.layer] or {}
    list[#list + 1], calls[tensor.layer] = tensor, list
  end
  for _, input in ipairs(model.inputs) do note(input) end
  for _, tensor in ipairs(model.calls) do
    if tensor.layer.kind ~= "Input" then note(tensor) end
  end
  for _, list in pairs(calls) do
    table.sort(list, function(a, b) return a.call < b.call end)
    for i, tensor in ipairs(list) do number[tensor] = i - 1 end
  end
  return calls, number
end

local function batch_shape(shape) return { json.null, table.unpack(shape) } end

-- A call as Keras 2 writes it.
local function listed(tensor, number)
  local list = {}
  for k, input in ipairs(tensor.inputs) do list[k] = { input.layer.name, number[input], 0, json.object() } end
  return list
end

-- A call as Keras 3 writes it.
local function with_arguments(tensor, number)
  local list = {}
  for k, input in ipairs(tensor.inputs) do
    list[k] = json.object("class_name", "__keras_tensor__", "config", json.object("shape", batch_shape(input.shape),
      "dtype", "float32", "keras_history", { input.layer.name, number[input], 0 }))
  end
  return json.object("args", { tensor.layer.merges and list or list[1] }, "kwargs", json.object())
end

--- The config of a graph.
-- @tparam lubdub.Model model
-- @tparam table given layer (function: layer -> its { class_name, config, ... }), input (function: shape, name -> that
-- of an Input), arguments (true: calls as Keras 3 writes them; false: as Keras 2 does, and Keras 3 reads too)
-- @treturn table for json.encode
function functional.write(model, given)
  local calls, number = calls_by_layer(model)
  local layers = {}
  for i, layer in ipairs(model.layers) do
    local is_input, nodes = layer.kind == "Input", {}
    local item = is_input and given.input(layer.shape, layer.name) or given.layer(layer)
    for k, tensor in ipairs(is_input and {} or calls[layer]) do
      nodes[k] = (given.arguments and with_arguments or listed)(tensor, number)
    end
    json.add(item, "name", layer.name)
    json.add(item, "inbound_nodes", nodes)
    layers[i] = item
  end
  local function places(tensors)
    local list = {}
    for k, tensor in ipairs(tensors) do list[k] = { tensor.layer.name, number[tensor], 0 } end
    return list
  end
  return json.object("name", model.name, "trainable", true, "layers", layers, "input_layers", places(model.inputs),
    "output_layers", places(model.outputs))
end

-- === reading ===

-- { layer's name, call, output }
local function is_place(value)
  return type(value) == "table" and type(value[1]) == "string" and math.type(value[2]) == "integer"
    and math.type(value[3]) == "integer"
end

-- The places in nested lists of them, one behind the other, into `list`.
local function flatten(path, value, list)
  if is_place(value) then
    list[#list + 1] = value
  elseif type(value) == "table" and #value > 0 then
    for _, one in ipairs(value) do flatten(path, one, list) end
  elseif type(value) == "table" and next(value) ~= nil then -- by name: Keras goes through these in their order
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys)
    for _, key in ipairs(keys) do flatten(path, value[key], list) end
  else
    fail("%s: input_layers and output_layers of model_config must list layers", path)
  end
  return list
end

-- What a call is told beside its inputs must not change what it computes.
local function check_extra(path, name, kwargs)
  for key, value in pairs(type(kwargs) == "table" and kwargs or {}) do
    if value then fail("%s: layer %s: it is called with %s = %s, which is not supported", path, name, key,
      tostring(value)) end
  end
end

local function place_of_tensor(path, name, value)
  local config = type(value) == "table" and value.class_name == "__keras_tensor__" and value.config
  local place = type(config) == "table" and config.keras_history
  if not is_place(place) then fail("%s: layer %s: it is called on something that is no layer's output", path, name) end
  return place
end

-- What a call reads: a list of places.
local function read_call(path, name, call)
  local places = {}
  if type(call) ~= "table" then fail("%s: layer %s: inbound_nodes must list its calls", path, name) end
  if call.args == nil then
    if is_place(call) then call = { call } end
    for k, place in ipairs(call) do
      if not is_place(place) then fail("%s: layer %s: inbound_nodes must list its calls", path, name) end
      check_extra(path, name, place[4])
      places[k] = place
    end
  else
    check_extra(path, name, call.kwargs)
    local args = type(call.args) == "table" and call.args or {}
    -- operators (x + y) are called on two tensors, layers on one or on a list
    local list = #args == 1 and type(args[1]) == "table" and not args[1].class_name and args[1] or args
    for k, value in ipairs(list) do places[k] = place_of_tensor(path, name, value) end
    -- they match axes from the first on, and these layers from the last
    places.as_operator = list == args and #args > 1
  end
  if #places == 0 then fail("%s: layer %s: a call of it has no inputs", path, name) end
  for _, place in ipairs(places) do
    if place[3] ~= 0 then fail("%s: layer %s: it reads output %d of layer %s, which has one", path, name, place[3] + 1,
      place[1]) end
  end
  return places
end

-- Every layer with its calls, by name.
local function read_items(path, items, make_layer)
  local by_name = {}
  for i, item in ipairs(items) do
    local name = item.name or item.config.name
    if type(name) ~= "string" then fail("%s: layer %d of model_config has no name", path, i) end
    if by_name[name] then fail("%s: two layers are named %s", path, name) end
    local entry = { name = name, layer = make_layer(item, name), calls = {}, tensors = {} }
    for k, call in ipairs(type(item.inbound_nodes) == "table" and item.inbound_nodes or {}) do
      entry.calls[k] = read_call(path, name, call)
    end
    if entry.layer.kind == "Input" then entry.tensors[1] = graph.of_input(entry.layer) end
    by_name[name] = entry
    by_name[i] = entry
  end
  return by_name
end

local function find(path, entries, place, asker)
  local entry = entries[place[1]]
  local count = entry and (entry.layer.kind == "Input" and 1 or #entry.calls) or 0
  if place[2] < 0 or place[2] >= count then
    fail("%s: %s: there is no call %d of a layer %s", path, asker, place[2] + 1, place[1])
  end
  return entry
end

local function call_layer(path, entry, k, inputs, prepare)
  local places = entry.calls[k]
  for _, tensor in ipairs(inputs) do
    if places.as_operator and #tensor.shape ~= #inputs[1].shape then
      fail("%s: layer %s: an operator between outputs with different numbers of axes is not supported", path,
        entry.name)
    end
  end
  local ok, result = failure.tried(entry.layer, (entry.layer.merges or #inputs > 1) and inputs or inputs[1])
  if not ok then fail("%s: layer %s: %s", path, entry.name, result) end
  prepare(entry.layer, graph.shapes(inputs))
  entry.tensors[k] = result
end

-- Makes call number `k` of a layer and all that it needs. A layer's calls are made in order, as Keras numbers them.
local function make_call(path, entries, entry, k, prepare)
  local stack, waiting = { { entry, k } }, {}
  while #stack > 0 do
    local now, call = stack[#stack][1], stack[#stack][2]
    local missing
    if call > 1 and not now.tensors[call - 1] then missing = { now, call - 1 } end
    local inputs = {}
    for i, place in ipairs(now.calls[call]) do
      local from = find(path, entries, place, "layer " .. now.name)
      inputs[i] = from.tensors[place[2] + 1]
      if not inputs[i] then missing = missing or { from, place[2] + 1 } end
    end
    if now.tensors[call] then
      stack[#stack] = nil
    elseif missing then
      local key = missing[1].name .. "\0" .. missing[2]
      if waiting[key] then fail("%s: the calls of layer %s go round in a circle", path, missing[1].name) end
      waiting[key] = true
      stack[#stack + 1] = missing
    else
      call_layer(path, now, call, inputs, prepare)
      stack[#stack] = nil
    end
  end
end

--- Makes the model of a graph's config.
-- @tparam string path of the file, for messages
-- @tparam table config with layers, input_layers, output_layers
-- @tparam function make_layer (item, name) -> layer; an Input for class InputLayer
-- @tparam function prepare (layer, input shape, or a list of several): called before the model makes its weights
-- @treturn lubdub.Model
function functional.read(path, config, make_layer, prepare)
  local entries = read_items(path, config.layers, make_layer)
  for _, entry in ipairs(entries) do
    for k in ipairs(entry.calls) do
      if not entry.tensors[k] then make_call(path, entries, entry, k, prepare) end
    end
  end
  local function tensors(what)
    local list = {}
    for k, place in ipairs(flatten(path, config[what], {})) do
      list[k] = find(path, entries, place, what).tensors[place[2] + 1]
    end
    return list
  end
  local ok, model = failure.tried(require "lubdub.functional", { inputs = tensors "input_layers",
    outputs = tensors "output_layers", name = type(config.name) == "string" and config.name or nil })
  if not ok then fail("%s: %s", path, model) end
  return model
end

return functional
