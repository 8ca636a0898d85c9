--- A graph of ONNX under construction: values, the nodes that make them, and the weights that they read.
--
-- A value knows the shape of one sample as lubdub has it, channels last, and where its channels really lie: ONNX's
-- convolutions have them first. They are moved only where a node needs them elsewhere; the values before and behind are
-- one and the same to all layers in between. Axes are lubdub's here: 0 the batch, 1 to #shape.
-- Fields of a value: name, shape, first (whether its channels lie first; false where there is one axis).
-- @module lubdub.onnx.builder
local protobuf = require "lubdub.onnx.protobuf"

local builder = {}

-- Numbers of ONNX's enumerations: TensorProto.DataType, AttributeProto.AttributeType.
local FLOAT, INT64 = 1, 7
local ATTRIBUTE = { float = { field = 2, type = 1 }, integer = { field = 3, type = 2 },
  string = { field = 4, type = 3 } }
local ATTRIBUTES = { float = { field = 7, type = 6 }, integer = { field = 8, type = 7 },
  string = { field = 9, type = 8 } }
local BATCH = "batch"

local Builder = {}
Builder.__index = Builder

--- An empty graph.
function builder.new()
  return setmetatable({ nodes = {}, names = {}, constants = {}, by_key = {}, shared = {}, moved = {}, scope = "model" },
    Builder)
end

--- A name that no other value has.
function Builder:name(wanted)
  wanted = protobuf.utf8(wanted)
  local name, count = wanted, 1
  while self.names[name] do
    count = count + 1
    name = ("%s_%d"):format(wanted, count)
  end
  self.names[name] = true
  return name
end

-- === constants ===

local function constant(self, name, data_type, dims, bytes)
  local tensor = protobuf.message()
  for _, size in ipairs(dims) do tensor:integer(1, size) end
  tensor:integer(2, data_type)
  local value = { name = self:name(name) }
  tensor:text(8, value.name)
  tensor:bytes(9, bytes)
  self.constants[#self.constants + 1] = tensor
  return value
end

--- A layer's weights under a role; a layer that is called twice has them once.
-- @tparam lubdub.Layer layer
-- @tparam string role
-- @tparam function make gives the tensor
function Builder:weight(layer, role, make)
  local roles = self.shared[layer] or {}
  self.shared[layer] = roles
  if not roles[role] then
    local tensor = make()
    roles[role] = constant(self, self.scope .. "/" .. role, FLOAT, tensor:shape(), tensor:to_bytes())
  end
  return roles[role]
end

local function keyed(self, key, ...)
  self.by_key[key] = self.by_key[key] or constant(self, key, ...)
  return self.by_key[key]
end

--- A list of integers, as nodes read shapes, axes and paddings.
function Builder:integers(list)
  return keyed(self, "ints_" .. table.concat(list, "_"), INT64, { #list },
    string.pack("<" .. ("i8"):rep(#list), table.unpack(list)))
end

--- A number.
function Builder:number(x) return keyed(self, ("float_%.9g"):format(x), FLOAT, {}, string.pack("<f", x)) end

-- === values and nodes ===

--- The value of an Input.
function Builder:input(name, shape) return { name = self:name(name), shape = shape, first = false } end

local function attribute(name, value)
  local message = protobuf.message()
  message:text(1, name)
  local list = type(value) == "table" and value or { value }
  local kind = math.type(list[1]) or "string"
  local entry = (list == value and ATTRIBUTES or ATTRIBUTE)[kind]
  for _, one in ipairs(list) do
    if kind == "float" then message:float(entry.field, one)
    elseif kind == "integer" then message:integer(entry.field, one)
    else message:bytes(entry.field, one) end
  end
  message:integer(20, entry.type)
  return message
end

--- Adds a node.
-- @tparam string op
-- @tparam table inputs values and constants; false for one that is left out
-- @tparam ?table attributes name = integer, float, string, or a list of such
-- @tparam table shape of a sample of what comes out
-- @tparam ?boolean first whether its channels lie first
-- @tparam ?integer output which output of the node is wanted (1); those before it are left out
-- @treturn table the value
function Builder:node(op, inputs, attributes, shape, first, output)
  local value = { name = self:name(self.scope .. "/" .. op), shape = shape, first = first or false, made = true }
  self.nodes[#self.nodes + 1] = { op = op, inputs = inputs, attributes = attributes or {}, value = value,
    name = value.name, output = output or 1 }
  return value
end

--- Adds a node that leaves shape and order as they are.
function Builder:same(op, value, attributes, ...)
  return self:node(op, { value, ... }, attributes, value.shape, value.first)
end

-- === the order of axes ===

--- Where an axis of lubdub's lies in a value.
function Builder.place(value, axis)
  if not value.first or axis == 0 then return axis end
  return axis == #value.shape and 1 or axis + 1
end

--- A list with an entry for each axis of a sample, in the order in which the axes of a value lie.
function Builder.ordered(value, list)
  local moved = {}
  for axis = 1, #value.shape do moved[Builder.place(value, axis)] = list[axis] end
  return moved
end

--- The value with its axes in another order.
-- @tparam table value
-- @tparam table order of all axes, beginning with the batch's 0
-- @treturn table a value whose shape is that of the sample where the batch comes first, and else of no use
function Builder:arranged(value, order)
  local places, same, shape = {}, true, {}
  for i, axis in ipairs(order) do
    places[i] = Builder.place(value, axis)
    same = same and places[i] == i - 1
    shape[i - 1] = value.shape[axis]
  end
  if same then return value end
  return self:node("Transpose", { value }, { perm = places }, shape)
end

-- The same value with its channels first or last, moved once however many ask.
local function with_channels(self, value, first)
  if value.first == first or #value.shape == 1 then return value end
  local moved = self.moved[value]
  if not moved then
    local rank, order = #value.shape, { 0 }
    if first then order[2] = rank end
    for axis = 1, first and rank - 1 or rank do order[#order + 1] = axis end
    moved = self:arranged(value, order)
    moved.shape, moved.first = value.shape, first
    self.moved[value], self.moved[moved] = moved, value
  end
  return moved
end

--- The value with its channels first, or last.
function Builder:first(value) return with_channels(self, value, true) end
function Builder:last(value) return with_channels(self, value, false) end

--- Values with their axes in one order: with channels first where one of them has them there and all have as many axes.
function Builder:alike(values)
  local first, ranks = false, true
  for _, value in ipairs(values) do
    first, ranks = first or value.first, ranks and #value.shape == #values[1].shape
  end
  local list = {}
  for i, value in ipairs(values) do list[i] = with_channels(self, value, first and ranks) end
  return list
end

--- The value in another shape of as many elements.
function Builder:reshaped(value, shape)
  return self:node("Reshape", { self:last(value), self:integers { 0, table.unpack(shape) } }, nil, shape)
end

-- === the whole ===

local function node_message(node)
  local message = protobuf.message()
  for _, input in ipairs(node.inputs) do message:text(1, input and input.name or "") end
  for _ = 2, node.output do message:text(2, "") end
  message:text(2, node.value.name)
  message:text(3, node.name)
  message:text(4, node.op)
  local names = {}
  for name in pairs(node.attributes) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do message:message(5, attribute(name, node.attributes[name])) end
  return message
end

-- ValueInfoProto: a float tensor whose first axis is the batch.
local function described(value)
  local function wrapped(field, message)
    local outer = protobuf.message()
    outer:message(field, message)
    return outer
  end
  local dims, dim, tensor, info = protobuf.message(), protobuf.message(), protobuf.message(), protobuf.message()
  dim:text(2, BATCH)
  dims:message(1, dim)
  for _, size in ipairs(value.shape) do
    dim = protobuf.message()
    dim:integer(1, size)
    dims:message(1, dim)
  end
  tensor:integer(1, FLOAT)
  tensor:message(2, dims)
  info:text(1, value.name)
  info:message(2, wrapped(1, tensor))
  return info
end

--- A value as an output of the graph, channels last, under a name; nodes that read it already follow.
function Builder:output(value, name)
  value = self:last(value)
  if not value.made or value.is_output then value = self:same("Identity", value) end
  value.name, value.is_output = self:name(name), true
  return value
end

--- The graph as a GraphProto.
-- @tparam string name
-- @tparam table inputs values
-- @tparam table outputs values
function Builder:graph(name, inputs, outputs)
  local message = protobuf.message()
  for _, node in ipairs(self.nodes) do message:message(1, node_message(node)) end
  message:text(2, name)
  for _, tensor in ipairs(self.constants) do message:message(5, tensor) end
  for _, value in ipairs(inputs) do message:message(11, described(value)) end
  for _, value in ipairs(outputs) do message:message(12, described(value)) end
  return message
end

return builder
