--- The comments that the API pages are made of, read from the files where they stand.
-- Lua files are installed as they are; those of the C half come as one file of comments, core.comments, beside core.so.
-- @module lubdub.help.comments
local comments = {}

local function parse_tag(line)
  local tag, modifiers, rest = line:match "^@(%w+)(%b[])%s*(.*)$"
  if not tag then tag, rest = line:match "^@(%w+)%s*(.*)$" end
  if not tag then return nil end
  return { tag = tag, modifiers = modifiers or "", text = rest }
end

-- A block of comment lines, without their marks.
local function parse(lines)
  local block, text, last = { tags = {} }, {}, nil
  for _, line in ipairs(lines) do
    local tag = parse_tag(line)
    if tag then
      block.tags[#block.tags + 1] = tag
      last = tag
    elseif last then
      last.text = last.text .. (last.text ~= "" and "\n" or "") .. (last.tag == "usage" and line
        or line:gsub("^%s+", ""))
    else
      text[#text + 1] = line
    end
  end
  block.text = table.concat(text, "\n"):gsub("^%s+", ""):gsub("%s+$", "")
  for _, tag in ipairs(block.tags) do
    if tag.tag == "module" or tag.tag == "classmod" then block.module = tag.text
    elseif tag.tag == "submodule" then block.submodule = tag.text
    elseif tag.tag == "function" then block.name = tag.text end
  end
  return block
end

local function name_of(code)
  return code:match "^%s*function%s+([%w_.:]+)" or code:match "^%s*local%s+function%s+([%w_]+)"
    or code:match "^%s*([%w_.]+)%s*=%s*function" or code:match "^%s*local%s+([%w_]+)%s*=%s*setmetatable"
end

local function read_lua(path, blocks)
  local file <close> = io.open(path, "r")
  local number, open, module = 0, nil, nil
  for line in file and file:lines() or function() end do
    number = number + 1
    local comment = line:match "^%s*%-%-%-?%s?(.*)$"
    if open and comment then
      open[#open + 1] = comment
    elseif line:find "^%s*%-%-%-%s" then
      open = { comment }
    elseif open then
      local block = parse(open)
      module = block.module or module
      block.file, block.line, block.home = path, number, module
      block.name = block.name or not block.module and name_of(line) or nil
      blocks[#blocks + 1], open = block, nil
    end
  end
end

local function read_c(path, blocks)
  local file <close> = io.open(path, "r")
  local text, module = file and file:read "a" or "", nil
  for comment in text:gmatch "/%*%*%*%s*(.-)%s*%*/" do
    local lines = {}
    for line in (comment .. "\n"):gmatch "(.-)\n" do lines[#lines + 1] = line end
    local block = parse(lines)
    module = block.module or block.submodule or module
    block.file, block.line, block.home = path, 0, module
    if not block.submodule then blocks[#blocks + 1] = block end
  end
end

local function read_folder(folder, blocks)
  local lfs = require "lfs"
  local names = {}
  for name in lfs.dir(folder) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if name:find "%.lua$" then
      read_lua(folder .. name, blocks)
    elseif not name:find "%." and lfs.attributes(folder .. name, "mode") == "directory" then
      read_folder(folder .. name .. "/", blocks)
    end
  end
end

local all

--- Every comment block of lubdub, read when first asked for.
-- @treturn table a list of { text =, tags =, name =, module = (of a file's first block), home = (the module it
-- belongs to), file =, line = (of what it stands above) }
function comments.all()
  if all then return all end
  local blocks = {}
  local own = debug.getinfo(1, "S").source:match "^@(.*[/\\])help[/\\]" or "lua/lubdub/"
  if require("lfs").attributes(own, "mode") == "directory" then read_folder(own, blocks) end
  local core = package.searchpath("lubdub.core", package.cpath)
  if core then read_c(core:gsub("%.%w+$", ".comments"), blocks) end
  all = blocks
  return all
end

--- The tags of one name.
-- @tparam table block
-- @tparam string ... tags, for example "treturn", "return"
-- @treturn table list
function comments.tags(block, ...)
  local wanted, list = {}, {}
  for _, tag in ipairs { ... } do wanted[tag] = true end
  for _, tag in ipairs(block.tags) do
    if wanted[tag.tag] then list[#list + 1] = tag end
  end
  return list
end

-- Splits at commas and semicolons that stand in no bracket or quotes.
local function split(text)
  local parts, depth, start, quote = {}, 0, 1, nil
  for at = 1, #text do
    local c = text:sub(at, at)
    if quote then
      if c == quote then quote = nil end
    elseif c == '"' or c == "`" then quote = c
    elseif c:find "[%({%[]" then depth = depth + 1
    elseif c:find "[%)}%]]" then depth = depth - 1
    elseif depth == 0 and (c == "," or c == ";") then
      parts[#parts + 1] = text:sub(start, at - 1)
      start = at + 1
    end
  end
  parts[#parts + 1] = text:sub(start)
  return parts
end

--- The options that a parameter's text lists: "name (default; more), name: words, ..."; where names stand in
-- backquotes, others are words.
-- @tparam string text
-- @treturn table list of { name =, text = }
-- @treturn string what stands before the first one
function comments.options(text)
  local list, before = {}, {}
  local quoted = text:find "`[%w_]+`%s*[:%(]" ~= nil
  for _, part in ipairs(split((text:gsub("\n", " ")))) do
    part = part:gsub("^%s+", ""):gsub("^and%s+", "")
    local name, rest = part:match "^`?([%a_][%w_]*)`?%s*(%(.*)$"
    if not name then name, rest = part:match "^`?([%a_][%w_]*)`?%s*:%s*(.*)$" end
    if not name then name, rest = part:match "^`?([%a_][%w_]*)`?%s*$", "" end
    if name and (part:find "^`" or not quoted) then
      list[#list + 1] = { name = name, text = rest }
    elseif #list > 0 then
      list[#list].text = list[#list].text .. ", " .. part
    else
      before[#before + 1] = part
    end
  end
  return list, table.concat(before, ", ")
end

return comments
