--- The first rows of a data set as a table, for the terminal.
-- @module lubdub.dataset.show
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

--- @tparam Dataset self
-- @tparam ?integer n how many rows (default 10)
-- @treturn string
return function(self, n)
  n = math.min(n or 10, #self)
  local names, align = self:columns(), { "right" }
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
  if n < #self then rows[#rows + 1] = { "...", ("%d rows in all"):format(#self) } end
  return texttable(rows, align)
end
