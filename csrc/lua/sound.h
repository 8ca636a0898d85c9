/* sound.h - what the bindings of audio, features and the pipeline share. */
#ifndef LUB_LUA_SOUND_H
#define LUB_LUA_SOUND_H

#include "audio/load.h"
#include "feature/plan.h"
#include "feature/run.h"
#include "lua/lubdub.h"

#define LUBL_PLAN "lubdub.Plan"

/* The plan at `arg`; raises an argument error otherwise. It lives as long as its userdata. */
const lub_plan *lubL_checkplan(lua_State *L, int arg);

#endif
