--- Help where one types: what something is, its options with their defaults, an example.
--
-- The words are those of the API pages (`make doc`): the comments in lubdub's own files. In a notebook Shift-Tab shows
-- the same.
-- @module lubdub.help
-- @usage lubdub.help "Conv2D"
local comments = require "lubdub.help.comments"
local index = require "lubdub.help.index"

local help = {}

-- === which entry ===

local function ends_with(entry, words)
  local path = entry.path:gsub(":", ".")
  return path == words or path:sub(-#words - 1) == "." .. words
end

-- The entries that a text may mean, the shortest path first.
local function named(text)
  local exact = {}
  for _, entry in ipairs(index.all()) do
    if entry.path == text then exact[1] = entry end
  end
  if exact[1] then return exact end
  local words = text:gsub(":", "."):gsub("%s", ""):gsub("[({].*$", "")
  local found = {}
  for _, case in ipairs { function(s) return s end, string.lower } do
    for _, entry in ipairs(index.all()) do
      if ends_with({ path = case(entry.path) }, case(words)) then found[#found + 1] = entry end
    end
    if #found > 0 then break end
  end
  table.sort(found, function(a, b)
    if #a.path ~= #b.path then return #a.path < #b.path end
    return a.path < b.path
  end)
  return found
end

-- Objects are what their class is: a layer its kind, a model its class.
local function of_object(value, by_value)
  local meta = debug.getmetatable(value)
  if type(meta) ~= "table" then return nil end
  local ok, kind = pcall(function() return value.kind end)
  if ok and type(kind) == "string" then
    local found = named(kind)
    if found[1] then return found[1] end
  end
  if by_value[meta] then return by_value[meta] end
  local name = type(rawget(meta, "__name")) == "string" and meta.__name:match "([^.]+)$"
  return name and named(name)[1] or nil
end

local function entry_of(value)
  local _, by_value = index.all()
  if type(value) == "string" then return named(value)[1] end
  if by_value[value] then return by_value[value] end
  if type(value) == "function" then
    local block = index.block_of(value)
    local name = block and (block.name or block.home)
    return block and { path = name, name = name, kind = "function", value = value, block = block } or nil
  end
  if type(value) == "table" or type(value) == "userdata" then return of_object(value, by_value) end
end

-- === words ===

local function first_sentence(text)
  local line = text:gsub("\n%s*\n.*$", ""):gsub("\n", " ")
  return (line:match "^(.-%.)%s" or line:match "^(.-):%s*$" or line)
end

local function parameters(entry)
  local block, names = entry.block, {}
  for _, tag in ipairs(block and comments.tags(block, "tparam", "param") or {}) do
    local rest = tag.tag == "tparam" and tag.text:gsub("^%S+%s+", "") or tag.text
    local name = rest:match "^(%S+)"
    local maybe = tag.modifiers:find "opt" or tag.text:find "^%?"
    if name and not name:find(".", 1, true) then
      names[#names + 1] = maybe and "[" .. name .. "]" or name
    end
  end
  if entry.kind == "class" and #names == 0 then return "[options]" end
  if #names == 0 and type(entry.value) == "function" then
    local info = debug.getinfo(entry.value, "u")
    for i = 1, info.nparams do
      local name = debug.getlocal(entry.value, i)
      if name ~= "self" then names[#names + 1] = name end
    end
  end
  if entry.kind == "method" and names[1] == "self" then table.remove(names, 1) end
  return table.concat(names, ", ")
end

local function indented(text, by)
  return (((" "):rep(by) .. text:gsub("\n", "\n" .. (" "):rep(by))):gsub("\n +\n", "\n\n"))
end

-- Breaks at blanks; what goes on is set in.
local function wrapped(text, width, by)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if line ~= "" and #line + 1 + #word > width then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. (" "):rep(by))
end

local function add_parameters(out, block)
  for _, tag in ipairs(comments.tags(block, "tparam", "param")) do
    local kind, rest = "", tag.text
    if tag.tag == "tparam" then kind, rest = tag.text:match "^(%S+)%s*(.*)$" end
    local name, text = rest:match "^(%S+)%s*(.*)$"
    local list, before = comments.options(text or "")
    local field = name:match "^[%w_]+%.([%w_]+)$"
    if field then -- a table's field in a tag of its own: @tparam[opt=4000] int given.sr
      local default = tag.modifiers:match "opt=(.-)%]$"
      local words = (default and "(" .. default .. ") " or "") .. text
      out[#out + 1] = ("    %-22s %s"):format(field, wrapped(words, 86, 27))
    elseif #list >= 2 and kind:find "table" then
      local title = (name == "given" or name == "options") and "options" or name
      out[#out + 1] = before == "" and ("  %s:"):format(title) or ("  %s: %s"):format(title, before)
      for _, option in ipairs(list) do
        out[#out + 1] = ("    %-22s %s"):format(option.name, wrapped(option.text, 86, 27)):gsub("%s+$", "")
      end
    else
      out[#out + 1] = ("  %s: %s"):format(name, wrapped((text or "") .. (kind ~= "" and " (" .. kind:gsub("^%?", "")
        .. ")" or ""), 100, 4))
    end
  end
end

local function add_list(out, entry)
  local lines, all = {}, index.all()
  for _, other in ipairs(all) do
    if other.parent == entry.path then
      lines[#lines + 1] = ("  %-28s %s"):format(other.name, other.block and first_sentence(other.block.text) or "")
    end
  end
  if #lines > 0 then
    out[#out + 1] = ""
    for _, line in ipairs(lines) do out[#out + 1] = (#line > 118 and line:sub(1, 115) .. "..." or line) end
  end
end

local function examples(entry)
  local found = {}
  for _, tag in ipairs(entry.block and comments.tags(entry.block, "usage") or {}) do found[#found + 1] = tag.text end
  return found
end

--- The examples of a public name, as code; what has none of its own has that of its class or module.
-- @tparam string path "lubdub.layers.Conv2D"
-- @treturn table list of strings
function help.examples(path)
  local entry = named(path)[1]
  if not entry then return {} end
  local own = examples(entry)
  if #own > 0 or not entry.parent or entry.parent == "lubdub" then return own end
  local parent = named(entry.parent)[1]
  return parent and examples(parent) or {}
end

local function text_of(entry)
  local block = entry.block
  local out = { entry.path }
  if entry.kind ~= "module" then out[1] = ("%s(%s)"):format(entry.path, parameters(entry)) end
  out[2] = ""
  out[#out + 1] = indented(block and block.text or "(no comment)", 2)
  if block and #comments.tags(block, "tparam", "param") > 0 then
    out[#out + 1] = ""
    add_parameters(out, block)
  end
  for _, tag in ipairs(block and comments.tags(block, "treturn", "return") or {}) do
    out[#out + 1] = "  returns " .. wrapped(tag.text, 100, 4)
  end
  for _, tag in ipairs(block and comments.tags(block, "raise") or {}) do
    out[#out + 1] = "  error " .. wrapped(tag.text, 100, 4)
  end
  if entry.kind ~= "function" and entry.kind ~= "method" then add_list(out, entry) end
  for _, code in ipairs(help.examples(entry.path)) do
    out[#out + 1] = "\n  example:\n" .. indented(code, 4)
  end
  return table.concat(out, "\n")
end

--- Help as text.
-- @param x anything of lubdub: a function, a class, a module, an object, or a name such as "Conv2D" or "model.fit"
-- @treturn ?string nil where there is none
function help.text(x)
  local entry = entry_of(x)
  return entry and text_of(entry) or nil
end

--- The names of the options that a function takes, as far as its comment tells.
-- @param x as of `help.text`
-- @treturn table list of strings
function help.options(x)
  local entry = entry_of(x)
  local names = {}
  local told = entry and entry.kind == "class" and entry.block and entry.block.text:match "Options[^:]*:%s*(.+)$"
  for _, option in ipairs(told and comments.options((told:gsub("%)%..*$", ")"))) or {}) do
    names[#names + 1] = option.name
  end
  for _, tag in ipairs(entry and entry.block and comments.tags(entry.block, "tparam") or {}) do
    if tag.text:find "^%??table" then
      for _, option in ipairs((comments.options(tag.text:gsub("^%S+%s+%S+%s*", "")))) do
        names[#names + 1] = option.name
      end
    else
      names[#names + 1] = tag.text:match "^%S+%s+[%w_]+%.([%w_]+)"
    end
  end
  return names
end

--- Prints what something of lubdub is: signature, options with their defaults, an example.
-- @function help
-- @param[opt] x a function, a class, a module, an object, or a name; nothing: an overview
-- @usage lubdub.help(lubdub.layers.Conv2D)
function help.help(...)
  local x = select("#", ...) == 0 and "lubdub" or (...)
  local text = help.text(x)
  if not text and type(x) == "string" then
    local words = x:match "([%w_]+)%W*$" or x
    local nearest = index.nearest(words)
    text = ("help: there is nothing called '%s'%s"):format(x, nearest and ("; did you mean '%s'?"):format(nearest)
      or "; lubdub.help() lists what there is")
  end
  if not text then
    text = ("help: %s is a %s, not a part of lubdub"):format(tostring(x), type(x))
  elseif type(x) == "string" then
    local others = {}
    for i, entry in ipairs(named(x)) do
      if i > 1 then others[#others + 1] = entry.path end
    end
    if #others > 0 then text = text .. "\n\n  also: " .. table.concat(others, ", ") end
  end
  print(text)
end

return help
