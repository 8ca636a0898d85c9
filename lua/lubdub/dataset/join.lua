--- More columns for the rows of a data set, from a table that has one line for each key: what pandas calls a merge
-- on a key, left or inner, many to one.
-- @module lubdub.dataset.join
local blame = require "lubdub.blame"
local object = require "lubdub.dataset.object"
local options = require "lubdub.options"
local row = require "lubdub.row"
local values = require "lubdub.dataset.values"
local warning = require "lubdub.warning"

local where = "Dataset:join"

-- Keys meet as text, so that a patient "17" of a file name meets the number 17 of a table.
local function key_of(value)
  if math.type(value) == "float" and math.tointeger(value) then value = math.tointeger(value) end
  return tostring(value)
end

-- The other side: a data set, whose columns are looked at as they were made, and what it is called.
local function other_of(other)
  if type(other) == "string" then
    return require "lubdub.datasets.read_csv"(where, other, {}), other
  elseif object.is(other) then
    return other, "the other data set"
  elseif type(other) == "table" then
    return require "lubdub.dataset"(other), "the other table"
  end
  blame("%s: expected the path of a CSV file, a data set or a list of rows, got %s", where, type(other))
end

local function index_of(other, name, key)
  local index, position = {}, {}
  for i, line in other:iter() do
    local value = row.data(line)[key]
    if value ~= nil then
      local text = key_of(value)
      if index[text] then
        blame("%s: %s has %q twice in column %q (rows %d and %d); each key may come once", where, name, text, key,
          position[text], i)
      end
      index[text], position[text] = row.data(line), i
    end
  end
  return index
end

-- The names under which the other side's columns come in.
local function new_names(self, other, o, key)
  local mine, names, clash = {}, {}, {}
  for _, clip in self:iter() do
    for name in pairs(row.data(clip)) do mine[name] = true end
  end
  for _, line in other:iter() do
    for name in pairs(row.data(line)) do
      if name ~= key and not names[name] then
        names[name] = mine[name] and o.suffix and name .. o.suffix or name
        if mine[names[name]] and not o.overwrite then clash[#clash + 1] = name end
      end
    end
  end
  if #clash > 0 then
    table.sort(clash)
    blame("%s: both sides have the columns %s; suffix = \"_2\" keeps both, overwrite = true takes the new values",
      where, table.concat(clash, ", "))
  end
  return names
end

--- @tparam Dataset self
-- @param other path of a CSV file, data set, or list of rows
-- @tparam table given `on`: the column that both sides have, or `left_on` and `right_on`; `how`: "left" (all rows stay)
-- or "inner" (rows without a line on the other side go); `suffix`: for names that both sides have; `overwrite`: false
-- @treturn Dataset
return function(self, other, given)
  if type(given) == "string" then given = { on = given } end
  local o = options.read(where, given, { on = options.none, left_on = options.none, right_on = options.none,
    how = "left", suffix = false, overwrite = false })
  local left, right = o.left_on or o.on, o.right_on or o.on
  if not left or not right then blame("%s: say on which column: on = \"patient\"", where) end
  if o.how ~= "left" and o.how ~= "inner" then
    blame("%s: how must be \"left\" or \"inner\", got %s", where, tostring(o.how))
  end
  values.known(self, where, left)
  local name
  other, name = other_of(other)
  values.known(other, where .. ": " .. name, right)
  local index, names = index_of(other, name, right), new_names(self, other, o, right)
  local rows, met = {}, 0
  for _, clip in self:iter() do
    local value = clip[left]
    local line = value ~= nil and index[key_of(value)]
    if line then met = met + 1 end
    if line or o.how == "left" then
      local data = row.copy(clip)
      for from, to in pairs(names) do
        if line and line[from] ~= nil then data[to] = line[from] end
      end
      rows[#rows + 1] = row.new(data, clip)
    end
  end
  if met == 0 and #self > 0 then
    warning.warn(("%s: no value of column %q is in column %q of %s"):format(where, left, right, name), self)
  end
  return object.new(rows)
end
