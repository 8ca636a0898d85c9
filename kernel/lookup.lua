-- What stands at the cursor: names that may follow (completion), and words about what is there (inspection).
local lookup = {}

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

local function try(f, ...)
  local ok, value = pcall(f, ...)
  if ok then return value end
end

local function get(value, key) return value[key] end

-- The value of `a.b["c"][3]:d`, without calling anything; nil where there is none.
local function value_of(chain)
  local first, rest = chain:match "^([%a_][%w_]*)(.*)$"
  if not first then return nil end
  local value = try(get, _G, first)
  while rest ~= "" and value ~= nil do
    local name, after = rest:match "^[.:]([%a_][%w_]*)(.*)$"
    local key = name
    if not name then
      local number
      number, after = rest:match "^%[(%d+)%](.*)$"
      key = math.tointeger(tonumber(number))
    end
    if key == nil then return nil end
    value, rest = try(get, value, key), after
  end
  return value
end

local add_keys

-- A class whose __index is a function keeps its methods beside it, or beside the function in C that it calls.
local function add_held(found, f, depth)
  for i = 1, 8 do
    local name, held = debug.getupvalue(f, i)
    if type(held) == "table" and name ~= "_ENV" then
      local methods = rawget(held, "methods")
      add_keys(found, type(methods) == "table" and methods or held, depth + 1)
    elseif type(held) == "function" and debug.getinfo(held, "S").what == "C" and depth < 4 then
      add_held(found, held, depth + 1)
    end
  end
end

-- Adds the string keys of a table, and of those that it falls back on.
function add_keys(found, value, depth)
  if type(value) == "table" then
    for key in next, value do
      if type(key) == "string" then found[key] = true end
    end
  end
  local meta = depth < 8 and debug.getmetatable(value)
  if type(meta) ~= "table" then return end
  local names = rawget(meta, "__names")
  for _, name in ipairs(names and try(names, value) or {}) do found[name] = true end
  if names then return end
  local index = rawget(meta, "__index")
  if type(index) == "function" then
    add_held(found, index, depth + 1)
  elseif index ~= nil then
    add_keys(found, index, depth + 1)
  end
end

local function sorted(found, stem, keep)
  local list = {}
  for name in pairs(found) do
    local hidden = name:sub(1, 1) == "_" and stem:sub(1, 1) ~= "_"
    if name:sub(1, #stem) == stem and name:find "^[%a_][%w_]*$" and not hidden and (not keep or keep(name)) then
      list[#list + 1] = name
    end
  end
  table.sort(list)
  return list
end

-- Where the innermost bracket that is open at the end of the text stands. Brackets in strings are not seen as such by a
-- simple scan, so strings on one line are blanked first.
local function open_bracket(text)
  text = text:gsub('\\.', "  "):gsub('"[^"\n]*"', function(s) return (" "):rep(#s) end)
    :gsub("'[^'\n]*'", function(s) return (" "):rep(#s) end)
  local depth = 0
  for at = #text, 1, -1 do
    local c = text:sub(at, at)
    if c == ")" or c == "}" or c == "]" then depth = depth + 1 end
    if c == "(" or c == "{" or c == "[" then
      if depth == 0 then return at, c end
      depth = depth - 1
    end
  end
end

-- The chain that is called by the innermost open bracket; `lubdub.MFCC { n_m` gives "lubdub.MFCC", and so does a table
-- within the brackets of a call, `model:fit(x, y, { ep`.
local function called(text)
  local at, bracket = open_bracket(text)
  if not at then return nil end
  local before = text:sub(1, at - 1)
  local chain = before:match "([%a_][%w_.:]*)%s*$"
  if chain then return chain, bracket end
  if bracket == "{" and before:find "[,(]%s*$" then
    local outer, outer_bracket = called(before)
    if outer_bracket == "(" then return outer, bracket end
  end
end

local function options_of(chain)
  local help = try(require, "lubdub.help")
  local value = help and value_of(chain)
  return value ~= nil and help.options(value) or {}
end

--- Names that fit at the end of the text, and the beginning of a name that stands there.
function lookup.complete(text)
  local line = text:match "[^\n]*$"
  local stem = line:match "[%a_][%w_]*$" or ""
  local before = text:sub(1, #text - #stem)
  local chain, mark = before:match "([%a_][%w_.:%[%]]*)([.:])$"
  if chain then
    local found, value = {}, value_of(chain)
    if value == nil then return {}, stem end
    add_keys(found, value, 1)
    return sorted(found, stem, mark == ":" and function(name)
      local field = try(get, value, name)
      return type(field) == "function" or type(debug.getmetatable(field)) == "table"
    end or nil), stem
  end
  local options = {}
  local call, bracket = called(before)
  if call and bracket == "{" and before:find "[,{;]%s*$" then
    for _, name in ipairs(options_of(call)) do
      if name:sub(1, #stem) == stem then options[#options + 1] = name .. " = " end
    end
    if #options > 0 and stem == "" then return options, stem end
  end
  if stem == "" then return options, stem end
  local found = {}
  for _, word in ipairs(keywords) do found[word] = true end
  add_keys(found, _G, 1)
  return table.move(sorted(found, stem), 1, 1e3, #options + 1, options), stem
end

-- A function without help: its parameters, where it is.
local function about_function(f, name)
  local info = debug.getinfo(f, "Su")
  local parameters = {}
  for i = 1, info.nparams do parameters[i] = debug.getlocal(f, i) end
  if info.isvararg then parameters[#parameters + 1] = "..." end
  local where = info.what == "C" and "a C function" or ("%s:%d"):format(info.short_src, info.linedefined)
  return ("%s(%s)\n\n%s"):format(name, table.concat(parameters, ", "), where)
end

local function about(chain)
  local value = value_of(chain)
  if value == nil then return nil end
  local help = try(require, "lubdub.help")
  local text = help and help.text(value, chain)
  if text then return text end
  if type(value) == "function" then return about_function(value, chain) end
  return ("%s: %s\n\n%s"):format(chain, type(value), tostring(value))
end

--- Words about the name at the cursor, or else about what is being called there; nil where there is neither.
function lookup.inspect(before, after)
  local chain = (before:match "[%a_][%w_.:%[%]]*$" or "") .. (after:match "^[%w_]*" or "")
  if chain == "" then
    local stem = before:match "([%a_][%w_.:]*)%s*$" -- just behind a name
    chain = stem or ""
  end
  local text = chain ~= "" and about((chain:gsub("[.:]$", ""))) or nil
  if text then return text end
  local call = called(before)
  return call and about(call) or nil
end

return lookup
