--- Every public name of lubdub with the comment that tells what it is.
-- @module lubdub.help.index
local comments = require "lubdub.help.comments"
local core = require "lubdub.core"

local index = {}

local function is_class(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

local function names_of(value)
  local meta, names = getmetatable(value), {}
  local listed = type(meta) == "table" and rawget(meta, "__names")
  if listed then
    names = listed(value)
  else
    for name in pairs(value) do names[#names + 1] = name end
  end
  local kept = {}
  for _, name in ipairs(names) do
    if type(name) == "string" and name:sub(1, 1) ~= "_" then kept[#kept + 1] = name end
  end
  table.sort(kept)
  return kept
end

local function has_functions(value)
  for _, name in ipairs(names_of(value)) do
    if type(value[name]) == "function" or type(value[name]) == "table" then return true end
  end
  return false
end

-- The table that holds `known` among those that a class's __index, perhaps a function, keeps.
local function holding(value, known, depth)
  if type(value) == "table" then return value[known] and value end
  if type(value) ~= "function" or depth > 3 then return nil end
  for i = 1, 8 do
    local _, held = debug.getupvalue(value, i)
    local found = type(held) ~= "nil" and holding(held, known, depth + 1)
    if found then return found end
  end
end

-- The table of methods of a userdata class, one of which is `known`.
local function userdata_methods(class, known) return holding(debug.getregistry()[class].__index, known, 1) end

-- Classes whose methods are public: path = their methods.
local function classes()
  return {
    ["lubdub.Tensor"] = userdata_methods("lubdub.Tensor", "reshape"),
    ["lubdub.Dataset"] = require("lubdub.dataset.object").methods,
    ["lubdub.layers.Layer"] = userdata_methods("lubdub.Layer", "config"),
  }
end

-- Methods that lubdub alone calls.
local inner = { build_for = true, ensure_trainer = true, target_shape = true, count_optimizer_params = true,
  take_structure = true, copy_layer = true, fields = true, reserve = true,
  weight_shapes = true, weight_views = true }

local entries, by_value

local function add(path, value, kind, parent)
  entries[#entries + 1] = { path = path, value = value, kind = kind, parent = parent,
    name = path:match "([^.:]+)$" }
  by_value[value] = by_value[value] or entries[#entries]
end

local function add_methods(path, methods)
  for _, name in ipairs(names_of(methods)) do
    if type(methods[name]) == "function" and not inner[name] then
      add(path .. ":" .. name, methods[name], "method", path)
    end
  end
end

local function walk(path, value, seen)
  if seen[value] then return end
  seen[value] = true
  for _, name in ipairs(names_of(value)) do
    local field, own = value[name], path .. "." .. name
    if type(field) == "function" then
      add(own, field, "function", path)
    elseif type(field) == "table" and is_class(field) then
      add(own, field, "class", path)
      -- what fit asks of callbacks is told once, in lubdub.callbacks.class
      if field.__index == field and path ~= "lubdub.callbacks" then
        local base = getmetatable(field).__index
        add_methods(own, field)
        if type(base) == "table" then add_methods(own, base) end
      end
      if has_functions(field) and field.__index ~= field then walk(own, field, seen) end
    elseif type(field) == "table" and has_functions(field) then
      add(own, field, "module", path)
      walk(own, field, seen)
    end
  end
end

-- === finding the comment of an entry ===

local at_line, by_name, of_file

local function read_comments()
  at_line, by_name, of_file = {}, {}, {}
  for _, block in ipairs(comments.all()) do
    at_line[block.file .. ":" .. block.line] = block
    if block.module then of_file[block.file] = of_file[block.file] or block end
    local name = block.name and block.name:match "([^.:]+)$"
    if name then
      by_name[name] = by_name[name] or {}
      table.insert(by_name[name], block)
    end
  end
end

local function file_of_module(value)
  for name, loaded in pairs(package.loaded) do
    if rawequal(loaded, value) and type(name) == "string" and name:find "^lubdub" then
      return package.searchpath(name, package.path)
    end
  end
end

-- How well a block that has the right name fits the entry: its module is that of the entry's parent, or below it.
local function fit(block, entry)
  local owner = block.name:match "^(.*)[.:]"
  local parent = entry.parent or "lubdub"
  local class = parent:match "([^.]+)$"
  if owner and entry.kind == "method" and owner ~= class and owner ~= "methods" and owner ~= "object.methods" then
    return 0
  end
  local home = (block.home or ""):lower()
  if home == parent:lower() then return 3 end
  if home:sub(1, #parent + 1) == parent:lower() .. "." then return 2 end
  if owner == class then return 2 end
  -- a constructor that another file's function made: the comment stands beside that file
  local source = type(entry.value) == "function" and debug.getinfo(entry.value, "S").source:sub(2)
  if source and entry.kind == "function" and source:match "^(.*[/\\])" == block.file:match "^(.*[/\\])"
    and source:find "lubdub[/\\].*[/\\]" then
    return 2
  end
  return entry.kind ~= "method" and parent == "lubdub" and 1 or 0
end

local function find_block(entry)
  local value = entry.value
  if type(value) == "function" then
    local info = debug.getinfo(value, "S")
    local block = info.what ~= "C" and at_line[info.source:sub(2) .. ":" .. info.linedefined]
    if block and block.text ~= "" then return block end
  else
    local file = file_of_module(value)
    if file and of_file[file] then return of_file[file] end
  end
  local best, best_fit = nil, 0
  for _, block in ipairs(by_name[entry.name] or {}) do
    local now = fit(block, entry)
    if now > best_fit then best, best_fit = block, now end
  end
  if best then return best end
  for _, block in ipairs(comments.all()) do -- a module or class whose file tells its name
    if block.module and block.module == entry.path then return block end
  end
end

--- Every public name.
-- @treturn table list of { path = "lubdub.layers.Conv2D", name = "Conv2D", kind = "function", "class", "method" or
-- "module", value =, parent = "lubdub.layers", block = its comment or nil }
-- @treturn table the same by value
function index.all()
  if entries then return entries, by_value end
  entries, by_value = {}, {}
  local lubdub = require "lubdub"
  add("lubdub", lubdub, "module", nil)
  walk("lubdub", lubdub, {})
  for path, methods in pairs(classes()) do add_methods(path, methods) end
  table.sort(entries, function(a, b) return a.path < b.path end)
  read_comments()
  for _, entry in ipairs(entries) do entry.block = find_block(entry) end
  for _, entry in ipairs(entries) do -- glorot_uniform is GlorotUniform
    entry.block = entry.block or by_value[entry.value].block
  end
  return entries, by_value
end

--- The comment of a function that has no public name, such as a method of an object that another function returns.
-- @tparam function f
-- @treturn ?table
function index.block_of(f)
  index.all()
  local info = debug.getinfo(f, "S")
  return at_line[info.source:sub(2) .. ":" .. info.linedefined]
end

--- The public name nearest to one that does not exist, if one is near.
-- @tparam string wrong
-- @treturn ?string
function index.nearest(wrong)
  local names, known = {}, {}
  for _, entry in ipairs(index.all()) do
    if not known[entry.name] then names[#names + 1], known[entry.name] = entry.name, true end
  end
  table.sort(names)
  local _, message = pcall(core.options.unknown, "help", wrong, names)
  return message:match "did you mean '([^']+)'"
end

return index
