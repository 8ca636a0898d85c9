--- Reads and writes comma-separated values: RFC 4180, and what spreadsheets make of it (LF or CRLF, a byte order mark).
-- @module lubdub.csv
local csv = {}

-- Reads the field that starts at `at`; returns it and the position of the separator or line end behind it, or
-- nil and the reason.
local function field(text, at, separator)
  if text:byte(at) ~= 34 then
    local stop = text:find("[" .. separator .. "\r\n]", at) or #text + 1
    return text:sub(at, stop - 1), stop
  end
  local start = at + 1
  while true do
    local quote = text:find('"', start, true)
    if not quote then return nil, "a quote is never closed" end
    if text:byte(quote + 1) ~= 34 then
      local behind = text:sub(quote + 1, quote + 1)
      if behind ~= "" and behind ~= separator and behind ~= "\r" and behind ~= "\n" then
        return nil, "text behind a closing quote"
      end
      return text:sub(at + 1, quote - 1):gsub('""', '"'), quote + 1
    end
    start = quote + 2
  end
end

--- Splits a text into records.
-- @tparam string text
-- @tparam ?string separator one character, default ","
-- @treturn[1] table records, each a list of strings; empty lines are left out
-- @treturn[1] table the line on which each record begins
-- @treturn[2] nil
-- @treturn[2] string "line N: reason"
function csv.parse(text, separator)
  separator = separator or ","
  if text:sub(1, 3) == "\xEF\xBB\xBF" then text = text:sub(4) end
  local records, lines, record = {}, {}, {}
  local at, line, begun = 1, 1, 1
  while at <= #text do
    local value, stop = field(text, at, separator)
    if not value then return nil, ("line %d: %s"):format(begun, stop) end
    local _, breaks = text:sub(at, stop - 1):gsub("\n", "")
    line = line + breaks
    record[#record + 1] = value
    if text:sub(stop, stop) == separator then
      at = stop + 1
      if at > #text then record[#record + 1] = "" end
    else
      at = stop + (text:sub(stop, stop + 1) == "\r\n" and 2 or 1)
    end
    if text:sub(stop, stop) ~= separator or at > #text then
      if #record > 1 or record[1] ~= "" or text:byte(stop - 1) == 34 then
        records[#records + 1], lines[#lines + 1] = record, begun
      end
      record, line = {}, line + 1
      begun = line
    end
  end
  return records, lines
end

--- Reads the records of a file.
-- @tparam string path
-- @tparam ?string separator one character, default ","
-- @treturn[1] table records, each a list of strings
-- @treturn[1] table the line on which each record begins
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
function csv.records(path, separator)
  local file, reason = io.open(path, "rb")
  if not file then return nil, reason end
  local text, failed = file:read "a"
  file:close()
  if not text then return nil, path .. ": " .. failed end
  if text:find "^\xFF\xFE" or text:find "^\xFE\xFF" then return nil, path .. ": UTF-16; save it as UTF-8" end
  local records, lines = csv.parse(text, separator)
  if not records then return nil, path .. ": " .. lines end
  return records, lines
end

--- Reads a file whose first record names its columns.
-- @tparam string path
-- @tparam ?string separator one character, default ","
-- @treturn[1] table records, each a table column name -> string
-- @treturn[1] table the column names in order
-- @treturn[1] table the line on which each record begins
-- @treturn[2] nil
-- @treturn[2] string "path: reason"
function csv.read(path, separator)
  local records, lines = csv.records(path, separator)
  if not records then return nil, lines end
  local header = records[1]
  if not header then return nil, path .. ": empty, not even a line of column names" end
  local rows, seen = {}, {}
  for j, name in ipairs(header) do
    if seen[name] then
      return nil, ("%s: line %d: columns %d and %d are both called %q"):format(path, lines[1], seen[name], j, name)
    end
    seen[name] = j
  end
  for i = 2, #records do
    local record, row = records[i], {}
    if #record ~= #header then
      return nil, ("%s: line %d: %d fields, but %d columns"):format(path, lines[i], #record, #header)
    end
    for j, name in ipairs(header) do row[name] = record[j] end
    rows[i - 1] = row
  end
  return rows, header, table.move(lines, 2, #lines, 1, {})
end

-- The shortest text that is read back as the same number.
local function number_text(value)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return text:find "^-?%d+$" and text .. ".0" or text end
  end
  return value ~= value and "nan" or value > 0 and "inf" or "-inf"
end

local function quoted(value)
  if value == nil then return "" end
  local text = math.type(value) and number_text(value) or tostring(value)
  if text == "" or text:find '[,"\r\n]' or text:find "^%s" or text:find "%s$" then
    return '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

--- Records as text: a first line of column names, lines end in CRLF. Missing values are empty fields, and an empty
-- string is a quoted one.
-- @tparam table names of the columns
-- @tparam table rows tables name = string, number or boolean
-- @treturn string
function csv.format(names, rows)
  local lines, cells = {}, {}
  for j, name in ipairs(names) do cells[j] = quoted(name) end
  lines[1] = table.concat(cells, ",")
  for i, row in ipairs(rows) do
    for j, name in ipairs(names) do cells[j] = quoted(row[name]) end
    lines[i + 1] = #names == 1 and cells[1] == "" and '""' or table.concat(cells, ",")
  end
  lines[#lines + 1] = ""
  return table.concat(lines, "\r\n")
end

return csv
