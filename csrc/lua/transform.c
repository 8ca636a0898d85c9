/* core.transform: what turns a whole tensor of features into another one (feature/decibel.h, feature/delta.h). */
#include <math.h>

#include "feature/decibel.h"
#include "feature/delta.h"
#include "lua/lubdub.h"

/* transform.decibel(tensor, where, amplitude, ref, amin, top_db or nil) -> Tensor */
static int transform_decibel(lua_State *L) {
  lua_settop(L, 6);
  const lub_tensor *x = lubL_checkcontiguous(L, 1);
  const char *where = luaL_checkstring(L, 2);
  lub_decibel_options options = {.amplitude = lua_toboolean(L, 3), .ref = luaL_checknumber(L, 4),
                                 .amin = luaL_checknumber(L, 5), .top_db = luaL_optnumber(L, 6, NAN)};
  int64_t n = lub_shape_size(&x->shape);
  for (int64_t i = 0; i < n; i++)
    if (isnan(x->data[i])) return luaL_error(L, "%s: element %I is NaN", where, (LUAI_UACINT)(i + 1));
  lub_tensor *out = lubL_newtensor(L, &x->shape);
  lub_to_decibel(x->data, n, &options, out->data);
  return 1;
}

typedef struct delta_options {
  int64_t width, order, axis;
  int mode;
} delta_options;

#define FIELD(field) .name = #field, .offset = offsetof(delta_options, field)
static const lub_option delta_table[] = {
    {FIELD(width), .type = LUB_OPTION_INT, .fallback = 9, .min = INT32_MIN, .max = INT32_MAX},
    {FIELD(order), .type = LUB_OPTION_INT, .fallback = 1, .min = INT32_MIN, .max = INT32_MAX},
    {FIELD(axis), .type = LUB_OPTION_INT, .fallback = -1, .min = -LUB_MAX_DIMS, .max = LUB_MAX_DIMS},
    {FIELD(mode), .type = LUB_OPTION_CHOICE, .choices = lub_delta_modes},
    LUB_OPTIONS_END};

/* The weights of a delta, in a userdata, since an error may be raised while they live. */
static int delta_gc(lua_State *L) {
  lub_delta_free(luaL_checkudata(L, 1, "lubdub.Delta"));
  return 0;
}

/* transform.delta(tensor, options) -> Tensor */
static int transform_delta(lua_State *L) {
  delta_options options;
  lub_error err;
  lua_settop(L, 2);
  const lub_tensor *x = lubL_checkcontiguous(L, 1);
  lubL_readoptions(L, 2, "delta", delta_table, &options, NULL);
  int ndim = x->shape.ndim, axis = (int)(options.axis < 0 ? ndim + options.axis : options.axis - 1);
  if (axis < 0 || axis >= ndim)
    return luaL_error(L, "delta: axis %I is not one of %d", (LUAI_UACINT)options.axis, ndim);
  int64_t outer = 1, inner = 1, n = x->shape.dim[axis];
  for (int i = 0; i < axis; i++) outer *= x->shape.dim[i];
  for (int i = axis + 1; i < ndim; i++) inner *= x->shape.dim[i];
  lub_delta *delta = lua_newuserdatauv(L, sizeof *delta, 0);
  *delta = (lub_delta){0};
  luaL_setmetatable(L, "lubdub.Delta");
  if (lub_delta_init(delta, options.width, options.order, (lub_delta_mode)options.mode, &err) != LUB_OK ||
      lub_delta_check(delta, n, &err) != LUB_OK)
    return lubL_failure(L, &err);
  lub_tensor *out = lubL_newtensor(L, &x->shape);
  lub_delta_apply(delta, x->data, outer, n, inner, out->data);
  return 1;
}

int lubL_open_transform(lua_State *L) {
  static const luaL_Reg functions[] = {{"decibel", transform_decibel}, {"delta", transform_delta}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{NULL, NULL}}, meta[] = {{"__gc", delta_gc}, {NULL, NULL}};
  lubL_class(L, "lubdub.Delta", methods, meta);
  luaL_newlib(L, functions);
  return 1;
}
