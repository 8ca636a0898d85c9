/* core.Trainer: the engine that runs batches; lua/lubdub/fit.lua drives it. */
#include <stdio.h>
#include <string.h>

#include "lua/nn.h"
#include "nn/trainer.h"

#define LUBL_TRAINER "lubdub.Trainer"

/* User values of a trainer: what its pass works on must stay alive. X: a list of tensors, or one where the model has
 * one input; OUTPUTS: a list; ANSWER: the table that trainer:gradient() gives. */
enum { LAYERS = 1, OPTIMIZER, X, Y, WEIGHTS, OUTPUTS, ANSWER, USER_VALUES = ANSWER };

/* Behind it: lists of arrays, of a pass' inputs and outputs. */
typedef struct box {
  lub_trainer *trainer;
  const float **x;
  float **outputs;
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

/* core.Trainer{ layers =, input_shape =, loss =, optimizer =, seed =, reference = } -> Trainer
 * layers: built, in order; input_shape: of one sample; loss: one of core.losses, or a name (nil: prediction only);
 * optimizer: nil: no training; reference: no fast stages.
 * Layers that are no chain: inputs: for each layer the numbers of those it reads (-k: input k of the model), all before
 * it; input_shapes: a list; outputs: the numbers of the layers that the model gives out, none twice. */
static int trainer_new(lua_State *L) {
  static const char *const names[] = {"layers", "inputs", "input_shape", "input_shapes", "outputs", "loss", "optimizer",
                                      "seed", "reference", NULL};
  static const lub_option none[] = {LUB_OPTIONS_END};
  lub_error err;
  lua_settop(L, 1);
  lubL_readoptions(L, 1, "Trainer", none, &err, names);
  lub_graph graph;
  const int layers = lubL_readgraph(L, 1, &graph);
  const lub_loss *loss = NULL;
  if (lua_getfield(L, 1, "loss") != LUA_TNIL) {
    if (luaL_testudata(L, -1, LUBL_LOSS)) loss = lubL_checkloss(L, -1);
    else loss = lubL_namedloss(L, luaL_tolstring(L, -1, NULL)); /* stays on the stack */
  }
  lua_getfield(L, 1, "reference");
  bool reference = lua_toboolean(L, -1);
  const size_t lists = sizeof(float *) * (size_t)(graph.ninputs + graph.noutputs);
  box *b = lua_newuserdatauv(L, sizeof *b + lists, USER_VALUES);
  int self = lua_gettop(L);
  b->trainer = NULL;
  b->x = (const float **)(void *)(b + 1);
  b->outputs = (float **)(void *)(b->x + graph.ninputs);
  luaL_setmetatable(L, LUBL_TRAINER);
  lua_pushvalue(L, layers);
  lua_setiuservalue(L, self, LAYERS);
  lua_createtable(L, graph.noutputs, 0);
  lua_setiuservalue(L, self, OUTPUTS);
  if (lub_trainer_new(&graph, loss, reference, &b->trainer, &err) != LUB_OK) return lubL_failure(L, &err);
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

/* A new tensor (n, sample...) on the stack. */
static lub_tensor *new_rows(lua_State *L, int64_t n, const lub_shape *sample) {
  lub_shape shape = {.ndim = sample->ndim + 1, .dim = {n}};
  memcpy(shape.dim + 1, sample->dim, sizeof(int64_t) * (size_t)sample->ndim);
  return lubL_newtensor(L, &shape);
}

/* Takes the inputs at `arg`, a tensor or a list of them, over into user value X; returns the number of samples. */
static int64_t take_inputs(lua_State *L, int arg, const lub_nn_plan *plan) {
  box *b = lua_touserdata(L, 1);
  int64_t n = -1;
  const bool list = lua_istable(L, arg);
  const int given = list ? (int)lua_rawlen(L, arg) : 1;
  if (given != plan->ninputs) luaL_error(L, "x must be a list of %d tensors, got %d", plan->ninputs, given);
  if (list) lua_createtable(L, given, 0);
  for (int k = 0; k < given; k++) {
    if (list) lua_rawgeti(L, arg, k + 1);
    else lua_pushvalue(L, arg);
    char what[32];
    if (plan->ninputs == 1) strcpy(what, "x");
    else sprintf(what, "x[%d]", k + 1);
    if (!lubL_testtensor(L, -1)) luaL_error(L, "%s must be a Tensor, got %s", what, luaL_typename(L, -1));
    const lub_tensor *x = lubL_checkcontiguous(L, lua_gettop(L));
    check_batch(L, what, x, n, &plan->input[k]);
    n = x->shape.dim[0];
    b->x[k] = x->data;
    if (list) lua_rawseti(L, -2, k + 1);
  }
  lua_setiuservalue(L, 1, X);
  if (n < 1) luaL_error(L, "x has no samples");
  return n;
}

/* Tensors that receive the outputs: the former ones where their shapes fit. */
static void make_outputs(lua_State *L, int64_t n, const lub_nn_plan *plan) {
  box *b = lua_touserdata(L, 1);
  lua_getiuservalue(L, 1, OUTPUTS);
  for (int k = 0; k < plan->noutputs; k++) {
    const lub_shape *sample = &plan->output_shape[k];
    lua_rawgeti(L, -1, k + 1);
    lub_tensor *t = lubL_testtensor(L, -1);
    lua_pop(L, 1);
    if (!t || t->shape.dim[0] != n) {
      t = new_rows(L, n, sample);
      lua_rawseti(L, -2, k + 1);
    }
    b->outputs[k] = t->data;
  }
  lua_pop(L, 1);
}

static int begin(lua_State *L, lub_mode mode) {
  lub_trainer *trainer = check(L);
  const box *b = lua_touserdata(L, 1);
  const lub_nn_plan *plan = lub_trainer_plan(trainer);
  lub_error err;
  lua_settop(L, 4);
  lub_batch batch = {.n = take_inputs(L, 2, plan), .x = b->x, .outputs = b->outputs};
  if (mode != LUB_PREDICT) {
    static const lub_shape scalar = {0};
    const lub_loss_kind *loss = lub_trainer_loss_function(trainer)->kind;
    const lub_shape targets = lub_trainer_targets(trainer), *out = &plan->output_shape[0];
    const lub_tensor *y = lubL_checkcontiguous(L, 3);
    check_batch(L, "y", y, batch.n, &targets);
    int64_t classes = out->ndim > 0 ? out->dim[out->ndim - 1] : 1;
    if (loss && lub_loss_wrong_target(loss, y->data, lub_tensor_size(y), classes) >= 0)
      return luaL_error(L, "y must hold class numbers from 1 to %d", (int)classes);
    batch.y = y->data;
    if (!lua_isnil(L, 4)) {
      const lub_tensor *w = lubL_checkcontiguous(L, 4);
      check_batch(L, "sample weights", w, batch.n, &scalar);
      batch.weights = w->data;
    }
  }
  make_outputs(L, batch.n, plan);
  if (lub_trainer_begin(trainer, mode, &batch, &err) != LUB_OK) return lubL_failure(L, &err);
  for (int i = 0; i < 2; i++) {
    lua_pushvalue(L, 3 + i);
    lua_setiuservalue(L, 1, Y + i);
  }
  return 0;
}

/* trainer:begin_step(x, y, w): begins a training step over x (n, ...), y (n, ...) and, or nil, sample weights w (n). */
static int trainer_begin_step(lua_State *L) { return begin(L, LUB_TRAIN); }
/* trainer:begin_evaluate(x, y, w): the same without training. */
static int trainer_begin_evaluate(lua_State *L) { return begin(L, LUB_EVALUATE); }
/* trainer:begin_predict(x): outputs only. */
static int trainer_begin_predict(lua_State *L) { return begin(L, LUB_PREDICT); }

/* What tensors units and scores are for: the numbers that the caller gave, or zeros. */
static lub_tensor *new_units(lua_State *L, int arg, int64_t n, int64_t most) {
  static const lub_shape scalar = {0};
  lub_tensor *units = new_rows(L, n, &scalar);
  memset(units->data, 0, sizeof(float) * (size_t)n);
  if (lua_isnil(L, arg)) return units;
  const lub_tensor *given = lubL_checkcontiguous(L, arg);
  check_batch(L, "units", given, n, &scalar);
  for (int64_t i = 0; i < n; i++) {
    const float unit = given->data[i];
    if (!(unit >= 1 && unit <= (float)most && unit == (float)(int64_t)unit))
      luaL_error(L, "units must be whole numbers from 1 to %d", (int)most);
    units->data[i] = unit;
  }
  return units;
}

/* trainer:begin_gradient(x, units, layer, before_final): values and gradients of one unit of each sample's outputs.
 * units: (n), from 1; nil: the largest one. layer: the number of the layer whose output they are gradients of; nil: the
 * inputs. before_final: units before the final softmax or sigmoid. Batch normalization goes by its moving statistics.
 */
static int trainer_begin_gradient(lua_State *L) {
  lub_trainer *trainer = check(L);
  const box *b = lua_touserdata(L, 1);
  const lub_nn_plan *plan = lub_trainer_plan(trainer);
  lub_error err;
  lua_settop(L, 5);
  const lua_Integer layer = luaL_optinteger(L, 4, 0);
  lua_getiuservalue(L, 1, LAYERS);
  luaL_argcheck(L, layer >= 0 && layer <= (lua_Integer)lua_rawlen(L, -1), 4, "no layer has this number");
  lub_probe probe = {.before_final = lua_toboolean(L, 5)};
  lub_batch batch = {.n = take_inputs(L, 2, plan), .x = b->x, .outputs = b->outputs, .probe = &probe};
  if (lub_trainer_tap(trainer, layer > 0 ? (int)layer - 1 : LUB_TAP_INPUTS, &plan, &err) != LUB_OK)
    return lubL_failure(L, &err);
  make_outputs(L, batch.n, plan);

  lua_createtable(L, 0, 4);
  const int answer = lua_gettop(L);
  probe.unit = new_units(L, 3, batch.n, lub_shape_size(&plan->output_shape[0]))->data;
  lua_setfield(L, answer, "units");
  probe.score = new_rows(L, batch.n, &(lub_shape){0})->data;
  lua_setfield(L, answer, "scores");
  if (plan->tap == plan->output[0]) {
    lua_getiuservalue(L, 1, OUTPUTS);
    lua_rawgeti(L, -1, 1);
    lua_setfield(L, answer, "values");
    lua_pop(L, 1);
  } else if (plan->tap >= 0) {
    probe.value = new_rows(L, batch.n, &plan->tap_shape)->data;
    lua_setfield(L, answer, "values");
  }
  const int count = plan->tap < 0 ? plan->ninputs : 1;
  float **gradients = lua_newuserdatauv(L, sizeof *gradients * (size_t)count, 0);
  lua_createtable(L, count, 0);
  for (int k = 0; k < count; k++) {
    gradients[k] = new_rows(L, batch.n, plan->tap < 0 ? &plan->input[k] : &plan->tap_shape)->data;
    lua_rawseti(L, -2, k + 1);
  }
  lua_setfield(L, answer, "gradients");
  probe.gradient = gradients;
  lua_pushvalue(L, answer);
  lua_setiuservalue(L, 1, ANSWER);
  if (lub_trainer_begin(trainer, LUB_GRADIENT, &batch, &err) != LUB_OK) return lubL_failure(L, &err);
  return 0;
}

/* trainer:gradient(): of the finished pass: { gradients = { Tensor by input, or one }, values = Tensor (what the layer
 * says; nil where the inputs were asked), units = Tensor (n), scores = Tensor (n) }. */
static int trainer_gradient(lua_State *L) {
  check(L);
  lua_getiuservalue(L, 1, ANSWER);
  return 1;
}

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

/* trainer:outputs(k): what the model's output k (1) said in the last pass, (n, ...); good until the next one begins. */
static int trainer_outputs(lua_State *L) {
  check(L);
  const lua_Integer k = luaL_optinteger(L, 2, 1);
  lua_getiuservalue(L, 1, OUTPUTS);
  lua_rawgeti(L, -1, k);
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
  lua_pushfstring(L, "Trainer: %d stages, input", plan->nstages);
  luaL_addvalue(&b);
  for (int k = 0; k < plan->ninputs; k++) {
    lua_pushfstring(L, "%s %s", k > 0 ? "," : "", lub_shape_text(&plan->input[k], "N", in));
    luaL_addvalue(&b);
  }
  for (int s = 0; s < plan->nstages; s++) {
    const lub_stage *stage = &plan->stage[s];
    lua_pushfstring(L, stage->nlayers > 0 ? "\n  %d  %s: " : "\n  %d  %s", s + 1, stage->kind->name);
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
                                     {"begin_gradient", trainer_begin_gradient},
                                     {"gradient", trainer_gradient},
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
