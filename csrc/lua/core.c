/* lubdub.core: the C half of lubdub. lua/lubdub/ composes it; nobody else requires it. */
#define _XOPEN_SOURCE 700 /* truncate */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/aside.h"
#include "base/cpu.h"
#include "base/pool.h"
#include "lua/lubdub.h"
#include "nn/kernels/kernels.h"

/* core.clock(): seconds on a monotonic clock. */
static int core_clock(lua_State *L) {
  lua_pushnumber(L, lub_clock());
  return 1;
}

/* core.set_num_threads(n): n < 1 brings the default back. */
static int core_set_num_threads(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n <= LUB_MAX_THREADS, 1, "at most 256 threads");
  lub_set_num_threads(n < 1 ? 0 : (int)n);
  return 0;
}

static int core_num_threads(lua_State *L) {
  lua_pushinteger(L, lub_num_threads());
  return 1;
}

/* core.cpu(): the name of the kernel variant in use, and a list of those this CPU can run. */
static int core_cpu(lua_State *L) {
  lua_pushstring(L, lub_cpu_name(lub_cpu_variant()));
  lua_newtable(L);
  for (int v = 0, n = 0; v < LUB_CPU_COUNT; v++)
    if (lub_cpu_has((lub_cpu)v)) {
      lua_pushstring(L, lub_cpu_name((lub_cpu)v));
      lua_rawseti(L, -2, ++n);
    }
  return 2;
}

/* core.terminal_columns(): the width of the terminal on standard output; nil where that is none. */
static int core_terminal_columns(lua_State *L) {
  struct winsize size;
  if (!isatty(STDOUT_FILENO)) return 0;
  lua_pushinteger(L, ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80);
  return 1;
}

/* core.write_aside(path, bytes) -> true | nil, reason: the file is replaced whole or not at all. */
static int core_write_aside(lua_State *L) {
  size_t size;
  const char *path = lubL_checkpath(L, 1), *bytes = luaL_checklstring(L, 2, &size);
  lub_error err;
  if (lub_write_aside(path, &(lub_piece){bytes, size}, 1, &err) != LUB_OK) return lubL_failure(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* core.fma_peak() -> floating-point operations per second that one core reaches in registers alone, with the kernels in
 * use: the best of many short runs. For benchmarks. */
static int core_fma_peak(lua_State *L) {
  double best = 0;
  float sink;
  for (int run = 0; run < 100; run++) {
    const double started = lub_clock();
    const double operations = (double)lub_nn_kernels_now()->fma_rounds(5000, &sink);
    const double seconds = lub_clock() - started;
    if (seconds > 0 && operations / seconds > best) best = operations / seconds;
  }
  lua_pushnumber(L, best);
  return 1;
}

/* core.size_guarded(f, ...) -> what f(...) returns: within it a write beyond the limit on file sizes fails with a
 * reason, where the signal would end the process. */
static int core_size_guarded(lua_State *L) {
  lub_size_guard guard;
  luaL_checkany(L, 1);
  lub_size_guard_enter(&guard);
  int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  lub_size_guard_leave(&guard);
  return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* core.truncate(path, size) -> true | nil, "path: reason": cuts a file back to its first `size` bytes. */
static int core_truncate(lua_State *L) {
  const char *path = lubL_checkpath(L, 1);
  lua_Integer size = luaL_checkinteger(L, 2);
  luaL_argcheck(L, size >= 0, 2, "at least 0 bytes expected");
  if (truncate(path, (off_t)size) != 0) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(errno));
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

static int release_pool(lua_State *L) {
  (void)L;
  lub_pool_release();
  return 0;
}

__attribute__((visibility("default"))) int luaopen_lubdub_core(lua_State *L);

int luaopen_lubdub_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"clock", core_clock},
                                       {"set_num_threads", core_set_num_threads},
                                       {"num_threads", core_num_threads},
                                       {"cpu", core_cpu},
                                       {"fma_peak", core_fma_peak},
                                       {"terminal_columns", core_terminal_columns},
                                       {"write_aside", core_write_aside},
                                       {"size_guarded", core_size_guarded},
                                       {"truncate", core_truncate},
                                       {NULL, NULL}};
  static const struct {
    const char *name;
    lua_CFunction open;
  } parts[] = {{"options", lubL_open_options}, {"Tensor", lubL_open_tensor},
               {"audio", lubL_open_audio},     {"feature", lubL_open_feature},
               {"transform", lubL_open_transform}, {"stream", lubL_open_stream},
               {"synth", lubL_open_synth},     {"pipeline", lubL_open_pipeline},
               {"fingerprint", lubL_open_fingerprint},
               {"signal", lubL_open_signal},   {"augment", lubL_open_augment},
               {"standardize", lubL_open_standardize},
               {"layers", lubL_open_layer},    {"optimizers", lubL_open_optimizer},
               {"losses", lubL_open_loss},     {"initializers", lubL_open_initializer},
               {"counts", lubL_open_metric},   {"regularizers", lubL_open_regularizer},
               {"constraints", lubL_open_constraint},
               {"Trainer", lubL_open_trainer}, {"h5", lubL_open_h5},
               {"interruptible", lubL_open_interrupt}};
  lub_error err;
  luaL_checkversion(L);
  if (lub_cpu_init(&err) != LUB_OK || lub_threads_init(&err) != LUB_OK) return lubL_failure(L, &err);

  luaL_newlib(L, functions);
  /* The sentinel: its __gc joins the threads before the state closes this library. */
  lua_newuserdatauv(L, 0, 0);
  lua_newtable(L);
  lua_pushcfunction(L, release_pool);
  lua_setfield(L, -2, "__gc");
  lub_pool_retain();
  lua_setmetatable(L, -2);
  lua_setfield(L, LUA_REGISTRYINDEX, "lubdub.pool");

  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    parts[i].open(L);
    lua_setfield(L, -2, parts[i].name);
  }
  return 1;
}
