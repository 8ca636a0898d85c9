--- Labels and classes: from names to numbers to one-hot rows and back, and weights for rare classes.
--
-- Classes count from 1, in the order of the encoder's `classes`.
--
--    local encoder = lubdub.LabelEncoder(clips:column "label")
--    encoder.classes                          --> { "artifact", "extrahls", "extrastole", "murmur", "normal" }
--    encoder:encode "murmur"                  --> 4
--    local y = encoder:to_categorical(train:column "label")
--    encoder:decode(model:predict(x))         --> a list of labels
-- @module lubdub.labels
local core = require "lubdub.core"
local options = require "lubdub.options"
local order = require "lubdub.order"
local blame = require "lubdub.blame"

local Tensor = core.Tensor
local labels = {}

local Encoder = {}
Encoder.__index = Encoder
Encoder.__name = "lubdub.LabelEncoder"

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  return tostring(value)
end

local function show_all(values, most)
  local shown = {}
  for i = 1, math.min(#values, most) do shown[i] = show(values[i]) end
  if #values > most then shown[#shown + 1] = ("... (%d in all)"):format(#values) end
  return table.concat(shown, ", ")
end

--- Learns the classes: the distinct labels, sorted.
-- @tparam table list labels (strings or numbers, all of one kind)
-- @tparam ?table given `sort`: true; false keeps the order in which the labels first appear
-- @treturn LabelEncoder with the list `classes`
-- @usage
-- local encoder = lubdub.LabelEncoder(clips:column "label")
-- local y = encoder:to_categorical(clips:column "label")
function labels.LabelEncoder(list, given)
  local o = options.read("LabelEncoder", given, { sort = true })
  order.check("LabelEncoder", "labels", list)
  if #list == 0 then blame("LabelEncoder: no labels") end
  local classes, index = {}, {}
  if o.sort then
    classes = order.unique(list)
  else
    for _, label in ipairs(list) do
      if not index[label] then
        classes[#classes + 1] = label
        index[label] = #classes
      end
    end
  end
  for i, label in ipairs(classes) do index[label] = i end
  return setmetatable({ classes = classes, index = index }, Encoder)
end

local function encode_one(self, label, where, row)
  local i = label ~= nil and self.index[label]
  if i then return i end
  local which = row and (" of row %d"):format(row) or ""
  blame("%s: unknown label %s%s; the classes are %s", where, show(label), which, show_all(self.classes, 20))
end

local function encode_all(self, list, where)
  if type(list) ~= "table" then blame("%s: expected a list of labels, got %s", where, type(list)) end
  local result = {}
  for row = 1, #list do result[row] = encode_one(self, list[row], where, row) end
  return result
end

--- Class numbers of labels.
-- @param what a list of labels, or one label
-- @return a list of integers, or one
-- @raise on a label that is no class
function Encoder:encode(what)
  if type(what) == "table" then return encode_all(self, what, "LabelEncoder:encode") end
  return encode_one(self, what, "LabelEncoder:encode")
end

--- One-hot rows of labels.
-- @tparam table list of labels
-- @treturn Tensor (#list, #classes)
-- @raise on a label that is no class
function Encoder:to_categorical(list)
  return labels.to_categorical(encode_all(self, list, "LabelEncoder:to_categorical"), #self.classes)
end

local function decode_one(self, class, where, row)
  local label = math.type(class) and self.classes[math.tointeger(class) or 0]
  if label ~= nil then return label end
  blame("%s: row %d: expected a class from 1 to %d, got %s", where, row, #self.classes, tostring(class))
end

-- The classes that a tensor says: its largest column in each row; the numbers in it where it has one axis; of a
-- single column with two classes, the second where it is above a half.
local function said(self, tensor, where)
  local shape, n = tensor:shape(), #self.classes
  if #shape == 1 then return tensor:totable() end
  if #shape == 2 and shape[2] == n then
    return shape[1] > 0 and tensor:argmax(2):totable() or {}
  elseif #shape == 2 and shape[2] == 1 and n == 2 then
    local result = {}
    for i, row in ipairs(tensor:totable()) do result[i] = row[1] > 0.5 and 2 or 1 end
    return result
  end
  blame("%s: expected (rows, %d), one column per class, or (rows,), class numbers; got (%s)", where, n,
    table.concat(shape, ", "))
end

--- Labels of class numbers or of predictions.
-- @param what a tensor (rows, classes) of probabilities or one-hot rows: the largest of each row decides, the
-- first of equal ones; with two classes also a tensor (rows, 1), where more than 0.5 is the second class; a
-- tensor (rows,) or a list of class numbers from 1; or one class number
-- @return a list of labels, or one
-- @raise on a number that is no class
function Encoder:decode(what)
  local where = "LabelEncoder:decode"
  if type(what) == "number" then return decode_one(self, what, where, 1) end
  if Tensor.is(what) then
    what = said(self, what, where)
  elseif type(what) ~= "table" then
    blame("%s: expected a tensor or class numbers, got %s", where, type(what))
  elseif type(what[1]) == "table" then
    what = said(self, Tensor(what), where)
  end
  local result = {}
  for row = 1, #what do result[row] = decode_one(self, what[row], where, row) end
  return result
end

function Encoder:__len()
  return #self.classes
end

function Encoder:__tostring()
  return ("LabelEncoder(%d classes: %s)"):format(#self.classes, show_all(self.classes, 20))
end

--- One-hot rows of class numbers.
-- @param classes a list or a tensor (rows,) of class numbers from 1
-- @tparam ?integer n number of classes (default: the largest of `classes`)
-- @treturn Tensor (#classes, n)
-- @usage local y = lubdub.to_categorical({ 1, 3, 2 }, 3)
function labels.to_categorical(classes, n)
  local where = "to_categorical"
  if Tensor.is(classes) and classes:ndim() == 1 then classes = classes:totable() end
  if type(classes) ~= "table" then
    blame("%s: expected a list or a tensor (rows,) of class numbers, got %s", where,
      Tensor.is(classes) and ("a tensor (%s)"):format(table.concat(classes:shape(), ", ")) or type(classes))
  end
  if n ~= nil and (math.type(n) ~= "integer" or n < 1) then
    blame("%s: the number of classes must be a whole number from 1, got %s", where, tostring(n))
  end
  local whole, largest = {}, n or 1
  for row = 1, #classes do
    local class = math.type(classes[row]) and math.tointeger(classes[row])
    if not class or class < 1 or n and class > n then
      blame("%s: row %d: expected a class from 1%s, got %s", where, row, n and " to " .. n or "", show(classes[row]))
    end
    whole[row] = class
    largest = math.max(largest, class)
  end
  local zero, one = string.pack("<f", 0), string.pack("<f", 1)
  local lines, rows = {}, {}
  for row, class in ipairs(whole) do
    lines[class] = lines[class] or zero:rep(class - 1) .. one .. zero:rep(largest - class)
    rows[row] = lines[class]
  end
  return Tensor.from_bytes(table.concat(rows), { #whole, largest })
end

--- Balanced weights: rows / (classes present * rows of the class), so that each class counts the same in all.
-- What `fit` takes as `class_weight`. A class without rows has no weight.
-- @tparam table list of labels (of the training part)
-- @tparam ?LabelEncoder encoder (default: one made from `list`)
-- @treturn table class number -> weight
-- @usage local weights = lubdub.class_weights(clips:column "label", lubdub.LabelEncoder(clips:column "label"))
function labels.class_weights(list, encoder)
  local where = "class_weights"
  if encoder == nil then
    encoder = labels.LabelEncoder(list)
  elseif getmetatable(encoder) ~= Encoder then
    blame("%s: expected a LabelEncoder, got %s", where, type(encoder))
  end
  local counts, present = {}, 0
  local classes = encode_all(encoder, list, where)
  if #classes == 0 then blame("%s: no labels", where) end
  for _, class in ipairs(classes) do
    if not counts[class] then
      counts[class] = 0
      present = present + 1
    end
    counts[class] = counts[class] + 1
  end
  local weights = {}
  for class, count in pairs(counts) do weights[class] = #classes / (present * count) end
  return weights
end

return labels
