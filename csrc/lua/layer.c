/* core.layers: one constructor per kind of layer, and the class of layers. */
#include <string.h>

#include "lua/nn.h"

typedef struct box {
  lub_layer *layer;
} box;

lub_layer *lubL_checklayer(lua_State *L, int arg) { return ((box *)luaL_checkudata(L, arg, LUBL_LAYER))->layer; }

static void set_name(lua_State *L, lub_layer *layer, int arg) {
  size_t length;
  const char *name = luaL_checklstring(L, arg, &length);
  if (length == 0 || length >= LUB_NAME_SIZE || strlen(name) != length)
    luaL_error(L, "%s: a name must have 1 to %d characters", layer->kind->name, LUB_NAME_SIZE - 1);
  memcpy(layer->name, name, length + 1);
}

static void set_trainable(lua_State *L, lub_layer *layer, int arg) {
  if (!lua_isboolean(L, arg))
    luaL_error(L, "%s: trainable must be true or false, got %s", layer->kind->name, luaL_typename(L, arg));
  layer->trainable = lua_toboolean(L, arg);
}

static box *push_layer(lua_State *L, const lub_layer_kind *kind, const void *options) {
  box *b = lua_newuserdatauv(L, sizeof *b, 0);
  b->layer = NULL;
  luaL_setmetatable(L, LUBL_LAYER);
  b->layer = lub_layer_new(kind, options);
  if (!b->layer) luaL_error(L, "%s: out of memory", kind->name);
  return b;
}

void lubL_readinner(lua_State *L, const char *where, const char *name, lub_inner_layer *inner) {
  const lub_layer *layer = lubL_checklayer(L, -1);
  if (layer->kind->options_size > LUB_INNER_BYTES)
    luaL_error(L, "%s: option '%s' cannot be a layer of kind %s", where, name, layer->kind->name);
  if (!layer->trainable)
    luaL_error(L, "%s: option '%s' must be trainable; give trainable = false to %s itself", where, name, where);
  inner->kind = layer->kind;
  memcpy(inner->options, layer->options, layer->kind->options_size);
}

void lubL_pushinner(lua_State *L, const lub_inner_layer *inner) { push_layer(L, inner->kind, inner->options); }

/* core.layers.KIND(options); upvalue 1: the kind. `name` and `trainable` are options of every layer. A layer in the
 * place of the options is the first of them. */
static int layer_new(lua_State *L) {
  static const char *const common[] = {"name", "trainable", NULL};
  const lub_layer_kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  lub_error err;
  lua_settop(L, 1);
  if (luaL_testudata(L, 1, LUBL_LAYER)) {
    lua_createtable(L, 1, 0);
    lua_insert(L, 1);
    lua_rawseti(L, 1, 1);
  }
  void *options = lua_newuserdatauv(L, kind->options_size + 1, 0);
  lubL_readoptions(L, 1, kind->name, kind->options, options, common);
  if (kind->check && kind->check(options, &err) != LUB_OK) return lubL_failure(L, &err);
  box *b = push_layer(L, kind, options);
  if (lua_istable(L, 1)) {
    if (lua_getfield(L, 1, "name") != LUA_TNIL) set_name(L, b->layer, -1);
    lua_pop(L, 1);
    if (lua_getfield(L, 1, "trainable") != LUA_TNIL) set_trainable(L, b->layer, -1);
    lua_pop(L, 1);
  }
  return 1;
}

static int layer_gc(lua_State *L) {
  box *b = luaL_checkudata(L, 1, LUBL_LAYER);
  lub_layer_free(b->layer);
  b->layer = NULL;
  return 0;
}

/* The shape at `arg`, or a list of shapes: returns how many, at most LUB_MAX_INPUTS. */
static int read_input_shapes(lua_State *L, int arg, lub_shape *in) {
  const bool list = lua_istable(L, arg) && lua_rawgeti(L, arg, 1) == LUA_TTABLE;
  lua_settop(L, 3);
  if (!list) {
    in[0] = lubL_checkshape(L, arg);
    return 1;
  }
  const int n = (int)lua_rawlen(L, arg);
  if (n > LUB_MAX_INPUTS) luaL_error(L, "a layer takes at most %d inputs, got %d", LUB_MAX_INPUTS, n);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, arg, i + 1);
    in[i] = lubL_checkshape(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  return n;
}

/* layer:build(input_shape, seed): makes the weights where they are not made yet; returns the output's shape. Shapes are
 * per sample; a layer with several inputs takes a list of them. Raises where the input does not fit. */
static int layer_build(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  lub_shape in[LUB_MAX_INPUTS], out;
  const int n = read_input_shapes(L, 2, in);
  lua_Integer seed = luaL_optinteger(L, 3, 0);
  lub_error err;
  bool was_built = layer->built;
  if (lub_layer_build(layer, in, n, (uint64_t)seed, &out, &err) != LUB_OK) return lubL_failure(L, &err);
  /* tell the collector what it cannot see */
  if (!was_built && lua_gc(L, LUA_GCISRUNNING)) lua_gc(L, LUA_GCSTEP, (int)(4 * lub_layer_count(layer, false) / 1024 % 1000000));
  lubL_pushshape(L, &out);
  return 1;
}

/* layer:reserve(input_shape, most): makes the weights without values, for one who sets them all (a model file's
 * reader), if they are at most so many; returns how many they are, and whether they were made. */
static int layer_reserve(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  lua_Integer most = luaL_checkinteger(L, 3);
  lub_shape in[LUB_MAX_INPUTS], out;
  const int n = read_input_shapes(L, 2, in);
  lub_error err;
  /* the layer's own checks of its input */
  if (lub_layer_output_shape(layer, in, n, &out, &err) != LUB_OK) return lubL_failure(L, &err);
  int64_t count = lub_layer_needs(layer, in);
  bool fits = count <= most;
  if (fits && lub_layer_build_empty(layer, in, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushinteger(L, count);
  lua_pushboolean(L, fits);
  return 2;
}

/* layer:output_shape(input_shape): what comes out, per sample, without making weights. */
static int layer_output_shape(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  lub_shape in[LUB_MAX_INPUTS], out;
  const int n = read_input_shapes(L, 2, in);
  lub_error err;
  if (lub_layer_output_shape(layer, in, n, &out, &err) != LUB_OK) return lubL_failure(L, &err);
  lubL_pushshape(L, &out);
  return 1;
}

/* layer:config(): every option with its value, under Keras' names; false for None. */
static int layer_config(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  lubL_pushoptions(L, layer->kind->options, layer->options);
  return 1;
}

/* The rest of a weight's entry: its shape, a copy of it, or the weight itself. */
static void add_shape(lua_State *L, const lub_param *param) {
  lubL_pushshape(L, &param->shape);
  lua_setfield(L, -2, "shape");
}

static void add_copy(lua_State *L, const lub_param *param) {
  lub_tensor *value = lubL_newtensor(L, &param->shape);
  memcpy(value->data, param->value, sizeof(float) * (size_t)lub_tensor_size(value));
  lua_setfield(L, -2, "value");
}

static void add_view(lua_State *L, const lub_param *param) {
  lub_tensor whole = lub_tensor_over(param->value, &param->shape);
  lubL_newview(L, 1, &whole);
  lua_pushvalue(L, 1); /* the layer is no tensor, and has no owner to look for */
  lua_setiuservalue(L, -2, 1);
  lua_setfield(L, -2, "value");
}

static int list_weights(lua_State *L, void (*add)(lua_State *L, const lub_param *param)) {
  lub_layer *layer = lubL_checklayer(L, 1);
  lua_createtable(L, layer->nparams, 0);
  for (int i = 0; i < layer->nparams; i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, layer->param[i].name);
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, layer->param[i].trainable && layer->trainable);
    lua_setfield(L, -2, "trainable");
    add(L, &layer->param[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* layer:weight_shapes(): a list of { name =, trainable =, shape = {sizes} } in Keras' order, without copies. */
static int layer_weight_shapes(lua_State *L) { return list_weights(L, add_shape); }

/* layer:weights(): a list of { name =, trainable =, value = Tensor (a copy) } in Keras' order; empty before build. */
static int layer_weights(lua_State *L) { return list_weights(L, add_copy); }

/* layer:weight_views(): the same without copies, to be read at once: what is written to them, no trainer learns. */
static int layer_weight_views(lua_State *L) { return list_weights(L, add_view); }

/* layer:set_weights(tensors): in the order of weights(); all are checked before any is written. */
static int layer_set_weights(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  if (!layer->built && layer->kind->params) luaL_error(L, "set_weights: %s is not built yet", layer->kind->name);
  int n = (int)lua_rawlen(L, 2);
  if (n != layer->nparams)
    luaL_error(L, "set_weights: %s has %d weights, got %d", layer->kind->name, layer->nparams, n);
  lua_settop(L, 2);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    lub_tensor *t = lubL_testtensor(L, -1);
    if (!t) luaL_error(L, "set_weights: weight %d must be a Tensor, got %s", i + 1, luaL_typename(L, -1));
    if (!lub_shape_equal(&t->shape, &layer->param[i].shape)) {
      char wanted[LUB_SHAPE_TEXT], got[LUB_SHAPE_TEXT];
      luaL_error(L, "set_weights: %s of %s must have shape %s, got %s", layer->param[i].name, layer->kind->name,
                 lub_shape_text(&layer->param[i].shape, "?", wanted), lub_shape_text(&t->shape, "?", got));
    }
  }
  for (int i = 0; i < n; i++) {
    lub_tensor to = lub_tensor_over(layer->param[i].value, &layer->param[i].shape);
    lub_tensor_copy(&to, lubL_testtensor(L, 3 + i));
  }
  layer->version++;
  return 0;
}

/* layer:count_params(): how many numbers, and how many of them train. */
static int layer_count_params(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  lua_pushinteger(L, lub_layer_count(layer, false));
  lua_pushinteger(L, lub_layer_count(layer, true));
  return 2;
}

static int layer_tostring(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  lubL_pushoptionstext(L, layer->kind->options, layer->options, LUBL_BRIEF);
  if (*layer->name) lua_pushfstring(L, "%s(%s)  %s", layer->kind->name, lua_tostring(L, -1), layer->name);
  else lua_pushfstring(L, "%s(%s)", layer->kind->name, lua_tostring(L, -1));
  return 1;
}

/* Fields kind, name (nil until given), trainable, built, merges (it takes a list of inputs); methods. */
static int layer_index(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "kind") == 0) lua_pushstring(L, layer->kind->name);
  else if (strcmp(key, "name") == 0) *layer->name ? (void)lua_pushstring(L, layer->name) : lua_pushnil(L);
  else if (strcmp(key, "trainable") == 0) lua_pushboolean(L, layer->trainable);
  else if (strcmp(key, "built") == 0) lua_pushboolean(L, layer->built || !layer->kind->params);
  else if (strcmp(key, "merges") == 0) lua_pushboolean(L, layer->kind->merged_shape != NULL);
  else {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
  }
  return 1;
}

static int layer_newindex(lua_State *L) {
  lub_layer *layer = lubL_checklayer(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "name") == 0) set_name(L, layer, 3);
  else if (strcmp(key, "trainable") == 0) set_trainable(L, layer, 3);
  else return luaL_error(L, "%s: '%s' cannot be set; name and trainable can", layer->kind->name, key);
  return 0;
}

/* core.layers.names(): the kinds, as a list. */
static int layer_names(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; lub_layer_kinds[i]; i++) {
    lua_pushstring(L, lub_layer_kinds[i]->name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

int lubL_open_layer(lua_State *L) {
  static const luaL_Reg methods[] = {{"build", layer_build},
                                     {"reserve", layer_reserve},
                                     {"weight_shapes", layer_weight_shapes},
                                     {"output_shape", layer_output_shape},
                                     {"config", layer_config},
                                     {"weights", layer_weights},
                                     {"weight_views", layer_weight_views},
                                     {"set_weights", layer_set_weights},
                                     {"count_params", layer_count_params},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", layer_gc}, {"__tostring", layer_tostring}, {"__newindex", layer_newindex}, {NULL, NULL}};
  lubL_class(L, LUBL_LAYER, methods, meta);
  luaL_getmetatable(L, LUBL_LAYER);
  lua_getfield(L, -1, "__index");
  lua_pushcclosure(L, layer_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);

  lua_newtable(L);
  for (int i = 0; lub_layer_kinds[i]; i++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)lub_layer_kinds[i]);
    lua_pushcclosure(L, layer_new, 1);
    lua_setfield(L, -2, lub_layer_kinds[i]->name);
  }
  lua_pushcfunction(L, layer_names);
  lua_setfield(L, -2, "names");
  return 1;
}
