/* core.feature: plans (feature/plan.h), immutable userdata, and their runs, which Lua advances in a loop so that
 * it may be interrupted (lua/lubdub/feature.lua). */
#include <string.h>

#include "lua/sound.h"

#define RUN "lubdub.Run"

typedef struct plan_object {
  lub_plan *plan;
} plan_object;
/* user values: the numbers of its own window; a run to reuse */
enum { PLAN_WINDOW = 1, PLAN_IDLE_RUN, PLAN_VALUES = 2 };

typedef struct run_object {
  lub_run *run;
  bool finished;
} run_object;
enum { RUN_PLAN = 1, RUN_INPUT, RUN_OUTPUT, RUN_VALUES = 3 };

const lub_plan *lubL_checkplan(lua_State *L, int arg) {
  return ((plan_object *)luaL_checkudata(L, arg, LUBL_PLAN))->plan;
}

/* === options that may be a name, a number or an array === */

/* The length that a window must have. */
static int64_t window_length(const lub_plan_options *o) {
  return o->win_length == LUB_NONE_INT ? o->n_fft : o->win_length;
}

static lub_window window_named(lua_State *L, const char *where, const char *name) {
  for (int i = 0; i < LUB_WINDOW_COUNT; i++)
    if (strcmp(name, lub_window_names[i]) == 0) return (lub_window)i;
  const char *nearest = lub_nearest_name(name, lub_window_names);
  if (nearest) luaL_error(L, "%s: unknown window '%s'; did you mean '%s'?", where, name, nearest);
  return (lub_window)luaL_error(L, "%s: unknown window '%s'", where, name);
}

/* Copies the numbers of the list or tensor on top of the stack into a new list there, and into a block below it. */
static const double *read_window_numbers(lua_State *L, const char *where, int64_t n) {
  lub_tensor *tensor = lubL_testtensor(L, -1);
  int given = lua_gettop(L);
  int64_t got = !tensor ? (int64_t)lua_rawlen(L, given) : tensor->shape.ndim == 1 ? tensor->shape.dim[0] : -1;
  if (got != n)
    luaL_error(L, "%s: option 'window' must have win_length (%I) numbers, got %I", where, (LUAI_UACINT)n,
               (LUAI_UACINT)got);
  double *block = lua_newuserdatauv(L, sizeof(double) * (size_t)n, 0);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    if (tensor) {
      lua_pushnumber(L, tensor->data[i * tensor->stride[0]]);
    } else if (lua_rawgeti(L, given, i + 1) != LUA_TNUMBER) {
      luaL_error(L, "%s: option 'window' must hold numbers, got %s", where, luaL_typename(L, -1));
    }
    block[i] = lua_tonumber(L, -1);
    if (!isfinite(block[i])) luaL_error(L, "%s: option 'window' must hold finite numbers", where);
    lua_rawseti(L, -2, i + 1);
  }
  return block;
}

/* Reads option window of the table at `arg`. Leaves two values: a block with the numbers of a window given as such and
 * their list, or nil and nil. Returns the block's numbers, or NULL. */
static const double *read_window(lua_State *L, int arg, const char *where, lub_plan_options *o) {
  const double *numbers = NULL;
  int base = lua_gettop(L);
  const char *name = "hann";
  bool parameter = false;
  o->window_parameter = 0.5;
  int type = lua_istable(L, arg) ? lua_getfield(L, arg, "window") : (lua_pushnil(L), LUA_TNIL);
  if (type == LUA_TSTRING) {
    name = lua_tostring(L, -1);
  } else if (type == LUA_TNUMBER) { /* as in scipy: Kaiser's beta */
    name = "kaiser", parameter = true;
    o->window_parameter = lua_tonumber(L, -1);
  } else if (type == LUA_TTABLE && lua_rawgeti(L, -1, 1) == LUA_TSTRING) {
    name = lua_tostring(L, -1);
    parameter = lua_rawgeti(L, -2, 2) != LUA_TNIL;
    if (parameter && lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "%s: the parameter of window '%s' must be a number, got %s", where, name, luaL_typename(L, -1));
    if (parameter) o->window_parameter = lua_tonumber(L, -1);
  } else if (type == LUA_TTABLE || lubL_testtensor(L, base + 1)) {
    lua_settop(L, base + 1);
    numbers = read_window_numbers(L, where, window_length(o));
  } else if (type != LUA_TNIL) {
    luaL_error(L, "%s: option 'window' must be a name, {name, parameter}, or %I numbers, got %s", where,
               (LUAI_UACINT)window_length(o), luaL_tolstring(L, base + 1, NULL));
  }
  if (!numbers) {
    o->window = window_named(L, where, name);
    lub_window_parameter takes = lub_window_takes(o->window);
    if (takes == LUB_WINDOW_NEEDED && !parameter)
      luaL_error(L, "%s: window '%s' needs its parameter: {\"%s\", number}", where, name, name);
    if (takes == LUB_WINDOW_NO_PARAMETER && parameter)
      luaL_error(L, "%s: window '%s' takes no parameter", where, name);
    lua_settop(L, base);
    lua_pushnil(L);
    lua_pushnil(L);
    return NULL;
  }
  lua_remove(L, base + 1);
  return numbers;
}

static void push_window(lua_State *L, int plan, const lub_plan_options *o) {
  if (lua_getiuservalue(L, plan, PLAN_WINDOW) != LUA_TNIL) return; /* nobody writes to this list */
  lua_pop(L, 1);
  if (lub_window_takes(o->window) == LUB_WINDOW_NO_PARAMETER) {
    lua_pushstring(L, lub_window_names[o->window]);
    return;
  }
  lua_createtable(L, 2, 0);
  lua_pushstring(L, lub_window_names[o->window]);
  lua_rawseti(L, -2, 1);
  lua_pushnumber(L, o->window_parameter);
  lua_rawseti(L, -2, 2);
}

/* A norm at the top of the stack: a number, "inf" (JSON has no such number) or math.huge, or false. */
static bool read_norm(lua_State *L, lub_norm *norm) {
  int type = lua_type(L, -1);
  *norm = (lub_norm){.none = type == LUA_TBOOLEAN && !lua_toboolean(L, -1), .p = INFINITY};
  if (type == LUA_TNUMBER) norm->p = lua_tonumber(L, -1);
  return norm->none || type == LUA_TNUMBER || (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "inf") == 0);
}

static void push_norm(lua_State *L, const lub_norm *norm) {
  if (norm->none) lua_pushboolean(L, 0);
  else if (isinf(norm->p)) lua_pushliteral(L, "inf");
  else lua_pushnumber(L, norm->p);
}

static void read_mel_norm(lua_State *L, int arg, const char *where, lub_plan_options *o) {
  lub_norm norm;
  o->mel_norm = LUB_MEL_NORM_SLANEY;
  if (!lua_istable(L, arg)) return;
  int type = lua_getfield(L, arg, "mel_norm");
  if (type != LUA_TNIL && !(type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "slaney") == 0)) {
    if (!read_norm(L, &norm))
      luaL_error(L, "%s: option 'mel_norm' must be \"slaney\", a number, \"inf\" or false, got %s", where,
                 luaL_tolstring(L, -1, NULL));
    o->mel_norm = norm.none ? LUB_MEL_NORM_NONE : LUB_MEL_NORM_P;
    o->mel_norm_p = norm.p;
  }
  lua_pop(L, 1);
}

static void push_mel_norm(lua_State *L, const lub_plan_options *o) {
  if (o->mel_norm == LUB_MEL_NORM_SLANEY) lua_pushliteral(L, "slaney");
  else push_norm(L, &(lub_norm){.none = o->mel_norm == LUB_MEL_NORM_NONE, .p = o->mel_norm_p});
}

static void read_chroma_norm(lua_State *L, int arg, const char *where, lub_plan_options *o) {
  o->chroma_norm = (lub_norm){.p = INFINITY};
  if (!lua_istable(L, arg)) return;
  if (lua_getfield(L, arg, "norm") != LUA_TNIL && (!read_norm(L, &o->chroma_norm) || !(o->chroma_norm.p >= 0)))
    luaL_error(L, "%s: option 'norm' must be a number from 0, \"inf\" or false, got %s", where,
               luaL_tolstring(L, -1, NULL));
  lua_pop(L, 1);
}

/* === plans === */

static lub_plan_kind check_kind(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  for (int i = 0; i < LUB_PLAN_KINDS; i++)
    if (strcmp(name, lub_plan_names[i]) == 0) return (lub_plan_kind)i;
  return (lub_plan_kind)luaL_argerror(L, arg, "no such feature");
}

/* feature.plan(kind, options) -> plan, the number of empty mel filters */
static int feature_plan(lua_State *L) {
  static const char *const none[] = {NULL}, *const window_only[] = {"window", NULL};
  static const char *const mel[] = {"window", "mel_norm", NULL}, *const chroma[] = {"window", "norm", NULL};
  lub_plan_kind kind = check_kind(L, 1);
  const char *where = lub_plan_names[kind];
  lub_plan_options options;
  lub_error err;
  lua_settop(L, 2);
  memset(&options, 0, sizeof options);
  bool windowed = lub_plan_has_window(kind), melodic = lub_plan_has_mel(kind), chromatic = kind == LUB_PLAN_CHROMA_STFT;
  lubL_readoptions(L, 2, where, lub_plan_tables[kind], &options,
                   melodic ? mel : chromatic ? chroma : windowed ? window_only : none);
  if (melodic) read_mel_norm(L, 2, where, &options);
  if (chromatic) read_chroma_norm(L, 2, where, &options);
  const double *window = NULL;
  if (windowed) window = read_window(L, 2, where, &options);
  else lua_settop(L, 4); /* as many values, nil */
  plan_object *object = lua_newuserdatauv(L, sizeof *object, PLAN_VALUES);
  object->plan = NULL;
  luaL_setmetatable(L, LUBL_PLAN);
  if (lub_plan_new(&object->plan, kind, &options, window, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, PLAN_WINDOW);
  lua_pushinteger(L, lub_plan_empty_filters(object->plan));
  return 2;
}

static int plan_gc(lua_State *L) {
  plan_object *object = luaL_checkudata(L, 1, LUBL_PLAN);
  lub_plan_free(object->plan);
  object->plan = NULL;
  return 0;
}

static int plan_config(lua_State *L) {
  const lub_plan *plan = lubL_checkplan(L, 1);
  lub_plan_kind kind = lub_plan_kind_of(plan);
  const lub_plan_options *options = lub_plan_options_of(plan);
  lubL_pushoptions(L, lub_plan_tables[kind], options);
  if (lub_plan_has_window(kind)) {
    push_window(L, 1, options);
    lua_setfield(L, -2, "window");
  }
  if (lub_plan_has_mel(kind)) {
    push_mel_norm(L, options);
    lua_setfield(L, -2, "mel_norm");
  }
  if (kind == LUB_PLAN_CHROMA_STFT) {
    push_norm(L, &options->chroma_norm);
    lua_setfield(L, -2, "norm");
  }
  return 1;
}

static int plan_shape(lua_State *L) {
  const lub_plan *plan = lubL_checkplan(L, 1);
  lub_shape shape;
  lub_error err;
  if (lub_plan_shape(plan, luaL_checkinteger(L, 2), &shape, &err) != LUB_OK) return lubL_failure(L, &err);
  lubL_pushshape(L, &shape);
  return 1;
}

static void push_window_text(lua_State *L, const lub_plan_options *o) {
  bool own = lua_getiuservalue(L, 1, PLAN_WINDOW) != LUA_TNIL;
  lua_pop(L, 1);
  const char *name = lub_window_names[o->window];
  if (own) lua_pushfstring(L, ", window = {%I numbers}", (LUAI_UACINT)window_length(o));
  else if (lub_window_takes(o->window) == LUB_WINDOW_NO_PARAMETER) lua_pushfstring(L, ", window = \"%s\"", name);
  else lua_pushfstring(L, ", window = {\"%s\", %f}", name, (LUAI_UACNUMBER)o->window_parameter);
}

/* The norm on top of the stack becomes text. */
static void name_norm(lua_State *L, const char *name) {
  bool quoted = lua_type(L, -1) == LUA_TSTRING;
  lua_pushfstring(L, quoted ? ", %s = \"%s\"" : ", %s = %s", name, luaL_tolstring(L, -1, NULL));
  lua_replace(L, -3);
  lua_pop(L, 1);
}

static int plan_tostring(lua_State *L) {
  const lub_plan *plan = lubL_checkplan(L, 1);
  lub_plan_kind kind = lub_plan_kind_of(plan);
  const lub_plan_options *o = lub_plan_options_of(plan);
  lua_settop(L, 1);
  lua_pushfstring(L, "%s(", lub_plan_names[kind]);
  lubL_pushoptionstext(L, lub_plan_tables[kind], o, 0);
  if (lub_plan_has_window(kind)) push_window_text(L, o);
  if (lub_plan_has_mel(kind)) push_mel_norm(L, o), name_norm(L, "mel_norm");
  if (kind == LUB_PLAN_CHROMA_STFT) push_norm(L, &o->chroma_norm), name_norm(L, "norm");
  lua_pushliteral(L, ")");
  lua_concat(L, lua_gettop(L) - 1);
  return 1;
}

/* === runs === */

/* Leaves the tensor at index 2 that a plan shall work on: a signal, or with { y = signal }, { S = spectrogram } that of
 * the table. Returns whether it is a spectrogram. */
static bool read_input(lua_State *L, const char *name) {
  bool spectrogram = false;
  if (lua_type(L, 2) == LUA_TTABLE) {
    spectrogram = lua_getfield(L, 2, "S") != LUA_TNIL;
    if (spectrogram || lua_getfield(L, 2, "y") != LUA_TNIL) lua_copy(L, lua_gettop(L), 2);
  }
  const char *what = spectrogram ? "S" : "the signal";
  if (!lubL_testtensor(L, 2)) luaL_error(L, "%s: %s must be a Tensor, got %s", name, what, luaL_typename(L, 2));
  lua_settop(L, 2);
  return spectrogram;
}

/* A run that nobody uses, on top of the stack. */
static run_object *idle_run(lua_State *L, const lub_plan *plan) {
  lub_error err;
  if (lua_getiuservalue(L, 1, PLAN_IDLE_RUN) == LUA_TNIL) {
    lua_pop(L, 1);
    run_object *fresh = lua_newuserdatauv(L, sizeof *fresh, RUN_VALUES);
    *fresh = (run_object){0};
    luaL_setmetatable(L, RUN);
    if (lub_run_new(&fresh->run, plan, &err) != LUB_OK) lubL_failure(L, &err);
  } else {
    lua_pushnil(L);
    lua_setiuservalue(L, 1, PLAN_IDLE_RUN);
  }
  return lua_touserdata(L, -1);
}

/* plan:start(signal, or { y = } or { S = }) -> run */
static int plan_start(lua_State *L) {
  const lub_plan *plan = lubL_checkplan(L, 1);
  const char *name = lub_plan_names[lub_plan_kind_of(plan)];
  lub_error err;
  lub_shape shape;
  char text[LUB_SHAPE_TEXT];
  lua_settop(L, 2);
  bool spectrogram = read_input(L, name);
  lub_tensor *input = lubL_checkcontiguous(L, 2);
  if (spectrogram) {
    int64_t rows = lub_plan_spectrum_rows(plan);
    bool fits = input->shape.ndim == 2 && input->shape.dim[0] == rows && input->shape.dim[1] > 0;
    if (rows == 0) return luaL_error(L, "%s: takes a signal, and no S", name);
    if (!fits)
      return luaL_error(L, "%s: S must be (%I, frames), got %s", name, (LUAI_UACINT)rows,
                        lub_shape_text(&input->shape, "?", text));
    shape = (lub_shape){2, {lub_plan_rows(plan), input->shape.dim[1]}};
  } else {
    if (input->shape.ndim != 1)
      return luaL_error(L, "%s: the signal must be (samples,), got %s", name, lub_shape_text(&input->shape, "?", text));
    if (lub_plan_shape(plan, input->shape.dim[0], &shape, &err) != LUB_OK) return lubL_failure(L, &err);
  }
  lub_tensor *out = lubL_newtensor(L, &shape);
  run_object *run = idle_run(L, plan);
  for (int value = RUN_PLAN; value <= RUN_OUTPUT; value++) {
    lua_pushvalue(L, value);
    lua_setiuservalue(L, -2, value);
  }
  run->finished = false;
  lub_status status = spectrogram ? lub_run_begin_spectrum(run->run, input->data, shape.dim[1], out->data, &err)
                                  : lub_run_begin(run->run, input->data, input->shape.dim[0], out->data, &err);
  return status == LUB_OK ? 1 : lubL_failure(L, &err);
}

/* run:advance() -> true when finished */
static int run_advance(lua_State *L) {
  run_object *run = luaL_checkudata(L, 1, RUN);
  if (!run->finished) run->finished = lub_run_advance(run->run);
  lua_pushboolean(L, run->finished);
  return 1;
}

/* run:result() -> Tensor, once; the run goes back to its plan */
static int run_result(lua_State *L) {
  run_object *run = luaL_checkudata(L, 1, RUN);
  lua_settop(L, 1);
  if (!run->finished || lua_getiuservalue(L, 1, RUN_OUTPUT) == LUA_TNIL) return luaL_error(L, "run: no result yet");
  lua_getiuservalue(L, 1, RUN_PLAN);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, PLAN_IDLE_RUN);
  for (int value = RUN_PLAN; value <= RUN_OUTPUT; value++) {
    lua_pushnil(L);
    lua_setiuservalue(L, 1, value);
  }
  lua_pop(L, 1);
  run->finished = false;
  return 1;
}

static int run_gc(lua_State *L) {
  run_object *run = luaL_checkudata(L, 1, RUN);
  lub_run_free(run->run);
  run->run = NULL;
  return 0;
}

/* plan.kind, plan.sr, and its methods */
static int plan_index(lua_State *L) {
  const lub_plan *plan = lubL_checkplan(L, 1);
  const char *name = luaL_checkstring(L, 2);
  if (strcmp(name, "kind") == 0) lua_pushstring(L, lub_plan_names[lub_plan_kind_of(plan)]);
  else if (strcmp(name, "sr") == 0) lua_pushnumber(L, lub_plan_options_of(plan)->sr);
  else lua_getfield(L, lua_upvalueindex(1), name);
  return 1;
}

int lubL_open_feature(lua_State *L) {
  static const luaL_Reg functions[] = {{"plan", feature_plan}, {NULL, NULL}};
  static const luaL_Reg plan_methods[] = {{"config", plan_config}, {"shape", plan_shape}, {"start", plan_start},
                                          {NULL, NULL}};
  static const luaL_Reg plan_meta[] = {{"__gc", plan_gc}, {"__tostring", plan_tostring}, {NULL, NULL}};
  static const luaL_Reg run_methods[] = {{"advance", run_advance}, {"result", run_result}, {NULL, NULL}};
  static const luaL_Reg run_meta[] = {{"__gc", run_gc}, {NULL, NULL}};
  lubL_class(L, RUN, run_methods, run_meta);
  lubL_class(L, LUBL_PLAN, plan_methods, plan_meta);
  luaL_newlib(L, functions);
  luaL_getmetatable(L, LUBL_PLAN);
  lua_getfield(L, -1, "__index");
  lua_pushcclosure(L, plan_index, 1);
  lua_setfield(L, -2, "__index");
  lua_setfield(L, -2, "Plan"); /* feature.lua gives it __call */
  return 1;
}
