/* core.standardize: feature/standardize.h on a few rows at a time (lua/lubdub/standard_scaler.lua). */
#include "feature/standardize.h"

#include "lua/lubdub.h"

/* standardize.groups(x, size, first, count): standardizes so many runs of `size` numbers, from run `first` (from 0)
 * on, in place */
static int standardize_groups(lua_State *L) {
  lub_tensor *x = lubL_checktensor(L, 1);
  lua_Integer size = luaL_checkinteger(L, 2), first = luaL_checkinteger(L, 3), count = luaL_checkinteger(L, 4);
  int64_t total = lub_tensor_size(x);
  luaL_argcheck(L, lub_tensor_contiguous(x), 1, "a tensor without gaps expected");
  luaL_argcheck(L, size >= 1 && first >= 0 && count >= 0 && (first + count) * size <= total, 2, "out of range");
  lub_standardize(x->data + first * size, count, size);
  return 0;
}

/* standardize.moments(x, axes) -> list of means, list of sums of squared differences, numbers per group; axes (from
 * 1): those with statistics of their own */
static int standardize_moments(lua_State *L) {
  bool kept[LUB_MAX_DIMS] = {false};
  lua_settop(L, 2);
  lub_tensor *x = lubL_checkcontiguous(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  for (int i = 1, n = (int)lua_rawlen(L, 2); i <= n; i++) {
    lua_rawgeti(L, 2, i);
    lua_Integer axis = luaL_checkinteger(L, -1);
    luaL_argcheck(L, axis >= 1 && axis <= x->shape.ndim, 2, "no such axis");
    kept[axis - 1] = true;
    lua_pop(L, 1);
  }
  int64_t groups = lub_moment_groups(&x->shape, kept);
  luaL_argcheck(L, groups >= 1 && groups < INT32_MAX, 1, "the tensor is empty");
  double *mean = lua_newuserdatauv(L, sizeof(double) * 2 * (size_t)groups, 0);
  lub_moments(x->data, &x->shape, kept, mean, mean + groups);
  for (int part = 0; part < 2; part++) {
    lua_createtable(L, (int)groups, 0);
    for (int64_t g = 0; g < groups; g++) {
      lua_pushnumber(L, mean[part * groups + g]);
      lua_rawseti(L, -2, g + 1);
    }
  }
  lua_pushinteger(L, lub_tensor_size(x) / groups);
  return 3;
}

int lubL_open_standardize(lua_State *L) {
  static const luaL_Reg functions[] = {{"groups", standardize_groups}, {"moments", standardize_moments}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
