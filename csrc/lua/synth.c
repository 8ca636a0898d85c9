/* core.synth: the toy heart (audio/synth.h). Lua decides what to make; this makes it. */
#include "audio/synth.h"

#include "base/pool.h"
#include "base/random.h"
#include "lua/lubdub.h"

typedef struct recording {
  lub_heart_options options;
  float *out;
  lub_error error;
} recording;

static void render_one(void *context, int64_t chunk, int thread) {
  recording *r = (recording *)context + chunk;
  (void)thread;
  r->error.status = lub_heart_render(&r->options, r->out, &r->error);
}

/* core.synth.render(where, list): a list of Tensors, one for each table of options, and a list of
 * their sample rates; made in parallel. The caller keeps a call below 50 ms (30 ns a sample). */
static int synth_render(lua_State *L) {
  const char *where = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  int64_t n = (int64_t)lua_rawlen(L, 2);
  lua_settop(L, 2);
  recording *all = lua_newuserdatauv(L, sizeof *all * (size_t)(n > 0 ? n : 1), 0);
  lua_createtable(L, (int)n, 0);
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    lubL_readoptions(L, lua_gettop(L), where, lub_heart_table, &all[i].options, NULL);
    lua_pop(L, 1);
    lub_shape shape = {.ndim = 1, .dim = {lub_heart_length(&all[i].options)}};
    all[i].out = lubL_newtensor(L, &shape)->data;
    lua_rawseti(L, 4, i + 1);
    lua_pushinteger(L, all[i].options.sr);
    lua_rawseti(L, 5, i + 1);
  }
  lub_parallel(n, lub_num_threads(), render_one, all);
  for (int64_t i = 0; i < n; i++)
    if (all[i].error.status != LUB_OK) return lubL_failure(L, &all[i].error);
  return 2;
}

/* core.synth.beats(where, options): a list of {s1 =, s2 =, premature =}. */
static int synth_beats(lua_State *L) {
  lub_heart_options options;
  lub_heart_beat beats[LUB_HEART_MAX_BEATS];
  lubL_readoptions(L, 2, luaL_checkstring(L, 1), lub_heart_table, &options, NULL);
  int n = lub_heart_beats(&options, beats);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_createtable(L, 0, 3);
    lua_pushnumber(L, beats[i].s1);
    lua_setfield(L, -2, "s1");
    lua_pushnumber(L, beats[i].s2);
    lua_setfield(L, -2, "s2");
    lua_pushboolean(L, beats[i].premature);
    lua_setfield(L, -2, "premature");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* core.synth.uniform(seed, i): number i in [0, 1) of a stream of its own. */
static int synth_uniform(lua_State *L) {
  uint64_t key = lub_mix(0x73796E7468, (uint64_t)luaL_checkinteger(L, 1));
  lua_pushnumber(L, (double)(lub_mix(key, (uint64_t)luaL_checkinteger(L, 2)) >> 11) * 0x1p-53);
  return 1;
}

int lubL_open_synth(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"render", synth_render}, {"beats", synth_beats}, {"uniform", synth_uniform}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_createtable(L, LUB_HEART_COUNT, 0);
  for (int i = 0; i < LUB_HEART_COUNT; i++) {
    lua_pushstring(L, lub_heart_labels[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "labels");
  return 1;
}
