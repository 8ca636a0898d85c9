--- Forks, which Lua has no function for: fork(f, seconds) -> "exit" or "signal", its number. See fork.c beside it.
-- nil where there is no C compiler.
local place = os.tmpname()
local built = os.execute(("${CC:-cc} -O1 -shared -fPIC $(pkg-config --cflags lua5.4 2>/dev/null) -o '%s' "
  .. "spec/support/fork.c 2>/dev/null"):format(place))
local open = built and package.loadlib(place, "luaopen_fork")
os.remove(place)
return open and open() or nil
