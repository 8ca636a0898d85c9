-- What `make install` leaves is whole: used from another folder, without the checkout on any path; and what it put
-- there, `make uninstall` takes away.
local temporary = require "support.temporary"

local lua = os.getenv "LUA" or "lua5.4"

-- Runs a command with a clean environment; returns whether it ended well, and what it said.
local function run(command)
  local pipe = io.popen(("env -u MAKEFLAGS -u MFLAGS -u LUA_PATH -u LUA_CPATH -u LUA_PATH_5_4 -u LUA_CPATH_5_4 %s 2>&1")
    :format(command))
  local said = pipe:read "a"
  return pipe:close() == true, said
end

local load_all = [[
local root, modules = arg[1], 0
package.path = root .. "/share/lua/5.4/?.lua;" .. root .. "/share/lua/5.4/?/init.lua;" .. package.path
package.cpath = root .. "/lib/lua/5.4/?.so;" .. package.cpath
for file in io.popen("cd '" .. root .. "/share/lua/5.4' && find lubdub -name '*.lua'"):lines() do
  require((file:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")))
  modules = modules + 1
end
require "lubdub.h5"
local lubdub = require "lubdub"
local help = require "lubdub.help"
assert(help.text "Conv2D":find "filters" and help.text "Tensor.reshape":find "row%-major")
print(modules > 20 and lubdub.Tensor({ 1, 2 }):sum())
]]

describe("make install", function()
  it("leaves all that lubdub needs, and make uninstall nothing", function()
    local folder, remove = temporary.folder()
    finally(remove)
    local where = ("DESTDIR='%s' PREFIX=/usr"):format(folder)
    local script = temporary.write(folder, "load_all.lua", load_all)
    assert(run("make install " .. where))
    local _, said = run(("sh -c 'cd / && %s \"$0\" \"$1\"' '%s' '%s/usr'"):format(lua, script, folder))
    assert.equal("3.0\n", said)
    assert(run("make uninstall " .. where))
    _, said = run(("find '%s/usr' -name '*lubdub*'"):format(folder))
    assert.equal("", said)
  end)
end)
