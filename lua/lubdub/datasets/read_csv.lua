--- Reads a CSV file as a data set: columns of numbers become numbers, empty fields are missing values.
-- @module lubdub.datasets.read_csv
local blame = require "lubdub.blame"
local csv = require "lubdub.csv"

-- A number as a person writes it. Keys such as 007 and 1e5 stay text: to some they are names.
local function number_of(text)
  if text:find "^%-?0%d" or not text:find "^%-?%d*%.?%d*$" and not text:find "^%-?%d+%.?%d*[eE][-+]?%d+$" then
    return nil
  end
  local number = tonumber(text)
  if math.type(number) == "float" and text:find "^%-?%d+$" then return nil end -- more digits than an integer holds
  return number
end

local truth = { ["true"] = true, ["false"] = false, ["True"] = true, ["False"] = false, ["TRUE"] = true,
  ["FALSE"] = false }
local missing = { [""] = true, ["nan"] = true, ["NaN"] = true, ["NA"] = true, ["N/A"] = true, ["null"] = true,
  ["NULL"] = true }

local kinds = {
  number = number_of,
  boolean = function(text) return truth[text] end,
  string = function(text) return text end,
}

-- What all fields of a column can be read as.
local function kind_of(rows, name)
  for _, kind in ipairs { "number", "boolean" } do
    local all, some = true, false
    for _, line in ipairs(rows) do
      local text = line[name]
      if not missing[text] then
        some = true
        if kinds[kind](text) == nil then all = false break end
      end
    end
    if all and some then return kind end
  end
  return "string"
end

local function wanted_kind(where, dtype, name)
  local kind = type(dtype) == "table" and dtype[name] or type(dtype) == "string" and dtype or nil
  if kind ~= nil and not kinds[kind] then
    blame("%s: dtype must be \"string\", \"number\" or \"boolean\", or a table of them, got %s", where, tostring(kind))
  end
  return kind
end

--- @tparam string where the asking function, for messages
-- @tparam string path
-- @tparam table o `separator` (","), `dtype`: the kind of columns by name, or of all
-- @treturn Dataset
-- @treturn table the line in the file on which each row begins
-- @raise what is wrong with the file, by its name and line
return function(where, path, o)
  local separator = o.separator or ","
  if type(separator) ~= "string" or #separator ~= 1 or separator:find "[\"\r\n%]^\\-]" then
    blame("%s: separator must be one character, got %s", where, tostring(o.separator))
  end
  local rows, header, lines = csv.read(path, separator)
  if not rows then blame("%s: %s", where, header) end
  for name in pairs(type(o.dtype) == "table" and o.dtype or {}) do
    local known = false
    for _, there in ipairs(header) do known = known or there == name end
    if not known then
      blame("%s: %s: no column %q for dtype; there are: %s", where, path, name, table.concat(header, ", "))
    end
  end
  local data = {}
  for i = 1, #rows do data[i] = {} end
  for _, name in ipairs(header) do
    local wanted = wanted_kind(where, o.dtype, name)
    local kind = wanted or kind_of(rows, name)
    local title = name == "" and "unnamed" or name
    for i, line in ipairs(rows) do
      local text = line[name]
      if not missing[text] or wanted == "string" and text ~= "" then
        data[i][title] = kinds[kind](text)
        if data[i][title] == nil then
          blame("%s: %s: line %d: %q in column %q is no %s", where, path, lines[i], text, name, kind)
        end
      end
    end
  end
  return require "lubdub.dataset"(data), lines, header
end
