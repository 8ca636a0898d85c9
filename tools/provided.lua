--- Prints a LuaRocks configuration that declares the Lua modules which this machine has as provided, so that LuaRocks
-- asks no server for them. It knows only those that lubdub depends on.
local rocks = { luafilesystem = "lfs", dkjson = "dkjson" }

print "rocks_provided = {"
for rock, module in pairs(rocks) do
  local found, value = pcall(require, module)
  local version = found and tostring(value._VERSION or value.version):match "%d[%d.]*"
  if version then print(("  [%q] = %q,"):format(rock, version .. "-1")) end
end
print "}"
