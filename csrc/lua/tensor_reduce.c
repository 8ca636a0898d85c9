/* Reductions: t:sum(axis, {keepdims = false}) and its siblings. */
#include <math.h>

#include "lua/tensor.h"
#include "tensor/reduce.h"
#include "tensor/view.h"

typedef struct reduce_options {
  int64_t axis, ddof;
  bool keepdims;
} reduce_options;

static const lub_option reduce_table[] = {
    {.name = "axis", .type = LUB_OPTION_INT, .offset = offsetof(reduce_options, axis), .nullable = true, .none = true},
    {.name = "keepdims", .type = LUB_OPTION_BOOL, .offset = offsetof(reduce_options, keepdims)},
    LUB_OPTIONS_END};
static const lub_option spread_table[] = {
    {.name = "axis", .type = LUB_OPTION_INT, .offset = offsetof(reduce_options, axis), .nullable = true, .none = true},
    {.name = "keepdims", .type = LUB_OPTION_BOOL, .offset = offsetof(reduce_options, keepdims)},
    {.name = "ddof", .type = LUB_OPTION_INT, .offset = offsetof(reduce_options, ddof), .min = 0, .max = 0x1p53},
    LUB_OPTIONS_END};

static void store_value(void *context, int64_t at, double value) { ((float *)context)[at] = (float)value; }
static void store_place(void *context, int64_t at, double value) { ((float *)context)[at] = (float)(value + 1); }
static void store_number(void *context, int64_t at, double value) { ((double *)context)[at] = value; }

/* The largest integer up to which a float32 holds every one: a place behind it could not be told. */
#define MOST_PLACES (INT64_C(1) << 24)

static int reduce(lua_State *L, lub_reduction reduction, const char *where) {
  bool places = reduction == LUB_ARGMAX || reduction == LUB_ARGMIN;
  bool spread = reduction == LUB_STD || reduction == LUB_VAR;
  reduce_options o;
  lub_error err;
  char text[LUB_SHAPE_TEXT];
  const lub_tensor *t = lubL_checktensor(L, 1);
  int axis_arg = lua_istable(L, 2) ? 0 : 2;
  lua_settop(L, 3);
  lubL_readoptions(L, axis_arg ? 3 : 2, where, spread ? spread_table : reduce_table, &o, NULL);
  if (!axis_arg) {
    if (o.axis != LUB_NONE_INT) lua_pushinteger(L, o.axis);
    else lua_pushnil(L);
    lua_replace(L, 2);
  }

  lub_shape shape = t->shape, kept = t->shape;
  lub_tensor flat;
  int axis = 0;
  if (lua_isnil(L, 2)) {
    t = lubL_checkcontiguous(L, 1);
    flat = lub_tensor_over(t->data, &(lub_shape){.ndim = 1, .dim = {lub_tensor_size(t)}});
    shape.ndim = 0;
    for (int i = 0; i < kept.ndim; i++) kept.dim[i] = 1;
  } else {
    axis = lubL_checkaxis(L, 2, where, t->shape.ndim);
    flat = *t;
    shape = lub_tensor_drop_axis(t, axis).shape;
    kept.dim[axis] = 1;
    if (places && t->shape.dim[axis] > MOST_PLACES)
      return luaL_error(L, "%s: at most 2^24 elements along an axis, got %s", where,
                        lub_shape_text(&t->shape, "?", text));
  }

  if (shape.ndim == 0 && !o.keepdims) {
    double value = 0;
    if (lub_reduce(reduction, &flat, axis, o.ddof, store_number, &value, &err) != LUB_OK)
      return luaL_error(L, "%s: %s, the tensor is %s", where, err.message, lub_shape_text(&t->shape, "?", text));
    if (places) lua_pushinteger(L, (lua_Integer)value + 1);
    else lua_pushnumber(L, value);
    return 1;
  }
  const lub_tensor *out = lubL_newtensor(L, o.keepdims ? &kept : &shape);
  if (lub_reduce(reduction, &flat, axis, o.ddof, places ? store_place : store_value, out->data, &err) != LUB_OK)
    return luaL_error(L, "%s: %s, the tensor is %s", where, err.message, lub_shape_text(&t->shape, "?", text));
  return 1;
}

static int tensor_sum(lua_State *L) { return reduce(L, LUB_SUM, "Tensor:sum"); }
static int tensor_mean(lua_State *L) { return reduce(L, LUB_MEAN, "Tensor:mean"); }
static int tensor_var(lua_State *L) { return reduce(L, LUB_VAR, "Tensor:var"); }
static int tensor_std(lua_State *L) { return reduce(L, LUB_STD, "Tensor:std"); }
static int tensor_max(lua_State *L) { return reduce(L, LUB_MAX, "Tensor:max"); }
static int tensor_min(lua_State *L) { return reduce(L, LUB_MIN, "Tensor:min"); }
static int tensor_argmax(lua_State *L) { return reduce(L, LUB_ARGMAX, "Tensor:argmax"); }
static int tensor_argmin(lua_State *L) { return reduce(L, LUB_ARGMIN, "Tensor:argmin"); }

const luaL_Reg lubL_tensor_reduces[] = {{"sum", tensor_sum},       {"mean", tensor_mean},
                                        {"var", tensor_var},       {"std", tensor_std},
                                        {"max", tensor_max},       {"min", tensor_min},
                                        {"argmax", tensor_argmax}, {"argmin", tensor_argmin},
                                        {NULL, NULL}};
