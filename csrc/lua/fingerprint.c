/* core.fingerprint: whether a recording is the same as before (pipeline/fingerprint.h), for lua/lubdub/cache.lua. */
#include "pipeline/fingerprint.h"

#include <string.h>

#include "base/hash.h"
#include "lua/lubdub.h"

#define FINGERPRINTS "lubdub.Fingerprints"

typedef struct fingerprints_object {
  lub_fingerprints *job;
  int64_t count;
} fingerprints_object;

/* fingerprint.identify(path) -> device, inode, size, mtime in ns | nil, reason */
static int fingerprint_identify(lua_State *L) {
  lub_identity identity;
  lub_error err;
  if (lub_identify(luaL_checkstring(L, 1), &identity, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushinteger(L, identity.device);
  lua_pushinteger(L, identity.inode);
  lua_pushinteger(L, identity.size);
  lua_pushinteger(L, identity.mtime);
  return 4;
}

/* fingerprint.digest(string) -> 16 hexadecimal digits */
static int fingerprint_digest(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  lub_hash hash;
  uint64_t digest[4];
  char text[17];
  lub_hash_begin(&hash);
  lub_hash_add(&hash, bytes, size);
  lub_hash_end(&hash, digest);
  for (int i = 0; i < 16; i++) text[i] = "0123456789abcdef"[digest[0] >> (60 - 4 * i) & 15];
  text[16] = '\0';
  lua_pushstring(L, text);
  return 1;
}

/* Reads element i of the list at index 1: a path, or { audio = Tensor, samplerate = }. Values stay in `anchors`. */
static void read_content(lua_State *L, int anchors, lua_Integer i, lub_content *content) {
  *content = (lub_content){0};
  if (lua_geti(L, 1, i) == LUA_TSTRING) {
    content->path = lua_tostring(L, -1);
    lua_rawseti(L, anchors, i);
    return;
  }
  int item = lua_gettop(L);
  luaL_checktype(L, item, LUA_TTABLE);
  lua_getfield(L, item, "samplerate");
  double sr = lua_tonumber(L, -1);
  lua_getfield(L, item, "audio");
  const lub_tensor *x = lubL_checkcontiguous(L, lua_gettop(L));
  content->bytes = x->data;
  content->size = lub_shape_size(&x->shape) * (int64_t)sizeof(float);
  content->extra[0] = x->shape.ndim;
  for (int d = 0; d < x->shape.ndim && d < 2; d++) content->extra[1 + d] = x->shape.dim[d];
  memcpy(&content->extra[3], &sr, sizeof sr);
  lua_rawseti(L, anchors, i);
  lua_settop(L, item - 1);
}

/* fingerprint.Contents(list of paths, or of { audio =, samplerate = }) -> job */
static int fingerprint_contents(lua_State *L) {
  lub_error err;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_Integer count = luaL_len(L, 1);
  luaL_argcheck(L, count >= 1, 1, "nothing to hash");
  fingerprints_object *object = lua_newuserdatauv(L, sizeof *object, 1); /* 2 */
  *object = (fingerprints_object){.count = count};
  luaL_setmetatable(L, FINGERPRINTS);
  lua_createtable(L, (int)count, 1); /* 3 */
  lub_content *contents = lua_newuserdatauv(L, sizeof *contents * (size_t)count, 0);
  lua_setfield(L, 3, "contents");
  for (lua_Integer i = 1; i <= count; i++) read_content(L, 3, i, &contents[i - 1]);
  lua_setiuservalue(L, 2, 1);
  if (lub_fingerprints_new(&object->job, contents, count, &err) != LUB_OK) return lubL_failure(L, &err);
  return 1;
}

static fingerprints_object *check_job(lua_State *L) {
  fingerprints_object *object = luaL_checkudata(L, 1, FINGERPRINTS);
  if (!object->job) luaL_error(L, "fingerprint: this job is over");
  return object;
}

/* job:advance() -> true when finished */
static int job_advance(lua_State *L) {
  fingerprints_object *object = check_job(L);
  lua_pushboolean(L, lub_fingerprints_advance(object->job) == object->count);
  return 1;
}

/* job:result(i) -> four integers; nothing where the file could not be read */
static int job_result(lua_State *L) {
  fingerprints_object *object = check_job(L);
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && i <= object->count, 2, "out of range");
  const uint64_t *digest = lub_fingerprint(object->job, i - 1);
  for (int k = 0; digest && k < 4; k++) lua_pushinteger(L, (lua_Integer)digest[k]);
  return digest ? 4 : 0;
}

static int job_gc(lua_State *L) {
  fingerprints_object *object = luaL_checkudata(L, 1, FINGERPRINTS);
  lub_fingerprints_free(object->job);
  object->job = NULL;
  return 0;
}

int lubL_open_fingerprint(lua_State *L) {
  static const luaL_Reg functions[] = {{"identify", fingerprint_identify}, {"digest", fingerprint_digest},
                                       {"Contents", fingerprint_contents}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"advance", job_advance}, {"result", job_result}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", job_gc}, {"__close", job_gc}, {NULL, NULL}};
  lubL_class(L, FINGERPRINTS, methods, meta);
  luaL_newlib(L, functions);
  return 1;
}
