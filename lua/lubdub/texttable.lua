--- Text in columns, for the terminal.
-- @module lubdub.texttable

--- How many columns a text takes: its code points, or its bytes where it is no UTF-8.
local function width(text)
  return utf8.len(text) or #text
end

local function pad(text, to, align)
  local space = (" "):rep(to - width(text))
  return align == "left" and text .. space or space .. text
end

--- Aligns rows of cells.
-- @tparam table rows a list of lists of strings and numbers; a row "-" is a rule
-- @tparam ?table align of each column "left" or "right" (the default; the first column: left)
-- @treturn string lines without trailing blanks and without a line end behind the last
return function(rows, align)
  align = align or {}
  local widths = {}
  for _, row in ipairs(rows) do
    if row ~= "-" then
      for j, cell in ipairs(row) do widths[j] = math.max(widths[j] or 0, width(tostring(cell))) end
    end
  end
  local lines = {}
  for i, row in ipairs(rows) do
    local cells = {}
    for j, wide in ipairs(widths) do
      if row == "-" then
        cells[j] = ("-"):rep(wide)
      else
        cells[j] = pad(tostring(row[j] or ""), wide, align[j] or (j == 1 and "left" or "right"))
      end
    end
    lines[i] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end
