/* sound.h - what the bindings of audio, features and the pipeline share. */
#ifndef LUB_LUA_SOUND_H
#define LUB_LUA_SOUND_H

#include "audio/load.h"
#include "audio/treatment.h"
#include "feature/plan.h"
#include "feature/run.h"
#include "lua/lubdub.h"

#define LUBL_PLAN "lubdub.Plan"

/* The plan at `arg`; raises an argument error otherwise. It lives as long as its userdata. */
const lub_plan *lubL_checkplan(lua_State *L, int arg);

/* Reads the table at `arg`, { kind = "sosfiltfilt", sr =, sos = { { b0, b1, b2, 1, a1, a2 }, ... }, options of the
 * kind ... }. */
void lubL_readtreatment(lua_State *L, int arg, lub_treatment *treatment);

#endif
