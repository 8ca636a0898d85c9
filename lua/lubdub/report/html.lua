--- HTML whose texts cannot be anything but text: elements are built from strings, which are escaped, and elements.
--
--    html.p("a < b ", html.b "bold")                 --> <p>a &lt; b <b>bold</b></p>
--    html.img({ src = url, alt = 'say "cheese"' })    --> <img alt="say &quot;cheese&quot;" src="...">
-- @module lubdub.report.html
local html = {}

local Element = { __name = "lubdub.html" }

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

-- What is no UTF-8 (a file name in another encoding) becomes U+FFFD, a byte at a time.
local function repaired(text)
  local parts, at = {}, 1
  while at <= #text do
    local _, bad = utf8.len(text, at)
    if not bad then
      parts[#parts + 1] = text:sub(at)
      break
    end
    parts[#parts + 1] = text:sub(at, bad - 1) .. "\u{FFFD}"
    at = bad + 1
  end
  return table.concat(parts)
end

--- Text as HTML shows it; control characters, which HTML forbids, become blanks.
-- @param value
-- @treturn string
function html.escape(value)
  local text = repaired(tostring(value))
  return (text:gsub("[%z\1-\8\11\12\14-\31\127]", " "):gsub("[&<>\"']", entities))
end

local function is_element(value) return getmetatable(value) == Element end

local function add(parts, value)
  if is_element(value) then
    parts[#parts + 1] = value.text
  elseif type(value) == "table" then
    for _, each in ipairs(value) do add(parts, each) end
  elseif value then
    parts[#parts + 1] = html.escape(value)
  end
end

--- HTML that is known to be right.
-- @tparam string text
function html.raw(text) return setmetatable({ text = text }, Element) end

local empty = { img = true, br = true, meta = true }

local function element(name, ...)
  local attributes, first = "", 1
  local given = ...
  if type(given) == "table" and not is_element(given) and #given == 0 then
    local names = {}
    for key in pairs(given) do names[#names + 1] = key end
    table.sort(names)
    for _, key in ipairs(names) do
      if given[key] == true then
        attributes = attributes .. " " .. key
      elseif given[key] then
        attributes = ('%s %s="%s"'):format(attributes, key, html.escape(given[key]))
      end
    end
    first = 2
  end
  local parts = {}
  for i = first, select("#", ...) do add(parts, (select(i, ...))) end
  if empty[name] then return html.raw(("<%s%s>"):format(name, attributes)) end
  return html.raw(("<%s%s>%s</%s>"):format(name, attributes, table.concat(parts), name))
end

--- A table: a head and rows of cells; numbers stand right. It scrolls by itself where it is too wide.
-- @tparam table head list
-- @tparam table rows list of lists
-- @treturn Element
function html.grid(head, rows)
  local lines, cells = {}, {}
  for i, title in ipairs(head) do cells[i] = html.th({ scope = "col" }, title) end
  for i, row in ipairs(rows) do
    local line = {}
    for j, cell in ipairs(row) do
      if j == 1 then line[j] = html.th({ scope = "row" }, cell) else line[j] = html.td(cell) end
    end
    lines[i] = html.tr(line)
  end
  return html.div({ class = "wide" }, html.table(html.thead(html.tr(cells)), html.tbody(lines)))
end

Element.__tostring = function(self) return self.text end

return setmetatable(html, {
  __index = function(_, name)
    return function(...) return element(name, ...) end
  end,
})
