-- Files that cannot be written: limits, full disks, no folder, no right. The old file is there, whole, and nothing
-- beside it; the reason names the path; the process lives.
local lfs = require "lfs"

local lubdub = require "lubdub"
local child = require "support.child"
local constants = require "support.constants"
local temporary = require "support.temporary"

-- Tries to save each kind of file, in the folder where it runs.
local attempts = [[
local constants = require "support.constants"
for _, name in ipairs(constants.names) do print(constants.save(%s, 2)) end
print "alive"
]]

local function reasons(format)
  local lines = {}
  for i, name in ipairs(constants.names) do lines[i] = "nil\t" .. format:gsub("NAME", name) end
  return table.concat(lines, "\n") .. "\nalive\n"
end

describe("a file that cannot be written", function()
  local folder, remove
  before_each(function()
    folder, remove = temporary.folder()
    lubdub.on_warning(function() end)
  end)
  after_each(function()
    lubdub.on_warning(nil)
    remove()
  end)

  local function save_old(where)
    for _, name in ipairs(constants.names) do assert(constants.save(where .. "/" .. name, 1)) end
  end

  local function are_old(where)
    for _, name in ipairs(constants.names) do assert.equal(1, constants.read(where .. "/" .. name)) end
    assert.equal("m.backup m.h5 m.keras m.weights.h5", temporary.names(where))
  end

  it("because of a limit on file sizes leaves the old one; the signal's disposition stays the host's", function()
    save_old(folder)
    local text, how, status = child.run(folder, attempts:format "name" .. [[
      io.stdout:flush()
      local file = io.open("m.part", "wb")
      while file:write(("x"):rep(4096)) do end
      print "not reached"]], "ulimit -f 90")
    assert.equal(reasons "NAME: File too large", text:match "^.-alive\n") -- then the shell's own words
    assert.equal("exit 153", ("%s %d"):format(how, status)) -- 128 + SIGXFSZ, as without lubdub
    os.remove(folder .. "/m.part")
    are_old(folder)
  end)

  it("because the device is full", function()
    if lfs.attributes("/dev/full", "mode") ~= "char device" then return pending "there is no /dev/full" end
    for _, name in ipairs(constants.names) do assert(lfs.link("/dev/full", folder .. "/" .. name, true)) end
    assert.equal(reasons "NAME: No space left on device", (child.run(folder, attempts:format "name")))
    assert.equal("m.backup m.h5 m.keras m.weights.h5", temporary.names(folder))
  end)

  it("because the disk is full leaves the old one", function()
    local mount = "mount -t tmpfs -o size=4m lubdub disk"
    assert(lfs.mkdir(folder .. "/disk"))
    local code = ([[
      local constants = require "support.constants"
      require("lubdub").on_warning(function() end)
      for _, name in ipairs(constants.names) do assert(constants.save("disk/" .. name, 1)) end
      local fill = io.open("disk/fill", "wb")
      fill:setvbuf "no"
      while fill:write(("x"):rep(4096)) do end
      fill:close()
      ]] .. attempts:format '"disk/" .. name' .. [[
      for _, name in ipairs(constants.names) do assert(constants.read("disk/" .. name) == 1) end
      local list = {}
      for name in require("lfs").dir "disk" do list[#list + 1] = name end
      table.sort(list)
      print(table.concat(list, " "))]])
    local privileged = "unshare --map-root-user --mount sh -c"
    if not os.execute(("cd '%s' && %s '%s' 2>/dev/null"):format(folder, privileged, mount)) then
      return pending "mounting is not allowed here"
    end
    temporary.write(folder, "run.lua", code)
    local text = child.run(folder, [[os.exit(os.execute("]] .. privileged .. [[ ']] .. mount
      .. [[ && lua5.4 run.lua'"))]])
    assert.equal(reasons "disk/NAME: No space left on device" .. ". .. fill m.backup m.h5 m.keras m.weights.h5\n", text)
  end)

  it("because there is no folder", function()
    temporary.write(folder, "file", "text")
    for name, why in pairs { file = "Not a directory", absent = "No such file or directory" } do
      local text = child.run(folder, attempts:format(('"%s/" .. name'):format(name)))
      assert.equal(reasons(name .. "/NAME: " .. why), text)
    end
    assert.equal("file", temporary.names(folder))
    assert.equal("text", io.open(folder .. "/file"):read "a")
  end)

  it("because nobody may leaves the old one", function()
    save_old(folder)
    lfs.mkdir(folder .. "/empty")
    -- root passes over permissions by a capability; without it, but still as itself, it can read the checkout wherever
    local weak = os.execute "test $(id -u) = 0" and "setpriv --bounding-set -all --inh-caps -all" or "env"
    if not os.execute(weak .. " true >/dev/null 2>&1") then
      return pending "root may write everywhere, and cannot give that up here"
    end
    local before = "chmod a-w . empty; exec " .. weak
    temporary.write(folder, "run.sh", before .. ' "$@"')
    local text = child.run(folder, attempts:format "name" .. attempts:format '"empty/" .. name', nil, "sh run.sh")
    os.execute(("chmod u+w '%s' '%s/empty'"):format(folder, folder))
    assert.equal(reasons "NAME: Permission denied" .. reasons "empty/NAME: Permission denied", text)
    assert.equal("", temporary.names(folder .. "/empty"))
    lfs.rmdir(folder .. "/empty")
    os.remove(folder .. "/run.sh")
    are_old(folder)
  end)
end)
