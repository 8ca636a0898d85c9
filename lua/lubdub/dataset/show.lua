--- The first rows of a data set as a table, for the terminal.
-- @module lubdub.dataset.show
local blame = require "lubdub.blame"
local core = require "lubdub.core"
local row = require "lubdub.row"
local shape_text = require("lubdub.check").shape_text
local texttable = require "lubdub.texttable"

local WIDEST = 40

-- A value in at most WIDEST columns; of a long text the end, which is where paths differ.
local function cell(value)
  if value == nil then return "" end
  if core.Tensor.is(value) then return shape_text(value:shape()) end
  if math.type(value) == "float" then return ("%.6g"):format(value) end
  local text = tostring(value):gsub("%c", " ")
  local n = utf8.len(text)
  if n and n > WIDEST then return "…" .. text:sub(utf8.offset(text, n - WIDEST + 2)) end
  return text
end

-- The columns, without paths where they end in the names beside them.
local function columns_of(self, n)
  local names, same = self:columns(), n > 0
  for i = 1, n do
    local path, name = row.data(self[i]).path, row.data(self[i]).name
    same = same and type(path) == "string" and type(name) == "string" and path:sub(-#name) == name
  end
  if same and names[1] == "path" then table.remove(names, 1) end
  return names
end

-- How many columns fit into so many characters.
local function fitting(rows, width)
  local used, fit = 0, #rows[1]
  for j = 1, #rows[1] do
    local widest = 0
    for _, line in ipairs(rows) do
      local text = tostring(line[j] or "")
      widest = math.max(widest, utf8.len(text) or #text)
    end
    used = used + widest + (j > 1 and 2 or 0)
    if used > width then
      fit = math.max(j - 1, 2)
      break
    end
  end
  return fit
end

--- @tparam Dataset self
-- @tparam ?integer n how many rows (default 10)
-- @tparam ?integer width in characters (default: that of the terminal; without one, all columns)
-- @tparam ?function tabulate makes text of rows of cells (default lubdub.texttable)
-- @treturn string
return function(self, n, width, tabulate)
  if n ~= nil and (math.type(n) ~= "integer" or n < 0) then
    blame("Dataset:show: expected a number of rows, got %s", tostring(n))
  end
  n = math.min(n or 10, #self)
  width = width or core.terminal_columns()
  local names, align = columns_of(self, n), { "right" }
  local rows = { { "", table.unpack(names) } }
  for i = 1, n do
    local line = { i }
    for j, name in ipairs(names) do
      local value = row.peek(self[i], name)
      line[j + 1] = cell(value)
      if value ~= nil and type(value) ~= "number" then align[j + 1] = "left" end
    end
    rows[i + 1] = line
  end
  local fit = width and fitting(rows, width) or #names + 1
  for _, line in ipairs(rows) do
    for j = #names + 1, fit + 1, -1 do line[j] = nil end
  end
  local text = (tabulate or texttable)(rows, align)
  if n < #self then text = text .. ("\n... %d rows in all"):format(#self) end
  if fit == #names + 1 then return text end
  return text .. "\nand the columns " .. table.concat(names, ", ", fit)
end
