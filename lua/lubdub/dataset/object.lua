--- What a data set is: a list of rows that never changes, and the table of its methods, which other files fill.
-- @module lubdub.dataset.object
local blame = require "lubdub.blame"
local core = require "lubdub.core"

local object = {}

-- Where a data set keeps its rows.
local ROWS = {}

local Dataset = { __name = "lubdub.Dataset" }

-- Raises that there is neither such a method nor such a column.
local function unknown(self, key)
  local names = self:columns()
  for name in pairs(object.methods) do names[#names + 1] = name end
  local _, message = pcall(core.options.unknown, "Dataset", key, names)
  blame("%s", (message:gsub("unknown option", "there is no method or column", 1)))
end

--- The methods, by name.
object.methods = {}

--- A data set of these rows (made by `lubdub.row`); the list is kept, not copied.
-- @tparam table rows
-- @treturn Dataset
function object.new(rows)
  return setmetatable({ [ROWS] = rows }, Dataset)
end

--- The list of rows, to be read only.
-- @tparam Dataset self
-- @treturn table
function object.rows(self)
  return self[ROWS]
end

--- Whether a value is a data set.
-- @param value
-- @treturn boolean
function object.is(value)
  return getmetatable(value) == Dataset
end

--- Goes through the rows: `for i, clip in clips:iter() do`.
-- @treturn function an iterator of position, row
function object.methods:iter()
  local rows, i = self[ROWS], 0
  return function()
    i = i + 1
    if rows[i] ~= nil then return i, rows[i] end
    return nil
  end
end

-- A string is a method, or else a column; anything else that is asked for by name is a mistake.
function Dataset:__index(key)
  if math.type(key) == "integer" then return self[ROWS][key] end
  local method = object.methods[key]
  if method or type(key) ~= "string" or key:sub(1, 2) == "__" then return method end
  local values, some = {}, false
  for i, clip in ipairs(self[ROWS]) do
    values[i] = clip[key]
    some = some or values[i] ~= nil
  end
  return some and values or unknown(self, key)
end

function Dataset.__newindex(_, key)
  blame("data sets are read-only: cannot set %s; filter, map, take and concat give new ones", tostring(key))
end

function Dataset:__pairs() return ipairs(self[ROWS]) end

function Dataset:__len() return #self[ROWS] end

function Dataset.__concat(a, b)
  if not object.is(a) then blame("Dataset:concat: expected data sets, got a %s", type(a)) end
  return a:concat(b)
end

function Dataset:__tostring()
  return require "lubdub.dataset.describe"(self)
end

-- In a notebook: the summary, its table as one of HTML.
function Dataset:__mimebundle()
  local display = require "lubdub.display"
  local html
  local text = require "lubdub.dataset.describe"(self, function(rows)
    html = display.html_table(rows)
    return "\0"
  end)
  text = display.escape(text):gsub("\n?%z\n?", "\0"):gsub("\n", "<br>\n")
  return { ["text/html"] = (text:gsub("%z", function() return html end)) }
end

return object
