/* core.Trainer: the engine that runs batches; lua/lubdub/fit.lua drives it. */
#include <string.h>

#include "lua/nn.h"
#include "nn/trainer.h"

#define LUBL_TRAINER "lubdub.Trainer"

/* User values of a trainer: what its pass works on must stay alive. */
enum { LAYERS = 1, OPTIMIZER, X, Y, WEIGHTS, OUTPUTS, USER_VALUES = OUTPUTS };

typedef struct box {
  lub_trainer *trainer;
} box;

static lub_trainer *check(lua_State *L) {
  lub_trainer *trainer = ((box *)luaL_checkudata(L, 1, LUBL_TRAINER))->trainer;
  if (!trainer) luaL_error(L, "Trainer: it is closed");
  return trainer;
}

static int trainer_gc(lua_State *L) {
  box *b = luaL_checkudata(L, 1, LUBL_TRAINER);
  lub_trainer_free(b->trainer);
  b->trainer = NULL;
  return 0;
}

/* Reads options.layers into nodes: a chain. Leaves a copy of the list below them on the stack: the caller's own may
 * lose layers while we still work on them. */
static lub_node *read_nodes(lua_State *L, int *n) {
  if (lua_getfield(L, 1, "layers") != LUA_TTABLE) luaL_error(L, "Trainer: option 'layers' must be a list of layers");
  *n = (int)lua_rawlen(L, -1);
  if (*n < 1) luaL_error(L, "Trainer: a model needs at least one layer");
  int given = lua_gettop(L), list = given + 1;
  lua_createtable(L, *n, 0);
  lub_node *nodes = lua_newuserdatauv(L, sizeof(lub_node) * (size_t)*n, 0);
  for (int i = 0; i < *n; i++) {
    lua_rawgeti(L, given, i + 1);
    if (!luaL_testudata(L, -1, LUBL_LAYER)) luaL_error(L, "Trainer: layer %d is no layer", i + 1);
    nodes[i] = (lub_node){.layer = lubL_checklayer(L, -1), .ninputs = 1, .input = {i == 0 ? LUB_MODEL_INPUT : i - 1}};
    lua_rawseti(L, list, i + 1);
  }
  return nodes;
}

/* core.Trainer{ layers =, input_shape =, loss =, optimizer =, seed =, reference = } -> Trainer
 * layers: built, in order; input_shape: of one sample; loss: one of core.losses, or a name (nil: prediction only);
 * optimizer: nil: no training; reference: no fast stages. */
static int trainer_new(lua_State *L) {
  static const char *const names[] = {"layers", "input_shape", "loss", "optimizer", "seed", "reference", NULL};
  static const lub_option none[] = {LUB_OPTIONS_END};
  lub_error err;
  lua_settop(L, 1);
  lubL_readoptions(L, 1, "Trainer", none, &err, names);
  int n;
  lub_node *nodes = read_nodes(L, &n);
  int layers = lua_gettop(L) - 1;
  if (lua_getfield(L, 1, "input_shape") != LUA_TTABLE) luaL_error(L, "Trainer: option 'input_shape' is missing");
  lub_shape input = lubL_checkshape(L, lua_gettop(L));
  const lub_loss *loss = NULL;
  if (lua_getfield(L, 1, "loss") != LUA_TNIL) {
    if (luaL_testudata(L, -1, LUBL_LOSS)) loss = lubL_checkloss(L, -1);
    else loss = lubL_namedloss(L, luaL_tolstring(L, -1, NULL)); /* stays on the stack */
  }
  lua_getfield(L, 1, "reference");
  bool reference = lua_toboolean(L, -1);
  box *b = lua_newuserdatauv(L, sizeof *b, USER_VALUES);
  int self = lua_gettop(L);
  b->trainer = NULL;
  luaL_setmetatable(L, LUBL_TRAINER);
  lua_pushvalue(L, layers);
  lua_setiuservalue(L, self, LAYERS);
  if (lub_trainer_new(nodes, n, &input, loss, reference, &b->trainer, &err) != LUB_OK) return lubL_failure(L, &err);
  if (lua_getfield(L, 1, "optimizer") != LUA_TNIL) {
    if (!luaL_testudata(L, -1, LUBL_OPTIMIZER)) return luaL_error(L, "Trainer: option 'optimizer' must be an optimizer");
    lubL_optimizer *o = lubL_checkoptimizer(L, -1);
    lub_trainer_set_optimizer(b->trainer, o->kind, o->options);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, self, OPTIMIZER);
  }
  if (lua_getfield(L, 1, "seed") != LUA_TNIL) lub_trainer_set_seed(b->trainer, (uint64_t)luaL_checkinteger(L, -1));
  lua_settop(L, self);
  return 1;
}

static void check_batch(lua_State *L, const char *what, const lub_tensor *t, int64_t n, const lub_shape *sample) {
  lub_shape wanted = {.ndim = sample->ndim + 1, .dim = {n}};
  memcpy(wanted.dim + 1, sample->dim, sizeof(int64_t) * (size_t)sample->ndim);
  if (n >= 0 ? lub_shape_equal(&t->shape, &wanted)
             : t->shape.ndim == wanted.ndim && memcmp(t->shape.dim + 1, wanted.dim + 1, sizeof(int64_t) * (size_t)sample->ndim) == 0)
    return;
  char expected[LUB_SHAPE_TEXT], got[LUB_SHAPE_TEXT];
  luaL_error(L, "%s must be %s, got %s", what, lub_shape_text(&wanted, "N", expected), lub_shape_text(&t->shape, "?", got));
}

/* The tensor that receives the outputs: the former one where its shape fits. */
static lub_tensor *outputs_for(lua_State *L, int64_t n, const lub_shape *sample) {
  lub_shape shape = {.ndim = sample->ndim + 1, .dim = {n}};
  memcpy(shape.dim + 1, sample->dim, sizeof(int64_t) * (size_t)sample->ndim);
  lua_getiuservalue(L, 1, OUTPUTS);
  lub_tensor *t = lubL_testtensor(L, -1);
  lua_pop(L, 1);
  if (t && lub_shape_equal(&t->shape, &shape)) return t;
  t = lubL_newtensor(L, &shape);
  lua_setiuservalue(L, 1, OUTPUTS);
  return t;
}

static int begin(lua_State *L, lub_mode mode) {
  lub_trainer *trainer = check(L);
  const lub_nn_plan *plan = lub_trainer_plan(trainer);
  lub_error err;
  lua_settop(L, 4);
  lub_tensor *x = lubL_checkcontiguous(L, 2), *y = NULL, *w = NULL;
  check_batch(L, "x", x, -1, &plan->input);
  int64_t n = x->shape.dim[0];
  if (n < 1) return luaL_error(L, "x has no samples");
  if (mode != LUB_PREDICT) {
    static const lub_shape scalar = {0};
    const lub_loss_kind *loss = lub_trainer_loss_function(trainer)->kind;
    const lub_shape targets = lub_trainer_targets(trainer), *out = &plan->output_shape;
    y = lubL_checkcontiguous(L, 3);
    check_batch(L, "y", y, n, &targets);
    int64_t classes = out->ndim > 0 ? out->dim[out->ndim - 1] : 1;
    if (loss && lub_loss_wrong_target(loss, y->data, lub_tensor_size(y), classes) >= 0)
      return luaL_error(L, "y must hold class numbers from 1 to %d", (int)classes);
    if (!lua_isnil(L, 4)) {
      w = lubL_checkcontiguous(L, 4);
      check_batch(L, "sample weights", w, n, &scalar);
    }
  }
  lub_tensor *outputs = outputs_for(L, n, &plan->output_shape);
  if (lub_trainer_begin(trainer, mode, x->data, y ? y->data : NULL, w ? w->data : NULL, outputs->data, n, &err) != LUB_OK)
    return lubL_failure(L, &err);
  for (int i = 0; i < 3; i++) {
    lua_pushvalue(L, 2 + i);
    lua_setiuservalue(L, 1, X + i);
  }
  return 0;
}

/* trainer:begin_step(x, y, w): begins a training step over x (n, ...), y (n, ...) and, or nil, sample weights w (n). */
static int trainer_begin_step(lua_State *L) { return begin(L, LUB_TRAIN); }
/* trainer:begin_evaluate(x, y, w): the same without training. */
static int trainer_begin_evaluate(lua_State *L) { return begin(L, LUB_EVALUATE); }
/* trainer:begin_predict(x): outputs only. */
static int trainer_begin_predict(lua_State *L) { return begin(L, LUB_PREDICT); }

/* trainer:advance(): works for about 50 ms; true when the pass is finished. */
static int trainer_advance(lua_State *L) {
  lua_pushboolean(L, lub_trainer_advance(check(L)));
  return 1;
}

/* trainer:loss(): of the finished pass: sum(w * loss) / n. */
static int trainer_loss(lua_State *L) {
  lua_pushnumber(L, lub_trainer_loss(check(L)));
  return 1;
}

/* trainer:outputs(): what the model said in the last pass, (n, ...); good until the next one begins. */
static int trainer_outputs(lua_State *L) {
  check(L);
  lua_getiuservalue(L, 1, OUTPUTS);
  return 1;
}

/* trainer:allocations(): how often passes allocated memory; and the bytes held. */
static int trainer_allocations(lua_State *L) {
  lub_trainer *t = check(L);
  lua_pushinteger(L, lub_trainer_allocations(t));
  lua_pushnumber(L, lub_trainer_bytes(t));
  return 2;
}

/* trainer:state(): { iterations =, slots = { Tensor, ... } }, copies of the optimizer's arrays. */
static int trainer_state(lua_State *L) {
  lub_trainer *t = check(L);
  int n = lub_trainer_slots(t);
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, lub_trainer_iterations(t));
  lua_setfield(L, -2, "iterations");
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    const lub_param *param;
    const float *slot = lub_trainer_slot(t, i, &param);
    if (!slot) return luaL_error(L, "state: out of memory");
    lub_tensor *copy = lubL_newtensor(L, &param->shape);
    memcpy(copy->data, slot, sizeof(float) * (size_t)lub_tensor_size(copy));
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "slots");
  return 1;
}

/* trainer:set_state(state): all is checked before anything is written. */
static int trainer_set_state(lua_State *L) {
  lub_trainer *t = check(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  int n = lub_trainer_slots(t);
  luaL_checkstack(L, n + 4, "set_state");
  lua_getfield(L, 2, "iterations");
  lua_Integer iterations = luaL_checkinteger(L, 3);
  luaL_argcheck(L, iterations >= 0, 2, "iterations must be at least 0");
  if (lua_getfield(L, 2, "slots") != LUA_TTABLE || (int)lua_rawlen(L, 4) != n)
    return luaL_error(L, "set_state: %d optimizer slots expected", n);
  for (int i = 0; i < n; i++) {
    const lub_param *param;
    lua_rawgeti(L, 4, i + 1);
    lub_tensor *from = lubL_testtensor(L, -1);
    if (!lub_trainer_slot(t, i, &param)) return luaL_error(L, "set_state: out of memory");
    if (!from || !lub_shape_equal(&from->shape, &param->shape))
      return luaL_error(L, "set_state: slot %d must be a Tensor of the shape of its weight", i + 1);
  }
  for (int i = 0; i < n; i++) {
    const lub_param *param;
    float *slot = lub_trainer_slot(t, i, &param);
    lub_tensor to = lub_tensor_over(slot, &param->shape);
    lub_tensor_copy(&to, lubL_testtensor(L, 5 + i));
  }
  lub_trainer_set_iterations(t, iterations);
  return 0;
}

/* The plan: one line per stage. */
static int trainer_tostring(lua_State *L) {
  const lub_nn_plan *plan = lub_trainer_plan(check(L));
  char in[LUB_SHAPE_TEXT], out[LUB_SHAPE_TEXT];
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  lua_pushfstring(L, "Trainer: %d stages, input %s", plan->nstages, lub_shape_text(&plan->input, "N", in));
  luaL_addvalue(&b);
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    lua_pushfstring(L, "\n  %d  %s: ", s + 1, stage->kind->name);
    luaL_addvalue(&b);
    for (int j = 0; j < stage->nlayers; j++) {
      if (j > 0) luaL_addstring(&b, " + ");
      luaL_addstring(&b, stage->layer[j]->kind->name);
      if (j == 0 && stage->activation != LUB_LINEAR) {
        lua_pushfstring(L, " %s", lub_activation_names[stage->activation]);
        luaL_addvalue(&b);
      }
    }
    lua_pushfstring(L, " -> %s", lub_shape_text(&stage->out, "N", out));
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  return 1;
}

/* Fields iterations and seed; methods. */
static int trainer_index(lua_State *L) {
  lub_trainer *t = check(L);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "iterations") == 0) lua_pushinteger(L, lub_trainer_iterations(t));
  else if (strcmp(key, "seed") == 0) lua_pushinteger(L, (lua_Integer)lub_trainer_seed(t));
  else {
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
  }
  return 1;
}

static int trainer_newindex(lua_State *L) {
  lub_trainer *t = check(L);
  const char *key = luaL_checkstring(L, 2);
  lua_Integer value = luaL_checkinteger(L, 3);
  if (strcmp(key, "iterations") == 0) {
    luaL_argcheck(L, value >= 0, 3, "iterations must be at least 0");
    lub_trainer_set_iterations(t, value);
  } else if (strcmp(key, "seed") == 0) lub_trainer_set_seed(t, (uint64_t)value);
  else return luaL_error(L, "Trainer: '%s' cannot be set; iterations and seed can", key);
  return 0;
}

int lubL_open_trainer(lua_State *L) {
  static const luaL_Reg methods[] = {{"begin_step", trainer_begin_step},
                                     {"begin_evaluate", trainer_begin_evaluate},
                                     {"begin_predict", trainer_begin_predict},
                                     {"advance", trainer_advance},
                                     {"loss", trainer_loss},
                                     {"outputs", trainer_outputs},
                                     {"allocations", trainer_allocations},
                                     {"state", trainer_state},
                                     {"set_state", trainer_set_state},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", trainer_gc}, {"__tostring", trainer_tostring}, {"__newindex", trainer_newindex}, {NULL, NULL}};
  lubL_class(L, LUBL_TRAINER, methods, meta);
  luaL_getmetatable(L, LUBL_TRAINER);
  lua_getfield(L, -1, "__index");
  lua_pushcclosure(L, trainer_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, trainer_new);
  return 1;
}
