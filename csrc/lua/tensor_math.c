/*** Arithmetic, functions and comparisons, element by element.
@submodule lubdub.Tensor
*/
#include <math.h>

#include "lua/tensor.h"
#include "tensor/elementwise.h"
#include "tensor/view.h"

/* An operand: a tensor, a number (kept here), or a nested table. */
typedef struct operand {
  const lub_tensor *tensor;
  lub_tensor scalar;
  float value;
} operand;

static void read_operand(lua_State *L, int arg, const char *where, operand *o) {
  if (lua_type(L, arg) == LUA_TNUMBER) {
    o->value = (float)lua_tonumber(L, arg);
    o->scalar = lub_tensor_over(&o->value, &(lub_shape){.ndim = 0});
    o->tensor = &o->scalar;
  } else {
    o->tensor = lubL_totensor(L, arg, where);
  }
}

static int misfit(lua_State *L, const char *where, const lub_tensor *a, const lub_tensor *b) {
  char text_a[LUB_SHAPE_TEXT], text_b[LUB_SHAPE_TEXT];
  return luaL_error(L, "%s: expected shapes that broadcast, got %s and %s", where,
                    lub_shape_text(&a->shape, "?", text_a), lub_shape_text(&b->shape, "?", text_b));
}

/* === with two operands === */

static int binary(lua_State *L, lub_binary_op op, const char *where) {
  operand a, b;
  lub_shape both;
  lua_settop(L, 2);
  read_operand(L, 1, where, &a);
  read_operand(L, 2, where, &b);
  if (!lub_broadcast_shapes(&a.tensor->shape, &b.tensor->shape, &both)) return misfit(L, where, a.tensor, b.tensor);
  lub_binary(op, lubL_newtensor(L, &both), a.tensor, b.tensor);
  return 1;
}

/*** a + b, a - b, a * b, a / b, a ^ b, element by element; shapes broadcast as in NumPy.
@function Tensor:__add
@tparam Tensor|number|table a
@tparam Tensor|number|table b
@treturn Tensor
*/
static int tensor_add(lua_State *L) { return binary(L, LUB_ADD, "Tensor: a + b"); }
static int tensor_sub(lua_State *L) { return binary(L, LUB_SUB, "Tensor: a - b"); }
static int tensor_mul(lua_State *L) { return binary(L, LUB_MUL, "Tensor: a * b"); }
static int tensor_div(lua_State *L) { return binary(L, LUB_DIV, "Tensor: a / b"); }
static int tensor_power(lua_State *L) { return binary(L, LUB_POW, "Tensor: a ^ b"); }

/*** Powers, as t ^ exponent.
@function Tensor:pow
@tparam Tensor|number|table exponent
@treturn Tensor
*/
static int tensor_pow(lua_State *L) { return binary(L, LUB_POW, "Tensor:pow"); }

/*** The greater of two, element by element; NaN where either is NaN.
@function Tensor:maximum
@tparam Tensor|number|table other
@treturn Tensor
*/
static int tensor_maximum(lua_State *L) { return binary(L, LUB_MAXIMUM, "Tensor:maximum"); }

/*** The smaller of two, element by element; NaN where either is NaN.
@function Tensor:minimum
@tparam Tensor|number|table other
@treturn Tensor
*/
static int tensor_minimum(lua_State *L) { return binary(L, LUB_MINIMUM, "Tensor:minimum"); }

/* === with one operand === */

static int unary(lua_State *L, lub_unary_op op) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  lub_unary(op, lubL_newtensor(L, &t->shape), t);
  return 1;
}

/*** -t.
@function Tensor:__unm
@treturn Tensor
*/
static int tensor_neg(lua_State *L) { return unary(L, LUB_NEG); }

/*** Absolute values.
@function Tensor:abs
@treturn Tensor
*/
static int tensor_abs(lua_State *L) { return unary(L, LUB_ABS); }

/*** Square roots; NaN of negative numbers.
@function Tensor:sqrt
@treturn Tensor
*/
static int tensor_sqrt(lua_State *L) { return unary(L, LUB_SQRT); }

/*** e to the power of each element.
@function Tensor:exp
@treturn Tensor
*/
static int tensor_exp(lua_State *L) { return unary(L, LUB_EXP); }

/*** Natural logarithms; NaN of negative numbers.
@function Tensor:log
@treturn Tensor
*/
static int tensor_log(lua_State *L) { return unary(L, LUB_LOG); }

/*** No element below low or above high; NaN stays.
@function Tensor:clamp
@tparam ?number low nil or false: no bound
@tparam ?number high
@treturn Tensor
*/
static int tensor_clamp(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  float low = lua_toboolean(L, 2) ? (float)luaL_checknumber(L, 2) : -INFINITY;
  float high = lua_toboolean(L, 3) ? (float)luaL_checknumber(L, 3) : INFINITY;
  if (!(low <= high)) return luaL_error(L, "Tensor:clamp: expected low <= high, got %f and %f", low, high);
  lub_clamp(lubL_newtensor(L, &t->shape), t, low, high);
  return 1;
}

/*** #t: the size of axis 1.
@function Tensor:__len
@treturn int
*/
static int tensor_len(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  if (t->shape.ndim == 0) return luaL_error(L, "Tensor: a tensor without dimensions has no length");
  lua_pushinteger(L, t->shape.dim[0]);
  return 1;
}

/* === comparisons === */

/*** a == b: the same shape and equal elements. NaN equals nothing; but Lua does not ask a tensor that is compared
with itself.
@function Tensor:__eq
@treturn boolean
*/
static int tensor_eq(lua_State *L) {
  const lub_tensor *a = lubL_testtensor(L, 1), *b = lubL_testtensor(L, 2);
  lua_pushboolean(L, a && b && lub_tensor_equal(a, b));
  return 1;
}

/*** Whether the shape and all elements are equal.
@function Tensor:equal
@tparam Tensor|number|table other
@treturn boolean
*/
static int tensor_equal(lua_State *L) {
  operand a, b;
  lua_settop(L, 2);
  read_operand(L, 1, "Tensor:equal", &a);
  read_operand(L, 2, "Tensor:equal", &b);
  lua_pushboolean(L, lub_tensor_equal(a.tensor, b.tensor));
  return 1;
}

typedef struct close_options {
  double rtol, atol;
  bool equal_nan;
} close_options;

#define TOLERANCE(field, default_) \
  {.name = #field, .type = LUB_OPTION_NUMBER, .offset = offsetof(close_options, field), .fallback = default_, \
   .min = 0, .max = INFINITY}

static const lub_option close_table[] = {
    TOLERANCE(rtol, 1e-5), TOLERANCE(atol, 1e-8),
    {.name = "equal_nan", .type = LUB_OPTION_BOOL, .offset = offsetof(close_options, equal_nan)}, LUB_OPTIONS_END};

/*** Whether |t - other| is at most atol + rtol * |other| everywhere; shapes broadcast.
@function Tensor:allclose
@tparam Tensor|number|table other
@tparam[opt] table options `rtol` (1e-5), `atol` (1e-8), `equal_nan` (false): whether NaN is close to NaN
@treturn boolean
*/
static int tensor_allclose(lua_State *L) {
  close_options o;
  operand a, b;
  lub_shape both;
  lua_settop(L, 3);
  read_operand(L, 1, "Tensor:allclose", &a);
  read_operand(L, 2, "Tensor:allclose", &b);
  lubL_readoptions(L, 3, "Tensor:allclose", close_table, &o, NULL);
  if (!lub_broadcast_shapes(&a.tensor->shape, &b.tensor->shape, &both))
    return misfit(L, "Tensor:allclose", a.tensor, b.tensor);
  lua_pushboolean(L, lub_tensor_close(a.tensor, b.tensor, o.rtol, o.atol, o.equal_nan));
  return 1;
}

/*** Whether any element is NaN.
@function Tensor:has_nan
@treturn boolean
*/
static int tensor_has_nan(lua_State *L) {
  lua_pushboolean(L, lub_tensor_has_nan(lubL_checktensor(L, 1)));
  return 1;
}

/*** Whether no element is NaN or infinite.
@function Tensor:isfinite
@treturn boolean
*/
static int tensor_isfinite(lua_State *L) {
  lua_pushboolean(L, lub_tensor_finite(lubL_checktensor(L, 1)));
  return 1;
}

const luaL_Reg lubL_tensor_operators[] = {{"__add", tensor_add}, {"__sub", tensor_sub},   {"__mul", tensor_mul},
                                          {"__div", tensor_div}, {"__pow", tensor_power}, {"__unm", tensor_neg},
                                          {"__eq", tensor_eq},   {"__len", tensor_len},   {NULL, NULL}};

const luaL_Reg lubL_tensor_math[] = {{"pow", tensor_pow},
                                     {"maximum", tensor_maximum},
                                     {"minimum", tensor_minimum},
                                     {"abs", tensor_abs},
                                     {"sqrt", tensor_sqrt},
                                     {"exp", tensor_exp},
                                     {"log", tensor_log},
                                     {"clamp", tensor_clamp},
                                     {"equal", tensor_equal},
                                     {"allclose", tensor_allclose},
                                     {"has_nan", tensor_has_nan},
                                     {"isfinite", tensor_isfinite},
                                     {NULL, NULL}};
