--- Small tables that print: what describe, check, cross_validate and the searches give.
--
-- Rows are plain tables, `t[2].count`; columns have an order and a name. `t.label` is a column as a list, `#t` the
-- number of rows; `t:sort("score", { reverse = true })`, `t:column "score"`, `t:totable()`, `t:to_csv "file.csv"`.
-- @classmod lubdub.Table
-- @usage print(lubdub.Table({ "name", "score" }, { { name = "a", score = 0.7 }, { name = "b", score = 0.8 } }))
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local csv = require "lubdub.csv"
local options = require "lubdub.options"
local order = require "lubdub.order"
local texttable = require "lubdub.texttable"

local methods = {}
local Table = { __name = "lubdub.Table" }

local NAMES, ROWS, HOW = {}, {}, {}

-- A number in few digits, without an exponent where it has at most six before the point.
local function cell(value, format)
  if value == nil then return "" end
  if format and type(value) == "number" then return (format:format(value)) end
  if math.type(value) == "float" then
    if value ~= value then return "nan" end
    return math.type(math.tointeger(value)) and ("%.0f"):format(value) or ("%.6g"):format(value)
  end
  return (tostring(value):gsub("%c", " "))
end

local function make(names, rows, how)
  return setmetatable({ [NAMES] = names, [ROWS] = rows, [HOW] = how or {} }, Table)
end

local function known(self, where, name)
  for _, there in ipairs(self[NAMES]) do
    if there == name then return end
  end
  blame("%s: no column %q; there are: %s", where, tostring(name), table.concat(self[NAMES], ", "))
end

--- The names of the columns.
-- @treturn table a list
function methods:columns()
  return table.move(self[NAMES], 1, #self[NAMES], 1, {})
end

--- One column; nil where a row has no value.
-- @tparam string name
-- @treturn table a list with a place for each row
function methods:column(name)
  known(self, "Table:column", name)
  local list = {}
  for i, row in ipairs(self[ROWS]) do list[i] = row[name] end
  return list
end

--- The rows as a new list of new tables.
-- @treturn table
function methods:totable()
  local list = {}
  for i, row in ipairs(self[ROWS]) do
    list[i] = {}
    for name, value in pairs(row) do list[i][name] = value end
  end
  return list
end

--- Sorted by a column; equal rows stay in order, rows without a value come last.
-- @tparam string name
-- @tparam ?table given `reverse`: false; `ascending` = false is the same as reverse = true
-- @treturn lubdub.Table
function methods:sort(name, given)
  local o = options.read("Table:sort", given, { reverse = false, ascending = true })
  known(self, "Table:sort", name)
  local keys, rows, without, sorted = {}, {}, {}, {}
  for _, row in ipairs(self[ROWS]) do
    local key = row[name]
    if key == nil or key ~= key then
      without[#without + 1] = row
    else
      keys[#keys + 1], rows[#rows + 1] = key, row
    end
  end
  order.check("Table:sort", name, keys)
  for i, at in ipairs(order.argsort(keys, o.reverse ~= (not o.ascending))) do sorted[i] = rows[at] end
  return make(self[NAMES], table.move(without, 1, #without, #sorted + 1, sorted), self[HOW])
end

--- The first rows.
-- @tparam ?integer n (default 5)
-- @treturn lubdub.Table
function methods:head(n)
  return make(self[NAMES], table.move(self[ROWS], 1, math.min(n or 5, #self), 1, {}), self[HOW])
end

--- Writes a CSV file (RFC 4180), whole or not at all.
-- @tparam string path
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
function methods:to_csv(path)
  if type(path) ~= "string" then blame("Table:to_csv: expected a path, got %s", type(path)) end
  return core.write_aside(path, csv.format(self[NAMES], self[ROWS]))
end

function Table:__index(key)
  if math.type(key) == "integer" then return self[ROWS][key] end
  if methods[key] then return methods[key] end
  for _, name in ipairs(self[NAMES]) do
    if name == key then return methods.column(self, name) end
  end
  return nil
end

function Table.__newindex(_, key)
  blame("tables of results are read-only: cannot set %s; totable() gives a copy", tostring(key))
end

function Table:__len() return #self[ROWS] end

function Table:__pairs() return ipairs(self[ROWS]) end

function Table:__tostring()
  local names, how = self[NAMES], self[HOW]
  local lines, align = { names }, {}
  for j, name in ipairs(names) do
    align[j] = "right"
    for _, row in ipairs(self[ROWS]) do
      local value = row[name]
      if value ~= nil and type(value) ~= "number" then align[j] = "left" end
    end
  end
  for _, row in ipairs(self[ROWS]) do
    if how.rule_before == row then lines[#lines + 1] = "-" end
    local cells = {}
    for j, name in ipairs(names) do cells[j] = cell(row[name], how.formats and how.formats[name]) end
    lines[#lines + 1] = cells
  end
  local text = texttable(lines, align)
  if how.title then text = how.title .. "\n" .. text end
  if how.note then text = text .. "\n" .. how.note end
  return text
end

--- Makes one.
-- @function Table
-- @tparam table names of the columns, in order
-- @tparam table rows a list of tables name = value; kept, not copied
-- @tparam ?table how `title` and `note`: lines above and below; `formats`: name = format of its numbers
-- @treturn lubdub.Table
return setmetatable({ is = function(value) return getmetatable(value) == Table end },
  { __call = function(_, names, rows, how) return make(names, rows, how) end })
