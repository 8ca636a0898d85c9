/* core.interruptible: an interrupt (SIGINT) that stops a function and leaves the process alive, as often as it comes.
 * lua5.4's own handler serves once for each chunk that it runs and then lets the signal kill; a host that runs many
 * chunks in one process, such as a Jupyter kernel, needs one that stays. */
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <string.h>

#include "lua/lubdub.h"

/* The state whose call may be interrupted. A signal has no other way to learn of it. */
static lua_State *volatile interruptible;

static void raise_interrupt(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  luaL_where(L, 0); /* a hook has no level of its own */
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_error(L);
}

/* As in lua.c: a hook may be set from a handler, and raises at the next instruction. */
static void on_signal(int number) {
  (void)number;
  lua_State *L = interruptible;
  if (L) lua_sethook(L, raise_interrupt, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* core.interruptible(f, ...) -> as pcall; SIGINT raises "interrupted!" within f. The handler stays when f is done, and
 * then does nothing: a signal that comes late ends no process. Calls do not nest. */
static int core_interruptible(lua_State *L) {
  struct sigaction action;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (interruptible) return luaL_error(L, "interruptible: one call at a time");
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);

  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  interruptible = L;
  int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  interruptible = NULL;
  if (lua_gethook(L) == raise_interrupt) lua_sethook(L, NULL, 0, 0);
  if (status == LUA_OK) return lua_gettop(L);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

int lubL_open_interrupt(lua_State *L) {
  lua_pushcfunction(L, core_interruptible);
  return 1;
}
