/* core.losses: one constructor per kind; a loss is its options, and can be asked for values and gradients. */
#include <string.h>

#include "lua/nn.h"

lub_loss *lubL_checkloss(lua_State *L, int arg) { return luaL_checkudata(L, arg, LUBL_LOSS); }

static lub_loss *new_loss(lua_State *L, const lub_loss_kind *kind) {
  lub_loss *loss = lua_newuserdatauv(L, sizeof *loss, 0);
  memset(loss, 0, sizeof *loss);
  loss->kind = kind;
  lub_options_defaults(kind->options, loss->options);
  luaL_setmetatable(L, LUBL_LOSS);
  return loss;
}

/* core.losses.KIND(options) */
static int loss_new(lua_State *L) {
  const lub_loss_kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 1);
  lub_loss *loss = new_loss(L, kind);
  lubL_readoptions(L, 1, kind->class_name, kind->options, loss->options, NULL);
  return 1;
}

lub_loss *lubL_namedloss(lua_State *L, const char *name) {
  const lub_loss_kind *kind = lub_loss_named(name);
  if (kind) return new_loss(L, kind);
  const char *nearest = lub_nearest_name(name, lub_loss_names);
  luaL_error(L, "compile: unknown loss '%s'; did you mean '%s'?", name, nearest ? nearest : lub_loss_names[0]);
  return NULL;
}

/* core.losses.named(name): the loss of this name with its default options. */
static int loss_named(lua_State *L) {
  lubL_namedloss(L, luaL_checkstring(L, 1));
  return 1;
}

/* What a call works on: targets and outputs (n, ...) that fit together, weights (n) or NULL. */
typedef struct batch {
  const lub_tensor *y, *p, *w;
  int64_t n, rows, width;
} batch;

static batch read_batch(lua_State *L, const lub_loss *loss) {
  batch b = {.y = lubL_checkcontiguous(L, 2), .p = lubL_checkcontiguous(L, 3)};
  char wanted[LUB_SHAPE_TEXT], got[LUB_SHAPE_TEXT];
  if (b.p->shape.ndim < 1 || lub_tensor_size(b.p) < 1) luaL_error(L, "%s: y_pred must have rows", loss->kind->name);
  lub_shape targets = lub_loss_target_shape(loss->kind, &b.p->shape);
  if (!lub_shape_equal(&b.y->shape, &targets))
    luaL_error(L, "%s: y_true must be %s, got %s", loss->kind->name, lub_shape_text(&targets, "?", wanted),
               lub_shape_text(&b.y->shape, "?", got));
  b.n = b.p->shape.dim[0];
  b.width = b.p->shape.dim[b.p->shape.ndim - 1];
  if (b.p->shape.ndim == 1 && !loss->kind->class_numbers) b.width = 1;
  b.rows = lub_tensor_size(b.p) / b.width / b.n;
  if (b.rows < 1) luaL_error(L, "%s: y_pred must be (n, ..., classes)", loss->kind->name);
  int64_t wrong = lub_loss_wrong_target(loss->kind, b.y->data, lub_tensor_size(b.y), b.width);
  if (wrong >= 0)
    luaL_error(L, "%s: classes are counted from 1 to %d, and y_true has %f in row %d", loss->kind->name, (int)b.width,
               (lua_Number)b.y->data[wrong], (int)(wrong / b.rows) + 1);
  if (!lua_isnoneornil(L, 4)) {
    b.w = lubL_checkcontiguous(L, 4);
    if (b.w->shape.ndim != 1 || b.w->shape.dim[0] != b.n)
      luaL_error(L, "%s: sample weights must be (%d,), got %s", loss->kind->name, (int)b.n,
                 lub_shape_text(&b.w->shape, "?", got));
  }
  return b;
}

/* loss(y_true, y_pred, weights): sum(weight * loss) / n. */
static int loss_value(lua_State *L) {
  lub_loss *loss = lubL_checkloss(L, 1);
  lua_settop(L, 4);
  batch b = read_batch(L, loss);
  double sum = 0;
  for (int64_t i = 0; i < b.n; i++) {
    const float *t = b.y->data + i * (loss->kind->class_numbers ? b.rows : b.rows * b.width);
    double value = loss->kind->value(loss->options, b.p->data + i * b.rows * b.width, NULL, t, b.rows, b.width);
    sum += (b.w ? (double)b.w->data[i] : 1) * value;
  }
  lua_pushnumber(L, sum / (double)b.n);
  return 1;
}

/* loss:gradient(y_true, y_pred, weights): of its value with respect to y_pred. */
static int loss_gradient(lua_State *L) {
  lub_loss *loss = lubL_checkloss(L, 1);
  lua_settop(L, 4);
  batch b = read_batch(L, loss);
  lub_tensor *g = lubL_newtensor(L, &b.p->shape);
  for (int64_t i = 0; i < b.n; i++) {
    const float *t = b.y->data + i * (loss->kind->class_numbers ? b.rows : b.rows * b.width);
    const double scale = (b.w ? (double)b.w->data[i] : 1) / (double)b.n;
    loss->kind->gradient(loss->options, b.p->data + i * b.rows * b.width, NULL, t, b.rows, b.width, scale,
                         g->data + i * b.rows * b.width);
  }
  return 1;
}

/* loss:target_shape(output_shape): of one sample's targets, from that of its outputs. */
static int loss_target_shape(lua_State *L) {
  lub_loss *loss = lubL_checkloss(L, 1);
  lub_shape outputs = lubL_checkshape(L, 2), targets = lub_loss_target_shape(loss->kind, &outputs);
  lubL_pushshape(L, &targets);
  return 1;
}

/* loss:wrong_target(y, classes): nil; or the position (from 1) of the first of y that is no class number, and it. */
static int loss_wrong_target(lua_State *L) {
  lub_loss *loss = lubL_checkloss(L, 1);
  lua_settop(L, 3);
  const lub_tensor *y = lubL_checkcontiguous(L, 2);
  int64_t wrong = lub_loss_wrong_target(loss->kind, y->data, lub_tensor_size(y), luaL_checkinteger(L, 3));
  if (wrong < 0) return 0;
  lua_pushinteger(L, wrong + 1);
  lua_pushnumber(L, (lua_Number)y->data[wrong]);
  return 2;
}

static int loss_config(lua_State *L) {
  lub_loss *loss = lubL_checkloss(L, 1);
  lubL_pushoptions(L, loss->kind->options, loss->options);
  return 1;
}

static int loss_tostring(lua_State *L) {
  lub_loss *loss = lubL_checkloss(L, 1);
  lubL_pushoptionstext(L, loss->kind->options, loss->options, LUBL_BRIEF);
  lua_pushfstring(L, "%s(%s)", loss->kind->class_name, lua_tostring(L, -1));
  return 1;
}

/* Fields kind (Keras' class name), name, class_numbers (whether targets are class numbers); methods. */
static int loss_index(lua_State *L) {
  lub_loss *loss = lubL_checkloss(L, 1);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "kind") == 0) lua_pushstring(L, loss->kind->class_name);
  else if (strcmp(key, "name") == 0) lua_pushstring(L, loss->kind->name);
  else if (strcmp(key, "class_numbers") == 0) lua_pushboolean(L, loss->kind->class_numbers);
  else {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
  }
  return 1;
}

int lubL_open_loss(lua_State *L) {
  static const luaL_Reg methods[] = {{"config", loss_config},
                                     {"gradient", loss_gradient},
                                     {"target_shape", loss_target_shape},
                                     {"wrong_target", loss_wrong_target},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__tostring", loss_tostring}, {"__call", loss_value}, {NULL, NULL}};
  lubL_class(L, LUBL_LOSS, methods, meta);
  luaL_getmetatable(L, LUBL_LOSS);
  lua_getfield(L, -1, "__index");
  lua_pushcclosure(L, loss_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);

  lua_newtable(L);
  for (int i = 0; lub_loss_kinds[i]; i++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)lub_loss_kinds[i]);
    lua_pushcclosure(L, loss_new, 1);
    lua_setfield(L, -2, lub_loss_kinds[i]->class_name);
  }
  lua_pushcfunction(L, loss_named);
  lua_setfield(L, -2, "named");
  return 1;
}
