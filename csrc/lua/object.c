/* core.initializers, core.regularizers and core.constraints: what layers take as options, with its own options read and
 * checked. */
#include "lua/nn.h"

/* KIND(options): the table { name, option = value, ... } with every option, as layers take it. */
static int object_new(lua_State *L) {
  const lub_object_kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  lub_object object;
  lua_settop(L, 1);
  lubL_readoptions(L, 1, kind->class_name, kind->options, object.options, NULL);
  lubL_pushoptions(L, kind->options, object.options);
  lua_pushstring(L, kind->name);
  lua_rawseti(L, -2, 1);
  return 1;
}

/* Pushes a table: class name = { new =, name =, first = the option that stands for a lone number, or nil }. */
static void push_kinds(lua_State *L, const lub_object_kind *kinds) {
  lua_newtable(L);
  for (const lub_object_kind *kind = kinds; kind->name; kind++) {
    lua_newtable(L);
    lua_pushlightuserdata(L, (void *)(uintptr_t)kind);
    lua_pushcclosure(L, object_new, 1);
    lua_setfield(L, -2, "new");
    lua_pushstring(L, kind->name);
    lua_setfield(L, -2, "name");
    if (kind->options[0].name && kind->options[0].type == LUB_OPTION_NUMBER) {
      lua_pushstring(L, kind->options[0].name);
      lua_setfield(L, -2, "first");
    }
    lua_setfield(L, -2, kind->class_name);
  }
}

int lubL_open_initializer(lua_State *L) {
  push_kinds(L, lub_initializer_kinds);
  return 1;
}

int lubL_open_regularizer(lua_State *L) {
  push_kinds(L, lub_regularizer_kinds);
  return 1;
}

int lubL_open_constraint(lua_State *L) {
  push_kinds(L, lub_constraint_kinds);
  return 1;
}
