/* core.signal: what is done to signals (audio/treatment.h, audio/stretch.h) as jobs that Lua advances in a loop
 * (lua/lubdub/signal.lua), the design of filters, and how loud frames are. */
#include <math.h>
#include <string.h>

#include "audio/level.h"
#include "audio/stretch.h"
#include "lua/sound.h"

#define JOB "lubdub.SignalJob"

/* === filters === */

/* signal.butter { order =, btype =, low =, high =, sr = } -> { { b0, b1, b2, 1, a1, a2 }, ... } */
static int signal_butter(lua_State *L) {
  typedef struct butter_options {
    int64_t order;
    int btype;
    double low, high, sr;
  } butter_options;
  static const lub_option table[] = {
      {.name = "order", .type = LUB_OPTION_INT, .offset = offsetof(butter_options, order), .required = true},
      {.name = "btype", .type = LUB_OPTION_CHOICE, .choices = lub_band_names,
       .offset = offsetof(butter_options, btype)},
      {.name = "low", .type = LUB_OPTION_NUMBER, .offset = offsetof(butter_options, low), .required = true},
      {.name = "high", .type = LUB_OPTION_NUMBER, .offset = offsetof(butter_options, high), .nullable = true,
       .none = true},
      {.name = "sr", .type = LUB_OPTION_NUMBER, .offset = offsetof(butter_options, sr), .required = true},
      LUB_OPTIONS_END};
  butter_options o;
  lub_sos sos;
  lub_error err;
  lubL_readoptions(L, 1, "butter", table, &o, NULL);
  if (lub_butter(&sos, o.order, (lub_band)o.btype, o.low, o.high, o.sr, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_createtable(L, sos.count, 0);
  for (int i = 0; i < sos.count; i++) {
    const lub_section *s = &sos.section[i];
    const double row[6] = {s->b0, s->b1, s->b2, 1, s->a1, s->a2};
    lua_createtable(L, 6, 0);
    for (int k = 0; k < 6; k++) {
      lua_pushnumber(L, row[k]);
      lua_rawseti(L, -2, k + 1);
    }
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Reads the sections in the list on top of the stack, scaled so that a0 = 1. */
static void read_sos(lua_State *L, const char *where, lub_sos *sos) {
  int n = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 0;
  if (n < 1 || n > LUB_MAX_SECTIONS)
    luaL_error(L, "%s: sos must be a list of 1 to %d sections { b0, b1, b2, a0, a1, a2 }", where, LUB_MAX_SECTIONS);
  sos->count = n;
  for (int i = 0; i < n; i++) {
    double c[6];
    if (lua_rawgeti(L, -1, i + 1) != LUA_TTABLE || lua_rawlen(L, -1) != 6)
      luaL_error(L, "%s: section %d must be { b0, b1, b2, a0, a1, a2 }", where, i + 1);
    for (int k = 0; k < 6; k++) {
      if (lua_rawgeti(L, -1, k + 1) != LUA_TNUMBER || !isfinite(lua_tonumber(L, -1)))
        luaL_error(L, "%s: section %d must hold six finite numbers", where, i + 1);
      c[k] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
    if (c[3] != 1) luaL_error(L, "%s: a0 of section %d must be 1, got %f", where, i + 1, c[3]);
    sos->section[i] = (lub_section){c[0], c[1], c[2], c[4], c[5]};
    lua_pop(L, 1);
  }
}

/* signal.steady(sos) -> { { z1, z2 }, ... } after a constant 1 */
static int signal_steady(lua_State *L) {
  lub_sos sos;
  lub_sos_state state;
  lua_settop(L, 1);
  read_sos(L, "sosfilt_zi", &sos);
  lub_sos_steady(&sos, 1, &state);
  lua_createtable(L, sos.count, 0);
  for (int i = 0; i < sos.count; i++) {
    lua_createtable(L, 2, 0);
    for (int k = 0; k < 2; k++) {
      lua_pushnumber(L, state.z[i][k]);
      lua_rawseti(L, -2, k + 1);
    }
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void lubL_readtreatment(lua_State *L, int arg, lub_treatment *treatment) {
  static const char *const extra[] = {"kind", "sr", "sos", NULL}, *const no_sos[] = {"kind", "sr", NULL};
  int top = lua_gettop(L);
  arg = lua_absindex(L, arg);
  *treatment = (lub_treatment){0};
  if (!lua_istable(L, arg)) luaL_error(L, "signal: a treatment must be a table, got %s", luaL_typename(L, arg));
  lua_getfield(L, arg, "kind");
  treatment->kind = luaL_checkoption(L, -1, NULL, lub_treatment_names);
  const char *where = lub_treatment_names[treatment->kind];
  bool filters = treatment->kind == LUB_SOSFILT || treatment->kind == LUB_SOSFILTFILT;
  int kind = treatment->kind;
  lubL_readoptions(L, arg, where, lub_treatment_tables[kind], treatment, filters ? extra : no_sos);
  if (lua_getfield(L, arg, "sr") != LUA_TNIL) {
    treatment->sr = lua_tonumber(L, -1);
    if (!(treatment->sr > 0 && isfinite(treatment->sr)))
      luaL_error(L, "%s: sr must be a sample rate in Hz, got %s", where, luaL_tolstring(L, -1, NULL));
  }
  if (filters) {
    lua_getfield(L, arg, "sos");
    read_sos(L, where, &treatment->sos);
  } else if (treatment->sr == 0 && (kind == LUB_REMOVE_SPIKES || (kind == LUB_ENVELOPE && treatment->method == 1))) {
    luaL_error(L, "%s: option 'sr' is missing", where);
  }
  lua_settop(L, top);
}

/* === jobs === */

typedef enum job_kind { TREAT, STRETCH, SHIFT } job_kind;

typedef struct job_object {
  job_kind kind;
  int64_t rows, row, n, out_n; /* signals, the one in hand, samples of each before and after */
  const float *in;
  float *out;
  bool begun;
  lub_treatment treatment;
  lub_treater *treater;
  lub_sos_state *states; /* of sosfilt, row by row, with zi; owned by a user value */
  lub_stretch stretch;
  double rate, sr;
  float *stretched; /* a row before it is resampled; owned by a user value */
} job_object;
enum { JOB_INPUT = 1, JOB_RESULT, JOB_STRETCHED, JOB_STATES, JOB_VALUES = 4 };

/* The signals at argument 1, finite, in row-major order. */
static lub_tensor *check_signals(lua_State *L, const char *where) {
  if (!lubL_testtensor(L, 1)) luaL_error(L, "%s: expected a Tensor, got %s", where, luaL_typename(L, 1));
  lub_tensor *x = lubL_checkcontiguous(L, 1);
  char text[LUB_SHAPE_TEXT];
  if (x->shape.ndim != 1 && x->shape.ndim != 2)
    luaL_error(L, "%s: a signal must be (samples,) or (channels, samples), got %s", where,
               lub_shape_text(&x->shape, "?", text));
  if (lub_tensor_size(x) == 0) luaL_error(L, "%s: the signal is empty", where);
  return x;
}

static job_object *new_job(lua_State *L, job_kind kind, const lub_tensor *x, int64_t out_n) {
  job_object *job = lua_newuserdatauv(L, sizeof *job, JOB_VALUES);
  int at = lua_gettop(L);
  *job = (job_object){.kind = kind, .in = x->data, .out_n = out_n};
  luaL_setmetatable(L, JOB);
  job->rows = x->shape.ndim == 1 ? 1 : x->shape.dim[0];
  job->n = x->shape.dim[x->shape.ndim - 1];
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, at, JOB_INPUT);
  lub_shape shape = x->shape;
  shape.dim[shape.ndim - 1] = out_n;
  job->out = lubL_newtensor(L, &shape)->data;
  lua_setiuservalue(L, at, JOB_RESULT);
  return job;
}

/* The list `zi` at `arg`, numbers by [section][row][2], for the job on top of the stack. */
static void read_states(lua_State *L, int arg, job_object *job) {
  int64_t sections = job->treatment.sos.count, at = 0;
  int64_t count = 2 * sections * job->rows, got = (int64_t)lua_rawlen(L, arg);
  if (got != count)
    luaL_error(L, "sosfilt: zi must have 2 numbers for each of %I sections and %I channels, got %I numbers",
               (LUAI_UACINT)sections, (LUAI_UACINT)job->rows, (LUAI_UACINT)got);
  job->states = lua_newuserdatauv(L, sizeof *job->states * (size_t)job->rows, 0);
  memset(job->states, 0, sizeof *job->states * (size_t)job->rows);
  lua_setiuservalue(L, -2, JOB_STATES);
  for (int64_t s = 0; s < sections; s++)
    for (int64_t r = 0; r < job->rows; r++)
      for (int k = 0; k < 2; k++) {
        lua_rawgeti(L, arg, ++at);
        job->states[r].z[s][k] = lua_tonumber(L, -1);
        if (lua_type(L, -1) != LUA_TNUMBER || !isfinite(job->states[r].z[s][k]))
          luaL_error(L, "sosfilt: zi must hold finite numbers, got %s", luaL_tolstring(L, -1, NULL));
        lua_pop(L, 1);
      }
}

/* signal.treat(x, treatment, zi or nil) -> job */
static int signal_treat(lua_State *L) {
  lub_treatment treatment;
  lub_error err;
  lua_settop(L, 3);
  lubL_readtreatment(L, 2, &treatment);
  lub_tensor *x = check_signals(L, lub_treatment_names[treatment.kind]);
  job_object *job = new_job(L, TREAT, x, x->shape.dim[x->shape.ndim - 1]);
  job->treatment = treatment;
  memcpy(job->out, job->in, sizeof(float) * (size_t)(job->rows * job->n));
  if (lub_treater_new(&job->treater, &err) != LUB_OK) return lubL_failure(L, &err);
  if (lua_istable(L, 3)) read_states(L, 3, job);
  return 1;
}

typedef struct stretch_options {
  double rate, n_steps, sr;
  int64_t n_fft, hop_length, bins_per_octave;
} stretch_options;

#define FIELD(field) .name = #field, .offset = offsetof(stretch_options, field)
#define FRAMES                                                                                                         \
  {FIELD(n_fft), .type = LUB_OPTION_INT, .fallback = 2048, .min = 4, .max = 1 << 20},                                  \
      {FIELD(hop_length), .type = LUB_OPTION_INT, .nullable = true, .none = true, .min = 1, .max = 1 << 20}

static job_object *new_stretch(lua_State *L, job_kind kind, const lub_tensor *x, const stretch_options *o,
                               int64_t out_n) {
  const char *where = kind == STRETCH ? "time_stretch" : "pitch_shift";
  int64_t n = x->shape.dim[x->shape.ndim - 1], hop = o->hop_length == LUB_NONE_INT ? o->n_fft / 4 : o->hop_length;
  lub_error err;
  if (o->n_fft % 2) luaL_error(L, "%s: n_fft must be even, got %I", where, (LUAI_UACINT)o->n_fft);
  if (hop < 1 || hop > o->n_fft / 2)
    luaL_error(L, "%s: hop_length must be 1 to n_fft / 2 (%I), got %I", where, (LUAI_UACINT)(o->n_fft / 2),
               (LUAI_UACINT)hop);
  for (int64_t i = 0, size = lub_tensor_size(x); i < size; i++)
    if (!isfinite(x->data[i])) luaL_error(L, "%s: sample %I is not finite", where, (LUAI_UACINT)(i % n + 1));
  job_object *job = new_job(L, kind, x, out_n);
  job->rate = o->rate, job->sr = o->sr;
  if (lub_stretch_init(&job->stretch, o->n_fft, hop, &err) != LUB_OK) lubL_failure(L, &err);
  return job;
}

/* signal.time_stretch(x, { rate =, n_fft =, hop_length = }) -> job */
static int signal_time_stretch(lua_State *L) {
  static const lub_option table[] = {
      {FIELD(rate), .type = LUB_OPTION_NUMBER, .required = true, .min = 0.01, .max = 100}, FRAMES, LUB_OPTIONS_END};
  stretch_options o = {0};
  lua_settop(L, 2);
  lubL_readoptions(L, 2, "time_stretch", table, &o, NULL);
  lub_tensor *x = check_signals(L, "time_stretch");
  new_stretch(L, STRETCH, x, &o, lub_stretched_length(x->shape.dim[x->shape.ndim - 1], o.rate));
  return 1;
}

/* signal.pitch_shift(x, { n_steps =, sr =, bins_per_octave =, n_fft =, hop_length = }) -> job */
static int signal_pitch_shift(lua_State *L) {
  static const lub_option table[] = {
      {FIELD(n_steps), .type = LUB_OPTION_NUMBER, .required = true, .min = -60, .max = 60},
      {FIELD(sr), .type = LUB_OPTION_NUMBER, .required = true, .min = 1, .max = 1e9},
      {FIELD(bins_per_octave), .type = LUB_OPTION_INT, .fallback = 12, .min = 1, .max = 1200}, FRAMES, LUB_OPTIONS_END};
  stretch_options o = {0};
  lua_settop(L, 2);
  lubL_readoptions(L, 2, "pitch_shift", table, &o, NULL);
  lub_tensor *x = check_signals(L, "pitch_shift");
  int64_t n = x->shape.dim[x->shape.ndim - 1];
  o.rate = pow(2, -o.n_steps / (double)o.bins_per_octave);
  if (!(o.rate >= 0.01 && o.rate <= 100)) return luaL_error(L, "pitch_shift: n_steps = %f is too far", o.n_steps);
  job_object *job = new_stretch(L, SHIFT, x, &o, n);
  lub_shape shape = {1, {lub_stretched_length(n, o.rate)}};
  job->stretched = lubL_newtensor(L, &shape)->data;
  lua_setiuservalue(L, -2, JOB_STRETCHED);
  return 1;
}

static lub_status begin_row(job_object *job, lub_error *err) {
  float *out = job->out + job->row * job->out_n;
  const float *in = job->in + job->row * job->n;
  job->begun = true;
  if (job->states) job->treatment.zi = &job->states[job->row];
  if (job->kind == TREAT) return lub_treater_begin(job->treater, &job->treatment, out, job->n, err);
  lub_stretch_begin(&job->stretch, in, job->n, job->rate, job->kind == STRETCH ? out : job->stretched);
  return LUB_OK;
}

static lub_status advance_row(job_object *job, bool *finished, lub_error *err) {
  if (job->kind == TREAT) return lub_treater_advance(job->treater, finished, err);
  *finished = lub_stretch_advance(&job->stretch);
  if (!*finished || job->kind == STRETCH) return LUB_OK;
  return lub_unstretch(job->stretched, lub_stretched_length(job->n, job->rate), job->rate, job->sr,
                       job->out + job->row * job->out_n, job->n, err);
}

/* job:advance() -> true when finished */
static int job_advance(lua_State *L) {
  job_object *job = luaL_checkudata(L, 1, JOB);
  lub_error err;
  bool finished = false;
  lub_status status = LUB_OK;
  if (job->row < job->rows) {
    if (!job->begun) status = begin_row(job, &err);
    if (status == LUB_OK) status = advance_row(job, &finished, &err);
    if (status != LUB_OK) return luaL_error(L, "%s", err.message);
    if (finished && job->states) job->states[job->row] = *lub_treater_state(job->treater);
    if (finished) job->row++, job->begun = false;
  }
  lua_pushboolean(L, job->row == job->rows);
  return 1;
}

/* job:result() -> Tensor */
static int job_result(lua_State *L) {
  job_object *job = luaL_checkudata(L, 1, JOB);
  if (job->row < job->rows) return luaL_error(L, "signal: not finished");
  lua_getiuservalue(L, 1, JOB_RESULT);
  return 1;
}

/* job:state() -> where sosfilt has left its sections, a list like zi */
static int job_state(lua_State *L) {
  job_object *job = luaL_checkudata(L, 1, JOB);
  lua_Integer at = 0;
  if (!job->states || job->row < job->rows) return luaL_error(L, "signal: no state");
  lua_newtable(L);
  for (int s = 0; s < job->treatment.sos.count; s++)
    for (int64_t r = 0; r < job->rows; r++)
      for (int k = 0; k < 2; k++) {
        lua_pushnumber(L, job->states[r].z[s][k]);
        lua_rawseti(L, -2, ++at);
      }
  return 1;
}

static int job_gc(lua_State *L) {
  job_object *job = luaL_checkudata(L, 1, JOB);
  lub_treater_free(job->treater);
  lub_stretch_free(&job->stretch);
  job->row = job->rows;
  job->treater = NULL;
  return 0;
}

/* === loudness === */

/* signal.powers(x, frame_length, hop_length, first, most) -> list of the mean squares of frames first (from 0) and at
 * most so many more, the largest over the channels; the number of all frames */
static int signal_powers(lua_State *L) {
  lua_Integer frame_length = luaL_checkinteger(L, 2), hop = luaL_checkinteger(L, 3), first = luaL_checkinteger(L, 4);
  lua_Integer most = luaL_checkinteger(L, 5);
  lub_tensor *x = check_signals(L, "trim");
  luaL_argcheck(L, frame_length >= 1 && hop >= 1 && first >= 0 && most >= 1, 2, "out of range");
  int64_t n = x->shape.dim[x->shape.ndim - 1], channels = x->shape.ndim == 1 ? 1 : x->shape.dim[0];
  int64_t frames = lub_level_frames(n, frame_length, hop), count = frames - first < most ? frames - first : most;
  lua_createtable(L, count > 0 ? (int)count : 0, 0);
  for (int64_t f = 0; f < count; f++) {
    double largest = 0, power;
    for (int64_t c = 0; c < channels; c++) {
      lub_level_power(x->data + c * n, n, frame_length, hop, first + f, 1, &power);
      if (!isfinite(power)) return luaL_error(L, "trim: the signal holds a sample that is not finite");
      if (power > largest) largest = power;
    }
    lua_pushnumber(L, largest);
    lua_rawseti(L, -2, f + 1);
  }
  lua_pushinteger(L, frames);
  return 2;
}

int lubL_open_signal(lua_State *L) {
  static const luaL_Reg functions[] = {{"butter", signal_butter}, {"steady", signal_steady}, {"treat", signal_treat},
                                       {"time_stretch", signal_time_stretch}, {"pitch_shift", signal_pitch_shift},
                                       {"powers", signal_powers}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"advance", job_advance}, {"result", job_result}, {"state", job_state},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", job_gc}, {"__close", job_gc}, {NULL, NULL}};
  lubL_class(L, JOB, methods, meta);
  luaL_newlib(L, functions);
  return 1;
}
