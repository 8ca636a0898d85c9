-- What a function prints, as a string.
return function(f)
  local lines, old = {}, print
  _G.print = function(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    lines[#lines + 1] = table.concat(parts, "\t") .. "\n"
  end
  local ok, message = pcall(f)
  _G.print = old
  if not ok then error(message, 0) end
  return table.concat(lines)
end
