/*** Constructors: Tensor(nested table), Tensor.zeros, ones, full, arange, rand, randn.
@submodule lubdub.Tensor
*/
#include <math.h>
#include <stdatomic.h>

#include "base/random.h"
#include "lua/tensor.h"

/* === from nested tables === */

/* Where in a nested table we are, for messages: "[2][1]". */
typedef struct place {
  const char *where;
  int depth;
  int64_t index[LUB_MAX_DIMS];
} place;

static const char *push_place(lua_State *L, const place *p) {
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  for (int i = 0; i < p->depth; i++) {
    lua_pushfstring(L, "[%I]", (LUAI_UACINT)p->index[i]);
    luaL_addvalue(&text);
  }
  luaL_pushresult(&text);
  return lua_tostring(L, -1);
}

/* The extents, from the first element of each depth. */
static lub_shape measure(lua_State *L, int arg, const char *where) {
  lub_shape shape = {0};
  lua_pushvalue(L, arg);
  while (lua_istable(L, -1)) {
    lua_Unsigned n = lua_rawlen(L, -1);
    if (shape.ndim == LUB_MAX_DIMS) luaL_error(L, "%s: tables are nested deeper than %d", where, LUB_MAX_DIMS);
    if (n == 0) {
      lua_pushnil(L);
      if (lua_next(L, -2)) {
        const char *key = luaL_tolstring(L, -2, NULL);
        luaL_error(L, "%s: expected a nested list of numbers, got a table with the key '%s'", where, key);
      }
    }
    shape.dim[shape.ndim++] = (int64_t)n;
    if (n == 0) break;
    lua_rawgeti(L, -1, 1);
    lua_replace(L, -2);
  }
  lua_pop(L, 1);
  return shape;
}

/* Writes the table or number on top of the stack to `out` and returns the place behind. */
static float *fill_nested(lua_State *L, float *out, const lub_shape *shape, place *p) {
  if (p->depth == shape->ndim) {
    if (lua_type(L, -1) != LUA_TNUMBER) {
      const char *came = lua_istable(L, -1) ? "a table (ragged?)" : luaL_tolstring(L, -1, NULL);
      luaL_error(L, "%s: element %s must be a number, got %s", p->where, push_place(L, p), came);
    }
    *out = (float)lua_tonumber(L, -1);
    return out + 1;
  }
  int64_t n = shape->dim[p->depth];
  if (!lua_istable(L, -1)) {
    const char *came = luaL_tolstring(L, -1, NULL);
    luaL_error(L, "%s: element %s must be a list of %I, got %s", p->where, push_place(L, p), (LUAI_UACINT)n, came);
  }
  if ((int64_t)lua_rawlen(L, -1) != n) {
    LUAI_UACINT came = (LUAI_UACINT)lua_rawlen(L, -1);
    luaL_error(L, "%s: element %s has %I elements, but the first one of its depth has %I (a ragged table)", p->where,
               push_place(L, p), came, (LUAI_UACINT)n);
  }
  int depth = p->depth++;
  for (int64_t i = 1; i <= n; i++) {
    p->index[depth] = i;
    lua_rawgeti(L, -1, i);
    out = fill_nested(L, out, shape, p);
    lua_pop(L, 1);
  }
  p->depth = depth;
  return out;
}

lub_tensor *lubL_newfromtable(lua_State *L, int arg, const char *where) {
  place p = {.where = where};
  if (lua_type(L, arg) != LUA_TNUMBER && !lua_istable(L, arg))
    luaL_error(L, "%s: expected a number, a nested table of numbers or a tensor, got %s", where,
               luaL_typename(L, arg));
  luaL_checkstack(L, LUB_MAX_DIMS + 8, where);
  arg = lua_absindex(L, arg);
  lub_shape shape = measure(L, arg, where);
  lub_tensor *t = lubL_newtensor(L, &shape);
  lua_pushvalue(L, arg);
  fill_nested(L, t->data, &shape, &p);
  lua_pop(L, 1);
  return t;
}

lub_tensor *lubL_totensor(lua_State *L, int arg, const char *where) {
  lub_tensor *t = lubL_testtensor(L, arg);
  if (t) return t;
  arg = lua_absindex(L, arg);
  t = lubL_newfromtable(L, arg, where);
  lua_replace(L, arg);
  return t;
}

/*** A tensor with the numbers of a nested table. A number alone has no dimensions; a tensor is copied.
@function Tensor
@static
@tparam table|number|Tensor nested { { 1, 2 }, { 3, 4 } }, up to 8 deep; all rows of a depth equally long
@treturn Tensor
@raise naming the element that is no number, or a row of another length
@usage
local t = lubdub.Tensor { { 1, 2, 3 }, { 4, 5, 6 } }
print(t:mean(2), t:slice(2, 1, 2) * 10)
*/
int lubL_tensor_call(lua_State *L) {
  const lub_tensor *t = lubL_testtensor(L, 2);
  if (t) lub_tensor_copy(lubL_newtensor(L, &t->shape), t);
  else lubL_newfromtable(L, 2, "Tensor");
  return 1;
}

/* === from a shape === */

typedef struct make_options {
  lub_shape shape;
  double value, low, high, mean, std;
  double start, step;
  int64_t seed;
} make_options;

#define SHAPE {.name = "shape", .type = LUB_OPTION_SHAPE, .offset = offsetof(make_options, shape)}
#define NUMBER(field, default_) \
  {.name = #field, .type = LUB_OPTION_NUMBER, .offset = offsetof(make_options, field), .fallback = default_}
#define SEED \
  {.name = "seed", .alias = "random_state", .type = LUB_OPTION_INT, .offset = offsetof(make_options, seed), \
   .nullable = true, .none = true, .min = 0, .max = 0x1p53}

static const lub_option shape_table[] = {SHAPE, LUB_OPTIONS_END};
static const lub_option full_table[] = {
    SHAPE,
    {.name = "value", .type = LUB_OPTION_NUMBER, .offset = offsetof(make_options, value), .required = true},
    LUB_OPTIONS_END};
static const lub_option arange_table[] = {SHAPE, NUMBER(start, 0), NUMBER(step, 1), LUB_OPTIONS_END};
static const lub_option rand_table[] = {SHAPE, NUMBER(low, 0), NUMBER(high, 1), SEED, LUB_OPTIONS_END};
static const lub_option randn_table[] = {SHAPE, NUMBER(mean, 0), NUMBER(std, 1), SEED, LUB_OPTIONS_END};

/* Reads {dims..., name = value} at argument 1 and pushes a tensor of that shape, not cleared. An empty list of
 * dims is a tensor without dimensions. */
static lub_tensor *make(lua_State *L, const char *where, const lub_option *table, make_options *o) {
  luaL_argexpected(L, lua_istable(L, 1), 1, "table {dims...}");
  lubL_readoptions(L, 1, where, table, o, NULL);
  return lubL_newtensor(L, &o->shape);
}

static int make_filled(lua_State *L, const char *where, float value) {
  make_options o;
  lub_tensor_fill(make(L, where, shape_table, &o), value);
  return 1;
}

/*** Zeros.
@function Tensor.zeros
@static
@tparam table options the sizes, { 40, 173 }, or { shape = sizes }
@treturn Tensor
*/
static int make_zeros(lua_State *L) { return make_filled(L, "Tensor.zeros", 0); }

/*** Ones.
@function Tensor.ones
@static
@tparam table options the sizes, as for `Tensor.zeros`
@treturn Tensor
*/
static int make_ones(lua_State *L) { return make_filled(L, "Tensor.ones", 1); }

/*** One number everywhere.
@function Tensor.full
@static
@tparam table options the sizes, and `value`: { 40, 173, value = -80 }
@treturn Tensor
*/
static int make_full(lua_State *L) {
  make_options o;
  lub_tensor *t = make(L, "Tensor.full", full_table, &o);
  lub_tensor_fill(t, (float)o.value);
  return 1;
}

/*** Counts. With numbers it is NumPy's, one dimension and stop excluded: arange(stop), arange(start, stop, step).
@function Tensor.arange
@static
@tparam table|number options the sizes, `start` (0) and `step` (1): { 2, 3, start = 1 } is 1, 2, 3 and 4, 5, 6
@treturn Tensor
*/
static int make_arange(lua_State *L) {
  make_options o = {.start = 0, .step = 1};
  lub_tensor *t;
  if (lua_type(L, 1) == LUA_TNUMBER) {
    double stop = luaL_checknumber(L, 1);
    if (!lua_isnoneornil(L, 2)) o.start = stop, stop = luaL_checknumber(L, 2);
    o.step = luaL_optnumber(L, 3, 1);
    luaL_argcheck(L, o.step != 0, 3, "step must not be 0");
    double count = ceil((stop - o.start) / o.step);
    luaL_argcheck(L, count < 0x1p53, 1, "too many elements");
    o.shape = (lub_shape){.ndim = 1, .dim = {count > 0 ? (int64_t)count : 0}};
    t = lubL_newtensor(L, &o.shape);
  } else {
    t = make(L, "Tensor.arange", arange_table, &o);
  }
  int64_t n = lub_tensor_size(t);
  for (int64_t i = 0; i < n; i++) t->data[i] = (float)(o.start + (double)i * o.step);
  return 1;
}

/* The stream of a seed; without one, of the next number of a counter, so that a program that makes its tensors
 * in the same order gets the same numbers in every run. */
static uint64_t stream(int64_t seed) {
  static atomic_uint_least64_t counter;
  if (seed == LUB_NONE_INT) return lub_mix(0x72616e64u, atomic_fetch_add(&counter, 1));
  return lub_mix(0, (uint64_t)seed);
}

/*** Uniform random numbers in [low, high).
@function Tensor.rand
@static
@tparam table options the sizes, `seed`, `low` (0), `high` (1). Without a seed every call gives other numbers, but
the same ones in every run of a program that makes its tensors in the same order.
@treturn Tensor
*/
static int make_rand(lua_State *L) {
  make_options o;
  lub_tensor *t = make(L, "Tensor.rand", rand_table, &o);
  lub_fill_uniform(t->data, lub_tensor_size(t), o.low, o.high, stream(o.seed));
  return 1;
}

/*** Normal random numbers.
@function Tensor.randn
@static
@tparam table options the sizes, `seed` (as for `Tensor.rand`), `mean` (0), `std` (1)
@treturn Tensor
*/
static int make_randn(lua_State *L) {
  make_options o;
  lub_tensor *t = make(L, "Tensor.randn", randn_table, &o);
  lub_fill_normal(t->data, lub_tensor_size(t), o.mean, o.std, stream(o.seed));
  return 1;
}

const luaL_Reg lubL_tensor_makers[] = {{"zeros", make_zeros},
                                       {"ones", make_ones},
                                       {"full", make_full},
                                       {"arange", make_arange},
                                       {"rand", make_rand},
                                       {"randn", make_randn},
                                       {NULL, NULL}};
