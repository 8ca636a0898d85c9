#include "lua/lubdub.h"

int lubL_open_augment(lua_State *L) {
  lua_newtable(L);
  return 1;
}
