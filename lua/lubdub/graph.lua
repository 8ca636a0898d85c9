--- Layers called on layers' outputs: the graph behind lubdub.Model.
--
--    local x = layers.Input { 40, 173, 1 }
--    local y = layers.Conv2D { filters = 8, kernel_size = 3, padding = "same" }(x)
--    local z = layers.Add()({ x, y })
--
-- Calling a layer computes nothing: it gives a symbolic tensor, which knows its layer, what that was called on, and the
-- shape of one sample. An Input is used as the symbolic tensor that it stands for. One layer may be called several
-- times: its weights are shared.
-- Fields of a symbolic tensor: shape (of one sample), layer, inputs (symbolic tensors), call (which call of the layer
-- it is, from 1). `layer.output` and `layer.input` are those of a layer's first call, as in Keras.
-- @module lubdub.graph
local core = require "lubdub.core"
local blame = require "lubdub.blame"
local check = require "lubdub.check"

local graph = {}

local Symbolic = { __name = "lubdub.Symbolic" }
Symbolic.__index = Symbolic

function Symbolic:__tostring()
  local name, kind = self.layer.name, self.layer.kind
  return ("Symbolic %s from %s"):format(check.shape_text(self.shape, true), name and ("%s (%s)"):format(name, kind)
    or kind)
end

--- Whether a value is a layer.
function graph.is_layer(value)
  return type(value) == "userdata" and (getmetatable(value) or {}).__name == "lubdub.Layer"
end

--- Whether a value is a symbolic tensor.
function graph.is_symbolic(value) return getmetatable(value) == Symbolic end

-- === calls ===

local calls = setmetatable({}, { __mode = "k" }) -- layer -> its symbolic tensors, call after call
local made = 0

--- Notes a call of a layer, unchecked.
-- @tparam lubdub.Layer layer
-- @tparam table inputs symbolic tensors
-- @tparam table shape of one sample of what comes out
-- @treturn Symbolic
function graph.note(layer, inputs, shape)
  local list = calls[layer]
  if not list then
    list = {}
    calls[layer] = list
  end
  made = made + 1
  local tensor = setmetatable({ layer = layer, inputs = inputs, shape = shape, call = #list + 1, number = made },
    Symbolic)
  list[#list + 1] = tensor
  return tensor
end

--- The symbolic tensor that an Input stands for.
function graph.of_input(layer)
  return calls[layer] and calls[layer][1] or graph.note(layer, {}, layer:config().shape)
end

--- How often a layer was called, in all models.
function graph.count_calls(layer) return calls[layer] and #calls[layer] or 0 end

--- A value as a symbolic tensor; raises where it is none.
-- @tparam string where the asking function, for the message
-- @param value
-- @treturn Symbolic
function graph.tensor(where, value)
  if graph.is_symbolic(value) then return value end
  if graph.is_layer(value) then
    if value.kind == "Input" then return graph.of_input(value) end
    local kind = value.kind
    blame("%s: expected a symbolic tensor, got the layer %s; call it: layers.%s { ... }(x)", where, value.name or kind,
      kind)
  end
  if core.Tensor.is(value) then
    blame("%s: expected a symbolic tensor, got a tensor of data; layers are called on an Input and on what comes out "
      .. "of layers, and model:predict takes data", where)
  end
  blame("%s: expected a symbolic tensor (an Input, or what a call of a layer gave), got %s", where, type(value))
end

--- A value, or a list of them, as a list of symbolic tensors.
-- @treturn table
-- @treturn boolean whether it was a list
function graph.tensors(where, value)
  if type(value) ~= "table" or graph.is_symbolic(value) then return { graph.tensor(where, value) }, false end
  local list = {}
  for i, one in ipairs(value) do list[i] = graph.tensor(("%s: %d"):format(where, i), one) end
  if #list == 0 then blame("%s: the list of symbolic tensors is empty", where) end
  return list, true
end

--- The shapes of symbolic tensors as layer:build and layer:output_shape take them.
function graph.shapes(tensors)
  if #tensors == 1 then return tensors[1].shape end
  local shapes = {}
  for i, tensor in ipairs(tensors) do shapes[i] = tensor.shape end
  return shapes
end

--- Calls the engine so that its errors point at the user's line, behind `prefix`.
function graph.engine(prefix, f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  if type(result) ~= "string" then error(result, 0) end
  blame("%s%s", prefix, result)
end

local function call(layer, given, more)
  local where = layer.name or layer.kind
  if layer.kind == "Input" then blame("%s: an Input is where a graph begins, and is not called", where) end
  if more ~= nil then blame("%s: several tensors are given as one list: layer({ a, b })", where) end
  local inputs, is_list = graph.tensors(where, given)
  if layer.merges and not is_list then blame("%s: expected a list of symbolic tensors: layer({ a, b })", where) end
  local prefix = layer.name and layer.name .. ": " or ""
  return graph.note(layer, inputs, graph.engine(prefix, layer.output_shape, layer, graph.shapes(inputs)))
end

local computed = {
  output = function(layer)
    if layer.kind == "Input" then return graph.of_input(layer) end
    return calls[layer] and calls[layer][1]
  end,
  input = function(layer)
    local first = calls[layer] and calls[layer][1]
    return first and (#first.inputs > 1 and first.inputs or first.inputs[1])
  end,
  shape = function(layer) return layer.kind == "Input" and layer:config().shape or nil end,
}

-- The class of layers is C's; what concerns graphs is added to it here.
local class = getmetatable(core.layers.Flatten())
local field = class.__index
class.__call = call
class.__index = function(layer, key)
  local compute = computed[key]
  if compute then return compute(layer) end
  return field(layer, key)
end

-- === order ===

-- Symbolic tensors from inputs to outputs, each behind those it is made from; and by layer, the place at which
-- the way back from the outputs meets it first.
local function walk(outputs)
  local order, place, met, done = {}, {}, 0, {}
  local stack, child = {}, {}
  local function enter(tensor)
    if done[tensor] then return end
    done[tensor] = true
    if not place[tensor.layer] then
      met = met + 1
      place[tensor.layer] = met
    end
    stack[#stack + 1] = tensor
    child[#stack] = 1
  end
  for _, output in ipairs(outputs) do
    enter(output)
    while #stack > 0 do
      local top = #stack
      local tensor, k = stack[top], child[top]
      if tensor.inputs[k] then
        child[top] = k + 1
        enter(tensor.inputs[k])
      else
        stack[top] = nil
        order[#order + 1] = tensor
      end
    end
  end
  return order, place
end

--- All that outputs are made from, in Keras' order: by depth (the number of calls to the farthest output), the
-- farthest first, then in the order in which the way back from the outputs meets their layers. A function of the
-- graph's structure alone.
-- @tparam table outputs symbolic tensors
-- @treturn table symbolic tensors
-- @treturn table depth by symbolic tensor
function graph.sorted(outputs)
  local order, place = walk(outputs)
  local depth, of_layer = {}, {}
  for i = #order, 1, -1 do
    local tensor = order[i]
    local mine = math.max(depth[tensor] or 0, of_layer[tensor.layer] or 0)
    depth[tensor], of_layer[tensor.layer] = mine, mine
    for _, input in ipairs(tensor.inputs) do depth[input] = math.max(depth[input] or 0, mine + 1) end
  end
  table.sort(order, function(a, b)
    if depth[a] ~= depth[b] then return depth[a] > depth[b] end
    if a.layer ~= b.layer then return place[a.layer] < place[b.layer] end
    return a.call < b.call
  end)
  return order, depth
end

return graph
