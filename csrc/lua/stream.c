/* core.stream: plans on live sound (feature/stream.h). */
#include "feature/stream.h"

#include <string.h>

#include "lua/sound.h"

#define STREAM "lubdub.Stream"

typedef struct stream_object {
  lub_stream *stream;
  const lub_plan *plan;
  lub_tensor *frame; /* where each frame goes; a user value keeps it */
} stream_object;
enum { STREAM_PLAN = 1, STREAM_FRAME, STREAM_VALUES = 2 };

typedef struct stream_options {
  int64_t order, width;
  int mode;
} stream_options;

#define FIELD(field) .name = #field, .offset = offsetof(stream_options, field)
static const lub_option deltas_table[] = {
    {FIELD(order), .type = LUB_OPTION_INT, .fallback = 1, .min = 1, .max = 8},
    {FIELD(width), .type = LUB_OPTION_INT, .fallback = 9, .min = INT32_MIN, .max = INT32_MAX},
    {FIELD(mode), .type = LUB_OPTION_CHOICE, .choices = lub_delta_modes},
    LUB_OPTIONS_END};

/* stream.new(plan, deltas or nil) -> Stream */
static int stream_new(lua_State *L) {
  stream_options deltas = {0};
  lub_error err;
  lua_settop(L, 2);
  const lub_plan *plan = lubL_checkplan(L, 1);
  if (!lua_isnil(L, 2)) lubL_readoptions(L, 2, "stream: deltas", deltas_table, &deltas, NULL);
  lub_stream_options options = {.orders = deltas.order, .width = deltas.width, .mode = (lub_delta_mode)deltas.mode};
  stream_object *object = lua_newuserdatauv(L, sizeof *object, STREAM_VALUES);
  *object = (stream_object){.plan = plan};
  luaL_setmetatable(L, STREAM);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, STREAM_PLAN);
  if (lub_stream_new(&object->stream, plan, &options, &err) != LUB_OK) return lubL_failure(L, &err);
  int64_t rows = lub_stream_rows(object->stream);
  lub_shape shape = {1, {rows}};
  if (lub_plan_kind_of(plan) == LUB_PLAN_STFT) shape = (lub_shape){2, {rows / 2, 2}};
  object->frame = lubL_newtensor(L, &shape);
  lua_setiuservalue(L, -2, STREAM_FRAME);
  return 1;
}

static stream_object *check_stream(lua_State *L) { return luaL_checkudata(L, 1, STREAM); }

/* The iterator of push and flush: stream -> number of the frame, frame; nothing where none is ready. A C function
 * without upvalues, so that a loop over it allocates nothing. */
static int stream_next(lua_State *L) {
  stream_object *object = check_stream(L);
  if (!lub_stream_next(object->stream, object->frame->data)) return 0;
  lua_pushinteger(L, lub_stream_given(object->stream));
  lua_getiuservalue(L, 1, STREAM_FRAME);
  return 2;
}

static int iterate(lua_State *L) {
  lua_pushcfunction(L, stream_next);
  lua_pushvalue(L, 1);
  return 2;
}

/* stream:push(block) -> iterator, stream */
static int stream_push(lua_State *L) {
  stream_object *object = check_stream(L);
  lub_error err;
  lua_settop(L, 2);
  if (!lubL_testtensor(L, 2)) return luaL_error(L, "stream: a block must be a Tensor, got %s", luaL_typename(L, 2));
  const lub_tensor *block = lubL_checkcontiguous(L, 2);
  if (block->shape.ndim != 1) {
    char text[LUB_SHAPE_TEXT];
    return luaL_error(L, "stream: a block must be (samples,), got %s", lub_shape_text(&block->shape, "?", text));
  }
  if (lub_stream_push(object->stream, block->data, block->shape.dim[0], &err) != LUB_OK) return lubL_failure(L, &err);
  return iterate(L);
}

/* stream:flush() -> iterator, stream */
static int stream_flush(lua_State *L) {
  lub_error err;
  if (lub_stream_end(check_stream(L)->stream, &err) != LUB_OK) return lubL_failure(L, &err);
  return iterate(L);
}

/* stream:reset() -> stream */
static int stream_reset(lua_State *L) {
  lub_stream_reset(check_stream(L)->stream);
  lua_settop(L, 1);
  return 1;
}

static int stream_gc(lua_State *L) {
  stream_object *object = check_stream(L);
  lub_stream_free(object->stream);
  object->stream = NULL;
  return 0;
}

/* stream.latency (samples), .rows, .frames, .sr, and its methods */
static int stream_index(lua_State *L) {
  const stream_object *object = check_stream(L);
  const char *name = luaL_checkstring(L, 2);
  if (strcmp(name, "latency") == 0) lua_pushinteger(L, lub_stream_latency(object->stream));
  else if (strcmp(name, "rows") == 0) lua_pushinteger(L, lub_stream_rows(object->stream));
  else if (strcmp(name, "frames") == 0) lua_pushinteger(L, lub_stream_given(object->stream));
  else if (strcmp(name, "sr") == 0) lua_pushnumber(L, lub_plan_options_of(object->plan)->sr);
  else lua_getfield(L, lua_upvalueindex(1), name);
  return 1;
}

static int stream_tostring(lua_State *L) {
  const stream_object *object = check_stream(L);
  lua_pushfstring(L, "stream of %s: %I rows, latency %I samples, %I frames given",
                  lub_plan_names[lub_plan_kind_of(object->plan)], (LUAI_UACINT)lub_stream_rows(object->stream),
                  (LUAI_UACINT)lub_stream_latency(object->stream), (LUAI_UACINT)lub_stream_given(object->stream));
  return 1;
}

int lubL_open_stream(lua_State *L) {
  static const luaL_Reg functions[] = {{"new", stream_new}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"push", stream_push}, {"flush", stream_flush}, {"reset", stream_reset},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", stream_gc}, {"__tostring", stream_tostring}, {NULL, NULL}};
  lubL_class(L, STREAM, methods, meta);
  luaL_newlib(L, functions);
  luaL_getmetatable(L, STREAM);
  lua_getfield(L, -1, "__index");
  lua_pushcclosure(L, stream_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  return 1;
}
