-- The notebooks run from top to bottom, and are what their sources say. A few epochs on toy hearts do here.
local python = io.popen "tools/jupyter.sh"
local name = python:read "l"
python:close()

describe("notebook", function()
  if not name then
    pending "no Python here has ipykernel, jupyter_client and nbclient (Debian: python3-ipykernel python3-nbclient)"
    return
  end
  if not os.execute "command -v gnuplot >/dev/null 2>&1" then
    pending "gnuplot is missing"
    return
  end
  local said
  setup(function()
    local run = io.popen(("PASCAL=/nowhere EPOCHS=2 LUA='%s' '%s' -W ignore tools/notebooks.py --check 2>&1"):format(
      arg[-1] or "lua5.4", name))
    said = run:read "a"
    run:close()
  end)
  for _, book in ipairs { "1_heartbeat", "2_sounds", "3_honest", "4_in_your_program" } do
    it(book .. " runs", function() assert(said:find(book .. ": ok (", 1, true), said) end)
  end
end)
