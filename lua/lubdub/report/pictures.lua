--- Pictures and sounds as parts of the page itself.
-- @module lubdub.report.pictures
local base64 = require "lubdub.base64"
local html = require "lubdub.report.html"

local pictures = {}

--- A figure as <figure>: SVG for lines and letters, PNG for images of many cells. Without gnuplot, a note with the
-- reason.
-- @tparam function make () -> Figure; an error in it becomes the note, too
-- @tparam string caption
-- @tparam ?string format "svg" (default) or "png"
-- @treturn Element
function pictures.figure(make, caption, format)
  format = format or "svg"
  local made, figure = pcall(make)
  local bytes, reason = nil, figure
  if made then bytes, reason = figure:render(format) end
  if not bytes then
    reason = tostring(reason):gsub("^[^:]*:%d+: ", "")
    return html.p({ class = "missing" }, "Picture missing (", caption, "): ", reason)
  end
  local kind = format == "svg" and "svg+xml" or "png"
  return html.figure(
    html.img { src = ("data:image/%s;base64,%s"):format(kind, base64(bytes)), alt = caption, width = figure.width,
      height = figure.height },
    html.figcaption(caption))
end

--- A sound as a player of a 16-bit wav file.
-- @tparam Tensor signal (n)
-- @tparam integer sr
-- @treturn Element
function pictures.player(signal, sr)
  local samples, highest = signal:totable(), 1e-9
  for _, x in ipairs(samples) do highest = math.max(highest, math.abs(x)) end
  local gain, parts = 0.9 * 32767 / highest, {}
  for i, x in ipairs(samples) do parts[i] = ("<i2"):pack(math.floor(x * gain + 0.5)) end
  local data = table.concat(parts)
  local head = ("<c4I4c4c4I4I2I2I4I4I2I2c4I4"):pack("RIFF", 36 + #data, "WAVE", "fmt ", 16, 1, 1, sr, 2 * sr, 2, 16,
    "data", #data)
  return html.audio { controls = true, preload = "none", src = "data:audio/wav;base64," .. base64(head .. data) }
end

return pictures
