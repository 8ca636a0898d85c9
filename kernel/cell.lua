-- What a cell is: statements, of which the last may be an expression, whose values are shown as in the REPL.
local cell = {}

-- The text without the blanks, comments and one semicolon behind its last statement; and whether there was a semicolon.
local function trimmed(code)
  local lines = {}
  for line in (code .. "\n"):gmatch "(.-)\r?\n" do lines[#lines + 1] = line end
  while lines[#lines] and (lines[#lines]:find "^%s*$" or lines[#lines]:find "^%s*%-%-[^%[]*$") do
    lines[#lines] = nil
  end
  local last = lines[#lines]
  local quiet = last ~= nil and last:find ";%s*$" ~= nil
  if quiet then lines[#lines] = last:gsub(";%s*$", "") end
  return lines, quiet
end

-- A line that begins so may go on with the expression of the line before.
local goes_on = "^%s*[%({%[\"'%-~]"

--- Compiles a cell.
-- Returns a function of no arguments that returns a packed list of the values to show, and whether the cell asked for
-- quiet (it ended in a semicolon); or nil and the message.
function cell.compile(code, name)
  local whole, wrong = load(code, name, "t")
  local lines, quiet = trimmed(code)
  for from = #lines, 1, -1 do
    local tail = table.concat(lines, "\n", from)
    local apart = not whole or from == 1 or not tail:find(goes_on)
    if apart and not tail:find "^%s*%-%-" and load("return " .. tail, name, "t") then
      local head = from > 1 and table.concat(lines, "\n", 1, from - 1) .. "\n" or ""
      -- no tail call, so that errors can name the line; the statements before must stand alone: `x =`, `f()` are one
      local chunk = load(head .. "return (...)(" .. tail .. "\n)", name, "t")
      if chunk and load(head, name, "t") then
        return function() return (chunk(table.pack)) end, quiet
      end
    end
  end
  if not whole then return nil, wrong end
  return function() return table.pack(whole()) end, quiet
end

--- Whether a cell is "complete", "incomplete" (more lines may mend it) or "invalid".
function cell.status(code)
  local run, wrong = cell.compile(code, "=cell")
  if run then return "complete" end
  return wrong:find "<eof>$" and "incomplete" or "invalid"
end

return cell
