#include <lauxlib.h>
#include <lua.h>

__attribute__((visibility("default"))) int luaopen_lubdub_h5(lua_State *L);

int luaopen_lubdub_h5(lua_State *L) {
  lua_newtable(L);
  return 1;
}
