/*** Reductions: t:sum(axis, {keepdims = false}) and its siblings.
@submodule lubdub.Tensor
*/
#include "lua/tensor.h"
#include "tensor/reduce.h"
#include "tensor/view.h"

typedef struct reduce_options {
  int64_t ddof;
  bool keepdims;
} reduce_options;

#define KEEPDIMS {.name = "keepdims", .type = LUB_OPTION_BOOL, .offset = offsetof(reduce_options, keepdims)}

static const lub_option reduce_table[] = {KEEPDIMS, LUB_OPTIONS_END};
static const lub_option spread_table[] = {
    KEEPDIMS,
    {.name = "ddof", .type = LUB_OPTION_INT, .offset = offsetof(reduce_options, ddof), .min = 0, .max = 0x1p53},
    LUB_OPTIONS_END};

static void store_value(void *context, int64_t at, double value) { ((float *)context)[at] = (float)value; }
static void store_place(void *context, int64_t at, double value) { ((float *)context)[at] = (float)(value + 1); }
static void store_number(void *context, int64_t at, double value) { ((double *)context)[at] = value; }

/* The largest integer up to which a float32 holds every one: a place behind it could not be told. */
#define MOST_PLACES (INT64_C(1) << 24)

/* Brings the arguments to (tensor, axis or nil or list of axes, options) and reads the options. The axis
 * may also be the option `axis`. */
static void read_arguments(lua_State *L, const char *where, const lub_option *table, reduce_options *o) {
  static const char *const extra[] = {"axis", NULL};
  lua_settop(L, 3);
  if (lua_istable(L, 2) && lua_rawlen(L, 2) == 0) {
    lua_copy(L, 2, 3);
    lua_getfield(L, 3, "axis");
    lua_replace(L, 2);
    lubL_readoptions(L, 3, where, table, o, extra);
  } else {
    lubL_readoptions(L, 3, where, table, o, NULL);
  }
  if (!lua_toboolean(L, 2)) {
    lua_pushnil(L);
    lua_replace(L, 2);
  }
}

/* Marks the axes that go: those of the list at 2, or the one there, or all of them. */
static void read_axes(lua_State *L, const char *where, int ndim, bool gone[LUB_MAX_DIMS]) {
  int n = lua_istable(L, 2) ? (int)lua_rawlen(L, 2) : 1;
  for (int i = 0; i < ndim; i++) gone[i] = lua_isnil(L, 2);
  for (int i = 0; i < n && !lua_isnil(L, 2); i++) {
    if (lua_istable(L, 2)) lua_rawgeti(L, 2, i + 1);
    else lua_pushvalue(L, 2);
    int axis = lubL_checkaxis(L, lua_gettop(L), where, ndim);
    if (gone[axis]) luaL_error(L, "%s: axis %d is named twice", where, axis + 1);
    gone[axis] = true;
    lua_pop(L, 1);
  }
}

/* t with the axes that go as one axis, its last; a copy, pushed, where they are several and do not lie together. */
static lub_tensor gather_axes(lua_State *L, const lub_tensor *t, const bool *gone) {
  int order[LUB_MAX_DIMS], ndim = t->shape.ndim, kept = 0, moved = 0;
  for (int i = 0; i < ndim; i++)
    if (!gone[i]) order[kept++] = i;
  for (int i = 0; i < ndim; i++)
    if (gone[i]) order[kept + moved++] = i;
  lub_tensor view = lub_tensor_permute(t, order);
  if (moved == 1) return view;
  if (!lub_tensor_contiguous(&view)) {
    lub_tensor *copy = lubL_newtensor(L, &view.shape);
    lub_tensor_copy(copy, &view);
    view = *copy;
  }
  lub_shape shape = view.shape;
  shape.ndim = kept + 1;
  shape.dim[kept] = 1;
  for (int i = kept; i < ndim; i++) shape.dim[kept] *= view.shape.dim[i];
  return lub_tensor_over(view.data, &shape);
}

static int reduce(lua_State *L, lub_reduction reduction, const char *where) {
  bool places = reduction == LUB_ARGMAX || reduction == LUB_ARGMIN;
  bool spread = reduction == LUB_STD || reduction == LUB_VAR;
  bool gone[LUB_MAX_DIMS];
  reduce_options o = {0};
  lub_error err;
  char text[LUB_SHAPE_TEXT];
  const lub_tensor *t = lubL_checktensor(L, 1);
  read_arguments(L, where, spread ? spread_table : reduce_table, &o);
  read_axes(L, where, t->shape.ndim, gone);

  lub_tensor gathered = gather_axes(L, t, gone);
  int axis = gathered.shape.ndim - 1;
  lub_shape shape = t->shape;
  if (o.keepdims) {
    for (int i = 0; i < shape.ndim; i++)
      if (gone[i]) shape.dim[i] = 1;
  } else {
    shape = gathered.shape;
    shape.ndim--;
  }
  if (shape.ndim == 0 && !o.keepdims) {
    double value = 0;
    if (lub_reduce(reduction, &gathered, axis, o.ddof, store_number, &value, &err) != LUB_OK)
      return luaL_error(L, "%s: %s, the tensor is %s", where, err.message, lub_shape_text(&t->shape, "?", text));
    if (places) lua_pushinteger(L, (lua_Integer)value + 1);
    else lua_pushnumber(L, value);
    return 1;
  }
  if (places && gathered.shape.dim[axis] > MOST_PLACES)
    return luaL_error(L, "%s: at most 2^24 elements along an axis, got %s", where,
                      lub_shape_text(&t->shape, "?", text));
  const lub_tensor *out = lubL_newtensor(L, &shape);
  if (lub_reduce(reduction, &gathered, axis, o.ddof, places ? store_place : store_value, out->data, &err) != LUB_OK)
    return luaL_error(L, "%s: %s, the tensor is %s", where, err.message, lub_shape_text(&t->shape, "?", text));
  return 1;
}

/*** Sums, made in double; 0 of nothing.
@function Tensor:sum
@tparam[opt] int|table axis one or a list of several; all without it
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1
@treturn number|Tensor a number over all
*/
static int tensor_sum(lua_State *L) { return reduce(L, LUB_SUM, "Tensor:sum"); }

/*** Means; NaN of nothing.
@function Tensor:mean
@tparam[opt] int|table axis one or a list of several
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1
@treturn number|Tensor a number over all
*/
static int tensor_mean(lua_State *L) { return reduce(L, LUB_MEAN, "Tensor:mean"); }

/*** Variances: the mean squared deviation from the mean.
@function Tensor:var
@tparam[opt] int|table axis one or a list of several
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1, `ddof` (0): the sum is divided by n - ddof
@treturn number|Tensor a number over all
*/
static int tensor_var(lua_State *L) { return reduce(L, LUB_VAR, "Tensor:var"); }

/*** Standard deviations: the square roots of the variances.
@function Tensor:std
@tparam[opt] int|table axis one or a list of several
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1, `ddof` (0)
@treturn number|Tensor a number over all
*/
static int tensor_std(lua_State *L) { return reduce(L, LUB_STD, "Tensor:std"); }

/*** The greatest elements; NaN where there is one, an error for no elements.
@function Tensor:max
@tparam[opt] int|table axis one or a list of several
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1
@treturn number|Tensor a number over all
*/
static int tensor_max(lua_State *L) { return reduce(L, LUB_MAX, "Tensor:max"); }

/*** The smallest elements, likewise.
@function Tensor:min
@tparam[opt] int|table axis one or a list of several
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1
@treturn number|Tensor a number over all
*/
static int tensor_min(lua_State *L) { return reduce(L, LUB_MIN, "Tensor:min"); }

/*** Where the greatest element is, the first one of several (or the first NaN), counted from 1.
@function Tensor:argmax
@tparam[opt] int|table axis one or a list of several
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1
@treturn number|Tensor a number over all
*/
static int tensor_argmax(lua_State *L) { return reduce(L, LUB_ARGMAX, "Tensor:argmax"); }

/*** Where the smallest element is, likewise.
@function Tensor:argmin
@tparam[opt] int|table axis one or a list of several
@tparam[opt] table options `keepdims` (false): the axes stay, with size 1
@treturn number|Tensor a number over all
*/
static int tensor_argmin(lua_State *L) { return reduce(L, LUB_ARGMIN, "Tensor:argmin"); }

const luaL_Reg lubL_tensor_reduces[] = {{"sum", tensor_sum},       {"mean", tensor_mean},
                                        {"var", tensor_var},       {"std", tensor_std},
                                        {"max", tensor_max},       {"min", tensor_min},
                                        {"argmax", tensor_argmax}, {"argmin", tensor_argmin},
                                        {NULL, NULL}};
