--- Shows things where they can be seen: pictures, tables and sounds in a notebook, text in a terminal.
--
-- What can be shown richly has a metamethod `__mimebundle(self)`, which returns a table of MIME type = content
-- ("text/html", "image/svg+xml", "image/png" as its bytes, ...); a class of one's own may have it too. `text/plain` is
-- what tostring gives unless it is among them. The last value of a notebook's cell is shown without asking.
-- @module lubdub.display
-- @usage lubdub.display(lubdub.datasets.hearts { n = 5 })
local display = {}

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- Bytes as base64.
-- @tparam string bytes
-- @treturn string
function display.base64(bytes)
  local pairs_of, out = {}, {}
  for i = 0, 4095 do -- 12 bits at a time
    local high, low = i // 64 + 1, i % 64 + 1
    pairs_of[i] = alphabet:sub(high, high) .. alphabet:sub(low, low)
  end
  local whole = #bytes - #bytes % 3
  for at = 1, whole, 3 do
    local n = (">I3"):unpack(bytes, at)
    out[#out + 1] = pairs_of[n >> 12] .. pairs_of[n & 4095]
  end
  local rest = bytes:sub(whole + 1)
  if #rest > 0 then
    local n = (">I3"):unpack(rest .. ("\0"):rep(3 - #rest))
    out[#out + 1] = (pairs_of[n >> 12] .. pairs_of[n & 4095]):sub(1, #rest + 1) .. ("="):rep(3 - #rest)
  end
  return table.concat(out)
end

--- Text as it stands in HTML.
-- @tparam string text
-- @treturn string
function display.escape(text)
  return (tostring(text):gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

--- A table in HTML. Columns whose first cell below the head begins as a number does stand to the right.
-- @tparam table rows lists of cells; the first row is the head
-- @treturn string
function display.html_table(rows)
  local out, sides = { "<table>" }, {}
  for j = 1, #rows[1] do
    sides[j] = rows[2] and tostring(rows[2][j]):find "^%-?%d" and "right" or "left"
  end
  for i, row in ipairs(rows) do
    local cells, tag = {}, i == 1 and "th" or "td"
    for j, side in ipairs(sides) do
      cells[j] = ('<%s style="text-align: %s">%s</%s>'):format(tag, side,
        display.escape(row[j] == nil and "" or row[j]), tag)
    end
    out[#out + 1] = "<tr>" .. table.concat(cells) .. "</tr>"
  end
  out[#out + 1] = "</table>"
  return table.concat(out, "\n")
end

--- What a value is shown as.
-- @param value
-- @treturn table MIME type = content; images but SVG as base64, as notebooks keep them
function display.bundle(value)
  local meta = getmetatable(value)
  local rich = type(meta) == "table" and rawget(meta, "__mimebundle")
  local bundle = {}
  for mime, content in pairs(rich and rich(value) or {}) do
    local bytes = (mime:find "^image/" or mime:find "^audio/") and mime ~= "image/svg+xml"
    bundle[mime] = bytes and display.base64(content) or content
  end
  bundle["text/plain"] = bundle["text/plain"] or tostring(value)
  return bundle
end

--- Shows values one below the other: richly in a notebook (lubdub's kernel, xeus-lua), as text elsewhere.
-- `lubdub.display(value, ...)` is the same.
-- @param ... anything
-- @usage lubdub.display.show("one line", 42)
function display.show(...)
  local notebook = rawget(_G, "ilua")
  for i = 1, select("#", ...) do
    local value = (select(i, ...))
    if notebook then
      notebook.display.detail._display_data(require("dkjson").encode(display.bundle(value)), "{}", "{}")
    else
      print(value)
    end
  end
end

-- === sounds ===

local Player = { __name = "lubdub.Player" }
Player.__index = Player

function Player:__tostring()
  return ("Player(%.2f s, %g Hz): a notebook shows it as a player"):format(self.duration, self.sr)
end

function Player:__mimebundle()
  return { ["text/html"] = ('<audio controls src="data:audio/wav;base64,%s"></audio>'):format(
    display.base64(self.wav)) }
end

--- A sound to listen to in a notebook. It is kept within the notebook: leave recordings of people out of those that
-- you pass on.
-- @tparam lubdub.Tensor signal (samples,); the loudest sample plays at full scale
-- @tparam number sr its sample rate, Hz
-- @treturn Player
-- @usage lubdub.display(lubdub.display.audio(lubdub.datasets.hearts { n = 1 }[1].audio, 4000))
function display.audio(signal, sr)
  local core, blame = require "lubdub.core", require "lubdub.blame"
  if not core.Tensor.is(signal) or #signal:shape() ~= 1 or #signal == 0 then
    blame("display.audio: signal must be a Tensor (samples,), got %s", core.Tensor.is(signal)
      and "(" .. table.concat(signal:shape(), ", ") .. ")" or type(signal))
  end
  if type(sr) ~= "number" or not (sr >= 1 and sr <= 768000) then
    blame("display.audio: sr must be a sample rate from 1 to 768000 Hz, got %s", tostring(sr))
  end
  local samples, peak = signal:totable(), 0
  for _, value in ipairs(samples) do
    local size = math.abs(value)
    if size > peak and size < math.huge then peak = size end
  end
  local scale, rate = peak > 0 and 32767 / peak or 0, math.floor(sr + 0.5)
  for i, value in ipairs(samples) do
    value = value * scale
    samples[i] = ("<i2"):pack(value == value and math.floor(math.max(-32767, math.min(32767, value)) + 0.5) or 0)
  end
  local data = table.concat(samples)
  local wav = ("<c4I4c4c4I4I2I2I4I4I2I2c4I4"):pack("RIFF", 36 + #data, "WAVE", "fmt ", 16, 1, 1, rate, 2 * rate, 2, 16,
    "data", #data) .. data
  return setmetatable({ wav = wav, sr = sr, duration = #signal / sr }, Player)
end

return setmetatable(display, { __call = function(_, ...) display.show(...) end })
