/* core.counts: what the metrics of a training count in a batch (see nn/metric.h). Every function begins with the
 * targets y, the outputs p and the sample weights (or nil); columns count from 1. */
#include <math.h>

#include "lua/lubdub.h"
#include "nn/metric.h"

static lub_metric_batch read_batch(lua_State *L, const char *where, int args, bool class_numbers) {
  lua_settop(L, args);
  lub_tensor *y = lubL_checkcontiguous(L, 1), *p = lubL_checkcontiguous(L, 2);
  lub_metric_batch b = {.y = y->data, .p = p->data, .class_numbers = class_numbers};
  char expected[LUB_SHAPE_TEXT], got[LUB_SHAPE_TEXT];
  if (p->shape.ndim < 2 || lub_tensor_size(p) < 1) luaL_error(L, "%s: outputs must be (n, ..., classes)", where);
  lub_shape wanted = p->shape;
  if (class_numbers) wanted.ndim--;
  if (!lub_shape_equal(&y->shape, &wanted))
    luaL_error(L, "%s: y must be %s, got %s", where, lub_shape_text(&wanted, "?", expected),
               lub_shape_text(&y->shape, "?", got));
  b.n = p->shape.dim[0];
  b.width = p->shape.dim[p->shape.ndim - 1];
  b.rows = lub_tensor_size(p) / b.n / b.width;
  if (!lua_isnil(L, 3)) {
    lub_tensor *w = lubL_checkcontiguous(L, 3);
    if (w->shape.ndim != 1 || w->shape.dim[0] != b.n)
      luaL_error(L, "%s: sample weights must be (%d,), got %s", where, (int)b.n, lub_shape_text(&w->shape, "?", got));
    b.weights = w->data;
  }
  if (class_numbers)
    for (int64_t i = 0; i < b.n * b.rows; i++)
      if (!(b.y[i] >= 1 && b.y[i] <= (float)b.width))
        luaL_error(L, "%s: classes are counted from 1 to %d, got %f", where, (int)b.width, (lua_Number)b.y[i]);
  return b;
}

/* right(y, p, w): y is one-hot; right_numbers: class numbers. */
static int counts_right(lua_State *L) {
  lub_metric_batch b = read_batch(L, "accuracy", 3, lua_toboolean(L, lua_upvalueindex(1)));
  lua_pushnumber(L, lub_count_right(&b));
  return 1;
}

/* top_k(y, p, w, k) */
static int counts_top_k(lua_State *L) {
  lub_metric_batch b = read_batch(L, "top_k_categorical_accuracy", 4, lua_toboolean(L, lua_upvalueindex(1)));
  lua_pushnumber(L, lub_count_top_k(&b, luaL_checkinteger(L, 4)));
  return 1;
}

/* binary(y, p, w, threshold) */
static int counts_binary(lua_State *L) {
  lub_metric_batch b = read_batch(L, "binary_accuracy", 4, false);
  lua_pushnumber(L, lub_count_binary(&b, luaL_checknumber(L, 4)));
  return 1;
}

/* Argument `arg` as a column from 0; -1 where it is nil. */
static int64_t read_column(lua_State *L, int arg, const lub_metric_batch *b) {
  if (lua_isnil(L, arg)) return -1;
  lua_Integer column = luaL_checkinteger(L, arg);
  if (column < 1 || column > b->width)
    luaL_error(L, "class_id must be from 1 to %d, got %d", (int)b->width, (int)column);
  return column - 1;
}

/* hits(y, p, w, threshold, top_k or nil, class or nil) -> true positives, false positives, false negatives */
static int counts_hits(lua_State *L) {
  lub_metric_batch b = read_batch(L, "precision and recall", 6, false);
  lub_hits hits = {0};
  lub_count_hits(&b, luaL_checknumber(L, 4), luaL_optinteger(L, 5, 0), read_column(L, 6, &b), &hits);
  lua_pushnumber(L, hits.true_positives);
  lua_pushnumber(L, hits.false_positives);
  lua_pushnumber(L, hits.false_negatives);
  return 3;
}

static void add_to_list(lua_State *L, int list, int64_t i, double value) {
  lua_rawgeti(L, list, i + 1);
  lua_pushnumber(L, lua_tonumber(L, -1) + value);
  lua_rawseti(L, list, i + 1);
  lua_pop(L, 1);
}

/* columns(y, p, w, threshold or nil, sums): adds to the lists sums[1..4], one number per column: true positives, false
 * positives, false negatives, targets. */
static int counts_columns(lua_State *L) {
  lub_metric_batch b = read_batch(L, "f1_score", 5, false);
  luaL_checktype(L, 5, LUA_TTABLE);
  for (int i = 1; i <= 4; i++)
    if (lua_rawgeti(L, 5, i) != LUA_TTABLE) return luaL_error(L, "columns: four lists expected");
  lub_hits *hits = lua_newuserdatauv(L, sizeof *hits * (size_t)b.width, 0);
  double *targets = lua_newuserdatauv(L, sizeof *targets * (size_t)b.width, 0);
  for (int64_t c = 0; c < b.width; c++) hits[c] = (lub_hits){0, 0, 0}, targets[c] = 0;
  lub_count_columns(&b, luaL_optnumber(L, 4, NAN), hits, targets);
  for (int64_t c = 0; c < b.width; c++) {
    add_to_list(L, 6, c, hits[c].true_positives);
    add_to_list(L, 7, c, hits[c].false_positives);
    add_to_list(L, 8, c, hits[c].false_negatives);
    add_to_list(L, 9, c, targets[c]);
  }
  return 0;
}

/* buckets(y, p, w, thresholds, are logits, class or nil, positive, negative): adds to the two lists. thresholds: how
 * many evenly spaced ones, or a rising list of those between 0 and 1. */
static int counts_buckets(lua_State *L) {
  lub_metric_batch b = read_batch(L, "auc", 8, false);
  const bool given = lua_istable(L, 4);
  const lua_Integer n = given ? (lua_Integer)lua_rawlen(L, 4) + 2 : luaL_checkinteger(L, 4);
  luaL_argcheck(L, n > 1 && n <= 1 << 24, 4, "at least two thresholds expected");
  luaL_checktype(L, 7, LUA_TTABLE);
  luaL_checktype(L, 8, LUA_TTABLE);
  int64_t column = read_column(L, 6, &b);
  float *inner = given ? lua_newuserdatauv(L, sizeof(float) * (size_t)n, 0) : NULL;
  for (lua_Integer i = 0; given && i < n - 2; i++) {
    lua_rawgeti(L, 4, i + 1);
    inner[i] = (float)luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  double *sums = lua_newuserdatauv(L, sizeof(double) * 2 * (size_t)n, 0);
  for (lua_Integer i = 0; i < 2 * n; i++) sums[i] = 0;
  lub_count_buckets(&b, n, inner, lua_toboolean(L, 5), column, sums, sums + n);
  for (lua_Integer i = 0; i < n; i++) {
    if (sums[i] != 0) add_to_list(L, 7, i, sums[i]);
    if (sums[n + i] != 0) add_to_list(L, 8, i, sums[n + i]);
  }
  return 0;
}

int lubL_open_metric(lua_State *L) {
  static const luaL_Reg functions[] = {{"binary", counts_binary},
                                       {"hits", counts_hits},
                                       {"columns", counts_columns},
                                       {"buckets", counts_buckets},
                                       {NULL, NULL}};
  static const struct {
    const char *name;
    lua_CFunction function;
    int class_numbers;
  } both[] = {{"right", counts_right, 0},
              {"right_numbers", counts_right, 1},
              {"top_k", counts_top_k, 0},
              {"top_k_numbers", counts_top_k, 1}};
  luaL_newlib(L, functions);
  for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
    lua_pushboolean(L, both[i].class_numbers);
    lua_pushcclosure(L, both[i].function, 1);
    lua_setfield(L, -2, both[i].name);
  }
  return 1;
}
