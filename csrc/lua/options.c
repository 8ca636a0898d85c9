/* Options from Lua tables; and core.options.check for the options of Lua functions. */
#include <stdio.h>
#include <string.h>

#include "lua/nn.h"

static int unknown_option(lua_State *L, const char *where, const char *name, const char *const *names) {
  const char *nearest = lub_nearest_name(name, names);
  if (nearest) return luaL_error(L, "%s: unknown option '%s'; did you mean '%s'?", where, name, nearest);
  return luaL_error(L, "%s: unknown option '%s'", where, name);
}

static const lub_option *find_option(const lub_option *table, const char *name) {
  for (const lub_option *o = table; o->name; o++)
    if (strcmp(o->name, name) == 0 || (o->alias && strcmp(o->alias, name) == 0)) return o;
  return NULL;
}

/* What stands on top of the stack, in a few words: neither an address nor a whole tensor. Leaves a value behind. */
static const char *came(lua_State *L) {
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: return lua_pushfstring(L, "'%s'", lua_tostring(L, -1));
  case LUA_TNUMBER: return lua_compare(L, -1, -1, LUA_OPEQ) ? luaL_tolstring(L, -1, NULL) : "NaN";
  case LUA_TBOOLEAN: return lua_toboolean(L, -1) ? "true" : "false";
  default: return luaL_getmetafield(L, -1, "__name") == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
  }
}

static int wrong_option(lua_State *L, const char *where, const lub_option *o, const char *expected) {
  return luaL_error(L, "%s: option '%s' must be %s%s, got %s", where, o->name, expected,
                    o->nullable ? " or false" : "", came(L));
}

static void check_bounds(lua_State *L, const char *where, const lub_option *o, double value) {
  if (o->min == o->max) return;
  if (value >= o->min && (o->below_max ? value < o->max : value <= o->max)) return;
  char bounds[96];
  if (isinf(o->max)) snprintf(bounds, sizeof bounds, "at least %g", o->min);
  else snprintf(bounds, sizeof bounds, "in [%g, %.10g%s", o->min, o->max, o->below_max ? ")" : "]");
  luaL_error(L, "%s: option '%s' must be %s, got %s", where, o->name, bounds, came(L));
}

static int64_t read_int(lua_State *L, const char *where, const lub_option *o) {
  int exact;
  lua_Integer value = lua_tointegerx(L, -1, &exact);
  if (lua_type(L, -1) != LUA_TNUMBER || !exact) wrong_option(L, where, o, "a whole number");
  check_bounds(L, where, o, (double)value);
  return (int64_t)value;
}

static void wrong_choice(lua_State *L, const char *where, const lub_option *o, const char *name) {
  luaL_Buffer list;
  luaL_buffinit(L, &list);
  for (int i = 0; o->type == LUB_OPTION_OBJECT ? o->kinds[i].name != NULL : o->choices[i] != NULL; i++) {
    if (i > 0) luaL_addstring(&list, ", ");
    luaL_addstring(&list, o->type == LUB_OPTION_OBJECT ? o->kinds[i].name : o->choices[i]);
  }
  luaL_pushresult(&list);
  luaL_error(L, "%s: option '%s' must be one of %s, got '%s'", where, o->name, lua_tostring(L, -1), name);
}

static void read_named(lua_State *L, int arg, const char *where, const lub_option *table, void *options,
                       const char *const *extra, bool headed);

/* An object on top of the stack: its kind's name, or a table { name, option = value, ... }. */
static void read_object(lua_State *L, const char *where, const lub_option *o, lub_object *object) {
  int value = lua_gettop(L);
  luaL_checkstack(L, 4, where);
  if (lua_istable(L, value)) lua_rawgeti(L, value, 1);
  else lua_pushvalue(L, value);
  if (lua_type(L, -1) != LUA_TSTRING) {
    lua_settop(L, value);
    wrong_option(L, where, o, "a name, or { name, option = value }");
  }
  const char *name = lua_tostring(L, -1);
  memset(object, 0, sizeof *object);
  object->kind = LUB_NONE_CHOICE;
  for (int i = 0; o->kinds[i].name; i++)
    if (strcmp(o->kinds[i].name, name) == 0 || strcmp(o->kinds[i].class_name, name) == 0) object->kind = i;
  if (object->kind < 0) wrong_choice(L, where, o, name);
  const lub_option *own = o->kinds[object->kind].options;
  if (lua_istable(L, value)) {
    const char *inner = lua_pushfstring(L, "%s: %s %s", where, o->name, o->kinds[object->kind].name);
    read_named(L, value, inner, own, object->options, NULL, true);
  } else {
    lub_options_defaults(own, object->options);
  }
  lua_settop(L, value);
}

/* One number; or a list with a number, or a list of two, for each pair. */
static void read_pairs(lua_State *L, const char *where, const lub_option *o, int64_t *values) {
  if (!lua_istable(L, -1)) {
    int64_t value = read_int(L, where, o);
    for (int i = 0; i < 2 * o->count; i++) values[i] = value;
    return;
  }
  int list = lua_gettop(L);
  bool fits = (int)lua_rawlen(L, list) == o->count;
  for (int i = 0; i < o->count && fits; i++) {
    lua_rawgeti(L, list, i + 1);
    bool pair = lua_istable(L, -1);
    fits = !pair || lua_rawlen(L, -1) == 2;
    for (int k = 0; k < 2 && fits; k++) {
      if (pair) lua_rawgeti(L, list + 1, k + 1);
      values[2 * i + k] = read_int(L, where, o);
      lua_settop(L, list + 1);
    }
    lua_settop(L, list);
  }
  if (!fits)
    luaL_error(L, "%s: option '%s' must be a number, or %d numbers or pairs of numbers", where, o->name, o->count);
}

/* A list of whole numbers on top of the stack, of which some may be false: -1 then. */
static void read_list(lua_State *L, const char *where, const lub_option *o, lub_shape *shape) {
  const int list = lua_gettop(L), n = (int)lua_rawlen(L, list);
  if (n < 1 || n > LUB_MAX_DIMS)
    luaL_error(L, "%s: option '%s' must have 1 to %d numbers, got %d", where, o->name, LUB_MAX_DIMS, n);
  shape->ndim = n;
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, list, i + 1);
    const bool none = o->open && lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    shape->dim[i] = none ? -1 : read_int(L, where, o);
    lua_settop(L, list);
  }
}

static void read_shape(lua_State *L, const char *where, const lub_option *o, lub_shape *shape) {
  bool none = o->nullable && lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  if (!none && !lua_istable(L, -1)) wrong_option(L, where, o, "a table of sizes");
  if (none) *shape = (lub_shape){0};
  else if (o->open) read_list(L, where, o, shape);
  else if (o->negative) *shape = lubL_readopenshape(L, lua_gettop(L), where);
  else *shape = lubL_readshape(L, lua_gettop(L), where);
}

/* Reads the value on top of the stack into its field. */
static void read_option(lua_State *L, const char *where, const lub_option *o, void *field) {
  bool none = lua_isboolean(L, -1) && !lua_toboolean(L, -1) && o->type != LUB_OPTION_BOOL;
  if (none && !o->nullable) wrong_option(L, where, o, "given");
  switch (o->type) {
  case LUB_OPTION_INT: *(int64_t *)field = none ? LUB_NONE_INT : read_int(L, where, o); break;
  case LUB_OPTION_NUMBER:
    if (!none && lua_type(L, -1) != LUA_TNUMBER) wrong_option(L, where, o, "a number");
    *(double *)field = none ? NAN : lua_tonumber(L, -1);
    if (!none) check_bounds(L, where, o, *(double *)field);
    break;
  case LUB_OPTION_BOOL:
    if (!lua_isboolean(L, -1)) wrong_option(L, where, o, "true or false");
    *(bool *)field = lua_toboolean(L, -1);
    break;
  case LUB_OPTION_CHOICE: {
    int choice = LUB_NONE_CHOICE;
    if (!none) {
      if (lua_type(L, -1) != LUA_TSTRING) wrong_option(L, where, o, "a name");
      const char *name = lua_tostring(L, -1);
      for (int i = 0; o->choices[i]; i++)
        if (strcmp(o->choices[i], name) == 0) choice = i;
      if (choice < 0) wrong_choice(L, where, o, name);
    }
    *(int *)field = choice;
    break;
  }
  case LUB_OPTION_INTS: {
    int64_t *values = field;
    if (lua_istable(L, -1)) {
      if ((int)lua_rawlen(L, -1) != o->count)
        luaL_error(L, "%s: option '%s' must have %d numbers, got %d", where, o->name, o->count, (int)lua_rawlen(L, -1));
      for (int i = 0; i < o->count; i++) {
        lua_rawgeti(L, -1, i + 1);
        values[i] = read_int(L, where, o);
        lua_pop(L, 1);
      }
    } else {
      int64_t value = none ? LUB_NONE_INT : read_int(L, where, o);
      for (int i = 0; i < o->count; i++) values[i] = value;
    }
    break;
  }
  case LUB_OPTION_PAIRS: read_pairs(L, where, o, field); break;
  case LUB_OPTION_SHAPE: read_shape(L, where, o, field); break;
  case LUB_OPTION_AXES:
    if (lua_istable(L, -1)) read_list(L, where, o, field);
    else *(lub_shape *)field = (lub_shape){1, {read_int(L, where, o)}};
    break;
  case LUB_OPTION_OBJECT:
    if (none) *(lub_object *)field = (lub_object){.kind = LUB_NONE_CHOICE};
    else read_object(L, where, o, field);
    break;
  case LUB_OPTION_LAYER:
    if (none) ((lub_inner_layer *)field)->kind = NULL;
    else if (!luaL_testudata(L, -1, LUBL_LAYER)) wrong_option(L, where, o, "a layer");
    else lubL_readinner(L, where, o->name, field);
    break;
  }
}

/* lubL_readoptions; a table that is `headed` has something that is no option at [1]. */
static void read_named(lua_State *L, int arg, const char *where, const lub_option *table, void *options,
                       const char *const *extra, bool headed) {
  uint64_t seen = 0;
  lub_options_defaults(table, options);
  if (!lua_isnoneornil(L, arg)) {
    if (!lua_istable(L, arg))
      luaL_error(L, "%s: options must be a table, got %s", where, luaL_typename(L, arg));
    luaL_checkstack(L, 8, where);
    if (table[0].name && table[0].type == LUB_OPTION_SHAPE && lua_rawlen(L, arg) > 0) {
      lua_pushvalue(L, arg);
      read_shape(L, where, &table[0], (lub_shape *)((char *)options + table[0].offset));
      lua_pop(L, 1);
      seen |= 1;
    }
    if (table[0].name && table[0].type == LUB_OPTION_LAYER) {
      headed = lua_rawgeti(L, arg, 1) != LUA_TNIL;
      if (headed) read_option(L, where, &table[0], (char *)options + table[0].offset);
      if (headed) seen |= 1;
      lua_pop(L, 1);
    }
    for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
      if (lua_type(L, -2) == LUA_TNUMBER && ((seen & 1) || (headed && lua_tonumber(L, -2) == 1))) continue;
      if (lua_type(L, -2) != LUA_TSTRING)
        luaL_error(L, "%s: options must be named, got %s", where, luaL_tolstring(L, -2, NULL));
      const char *name = lua_tostring(L, -2);
      bool known = false;
      for (int i = 0; extra && extra[i]; i++) known = known || strcmp(extra[i], name) == 0;
      if (known) continue;
      const lub_option *o = find_option(table, name);
      if (!o) {
        const char *names[80];
        int n = 0;
        for (int i = 0; extra && extra[i] && n < 79; i++) names[n++] = extra[i];
        for (const lub_option *p = table; p->name && n < 79; p++) names[n++] = p->name;
        names[n] = NULL;
        unknown_option(L, where, name, names);
        return;
      }
      if (seen >> (o - table) & 1) luaL_error(L, "%s: option '%s' is given twice", where, o->name);
      seen |= UINT64_C(1) << (o - table);
      read_option(L, where, o, (char *)options + o->offset);
    }
  }
  for (const lub_option *o = table; o->name; o++)
    if (o->required && !(seen >> (o - table) & 1)) luaL_error(L, "%s: option '%s' is missing", where, o->name);
}

void lubL_readoptions(lua_State *L, int arg, const char *where, const lub_option *table, void *options,
                      const char *const *extra) {
  read_named(L, arg, where, table, options, extra, false);
}

static bool own_at_default(const lub_option *o, const lub_object *object) {
  for (const lub_option *own = o->kinds[object->kind].options; own->name; own++)
    if (!lub_option_at_default(own, object->options + own->offset)) return false;
  return true;
}

static void push_value(lua_State *L, const lub_option *o, const void *field) {
  switch (o->type) {
  case LUB_OPTION_INT:
    if (*(const int64_t *)field == LUB_NONE_INT) lua_pushboolean(L, 0);
    else lua_pushinteger(L, *(const int64_t *)field);
    break;
  case LUB_OPTION_NUMBER:
    if (isnan(*(const double *)field)) lua_pushboolean(L, 0);
    else lua_pushnumber(L, *(const double *)field);
    break;
  case LUB_OPTION_BOOL: lua_pushboolean(L, *(const bool *)field); break;
  case LUB_OPTION_CHOICE:
    if (*(const int *)field < 0) lua_pushboolean(L, 0);
    else lua_pushstring(L, o->choices[*(const int *)field]);
    break;
  case LUB_OPTION_INTS: {
    const int64_t *values = field;
    if (values[0] == LUB_NONE_INT) {
      lua_pushboolean(L, 0);
      break;
    }
    lua_createtable(L, o->count, 0);
    for (int i = 0; i < o->count; i++) {
      lua_pushinteger(L, values[i]);
      lua_rawseti(L, -2, i + 1);
    }
    break;
  }
  case LUB_OPTION_PAIRS: {
    const int64_t *values = field;
    lua_createtable(L, o->count, 0);
    for (int i = 0; i < o->count; i++) {
      lubL_pushshape(L, &(lub_shape){2, {values[2 * i], values[2 * i + 1]}});
      lua_rawseti(L, -2, i + 1);
    }
    break;
  }
  case LUB_OPTION_SHAPE:
    if (o->nullable && ((const lub_shape *)field)->ndim == 0) lua_pushboolean(L, 0);
    else lubL_pushshape(L, field);
    for (int i = 0; o->open && i < ((const lub_shape *)field)->ndim; i++) {
      if (((const lub_shape *)field)->dim[i] >= 0) continue;
      lua_pushboolean(L, 0);
      lua_rawseti(L, -2, i + 1);
    }
    break;
  case LUB_OPTION_AXES:
    if (((const lub_shape *)field)->ndim == 1) lua_pushinteger(L, ((const lub_shape *)field)->dim[0]);
    else lubL_pushshape(L, field);
    break;
  case LUB_OPTION_OBJECT: {
    const lub_object *object = field;
    if (object->kind < 0) lua_pushboolean(L, 0);
    else if (own_at_default(o, object)) lua_pushstring(L, o->kinds[object->kind].name);
    else {
      lubL_pushoptions(L, o->kinds[object->kind].options, object->options);
      lua_pushstring(L, o->kinds[object->kind].name);
      lua_rawseti(L, -2, 1);
    }
    break;
  }
  case LUB_OPTION_LAYER:
    if (((const lub_inner_layer *)field)->kind) lubL_pushinner(L, field);
    else lua_pushboolean(L, 0);
    break;
  }
}

void lubL_pushoptions(lua_State *L, const lub_option *table, const void *options) {
  lua_newtable(L);
  for (const lub_option *o = table; o->name; o++) {
    push_value(L, o, (const char *)options + o->offset);
    lua_setfield(L, -2, o->name);
  }
}

/* Adds the value on top of the stack as Lua would write it, and pops it. */
static void add_value_text(lua_State *L, luaL_Buffer *text, const lub_option *o, const void *field) {
  char number[64];
  if (o->type == LUB_OPTION_PAIRS) {
    for (int i = 0; i < o->count; i++) {
      const int64_t *pair = (const int64_t *)field + 2 * i;
      lua_pushfstring(L, i > 0 ? ", {%I, %I}" : "{{%I, %I}", (LUAI_UACINT)pair[0], (LUAI_UACINT)pair[1]);
      luaL_addvalue(text);
    }
    luaL_addchar(text, '}');
    return;
  }
  if (o->type == LUB_OPTION_OBJECT && ((const lub_object *)field)->kind >= 0) {
    const lub_object *object = field;
    const lub_object_kind *kind = &o->kinds[object->kind];
    bool brief = own_at_default(o, object);
    luaL_addstring(text, brief ? "\"" : "{\"");
    luaL_addstring(text, kind->name);
    luaL_addchar(text, '"');
    for (const lub_option *own = kind->options; own->name; own++) {
      if (lub_option_at_default(own, object->options + own->offset)) continue;
      luaL_addstring(text, ", ");
      luaL_addstring(text, own->name);
      luaL_addstring(text, " = ");
      add_value_text(L, text, own, object->options + own->offset);
    }
    if (!brief) luaL_addchar(text, '}');
    return;
  }
  if (o->type == LUB_OPTION_LAYER && ((const lub_inner_layer *)field)->kind) {
    const lub_inner_layer *inner = field;
    bool first = true;
    luaL_addstring(text, inner->kind->name);
    luaL_addstring(text, " {");
    for (const lub_option *own = inner->kind->options; own->name; own++) {
      if (lub_option_at_default(own, inner->options + own->offset)) continue;
      luaL_addstring(text, first ? " " : ", ");
      luaL_addstring(text, own->name);
      luaL_addstring(text, " = ");
      add_value_text(L, text, own, inner->options + own->offset);
      first = false;
    }
    luaL_addstring(text, " }");
    return;
  }
  push_value(L, o, field);
  if (lua_istable(L, -1)) {
    luaL_Buffer *b = text;
    int table = lua_gettop(L), n = (int)lua_rawlen(L, -1);
    long long values[LUB_MAX_DIMS];
    for (int i = 0; i < n; i++) {
      values[i] = lua_rawgeti(L, table, i + 1) == LUA_TBOOLEAN ? LUB_NONE_INT : (long long)lua_tointeger(L, -1);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
    luaL_addchar(b, '{');
    for (int i = 0; i < n; i++) {
      if (i > 0) luaL_addstring(b, ", ");
      if (values[i] == LUB_NONE_INT) lua_pushliteral(L, "false");
      else lua_pushfstring(L, "%I", (LUAI_UACINT)values[i]);
      luaL_addvalue(b);
    }
    luaL_addchar(b, '}');
  } else if (lua_type(L, -1) == LUA_TSTRING) {
    const char *name = o->choices[*(const int *)field];
    lua_pop(L, 1);
    luaL_addchar(text, '"');
    luaL_addstring(text, name);
    luaL_addchar(text, '"');
  } else if (lua_isboolean(L, -1)) {
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    luaL_addstring(text, value ? "true" : "false");
  } else {
    lua_Number value = lua_tonumber(L, -1);
    lua_pop(L, 1);
    lua_Number rounded = floor(value);
    if (rounded == value && fabs(value) < 1e15) snprintf(number, sizeof number, "%.0f", value);
    else snprintf(number, sizeof number, "%.7g", value);
    luaL_addstring(text, number);
  }
}

void lubL_pushoptionstext(lua_State *L, const lub_option *table, const void *options, int brief) {
  luaL_Buffer text;
  bool first = true;
  luaL_buffinit(L, &text);
  for (const lub_option *o = table; o->name; o++) {
    const void *field = (const char *)options + o->offset;
    if (brief && (brief == LUBL_BRIEF || o->none) && lub_option_at_default(o, field)) continue;
    if (!first) luaL_addstring(&text, ", ");
    first = false;
    luaL_addstring(&text, o->name);
    luaL_addstring(&text, " = ");
    add_value_text(L, &text, o, field);
  }
  luaL_pushresult(&text);
}

/* core.options.unknown(where, name, names): raises the error for an unknown option `name`
 * where the list `names` holds the right ones. */
static int options_unknown(lua_State *L) {
  const char *where = luaL_checkstring(L, 1), *name = luaL_checkstring(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  int n = (int)lua_rawlen(L, 3);
  luaL_checkstack(L, n + 4, where);
  const char **names = lua_newuserdatauv(L, sizeof(char *) * (size_t)(n + 1), 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 3, i + 1); /* stays on the stack, so that the string stays alive */
    names[i] = luaL_checkstring(L, -1);
  }
  names[n] = NULL;
  return unknown_option(L, where, name, names);
}

int lubL_open_options(lua_State *L) {
  static const luaL_Reg functions[] = {{"unknown", options_unknown}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
