/*** Shapes, views and assignment: what a tensor is without computing anything.
@submodule lubdub.Tensor
*/
#include "lua/tensor.h"
#include "tensor/view.h"

static int failed(lua_State *L, const char *where, const char *what, const lub_shape *shape) {
  char text[LUB_SHAPE_TEXT];
  return luaL_error(L, "%s: %s, the tensor is %s", where, what, lub_shape_text(shape, "?", text));
}

int lubL_checkaxis(lua_State *L, int arg, const char *where, int ndim) {
  int exact;
  lua_Integer axis = lua_tointegerx(L, arg, &exact);
  int64_t position = exact ? lubL_position(axis, ndim) : -1;
  if (position < 0)
    luaL_error(L, "%s: axis must be in 1..%d or -%d..-1, got %s", where, ndim, ndim,
               lua_isnone(L, arg) ? "nothing" : luaL_tolstring(L, arg, NULL));
  return (int)position;
}

/* === questions === */

static int shape_tostring(lua_State *L) {
  char text[LUB_SHAPE_TEXT];
  lub_shape shape = lubL_readshape(L, 1, "shape");
  lua_pushstring(L, lub_shape_text(&shape, "?", text));
  return 1;
}

/*** The sizes.
@function Tensor:shape
@tparam[opt] int axis
@treturn {int,...}|int all of them in a new table, which prints as (40, 173), or the one of `axis`
*/
static int tensor_shape(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  if (!lua_isnoneornil(L, 2)) {
    lua_pushinteger(L, t->shape.dim[lubL_checkaxis(L, 2, "Tensor:shape", t->shape.ndim)]);
    return 1;
  }
  lubL_pushshape(L, &t->shape);
  if (luaL_newmetatable(L, "lubdub.shape")) {
    lua_pushcfunction(L, shape_tostring);
    lua_setfield(L, -2, "__tostring");
  }
  lua_setmetatable(L, -2);
  return 1;
}

/*** The number of axes.
@function Tensor:ndim
@treturn int
*/
static int tensor_ndim(lua_State *L) {
  lua_pushinteger(L, lubL_checktensor(L, 1)->shape.ndim);
  return 1;
}

/*** The number of elements.
@function Tensor:size
@treturn int
*/
static int tensor_size(lua_State *L) {
  lua_pushinteger(L, lub_tensor_size(lubL_checktensor(L, 1)));
  return 1;
}

/* === copies === */

/*** A copy in new memory, row-major.
@function Tensor:clone
@treturn Tensor
*/
static int tensor_clone(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  lub_tensor_copy(lubL_newtensor(L, &t->shape), t);
  return 1;
}

/*** The tensor itself where its elements lie row-major without gaps, else a clone.
@function Tensor:contiguous
@treturn Tensor
*/
static int tensor_contiguous(lua_State *L) {
  lubL_checkcontiguous(L, 1);
  lua_settop(L, 1);
  return 1;
}

/* === other shapes === */

/* Reads integers from the table at `arg` or from the arguments from `arg` on. Returns how many. */
static int read_integers(lua_State *L, int arg, const char *where, lua_Integer values[LUB_MAX_DIMS]) {
  bool table = lua_istable(L, arg);
  int n = table ? (int)lua_rawlen(L, arg) : lua_gettop(L) - arg + 1;
  if (n > LUB_MAX_DIMS) luaL_error(L, "%s: at most %d axes, got %d", where, LUB_MAX_DIMS, n);
  for (int i = 0; i < n; i++) {
    int exact;
    if (table) lua_rawgeti(L, arg, i + 1);
    else lua_pushvalue(L, arg + i);
    values[i] = lua_tointegerx(L, -1, &exact);
    if (!exact) luaL_error(L, "%s: expected whole numbers, got %s", where, luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
  }
  return n;
}

/*** The same elements, in row-major order, with other sizes. A view where the elements lie so, else a copy.
@function Tensor:reshape
@tparam int|table ... the sizes, or a table of them; one may be -1 and is computed
@treturn Tensor
*/
static int tensor_reshape(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  lua_Integer sizes[LUB_MAX_DIMS];
  lub_shape shape = {.ndim = read_integers(L, 2, "Tensor:reshape", sizes)};
  int64_t size = lub_tensor_size(t);
  int unknown = -1;
  for (int i = 0; i < shape.ndim; i++) {
    shape.dim[i] = sizes[i];
    if (sizes[i] == -1 && unknown < 0) unknown = i, shape.dim[i] = 1;
    else if (sizes[i] < 0) return failed(L, "Tensor:reshape", "sizes must be at least 0, and one may be -1", &t->shape);
  }
  int64_t known = lub_shape_size(&shape);
  if (unknown >= 0 && known > 0 && size % known == 0) shape.dim[unknown] = size / known;
  if (lub_shape_size(&shape) != size || (unknown >= 0 && known == 0)) {
    char from[LUB_SHAPE_TEXT], to[LUB_SHAPE_TEXT];
    if (unknown >= 0) shape.dim[unknown] = -1;
    return luaL_error(L, "Tensor:reshape: %s with %I elements does not fit %s", lub_shape_text(&t->shape, "?", from),
                      (LUAI_UACINT)size, lub_shape_text(&shape, "-1", to));
  }
  t = lubL_checkcontiguous(L, 1);
  lub_tensor view = lub_tensor_over(t->data, &shape);
  lubL_newview(L, 1, &view);
  return 1;
}

/*** A view with the axes in another order.
@function Tensor:permute
@tparam int|table ... every axis once: axis i of the view is the i-th one named
@treturn Tensor
*/
static int tensor_permute(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  lua_Integer axes[LUB_MAX_DIMS];
  int order[LUB_MAX_DIMS], ndim = t->shape.ndim;
  bool seen[LUB_MAX_DIMS] = {false}, valid = read_integers(L, 2, "Tensor:permute", axes) == ndim;
  for (int i = 0; valid && i < ndim; i++) {
    order[i] = (int)lubL_position(axes[i], ndim);
    valid = order[i] >= 0 && !seen[order[i]];
    if (valid) seen[order[i]] = true;
  }
  if (!valid) return failed(L, "Tensor:permute", "every axis must be named once", &t->shape);
  lub_tensor view = lub_tensor_permute(t, order);
  lubL_newview(L, 1, &view);
  return 1;
}

/*** A view with the axes in reverse order, or with two axes exchanged.
@function Tensor:transpose
@tparam[opt] int a
@tparam[opt] int b
@treturn Tensor
*/
static int tensor_transpose(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  int order[LUB_MAX_DIMS], ndim = t->shape.ndim;
  bool reverse = lua_gettop(L) == 1;
  for (int i = 0; i < ndim; i++) order[i] = reverse ? ndim - 1 - i : i;
  if (!reverse) {
    int a = lubL_checkaxis(L, 2, "Tensor:transpose", ndim), b = lubL_checkaxis(L, 3, "Tensor:transpose", ndim);
    order[a] = b;
    order[b] = a;
  }
  lub_tensor view = lub_tensor_permute(t, order);
  lubL_newview(L, 1, &view);
  return 1;
}

/*** A view with one axis more, of size 1.
@function Tensor:expand_dims
@tparam int axis which one it becomes; -1: the last
@treturn Tensor
*/
static int tensor_expand_dims(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  if (t->shape.ndim == LUB_MAX_DIMS) return failed(L, "Tensor:expand_dims", "at most 8 axes", &t->shape);
  lub_tensor view = lub_tensor_add_axis(t, lubL_checkaxis(L, 2, "Tensor:expand_dims", t->shape.ndim + 1));
  lubL_newview(L, 1, &view);
  return 1;
}

/*** A view without the axes of size 1, or without one of them.
@function Tensor:squeeze
@tparam[opt] int axis
@treturn Tensor
*/
static int tensor_squeeze(lua_State *L) {
  lub_tensor view = *lubL_checktensor(L, 1);
  if (lua_isnoneornil(L, 2)) {
    for (int i = view.shape.ndim - 1; i >= 0; i--)
      if (view.shape.dim[i] == 1) view = lub_tensor_drop_axis(&view, i);
  } else {
    int axis = lubL_checkaxis(L, 2, "Tensor:squeeze", view.shape.ndim);
    if (view.shape.dim[axis] != 1) return failed(L, "Tensor:squeeze", "only an axis of size 1 can go", &view.shape);
    view = lub_tensor_drop_axis(&view, axis);
  }
  lubL_newview(L, 1, &view);
  return 1;
}

/* === parts === */

/*** A view of a range of an axis. As with string.sub, both ends are included, negative ones count from the end, and
what lies outside is left out.
@function Tensor:slice
@tparam int axis
@tparam[opt] int first 1; -1 where step is negative
@tparam[opt] int last -1; 1 where step is negative
@tparam[opt=1] int step
@treturn Tensor
*/
static int tensor_slice(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  int axis = lubL_checkaxis(L, 2, "Tensor:slice", t->shape.ndim);
  lua_Integer size = t->shape.dim[axis], step = luaL_optinteger(L, 5, 1);
  luaL_argcheck(L, step != 0 && step > -LUA_MAXINTEGER, 5, "step must not be 0");
  lua_Integer first = luaL_optinteger(L, 3, step > 0 ? 1 : -1), last = luaL_optinteger(L, 4, step > 0 ? -1 : 1);
  if (first < 0) first = first < -size ? 0 : first + size + 1;
  if (last < 0) last = last < -size ? 0 : last + size + 1;
  if (step > 0) {
    if (first < 1) first = 1;
    if (last > size) last = size;
  } else {
    if (first > size) first = size;
    if (last < 1) last = 1;
  }
  lua_Integer reach = step > 0 ? last - first : first - last;
  lua_Integer count = reach < 0 ? 0 : reach / (step > 0 ? step : -step) + 1;
  lub_tensor view = lub_tensor_slice(t, axis, first - 1, count, count > 1 ? step : 1);
  lubL_newview(L, 1, &view);
  return 1;
}

/* Element i of axis 1, for t[i] and t[i] = v; -1 where there is none. */
static int64_t element(lua_State *L, const lub_tensor *t, lua_Integer *i) {
  int exact;
  *i = lua_tointegerx(L, 2, &exact);
  if (!exact) luaL_error(L, "Tensor: an index must be a whole number, got %s", luaL_tolstring(L, 2, NULL));
  if (t->shape.ndim == 0) luaL_error(L, "Tensor: a tensor without dimensions has no elements to index; use t:item()");
  return lubL_position(*i, t->shape.dim[0]);
}

static int outside(lua_State *L, const lub_tensor *t, lua_Integer i) {
  char text[LUB_SHAPE_TEXT];
  return luaL_error(L, "Tensor: index %I is outside 1..%I of a tensor of shape %s", (LUAI_UACINT)i,
                    (LUAI_UACINT)t->shape.dim[0], lub_shape_text(&t->shape, "?", text));
}

/*** t[i]: the number at i where there is one axis, else a view of one axis less. Negative indices count from the
end. t[#t + 1] is nil, so that ipairs ends there; other indices outside are errors.
@function Tensor:__index
@tparam int i
@treturn number|Tensor|nil
*/
int lubL_tensor_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
  }
  const lub_tensor *t = lubL_checktensor(L, 1);
  lua_Integer i;
  int64_t at = element(L, t, &i);
  if (at < 0) {
    if (i != t->shape.dim[0] + 1) return outside(L, t, i);
    lua_pushnil(L);
  } else if (t->shape.ndim == 1) {
    lua_pushnumber(L, (lua_Number)t->data[at * t->stride[0]]);
  } else {
    lub_tensor view = lub_tensor_at(t, at);
    lubL_newview(L, 1, &view);
  }
  return 1;
}

static int next_row(lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 2) + 1;
  lua_settop(L, 1);
  lua_pushinteger(L, i);
  if (i > lubL_checktensor(L, 1)->shape.dim[0]) return 0;
  lua_pushinteger(L, i);
  lua_geti(L, 1, i);
  return 2;
}

/*** pairs(t): i and t[i] along axis 1.
@function Tensor:__pairs
*/
int lubL_tensor_pairs(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  if (t->shape.ndim == 0) return luaL_error(L, "Tensor: a tensor without dimensions has no elements to walk");
  lua_pushcfunction(L, next_row);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

/* === assignment === */

void lubL_assign(lua_State *L, const char *where, const lub_tensor *out, const lub_tensor *in) {
  lub_shape both;
  if (!lub_broadcast_shapes(&out->shape, &in->shape, &both) || !lub_shape_equal(&both, &out->shape)) {
    char into[LUB_SHAPE_TEXT], from[LUB_SHAPE_TEXT];
    luaL_error(L, "%s: expected a value that fits %s, got %s", where, lub_shape_text(&out->shape, "?", into),
               lub_shape_text(&in->shape, "?", from));
  }
  if (lub_tensor_overlap(out, in)) {
    lub_tensor *copy = lubL_newtensor(L, &in->shape);
    lub_tensor_copy(copy, in);
    in = copy;
  }
  lub_tensor stretched = lub_tensor_broadcast(in, &out->shape);
  lub_tensor_copy(out, &stretched);
}

/*** t[i] = v.
@function Tensor:__newindex
@tparam int i
@tparam number|Tensor|table v stretched to the shape of t[i], as in arithmetic
*/
int lubL_tensor_newindex(lua_State *L) {
  const lub_tensor *t = lubL_checktensor(L, 1);
  if (lua_type(L, 2) != LUA_TNUMBER)
    return luaL_error(L, "Tensor: only elements can be assigned, not '%s'", luaL_tolstring(L, 2, NULL));
  lua_Integer i;
  int64_t at = element(L, t, &i);
  if (at < 0) return outside(L, t, i);
  lub_tensor part = lub_tensor_at(t, at);
  if (lua_type(L, 3) == LUA_TNUMBER) lub_tensor_fill(&part, (float)lua_tonumber(L, 3));
  else lubL_assign(L, "Tensor: t[i] = v", &part, lubL_totensor(L, 3, "Tensor: t[i] = v"));
  return 0;
}

/*** Sets every element.
@function Tensor:fill
@tparam number value
@treturn Tensor itself
*/
static int tensor_fill(lua_State *L) {
  lub_tensor_fill(lubL_checktensor(L, 1), (float)luaL_checknumber(L, 2));
  lua_settop(L, 1);
  return 1;
}

/*** Sets the elements from others.
@function Tensor:copy
@tparam number|Tensor|table v stretched to the shape of the tensor; may be a view of it
@treturn Tensor itself
*/
static int tensor_copy(lua_State *L) {
  lubL_assign(L, "Tensor:copy", lubL_checktensor(L, 1), lubL_totensor(L, 2, "Tensor:copy"));
  lua_settop(L, 1);
  return 1;
}

const luaL_Reg lubL_tensor_views[] = {{"shape", tensor_shape},
                                      {"ndim", tensor_ndim},
                                      {"size", tensor_size},
                                      {"clone", tensor_clone},
                                      {"contiguous", tensor_contiguous},
                                      {"reshape", tensor_reshape},
                                      {"permute", tensor_permute},
                                      {"transpose", tensor_transpose},
                                      {"expand_dims", tensor_expand_dims},
                                      {"squeeze", tensor_squeeze},
                                      {"slice", tensor_slice},
                                      {"fill", tensor_fill},
                                      {"copy", tensor_copy},
                                      {NULL, NULL}};
