/* core.augment: batches for training (pipeline/preparation.h), which Lua composes (lua/lubdub/augment.lua). */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "lua/sound.h"
#include "pipeline/preparation.h"

#define PREPARATION "lubdub.Preparation"

typedef struct preparation_object {
  lub_preparation *preparation;
  int64_t out_size;
} preparation_object;
enum { PREPARATION_ANCHORS = 1, PREPARATION_OUT, PREPARATION_VALUES = 2 };

/* === reading the recipe: its lists become arrays in userdata that the table `anchors` keeps === */

static double number_field(lua_State *L, int table, const char *name, double fallback) {
  double value = fallback;
  if (lua_getfield(L, table, name) != LUA_TNIL) value = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static bool flag_field(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static void read_augmentation(lua_State *L, int at, void *item) {
  lub_augmentation *a = item;
  lua_getfield(L, at, "kind");
  a->kind = luaL_checkoption(L, -1, NULL, lub_augmentation_names);
  lua_pop(L, 1);
  a->low = number_field(L, at, "low", 0);
  a->high = number_field(L, at, "high", 0);
  a->p = number_field(L, at, "p", 1);
  a->wrap = flag_field(L, at, "wrap");
  a->n_fft = (int64_t)number_field(L, at, "n_fft", 2048);
}

static void read_mask(lua_State *L, int at, void *item) {
  lub_mask *m = item;
  m->frequency = flag_field(L, at, "frequency");
  m->most = (int64_t)number_field(L, at, "most", 0);
  m->count = (int64_t)number_field(L, at, "count", 1);
  m->value = flag_field(L, at, "mean") ? NAN : number_field(L, at, "value", 0);
  m->p = number_field(L, at, "p", 1);
}

/* The numbers of the tensor in field `name`, which the caller's table keeps. */
static const float *tensor_field(lua_State *L, int at, const char *name, int64_t size) {
  lua_getfield(L, at, name);
  lub_tensor *t = lubL_checktensor(L, -1);
  if (!lub_tensor_contiguous(t) || lub_tensor_size(t) != size) luaL_error(L, "augment: %s does not fit", name);
  lua_pop(L, 1);
  return t->data;
}

static void read_step(lua_State *L, int at, lub_row_step *step, int64_t out_size) {
  static const char *const kinds[] = {"scale", "standardize", "affine", NULL};
  lua_getfield(L, at, "kind");
  step->kind = (lub_row_step_kind)luaL_checkoption(L, -1, NULL, kinds);
  lua_pop(L, 1);
  if (step->kind == LUB_ROW_SCALE) {
    step->by = (float)number_field(L, at, "by", 1);
  } else if (step->kind == LUB_ROW_STANDARDIZE) {
    step->size = (int64_t)number_field(L, at, "size", 0);
    if (step->size < 1 || out_size % step->size) luaL_error(L, "augment: size does not fit");
  } else {
    step->mean = tensor_field(L, at, "mean", out_size);
    step->scale = tensor_field(L, at, "scale", out_size);
  }
}

typedef void read_item(lua_State *L, int at, void *item);

/* Reads the list in field `name` of the table at 1; *count tells how many. */
static void *read_list(lua_State *L, int anchors, const char *name, size_t size, read_item *read, int *count) {
  lua_getfield(L, 1, name);
  int list = lua_gettop(L);
  *count = lua_istable(L, list) ? (int)lua_rawlen(L, list) : 0;
  char *items = lua_newuserdatauv(L, size * (size_t)(*count + 1), 0);
  memset(items, 0, size * (size_t)(*count + 1));
  for (int i = 0; i < *count && read; i++) {
    lua_rawgeti(L, list, i + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    read(L, lua_gettop(L), items + size * (size_t)i);
    lua_pop(L, 1);
  }
  lua_setfield(L, anchors, name);
  lua_pop(L, 1);
  return items;
}

/* What a row becomes: the plan's shape and 1 behind it, or what it is without its first axis. */
static lub_shape row_shape(lua_State *L, const lub_recipe *recipe, const lub_tensor *x) {
  lub_shape shape = {.ndim = x->shape.ndim - 1};
  lub_error err;
  for (int i = 0; i < shape.ndim; i++) shape.dim[i] = x->shape.dim[i + 1];
  if (!recipe->plan) return shape;
  if (lub_plan_shape(recipe->plan, recipe->size, &shape, &err) != LUB_OK) luaL_error(L, "augment: %s", err.message);
  if (shape.ndim == 2) shape.dim[shape.ndim++] = 1;
  return shape;
}

/* augment.Preparation{ x =, sr =, plan =, augmentations =, steps =, masks =, background =, first_row = } -> object,
 * shape of a row */
static int augment_preparation(lua_State *L) {
  lub_recipe r = {0};
  lub_error err;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  preparation_object *object = lua_newuserdatauv(L, sizeof *object, PREPARATION_VALUES); /* 2 */
  *object = (preparation_object){0};
  luaL_setmetatable(L, PREPARATION);
  lua_newtable(L); /* 3: what the recipe points to */
  lua_getfield(L, 1, "x"); /* 4 */
  lub_tensor *x = lubL_checkcontiguous(L, 4);
  if (x->shape.ndim < 2 || lub_tensor_size(x) == 0) return luaL_error(L, "augment: x must have rows");
  lua_pushvalue(L, 4);
  lua_setfield(L, 3, "x");
  r.x = x->data, r.rows = x->shape.dim[0], r.size = lub_tensor_size(x) / r.rows;
  r.sr = number_field(L, 1, "sr", 0);
  r.first_row = (int64_t)number_field(L, 1, "first_row", 1) - 1;
  if (lua_getfield(L, 1, "plan") == LUA_TUSERDATA) {
    r.plan = lubL_checkplan(L, 5);
    lua_pushvalue(L, 5);
    lua_setfield(L, 3, "plan");
  }
  lub_shape shape = row_shape(L, &r, x);
  r.out_size = object->out_size = lub_shape_size(&shape);
  r.coefficients = shape.dim[0];
  r.frames = shape.ndim > 1 ? shape.dim[1] : 1;
  r.depth = r.out_size / r.coefficients / r.frames;
  r.augmentations = read_list(L, 3, "augmentations", sizeof *r.augmentations, read_augmentation, &r.augmentation_count);
  r.masks = read_list(L, 3, "masks", sizeof *r.masks, read_mask, &r.mask_count);
  lub_row_step *steps = read_list(L, 3, "steps", sizeof *steps, NULL, &r.step_count);
  lua_getfield(L, 1, "steps");
  for (int i = 0; i < r.step_count; i++) {
    lua_rawgeti(L, -1, i + 1);
    read_step(L, lua_gettop(L), &steps[i], r.out_size);
    lua_pop(L, 1);
  }
  lua_setfield(L, 3, "tensors"); /* the list holds those of its steps */
  r.steps = steps;
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 2, PREPARATION_ANCHORS);
  if (lub_preparation_new(&object->preparation, &r, flag_field(L, 1, "background"), &err) != LUB_OK)
    return lubL_failure(L, &err);
  lua_pushvalue(L, 2);
  lubL_pushshape(L, &shape);
  return 2;
}

static preparation_object *check_preparation(lua_State *L) {
  preparation_object *object = luaL_checkudata(L, 1, PREPARATION);
  if (!object->preparation) luaL_error(L, "augment: this source is closed");
  return object;
}

/* object:begin(rows, seed, epoch, out): begins the batch of these rows (from 1), to be made in tensor `out` */
static int preparation_begin(lua_State *L) {
  preparation_object *object = check_preparation(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  uint64_t key = lub_mix((uint64_t)luaL_checkinteger(L, 3), (uint64_t)luaL_checkinteger(L, 4));
  lub_tensor *out = lubL_checktensor(L, 5);
  int64_t count = (int64_t)lua_rawlen(L, 2);
  lub_error err;
  luaL_argcheck(L, lub_tensor_contiguous(out) && lub_tensor_size(out) == count * object->out_size, 5, "does not fit");
  int64_t *rows = lua_newuserdatauv(L, sizeof *rows * (size_t)(count + 1), 0);
  for (int64_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, i + 1);
    rows[i] = luaL_checkinteger(L, -1) - 1;
    lua_pop(L, 1);
  }
  if (lub_preparation_begin(object->preparation, rows, count, key, out->data, &err) != LUB_OK)
    return lubL_failure(L, &err);
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, 1, PREPARATION_OUT);
  return 0;
}

/* object:advance() -> true when the batch is finished */
static int preparation_advance(lua_State *L) {
  preparation_object *object = check_preparation(L);
  lub_error err;
  bool finished;
  if (lub_preparation_advance(object->preparation, &finished, &err) != LUB_OK) return luaL_error(L, "%s", err.message);
  lua_pushboolean(L, finished);
  return 1;
}

static int preparation_gc(lua_State *L) {
  preparation_object *object = luaL_checkudata(L, 1, PREPARATION);
  lub_preparation_free(object->preparation);
  object->preparation = NULL;
  return 0;
}

/* augment.mix(x, partners, shares, out): out[i] = shares[i] x[i] + (1 - shares[i]) x[partners[i]] */
static int augment_mix(lua_State *L) {
  lua_settop(L, 4);
  lub_tensor *x = lubL_checkcontiguous(L, 1), *out = lubL_checktensor(L, 4);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  int64_t rows = x->shape.ndim > 0 ? x->shape.dim[0] : 0;
  luaL_argcheck(L, rows > 0 && (int64_t)lua_rawlen(L, 2) == rows && (int64_t)lua_rawlen(L, 3) == rows, 2,
                "one per row expected");
  luaL_argcheck(L, lub_tensor_contiguous(out) && lub_shape_equal(&out->shape, &x->shape) &&
                       !lub_tensor_overlap(out, x), 4, "another tensor of this shape expected");
  int64_t *partner = lua_newuserdatauv(L, sizeof *partner * (size_t)rows, 0);
  float *share = lua_newuserdatauv(L, sizeof *share * (size_t)rows, 0);
  for (int64_t i = 0; i < rows; i++) {
    lua_rawgeti(L, 2, i + 1);
    partner[i] = luaL_checkinteger(L, -1) - 1;
    luaL_argcheck(L, partner[i] >= 0 && partner[i] < rows, 2, "no such row");
    lua_rawgeti(L, 3, i + 1);
    share[i] = (float)luaL_checknumber(L, -1);
    lua_pop(L, 2);
  }
  lub_mix_rows(x->data, rows, lub_tensor_size(x) / rows, partner, share, out->data);
  return 0;
}

int lubL_open_augment(lua_State *L) {
  static const luaL_Reg functions[] = {{"Preparation", augment_preparation}, {"mix", augment_mix}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"begin", preparation_begin}, {"advance", preparation_advance},
                                     {"close", preparation_gc}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", preparation_gc}, {"__close", preparation_gc}, {NULL, NULL}};
  lubL_class(L, PREPARATION, methods, meta);
  luaL_newlib(L, functions);
  return 1;
}
