/* What Lua lacks for the specs of forks: run(f, seconds) calls f in a child process, which is killed after so many
 * seconds, and gives "exit" or "signal" with its number: exit 0 where f returned, 1 where it raised an error, whose
 * message goes to stderr. spec/support/fork.lua builds it. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(lua_State *L) {
  unsigned seconds = (unsigned)luaL_checkinteger(L, 2);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) return luaL_error(L, "no child");
  if (child == 0) {
    alarm(seconds);
    lua_settop(L, 1);
    int failed = lua_pcall(L, 0, 0, 0);
    if (failed) fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    lua_gc(L, LUA_GCCOLLECT);
    _exit(failed != LUA_OK);
  }
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return luaL_error(L, "the child is lost");
  lua_pushstring(L, WIFEXITED(status) ? "exit" : "signal");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return 2;
}

int luaopen_fork(lua_State *L) {
  lua_pushcfunction(L, run);
  return 1;
}
