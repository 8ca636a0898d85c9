/* core.pipeline: extraction (pipeline/extraction.h) as a job that Lua advances in a loop. */
#include "pipeline/extraction.h"

#include <math.h>

#include "lua/sound.h"

#define EXTRACTION "lubdub.Extraction"

typedef struct extraction_object {
  lub_extraction *job;
  int64_t count;
  bool sized;
} extraction_object;
enum { JOB_ANCHORS = 1, JOB_RESULT, JOB_VALUES = 2 };

#define FIELD(field) .name = #field, .offset = offsetof(lub_extraction_options, load.field)
static const lub_option extraction_table[] = {
    {FIELD(duration), .type = LUB_OPTION_NUMBER, .nullable = true, .none = true, .min = 1e-9, .max = 1e9},
    {FIELD(offset), .type = LUB_OPTION_NUMBER, .min = 0, .max = INFINITY},
    {FIELD(mono), .type = LUB_OPTION_BOOL, .fallback = 1},
    {FIELD(res_type), .type = LUB_OPTION_CHOICE, .choices = lub_quality_names, .fallback = LUB_SOXR_HQ},
    {FIELD(strict), .type = LUB_OPTION_BOOL},
    {.name = "pad", .offset = offsetof(lub_extraction_options, pad), .type = LUB_OPTION_BOOL},
    LUB_OPTIONS_END};

/* The field `offset` of the item in the table at `row`: seconds, 0 where there is none. */
static double read_offset(lua_State *L, int row, lua_Integer i) {
  int type = lua_getfield(L, row, "offset");
  double offset = type == LUA_TNIL ? 0 : lua_tonumber(L, -1);
  if ((type != LUA_TNIL && type != LUA_TNUMBER) || !(offset >= 0 && offset < INFINITY))
    luaL_error(L, "extract: offset of item %I must be seconds from 0", i);
  lua_pop(L, 1);
  return offset;
}

/* Reads item i of the list `items` into `item`; what it points to goes into the table `anchors`. */
static void read_item(lua_State *L, int items, int anchors, lua_Integer i, lub_item *item) {
  int top = lua_gettop(L);
  int type = lua_geti(L, items, i);
  *item = (lub_item){0};
  if (type == LUA_TTABLE) {
    int row = lua_gettop(L);
    item->offset = read_offset(L, row, i);
    if (lua_getfield(L, row, "audio") != LUA_TNIL) {
      if (!lubL_testtensor(L, -1)) luaL_error(L, "extract: audio of item %I must be a Tensor", i);
      lub_tensor *audio = lubL_checkcontiguous(L, lua_gettop(L));
      if (audio->shape.ndim != 1 && audio->shape.ndim != 2) {
        char text[LUB_SHAPE_TEXT];
        luaL_error(L, "extract: audio of item %I must be (samples,) or (channels, samples), got %s", i,
                   lub_shape_text(&audio->shape, "?", text));
      }
      if (lua_getfield(L, row, "samplerate") != LUA_TNUMBER || lua_tonumber(L, -1) < 1)
        luaL_error(L, "extract: item %I has audio but no samplerate", i);
      item->sr = lua_tonumber(L, -1);
      item->data = audio->data;
      item->channels = audio->shape.ndim == 1 ? 1 : audio->shape.dim[0];
      item->frames = audio->shape.dim[audio->shape.ndim - 1];
      if (item->channels < 1) luaL_error(L, "extract: audio of item %I has no channels", i);
      lua_pop(L, 1);
      lua_rawseti(L, anchors, i);
      lua_settop(L, top);
      return;
    }
    type = lua_getfield(L, row, "path");
  }
  if (type != LUA_TSTRING)
    luaL_error(L, "extract: item %I must be a path or a table with path, or audio and samplerate, got %s", i,
               luaL_typename(L, -1));
  item->path = lua_tostring(L, -1);
  lua_rawseti(L, anchors, i);
  lua_settop(L, top);
}

/* Reads the list in field `treatments` of the table at 1, if any, into the options; a userdata in `anchors` keeps
 * them. */
static void read_treatments(lua_State *L, int anchors, lub_extraction_options *options) {
  if (lua_getfield(L, 1, "treatments") == LUA_TTABLE) {
    int count = (int)lua_rawlen(L, -1), list = lua_gettop(L);
    lub_treatment *treatments = lua_newuserdatauv(L, sizeof *treatments * (size_t)(count > 0 ? count : 1), 0);
    for (int i = 0; i < count; i++) {
      lua_rawgeti(L, list, i + 1);
      lubL_readtreatment(L, -1, &treatments[i]);
      lua_pop(L, 1);
    }
    lua_setfield(L, anchors, "treatments");
    options->treatments = treatments;
    options->treatment_count = count;
  }
  lua_pop(L, 1);
}

/* pipeline.Extraction{ items =, plan =, treatments =, duration =, offset =, mono =, pad =, res_type =, strict = }
 * -> job. With plan = false, and sr, the rows are signals. */
static int pipeline_extraction(lua_State *L) {
  static const char *const extra[] = {"items", "plan", "treatments", "sr", NULL};
  lub_extraction_options options = {0};
  lub_error err;
  lua_settop(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  lubL_readoptions(L, 1, "extract", extraction_table, &options, extra);
  if (lua_getfield(L, 1, "items") != LUA_TTABLE) return luaL_error(L, "extract: items must be a list");
  lua_Integer count = luaL_len(L, 2);
  if (count < 1) return luaL_error(L, "extract: there are no clips");
  lua_getfield(L, 1, "plan");
  bool signals = lua_isboolean(L, 3) && !lua_toboolean(L, 3);
  if (!signals && !luaL_testudata(L, 3, LUBL_PLAN))
    return luaL_error(L, "extract: expected a feature plan such as lubdub.MFCC{}, got %s", luaL_typename(L, 3));
  const lub_plan *plan = signals ? NULL : lubL_checkplan(L, 3);
  if (signals) {
    options.load.sr = lua_getfield(L, 1, "sr") == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (!(options.load.sr >= 1 && options.load.sr <= 1e9)) return luaL_error(L, "extract: sr must be 1 to 1e9 Hz");
    lua_pop(L, 1);
  }
  extraction_object *object = lua_newuserdatauv(L, sizeof *object, JOB_VALUES); /* 4 */
  *object = (extraction_object){.count = count};
  luaL_setmetatable(L, EXTRACTION);
  lua_createtable(L, (int)count, 2); /* 5: what the job points to */
  lua_pushvalue(L, 3);
  lua_setfield(L, 5, "plan");
  lub_item *items = lua_newuserdatauv(L, sizeof *items * (size_t)count, 0);
  lua_setfield(L, 5, "items");
  for (lua_Integer i = 1; i <= count; i++) read_item(L, 2, 5, i, &items[i - 1]);
  read_treatments(L, 5, &options);
  lua_setiuservalue(L, 4, JOB_ANCHORS);
  if (lub_extraction_new(&object->job, plan, items, count, &options, &err) != LUB_OK) return lubL_failure(L, &err);
  return 1;
}

static extraction_object *check_job(lua_State *L) {
  extraction_object *object = luaL_checkudata(L, 1, EXTRACTION);
  if (!object->job) luaL_error(L, "extract: this job is over");
  return object;
}

/* job:advance() -> items done, items in all */
static int job_advance(lua_State *L) {
  extraction_object *object = check_job(L);
  lub_error err;
  bool sized;
  lua_settop(L, 1);
  if (lub_extraction_advance(object->job, &sized, &err) != LUB_OK) return lubL_failure(L, &err);
  if (sized && !object->sized) {
    const lub_shape *row = lub_extraction_row(object->job);
    lub_shape shape = {.ndim = row->ndim + 1, .dim = {object->count}};
    for (int i = 0; i < row->ndim; i++) shape.dim[i + 1] = row->dim[i];
    lub_tensor *result = lubL_newtensor(L, &shape);
    lua_setiuservalue(L, 1, JOB_RESULT);
    lub_extraction_into(object->job, result->data);
    object->sized = true;
  }
  lua_pushinteger(L, lub_extraction_done(object->job));
  lua_pushinteger(L, object->count);
  return 2;
}

static int push_messages(lua_State *L, const char *(*message)(const lub_extraction *, int64_t)) {
  const extraction_object *object = check_job(L);
  lua_newtable(L);
  for (int64_t i = 0; i < object->count; i++) {
    const char *text = message(object->job, i);
    if (!text) continue;
    lua_pushstring(L, text);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* job:errors() -> { [item] = "path: reason" }; job:warnings() likewise */
static int job_errors(lua_State *L) { return push_messages(L, lub_extraction_error); }
static int job_warnings(lua_State *L) { return push_messages(L, lub_extraction_warning); }

/* job:result() -> Tensor (items, ..., frames, 1); the rows of failed items are zeros */
static int job_result(lua_State *L) {
  extraction_object *object = check_job(L);
  if (!object->sized || lub_extraction_done(object->job) < object->count) return luaL_error(L, "extract: not finished");
  lua_getiuservalue(L, 1, JOB_RESULT);
  return 1;
}

static int job_gc(lua_State *L) {
  extraction_object *object = luaL_checkudata(L, 1, EXTRACTION);
  lub_extraction_free(object->job);
  object->job = NULL;
  return 0;
}

int lubL_open_pipeline(lua_State *L) {
  static const luaL_Reg functions[] = {{"Extraction", pipeline_extraction}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"advance", job_advance}, {"errors", job_errors}, {"warnings", job_warnings},
                                     {"result", job_result}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", job_gc}, {"__close", job_gc}, {NULL, NULL}};
  lubL_class(L, EXTRACTION, methods, meta);
  luaL_newlib(L, functions);
  return 1;
}
