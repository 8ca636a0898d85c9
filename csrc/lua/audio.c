/* core.audio: loading (audio/load.h) and writing (audio/write.h) as jobs that Lua advances in a loop
 * (lua/lubdub/audio.lua), so that a long recording may be interrupted; and info. */
#include <string.h>

#include "audio/read.h"
#include "audio/write.h"
#include "lua/sound.h"

#define LOADING "lubdub.Loading"
#define WRITING "lubdub.Writing"

/* === loading === */

typedef struct loading_object {
  lub_load *load;
  bool finished;
} loading_object;
enum { LOADING_OUTPUT = 1, LOADING_INPUT, LOADING_VALUES = 2 };

static loading_object *new_loading(lua_State *L) {
  loading_object *object = lua_newuserdatauv(L, sizeof *object, LOADING_VALUES);
  *object = (loading_object){0};
  luaL_setmetatable(L, LOADING);
  return object;
}

/* Gives the job on top of the stack a tensor to fill. */
static int with_output(lua_State *L, loading_object *object) {
  int channels = lub_load_channels(object->load);
  int64_t room = lub_load_room(object->load);
  lub_shape shape = channels == 1 ? (lub_shape){1, {room}} : (lub_shape){2, {channels, room}};
  lub_tensor *out = lubL_newtensor(L, &shape);
  lub_load_into(object->load, out->data);
  lua_setiuservalue(L, -2, LOADING_OUTPUT);
  return 1;
}

/* audio.load(path, options) -> job */
static int audio_load(lua_State *L) {
  const char *path = lubL_checkpath(L, 1);
  lub_load_options options;
  lub_error err;
  lubL_readoptions(L, 2, "audio.load", lub_load_table, &options, NULL);
  loading_object *object = new_loading(L);
  if (lub_load_file(&object->load, path, &options, &err) != LUB_OK) return lubL_failure(L, &err);
  return with_output(L, object);
}

/* audio.resample(tensor, { orig_sr =, target_sr =, res_type = }) -> job; the tensor is (samples,) or (channels,
 * samples) */
static int audio_resample(lua_State *L) {
  typedef struct resample_options {
    double orig_sr, target_sr;
    int res_type;
  } resample_options;
  static const lub_option table[] = {
      {.name = "orig_sr", .type = LUB_OPTION_NUMBER, .offset = offsetof(resample_options, orig_sr), .required = true,
       .min = 1, .max = 1e9},
      {.name = "target_sr", .type = LUB_OPTION_NUMBER, .offset = offsetof(resample_options, target_sr),
       .required = true, .min = 1, .max = 1e9},
      {.name = "res_type", .type = LUB_OPTION_CHOICE, .offset = offsetof(resample_options, res_type),
       .choices = lub_quality_names, .fallback = LUB_SOXR_HQ},
      LUB_OPTIONS_END};
  resample_options options;
  lub_error err;
  lua_settop(L, 2);
  lub_tensor *x = lubL_checkcontiguous(L, 1);
  luaL_argcheck(L, x->shape.ndim == 1 || x->shape.ndim == 2, 1, "(samples,) or (channels, samples) expected");
  lubL_readoptions(L, 2, "audio.resample", table, &options, NULL);
  bool one = x->shape.ndim == 1;
  lub_load_options load = {.sr = options.target_sr, .mono = one, .duration = NAN, .res_type = options.res_type};
  loading_object *object = new_loading(L);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, LOADING_INPUT);
  if (lub_load_memory(&object->load, "audio.resample", x->data, one ? 1 : x->shape.dim[0],
                      x->shape.dim[x->shape.ndim - 1], options.orig_sr, &load, &err) != LUB_OK) {
    err.status = LUB_EARG; /* no file is at fault */
    return lubL_failure(L, &err);
  }
  return with_output(L, object);
}

static lub_load *check_loading(lua_State *L, loading_object **object) {
  *object = luaL_checkudata(L, 1, LOADING);
  if (!(*object)->load) luaL_error(L, "audio: this job is over");
  return (*object)->load;
}

/* job:advance() -> true when finished | nil, reason */
static int loading_advance(lua_State *L) {
  loading_object *object;
  lub_load *load = check_loading(L, &object);
  lub_error err;
  if (!object->finished && lub_load_advance(load, &object->finished, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushboolean(L, object->finished);
  return 1;
}

/* job:result() -> Tensor, sample rate, warning or nil */
static int loading_result(lua_State *L) {
  loading_object *object;
  lub_load *load = check_loading(L, &object);
  if (!object->finished) return luaL_error(L, "audio: not finished");
  int64_t frames = lub_load_frames(load);
  double sr = lub_load_sr(load);
  lua_getiuservalue(L, 1, LOADING_OUTPUT);
  if (frames < lub_load_room(load)) {
    lub_tensor part = *lubL_checktensor(L, -1);
    part.shape.dim[part.shape.ndim - 1] = frames;
    lub_tensor *copy = lubL_newtensor(L, &part.shape);
    lub_tensor_copy(copy, &part);
  }
  if (sr == (double)(lua_Integer)sr) lua_pushinteger(L, (lua_Integer)sr);
  else lua_pushnumber(L, sr);
  lua_pushstring(L, lub_load_warning(load));
  return 3;
}

static int loading_gc(lua_State *L) {
  loading_object *object = luaL_checkudata(L, 1, LOADING);
  lub_load_close(object->load);
  object->load = NULL;
  return 0;
}

/* === info === */

typedef struct reader_object {
  lub_reader *reader;
} reader_object;

static int reader_gc(lua_State *L) {
  reader_object *object = lua_touserdata(L, 1);
  lub_reader_close(object->reader);
  object->reader = NULL;
  return 0;
}

/* audio.info(path) -> { duration =, samplerate =, channels =, frames =, promised =, format =, subtype = } */
static int audio_info(lua_State *L) {
  const char *path = lubL_checkpath(L, 1);
  lub_error err;
  reader_object *object = lua_newuserdatauv(L, sizeof *object, 0);
  object->reader = NULL;
  luaL_setmetatable(L, "lubdub.Reader");
  lua_createtable(L, 0, 7);
  if (lub_reader_open(&object->reader, path, &err) != LUB_OK) return lubL_failure(L, &err);
  const lub_audio_info *info = lub_reader_info(object->reader);
  lua_pushnumber(L, (double)info->frames / info->samplerate);
  lua_setfield(L, -2, "duration");
  lua_pushinteger(L, info->samplerate);
  lua_setfield(L, -2, "samplerate");
  lua_pushinteger(L, info->channels);
  lua_setfield(L, -2, "channels");
  lua_pushinteger(L, info->frames);
  lua_setfield(L, -2, "frames");
  lua_pushinteger(L, info->promised);
  lua_setfield(L, -2, "promised");
  lua_pushstring(L, info->format);
  lua_setfield(L, -2, "format");
  lua_pushstring(L, info->subtype);
  lua_setfield(L, -2, "subtype");
  lub_reader_close(object->reader);
  object->reader = NULL;
  return 1;
}

/* === writing === */

#define FRAMES 65536 /* per step, divided by the channels */

typedef struct writing_object {
  lub_writer *writer;
  const lub_tensor *signal;
  int64_t at, frames, channels;
  bool holds_nan; /* FLOAT keeps NaN; there is no whole number for it */
  float *block; /* follows this struct */
} writing_object;

/* audio.write(path, tensor, sr, { subtype = }) -> job */
static int audio_write(lua_State *L) {
  typedef struct write_options {
    int subtype;
  } write_options;
  static const lub_option table[] = {{.name = "subtype", .type = LUB_OPTION_CHOICE, .choices = lub_subtype_names,
                                      .offset = offsetof(write_options, subtype)},
                                     LUB_OPTIONS_END};
  write_options options;
  lub_error err;
  const char *path = lubL_checkpath(L, 1);
  const lub_tensor *x = lubL_checktensor(L, 2);
  int whole;
  lua_Integer sr = lua_tointegerx(L, 3, &whole);
  luaL_argcheck(L, x->shape.ndim == 1 || x->shape.ndim == 2, 2, "(samples,) or (channels, samples) expected");
  luaL_argcheck(L, x->shape.ndim == 1 || (x->shape.dim[0] >= 1 && x->shape.dim[0] <= 1024), 2,
                "1 to 1024 channels expected");
  if (!whole || sr < 1 || sr > 655350)
    return luaL_error(L, "audio.write: a sample rate of 1 to 655350 Hz expected, got %s", luaL_tolstring(L, 3, NULL));
  lubL_readoptions(L, 4, "audio.write", table, &options, NULL);
  writing_object *object = lua_newuserdatauv(L, sizeof *object + sizeof(float) * FRAMES, 1);
  *object = (writing_object){.signal = x, .block = (float *)(void *)(object + 1)};
  object->holds_nan = options.subtype == LUB_FLOAT;
  object->channels = x->shape.ndim == 1 ? 1 : x->shape.dim[0];
  object->frames = x->shape.dim[x->shape.ndim - 1];
  luaL_setmetatable(L, WRITING);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  if (lub_writer_open(&object->writer, path, (int)sr, (int)object->channels, (lub_subtype)options.subtype, &err) !=
      LUB_OK)
    return lubL_failure(L, &err);
  return 1;
}

/* job:advance() -> true when the file is complete | nil, reason */
static int writing_advance(lua_State *L) {
  writing_object *object = luaL_checkudata(L, 1, WRITING);
  const lub_tensor *x = object->signal;
  lub_error err;
  if (!object->writer) return luaL_error(L, "audio: this job is over");
  int64_t n = object->frames - object->at, most = FRAMES / object->channels;
  if (n > most) n = most;
  int64_t step = x->stride[x->shape.ndim - 1];
  bool broken = false;
  for (int64_t c = 0; c < object->channels; c++) {
    const float *from = x->data + (x->shape.ndim == 2 ? c * x->stride[0] : 0) + object->at * step;
    for (int64_t i = 0; i < n; i++) {
      object->block[i * object->channels + c] = from[i * step];
      broken = broken || (!object->holds_nan && isnan(from[i * step]));
    }
  }
  if (broken) {
    lub_writer_discard(object->writer);
    object->writer = NULL;
    return luaL_error(L, "audio.write: the signal holds NaN, which only subtype = \"FLOAT\" keeps");
  }
  lub_status status = n > 0 ? lub_writer_write(object->writer, object->block, n, &err) : LUB_OK;
  object->at += n;
  bool finished = object->at == object->frames;
  if (status == LUB_OK && finished) {
    lub_writer *writer = object->writer;
    object->writer = NULL;
    status = lub_writer_finish(writer, &err);
  } else if (status != LUB_OK) {
    lub_writer_discard(object->writer);
    object->writer = NULL;
  }
  if (status != LUB_OK) return lubL_failure(L, &err);
  lua_pushboolean(L, finished);
  return 1;
}

static int writing_gc(lua_State *L) {
  writing_object *object = luaL_checkudata(L, 1, WRITING);
  lub_writer_discard(object->writer);
  object->writer = NULL;
  return 0;
}

int lubL_open_audio(lua_State *L) {
  static const luaL_Reg functions[] = {{"load", audio_load}, {"resample", audio_resample}, {"info", audio_info},
                                       {"write", audio_write}, {NULL, NULL}};
  static const luaL_Reg loading_methods[] = {{"advance", loading_advance}, {"result", loading_result},
                                             {"close", loading_gc}, {NULL, NULL}};
  static const luaL_Reg loading_meta[] = {{"__gc", loading_gc}, {"__close", loading_gc}, {NULL, NULL}};
  static const luaL_Reg writing_methods[] = {{"advance", writing_advance}, {NULL, NULL}};
  static const luaL_Reg writing_meta[] = {{"__gc", writing_gc}, {"__close", writing_gc}, {NULL, NULL}};
  static const luaL_Reg reader_meta[] = {{"__gc", reader_gc}, {NULL, NULL}};
  lubL_class(L, LOADING, loading_methods, loading_meta);
  lubL_class(L, WRITING, writing_methods, writing_meta);
  lubL_class(L, "lubdub.Reader", &reader_meta[1], reader_meta);
  luaL_newlib(L, functions);
  return 1;
}
