/* core.optimizers: one constructor per kind; an optimizer is its options (a trainer keeps the state). */
#include <string.h>

#include "lua/nn.h"

lubL_optimizer *lubL_checkoptimizer(lua_State *L, int arg) { return luaL_checkudata(L, arg, LUBL_OPTIMIZER); }

static int optimizer_new(lua_State *L) {
  const lub_optimizer_kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 1);
  lubL_optimizer *o = lua_newuserdatauv(L, sizeof *o, 0);
  o->kind = kind;
  lubL_readoptions(L, 1, kind->name, kind->options, o->options, NULL);
  luaL_setmetatable(L, LUBL_OPTIMIZER);
  return 1;
}

/* optimizer:config(): every option with its value, under Keras' names. */
static int optimizer_config(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  lubL_pushoptions(L, o->kind->options, o->options);
  return 1;
}

static int optimizer_tostring(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  lubL_pushoptionstext(L, o->kind->options, o->options, 0);
  lua_pushfstring(L, "%s(%s)", o->kind->name, lua_tostring(L, -1));
  return 1;
}

/* Fields kind and learning_rate; methods. */
static int optimizer_index(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "kind") == 0) lua_pushstring(L, o->kind->name);
  else if (strcmp(key, "learning_rate") == 0)
    lua_pushnumber(L, ((lub_optimizer_options *)(void *)o->options)->learning_rate);
  else {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
  }
  return 1;
}

static int optimizer_newindex(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "learning_rate") != 0)
    return luaL_error(L, "%s: '%s' cannot be set; learning_rate can", o->kind->name, key);
  lua_Number rate = luaL_checknumber(L, 3);
  if (!(rate >= 0 && rate < HUGE_VAL)) return luaL_error(L, "%s: learning_rate must be at least 0, got %f", o->kind->name, rate);
  ((lub_optimizer_options *)(void *)o->options)->learning_rate = rate;
  return 0;
}

int lubL_open_optimizer(lua_State *L) {
  static const luaL_Reg methods[] = {{"config", optimizer_config}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", optimizer_tostring}, {"__newindex", optimizer_newindex}, {NULL, NULL}};
  lubL_class(L, LUBL_OPTIMIZER, methods, meta);
  luaL_getmetatable(L, LUBL_OPTIMIZER);
  lua_getfield(L, -1, "__index");
  lua_pushcclosure(L, optimizer_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);

  lua_newtable(L);
  for (int i = 0; lub_optimizer_kinds[i]; i++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)lub_optimizer_kinds[i]);
    lua_pushcclosure(L, optimizer_new, 1);
    lua_setfield(L, -2, lub_optimizer_kinds[i]->name);
  }
  return 1;
}
