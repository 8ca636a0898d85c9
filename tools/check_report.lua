--- Opens a report in headless Chromium, on a wide screen and at the width of a phone: fails on a message in the
-- console, a picture or a sound that does not load, or a page wider than its screen. Pictures of both, and the page on
-- paper as a PDF, lie beside it afterwards.
--
--    lua5.4 tools/check_report.lua report.html
local path = arg[1] or error "usage: check_report.lua report.html"
local full = path:sub(1, 1) == "/" and path or os.getenv "PWD" .. "/" .. path
local base = full:gsub("%.html?$", "")

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function write(name, text)
  local file <close> = assert(io.open(name, "w"))
  assert(file:write(text))
end

local profile = run("mktemp -d"):gsub("%s+$", "")
local chromium = ("chromium --headless --no-sandbox --disable-gpu --allow-file-access-from-files "
  .. "--enable-logging=stderr --user-data-dir='%s'"):format(profile)

-- A phone is a frame of its width: Chromium's own window is never that narrow.
local frame = [[<!DOCTYPE html><meta charset="utf-8"><style>body{margin:0}</style>
<iframe id="f" src="file://%s" width="%d" height="%d" style="border:0"></iframe><pre id="said">waiting</pre><script>
const f = document.getElementById('f')
f.onload = async () => {
  const d = f.contentDocument, bad = []
  for (const i of d.images) if (!i.complete || i.naturalWidth === 0) bad.push('picture does not load: ' + i.alt)
  for (const a of d.querySelectorAll('audio')) await new Promise(done => {
    a.onloadedmetadata = done
    a.onerror = () => { bad.push('sound does not load'); done() }
    a.preload = 'metadata'; a.load()
  })
  const over = d.documentElement.scrollWidth - d.documentElement.clientWidth
  if (over > 0) bad.push('the page is ' + over + ' pixels wider than its screen')
  document.getElementById('said').textContent = 'checked ' + d.images.length + ' pictures, '
    + d.querySelectorAll('audio').length + ' sounds, height ' + d.documentElement.scrollHeight + '\n' + bad.join('\n')
}
</script>]]

local failed = false
for name, width in pairs { wide = 1100, phone = 390 } do
  local page = ("%s/%s.html"):format(profile, name)
  write(page, frame:format(full, width, 900))
  local said, result
  for attempt = 1, 4 do -- sounds load beside the virtual clock: on a busy machine it may run out before them
    said = run(("%s --virtual-time-budget=%d --dump-dom 'file://%s'"):format(chromium, attempt * 30000, page))
    result = said:match '<pre id="said">(.-)</pre>' or "no answer"
    if result ~= "waiting" then break end
  end
  local height = tonumber(result:match "height (%d+)") or 900
  print(name, (result:gsub("%s+$", "")))
  for message in said:gmatch "[^\n]*CONSOLE[^\n]*" do
    print(name, message)
    failed = true
  end
  if not result:find "^checked" or result:find "\n%S" then failed = true end
  write(page, frame:format(full, width, height))
  run(("%s --hide-scrollbars --window-size=%d,%d --screenshot='%s_%s.png' 'file://%s'"):format(chromium,
    math.max(width, 500), height + 20, base, name, page))
end
run(("%s --no-pdf-header-footer --print-to-pdf='%s.pdf' 'file://%s'"):format(chromium, base, full))
run(("rm -r '%s'"):format(profile))
os.exit(not failed)
