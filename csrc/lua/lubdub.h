/* lubdub.h - what the binding files share. Only csrc/lua/ includes lua.h.
 *
 * A caller's mistake and lack of memory become Lua errors; the world's failures become
 * nil, "path: reason". No C memory or handle is live across a call that may raise, unless
 * a userdata with __gc owns it. Indices count from 1 in Lua and from 0 in C. */
#ifndef LUB_LUA_LUBDUB_H
#define LUB_LUA_LUBDUB_H

#include <lauxlib.h>
#include <lua.h>

#include "base/aside.h"
#include "base/error.h"
#include "base/options.h"
#include "tensor/tensor.h"

/* Each pushes one table, the part of `lubdub.core` that its file binds. */
int lubL_open_tensor(lua_State *L);    /* core.Tensor */
int lubL_open_audio(lua_State *L);     /* core.audio */
int lubL_open_feature(lua_State *L);   /* core.feature */
int lubL_open_transform(lua_State *L); /* core.transform */
int lubL_open_stream(lua_State *L);    /* core.stream */
int lubL_open_pipeline(lua_State *L);  /* core.pipeline */
int lubL_open_fingerprint(lua_State *L); /* core.fingerprint */
int lubL_open_signal(lua_State *L);   /* core.signal */
int lubL_open_augment(lua_State *L);  /* core.augment */
int lubL_open_standardize(lua_State *L); /* core.standardize */
int lubL_open_synth(lua_State *L);     /* core.synth */
int lubL_open_layer(lua_State *L);     /* core.layers */
int lubL_open_optimizer(lua_State *L); /* core.optimizers */
int lubL_open_loss(lua_State *L);      /* core.losses */
int lubL_open_initializer(lua_State *L); /* core.initializers */
int lubL_open_regularizer(lua_State *L); /* core.regularizers */
int lubL_open_constraint(lua_State *L);  /* core.constraints */
int lubL_open_metric(lua_State *L);    /* core.counts */
int lubL_open_trainer(lua_State *L);   /* core.Trainer */
int lubL_open_h5(lua_State *L);        /* core.h5: reading */
int lubL_open_options(lua_State *L);   /* core.options */
int lubL_open_interrupt(lua_State *L); /* core.interruptible */

/* === errors === */

/* Gives a failure to Lua: raises LUB_EARG and LUB_ENOMEM (message as it is); for LUB_EWORLD
 * pushes nil and the message and returns 2. */
int lubL_failure(lua_State *L, const lub_error *err);

/* === files === */

/* The file name at `arg`; raises an argument error where C would see only its beginning. */
const char *lubL_checkpath(lua_State *L, int arg);

/* Bytes on their way from one library of ours to another, without the copies that a string would take: their own, which
 * stay as long as the userdata, or lent by something else, which may take them back: then there are no pieces. */
#define LUBL_BYTES "lubdub.Bytes"
typedef struct lubL_bytes {
  const lub_piece *pieces;
  size_t count;
  bool lent;
  lub_piece own;
} lubL_bytes;

/* Pushes such a userdata with `size` bytes of its own, to be filled at *own, and one user value. tostring makes a
 * string of its bytes. Who lends it other ones sets its fields. */
lubL_bytes *lubL_newbytes(lua_State *L, size_t size, void **own);

/* === classes === */

/* Creates metatable `name` with `methods` as __index and `meta` (may be NULL) set on it; pops nothing,
 * pushes nothing. */
void lubL_class(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *meta);

/* === tensors === */

#define LUBL_TENSOR "lubdub.Tensor"

/* A new tensor whose floats Lua owns, aligned to 64 bytes, not cleared; pushes it. The pointer is
 * good as long as the userdata. Raises "out of memory" or "size overflows". */
lub_tensor *lubL_newtensor(lua_State *L, const lub_shape *shape);
/* The tensor at `arg`; raises an argument error otherwise. */
lub_tensor *lubL_checktensor(lua_State *L, int arg);
lub_tensor *lubL_testtensor(lua_State *L, int arg);
/* Pushes a view of `view`'s elements that keeps the tensor at `owner` alive. */
lub_tensor *lubL_newview(lua_State *L, int owner, const lub_tensor *view);
/* The tensor at `arg`, row-major without gaps: the same one, or a copy that replaces it at
 * stack index `arg`. */
lub_tensor *lubL_checkcontiguous(lua_State *L, int arg);
/* A shape from a table of sizes {40, 173, 1} at `arg`; every size must be at least 0. Errors begin with `where`. */
lub_shape lubL_readshape(lua_State *L, int arg, const char *where);
/* The same, where -1 stands for a size that is not known. */
lub_shape lubL_readopenshape(lua_State *L, int arg, const char *where);
lub_shape lubL_checkshape(lua_State *L, int arg);
void lubL_pushshape(lua_State *L, const lub_shape *shape);

/* === options === */

/* Reads the table at `arg` (nil or absent: all defaults) into `options`, which `table` describes. Defaults are
 * filled; unknown names (with the nearest right one), wrong types and values out of bounds raise an error that
 * begins with `where`. A table {40, 173, 1} gives its array part to the first option if that is a SHAPE; its first
 * element to the first option if that is a LAYER. `extra` (may be NULL) lists names that the caller reads itself. */
void lubL_readoptions(lua_State *L, int arg, const char *where, const lub_option *table, void *options,
                      const char *const *extra);
/* Pushes a table with the value of every option. */
void lubL_pushoptions(lua_State *L, const lub_option *table, const void *options);
/* Pushes a string: "name = value, ..." in the table's order. LUBL_BRIEF leaves out what is at its default,
 * LUBL_NO_NONES what is None by default. */
enum { LUBL_WHOLE, LUBL_BRIEF, LUBL_NO_NONES };
void lubL_pushoptionstext(lua_State *L, const lub_option *table, const void *options, int brief);

#endif
