/* core.optimizers: one constructor per kind; an optimizer is its options (a trainer keeps the state), and perhaps a
 * schedule: what calculates the learning rate, kept for lua/lubdub/optimizers.lua as the user value. */
#include <string.h>

#include "lua/nn.h"

lubL_optimizer *lubL_checkoptimizer(lua_State *L, int arg) { return luaL_checkudata(L, arg, LUBL_OPTIMIZER); }

static int optimizer_new(lua_State *L) {
  const lub_optimizer_kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 1);
  lubL_optimizer *o = lua_newuserdatauv(L, sizeof *o, 1);
  lub_error err;
  o->kind = kind;
  lubL_readoptions(L, 1, kind->name, kind->options, o->options, NULL);
  if (lub_optimizer_check(kind, o->options, &err) != LUB_OK) return lubL_failure(L, &err);
  luaL_setmetatable(L, LUBL_OPTIMIZER);
  return 1;
}

/* optimizer:config(): every option with its value, under Keras' names. */
static int optimizer_config(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  lubL_pushoptions(L, o->kind->options, o->options);
  return 1;
}

/* optimizer:slots(): the names of the arrays that a trainer keeps for each weight, in the order of trainer:state(). */
static int optimizer_slots(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  const char *names[LUB_MAX_SLOTS];
  int n = o->kind->slots ? o->kind->slots(o->options, names) : 0;
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushstring(L, names[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int optimizer_tostring(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  lubL_pushoptionstext(L, o->kind->options, o->options, LUBL_NO_NONES);
  const char *options = lua_tostring(L, -1), *schedule = NULL;
  if (lua_getiuservalue(L, 1, 1) != LUA_TNIL)
    schedule = lua_isfunction(L, -1) ? "a function" : luaL_tolstring(L, -1, NULL);
  if (schedule) lua_pushfstring(L, "%s(%s; rate by %s)", o->kind->name, options, schedule);
  else lua_pushfstring(L, "%s(%s)", o->kind->name, options);
  return 1;
}

/* Fields kind, learning_rate and schedule (nil: none); methods. */
static int optimizer_index(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "kind") == 0) lua_pushstring(L, o->kind->name);
  else if (strcmp(key, "learning_rate") == 0)
    lua_pushnumber(L, ((lub_optimizer_options *)(void *)o->options)->learning_rate);
  else if (strcmp(key, "schedule") == 0) lua_getiuservalue(L, 1, 1);
  else {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
  }
  return 1;
}

static void set_rate(lua_State *L, lubL_optimizer *o, int arg) {
  lua_Number rate = luaL_checknumber(L, arg);
  if (!(rate >= 0 && rate < HUGE_VAL))
    luaL_error(L, "%s: learning_rate must be at least 0, got %f", o->kind->name, rate);
  ((lub_optimizer_options *)(void *)o->options)->learning_rate = rate;
}

/* optimizer:set_schedule(schedule, rate): a new schedule, or nil, and the rate of now. */
static int optimizer_set_schedule(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  lua_settop(L, 3);
  set_rate(L, o, 3);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 1, 1);
  return 0;
}

static int optimizer_newindex(lua_State *L) {
  lubL_optimizer *o = lubL_checkoptimizer(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "learning_rate") != 0)
    return luaL_error(L, "%s: '%s' cannot be set; learning_rate can", o->kind->name, key);
  lua_getiuservalue(L, 1, 1);
  if (!lua_isnil(L, -1))
    return luaL_error(L, "%s: learning_rate follows a schedule and cannot be set", o->kind->name);
  set_rate(L, o, 3);
  return 0;
}

int lubL_open_optimizer(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"config", optimizer_config}, {"slots", optimizer_slots}, {"set_schedule", optimizer_set_schedule}, {NULL, NULL}};
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
