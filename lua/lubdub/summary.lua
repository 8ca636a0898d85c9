--- The table that `print(model)` shows: Keras' summary, to the character.
-- Keras lays it out with the Python library rich; the widths of columns, the wrapping and the
-- shortening of long words here follow what that gives on a terminal of 80 columns.
-- @module lubdub.summary
local summary = {}

--- Columns on screen of UTF-8 text.
local function columns(text) return utf8.len(text) or #text end

-- Half to even, as Python rounds.
local function round(x)
  local low = math.floor(x)
  local rest = x - low
  if rest > 0.5 or (rest == 0.5 and low % 2 == 1) then return low + 1 end
  return low
end

-- Widths of the cells with one blank on either side: the share of each column in the line, then what
-- the borders and blanks need too much taken from all in equal parts.
local function cell_widths(ends, line_length)
  local widths, current, total = {}, 0, 0
  for i, position in ipairs(ends) do
    local width = math.floor(position * line_length) - current
    if width < 4 then error("summary: line_length is too small", 3) end
    current = current + width
    widths[i] = width + 2
    total = total + widths[i]
  end
  local excess = total + #ends + 1 - line_length
  for i = 1, #widths do
    local less = math.min(round(excess / (#widths - i + 1)), widths[i])
    widths[i], excess = widths[i] - less, excess - less
  end
  return widths
end

local function shorten(word, width)
  if columns(word) <= width then return word end
  return word:sub(1, utf8.offset(word, width) - 1) .. "…"
end

-- Breaks text into lines at blanks; words that are too long end in an ellipsis.
local function wrap(text, width)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    word = shorten(word, width)
    if line and columns(line) + 1 + columns(word) <= width then
      line = line .. " " .. word
    else
      lines[#lines + 1] = line
      line = word
    end
  end
  lines[#lines + 1] = line or ""
  return lines
end

local function pad(text, width, align)
  local rest = width - columns(text)
  local left = align == "right" and rest or align == "center" and rest // 2 or 0
  return (" "):rep(left) .. text .. (" "):rep(rest - left)
end

-- Text stands at the top of its row; in the head at the bottom.
local function add_row(out, cells, widths, aligns, bar, bottom)
  local wrapped, height = {}, 1
  for i, cell in ipairs(cells) do
    wrapped[i] = wrap(cell, widths[i] - 2)
    height = math.max(height, #wrapped[i])
  end
  for row = 1, height do
    local line = {}
    for i, lines in ipairs(wrapped) do
      local text = lines[bottom and row - (height - #lines) or row] or ""
      line[i] = " " .. pad(text, widths[i] - 2, aligns[i]) .. " "
    end
    out[#out + 1] = bar .. table.concat(line, bar) .. bar
  end
end

local function add_rule(out, widths, left, line, cross, right)
  local parts = {}
  for i, width in ipairs(widths) do parts[i] = line:rep(width) end
  out[#out + 1] = left .. table.concat(parts, cross) .. right
end

--- A whole number with a comma between thousands.
-- @tparam integer n
-- @treturn string
function summary.thousands(n)
  local text = ("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function memory(bytes)
  local units = { "B", "KB", "MB", "GB", "TB", "PB" }
  local unit = 1
  while bytes >= 1024 and unit < #units do bytes, unit = bytes / 1024, unit + 1 end
  return ("%.2f %s"):format(bytes, units[unit])
end

local function shape_text(shape)
  if not shape then return "?" end
  local parts = { "None" }
  for i, size in ipairs(shape) do parts[i + 1] = size and ("%d"):format(size) or "None" end
  if #parts == 1 then parts[1] = "None," end
  return "(" .. table.concat(parts, ", ") .. ")"
end

-- What comes out of each layer: for a chain layer by layer, else of the layer's last call; empty before the model is
-- built.
local function shapes_of(model)
  local shapes, by_layer = {}, {}
  local calls = model.calls or {}
  for _, tensor in ipairs(calls) do by_layer[tensor.layer] = tensor.shape end
  for i, layer in ipairs(model.layers) do
    local call = calls[i]
    if #calls == #model.layers and call.layer == layer then shapes[i] = call.shape
    else shapes[i] = by_layer[layer] or layer.kind == "Input" and layer.shape or nil end
  end
  return shapes
end

-- What each layer of a graph reads, as Keras tells it: name[number of the call][0]; nil for a chain.
local function connections(model)
  if not model.depth then return nil end
  local at_depth, seen, is_chain = {}, {}, true
  for tensor, depth in pairs(model.depth) do
    is_chain = is_chain and not at_depth[depth] and not seen[tensor.layer] and #tensor.inputs <= 1
    at_depth[depth], seen[tensor.layer] = true, true
  end
  for _, input in ipairs(model.inputs) do is_chain = is_chain and model.depth[input] end
  if is_chain then return nil end
  local reads = {}
  for _, tensor in ipairs(model.calls) do
    local list = reads[tensor.layer] or {}
    for _, input in ipairs(tensor.inputs) do
      list[#list + 1] = ("%s[%d][0]"):format(input.layer.name, input.call - 1)
    end
    reads[tensor.layer] = list
  end
  local texts = {}
  for i, layer in ipairs(model.layers) do
    texts[i] = reads[layer] and #reads[layer] > 0 and table.concat(reads[layer], ", ") or "-"
  end
  return texts
end

--- The summary of a model as text, without a newline at the end. A graph's has a column more: what each layer
-- reads.
-- @tparam lubdub.model model
-- @tparam ?table options `line_length` (default 76), `show_trainable` (default false)
-- @treturn string
function summary.text(model, options)
  options = require("lubdub.options").read("summary", options, { line_length = 76, show_trainable = false })
  local connected = connections(model)
  local ends, aligns = { 0.45, 0.80, 1.0 }, { "left", "left", "right" }
  local head = { "Layer (type)", "Output Shape", "Param #" }
  if connected then ends, aligns[4], head[4] = { 0.3, 0.56, 0.74, 1.0 }, "left", "Connected to" end
  if options.show_trainable then
    for i, position in ipairs(ends) do ends[i] = position * 0.90 end
    ends[#ends + 1], aligns[#ends + 1], head[#ends + 1] = 1.0, "center", "Trainable"
  end
  local widths = cell_widths(ends, options.line_length)

  local out = { ('Model: "%s"'):format(model.name) }
  add_rule(out, widths, "┏", "━", "┳", "┓")
  add_row(out, head, widths, aligns, "┃", true)
  add_rule(out, widths, "┡", "━", "╇", "┩")
  local shapes = shapes_of(model)
  for i, layer in ipairs(model.layers) do
    if i > 1 then add_rule(out, widths, "├", "─", "┼", "┤") end
    local count = layer:count_params()
    local cells = { ("%s (%s)"):format(layer.name, layer.kind == "Input" and "InputLayer" or layer.kind),
      shape_text(shapes[i]), layer.built and summary.thousands(count) or "0 (unbuilt)" }
    if connected then cells[4] = connected[i] end
    if options.show_trainable then cells[#cells + 1] = count == 0 and "-" or layer.trainable and "Y" or "N" end
    add_row(out, cells, widths, aligns, "│")
  end
  add_rule(out, widths, "└", "─", "┴", "┘")

  local total, trainable = model:count_params()
  local optimizer = model:count_optimizer_params()
  local function line(what, count)
    out[#out + 1] = (" %s params: %s (%s)"):format(what, summary.thousands(count), memory(4 * count))
  end
  line("Total", total + (optimizer or 0))
  line("Trainable", trainable)
  line("Non-trainable", total - trainable)
  if optimizer then line("Optimizer", optimizer) end
  return table.concat(out, "\n")
end

--- The summary as a notebook shows it; a model's metamethod `__mimebundle`.
-- @tparam lubdub.Sequential model
-- @treturn table
function summary.mimebundle(model)
  return { ["text/html"] = ('<pre style="font-family: monospace; line-height: 1.2">%s</pre>'):format(
    require("lubdub.display").escape(tostring(model))) }
end

return summary
