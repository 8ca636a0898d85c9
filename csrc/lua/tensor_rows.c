/*** Rows together: take, concat, stack.
@submodule lubdub.Tensor
*/
#include <string.h>

#include "lua/tensor.h"
#include "tensor/view.h"

/* === take === */

/* The indices of a call of take: a table or a tensor, at stack index 2. */
typedef struct picks {
  const lub_tensor *tensor; /* NULL: the table */
  int64_t count;
} picks;

static picks check_picks(lua_State *L) {
  picks p = {.tensor = lubL_testtensor(L, 2)};
  char text[LUB_SHAPE_TEXT];
  if (p.tensor) {
    if (p.tensor->shape.ndim != 1)
      luaL_error(L, "Tensor:take: indices must have one dimension, got %s",
                 lub_shape_text(&p.tensor->shape, "?", text));
    p.count = p.tensor->shape.dim[0];
  } else {
    luaL_argexpected(L, lua_istable(L, 2), 2, "table or tensor of indices");
    p.count = (int64_t)lua_rawlen(L, 2);
  }
  return p;
}

/* Index number i as C counts. */
static int64_t pick(lua_State *L, const picks *p, int64_t i, const lub_tensor *t) {
  int exact = 1;
  if (p->tensor) lua_pushnumber(L, (lua_Number)p->tensor->data[i * p->tensor->stride[0]]);
  else lua_rawgeti(L, 2, i + 1);
  lua_Integer value = lua_tointegerx(L, -1, &exact);
  int64_t at = exact ? lubL_position(value, t->shape.dim[0]) : -1;
  if (at < 0) {
    char text[LUB_SHAPE_TEXT];
    luaL_error(L, "Tensor:take: index %I must be a whole number in 1..%I, got %s; the tensor is %s",
               (LUAI_UACINT)(i + 1), (LUAI_UACINT)t->shape.dim[0], luaL_tolstring(L, -1, NULL),
               lub_shape_text(&t->shape, "?", text));
  }
  lua_pop(L, 1);
  return at;
}

/* The tensor in the field `out` of the options at 3, checked and pushed; or a new one. */
static const lub_tensor *take_out(lua_State *L, const lub_tensor *t, const lub_shape *shape) {
  static const lub_option none[] = {LUB_OPTIONS_END};
  static const char *const extra[] = {"out", NULL};
  char wanted[LUB_SHAPE_TEXT], came[LUB_SHAPE_TEXT];
  lubL_readoptions(L, 3, "Tensor:take", none, NULL, extra);
  if (lua_isnoneornil(L, 3) || lua_getfield(L, 3, "out") == LUA_TNIL) return lubL_newtensor(L, shape);
  const lub_tensor *out = lubL_testtensor(L, -1);
  if (!out) luaL_error(L, "Tensor:take: option 'out' must be a tensor, got %s", luaL_typename(L, -1));
  if (!lub_shape_equal(&out->shape, shape))
    luaL_error(L, "Tensor:take: option 'out' must have the shape %s, got %s", lub_shape_text(shape, "?", wanted),
               lub_shape_text(&out->shape, "?", came));
  if (lub_tensor_overlap(out, t)) luaL_error(L, "Tensor:take: option 'out' must not share memory with the tensor");
  return out;
}

/*** The rows (along axis 1) with these indices.
@function Tensor:take
@tparam table|Tensor indices one axis; negative ones count from the end
@tparam[opt] table options `out`: the tensor that they are copied into, which has the right shape; nothing is
allocated then, and nothing written unless every index is right
@treturn Tensor `out`, or a new one
*/
static int tensor_take(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  if (t->shape.ndim == 0) return luaL_error(L, "Tensor:take: a tensor without dimensions has no rows");
  picks p = check_picks(L);
  lub_shape shape = t->shape;
  shape.dim[0] = p.count;
  lua_settop(L, 3);
  for (int64_t i = 0; i < p.count; i++) pick(L, &p, i, t);
  const lub_tensor *out = take_out(L, t, &shape);
  if (lub_tensor_size(out) == 0) return 1;

  lub_tensor row = lub_tensor_at(t, 0);
  size_t bytes = (size_t)lub_tensor_size(&row) * sizeof(float);
  bool plain = lub_tensor_contiguous(&row) && lub_tensor_contiguous(out);
  for (int64_t i = 0; i < p.count; i++) {
    lub_tensor from = lub_tensor_at(t, pick(L, &p, i, t)), to = lub_tensor_at(out, i);
    if (plain) memcpy(to.data, from.data, bytes);
    else lub_tensor_copy(&to, &from);
  }
  return 1;
}

/* === concat and stack === */

/* Tensor `i` of the list at stack index 1, with a new axis `axis` where `stack`. */
static lub_tensor part(lua_State *L, const char *where, int64_t i, int axis, bool stack) {
  lua_rawgeti(L, 1, i);
  const lub_tensor *t = lubL_testtensor(L, -1);
  if (!t) luaL_error(L, "%s: element %I of the list must be a tensor, got %s", where, (LUAI_UACINT)i,
                     luaL_typename(L, -1));
  lua_pop(L, 1); /* the list keeps it */
  return stack ? lub_tensor_add_axis(t, axis) : *t;
}

static int join(lua_State *L, const char *where, bool stack) {
  luaL_argexpected(L, lua_istable(L, 1), 1, "list of tensors");
  int64_t n = (int64_t)lua_rawlen(L, 1);
  if (n == 0) return luaL_error(L, "%s: the list of tensors is empty", where);
  lub_tensor first = part(L, where, 1, 0, false);
  int ndim = first.shape.ndim + (stack ? 1 : 0);
  if (ndim == 0) return luaL_error(L, "%s: tensors without dimensions cannot be joined; use Tensor.stack", where);
  if (ndim > LUB_MAX_DIMS) return luaL_error(L, "%s: at most %d axes", where, LUB_MAX_DIMS);
  int axis = lua_isnoneornil(L, 2) ? 0 : lubL_checkaxis(L, 2, where, ndim);

  lub_shape shape = part(L, where, 1, axis, stack).shape;
  lub_shape given = first.shape;
  for (int64_t i = 2; i <= n; i++) {
    lub_tensor next = part(L, where, i, 0, false);
    lub_shape same = next.shape;
    if (!stack && same.ndim == given.ndim) same.dim[axis] = given.dim[axis];
    if (!lub_shape_equal(&same, &given)) {
      char expected[LUB_SHAPE_TEXT], came[LUB_SHAPE_TEXT];
      return luaL_error(L, "%s: tensor 1 is %s and does not fit tensor %I, which is %s", where,
                        lub_shape_text(&given, "?", expected), (LUAI_UACINT)i,
                        lub_shape_text(&next.shape, "?", came));
    }
    int64_t more = stack ? 1 : next.shape.dim[axis];
    if (__builtin_add_overflow(shape.dim[axis], more, &shape.dim[axis]))
      return luaL_error(L, "%s: the size overflows", where);
  }
  const lub_tensor *out = lubL_newtensor(L, &shape);
  for (int64_t i = 1, at = 0; i <= n; i++) {
    lub_tensor from = part(L, where, i, axis, stack);
    lub_tensor to = lub_tensor_slice(out, axis, at, from.shape.dim[axis], 1);
    lub_tensor_copy(&to, &from);
    at += from.shape.dim[axis];
  }
  return 1;
}

/*** Tensors behind one another along an axis; their other sizes are equal.
@function Tensor.concat
@static
@tparam {Tensor,...} list
@tparam[opt=1] int axis
@treturn Tensor
*/
static int tensor_concat(lua_State *L) { return join(L, "Tensor.concat", false); }

/*** Tensors of one shape along a new axis.
@function Tensor.stack
@static
@tparam {Tensor,...} list
@tparam[opt=1] int axis which one it becomes
@treturn Tensor
*/
static int tensor_stack(lua_State *L) { return join(L, "Tensor.stack", true); }

const luaL_Reg lubL_tensor_rows[] = {
    {"take", tensor_take}, {"concat", tensor_concat}, {"stack", tensor_stack}, {NULL, NULL}};
