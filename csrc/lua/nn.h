/* nn.h - what the bindings of layers, optimizers and trainers share. */
#ifndef LUB_LUA_NN_H
#define LUB_LUA_NN_H

#include "lua/lubdub.h"
#include "nn/layer.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "nn/plan.h"

#define LUBL_LAYER "lubdub.Layer"
#define LUBL_OPTIMIZER "lubdub.Optimizer"
#define LUBL_LOSS "lubdub.Loss"

/* The layer at `arg`; raises an argument error otherwise. It lives as long as its userdata. */
lub_layer *lubL_checklayer(lua_State *L, int arg);

/* Copies what the layer on top of the stack is (not its weights) into option `name` of the object called `where`. */
void lubL_readinner(lua_State *L, const char *where, const char *name, lub_inner_layer *inner);
/* Pushes a new layer that is what `inner` says. */
void lubL_pushinner(lua_State *L, const lub_inner_layer *inner);

typedef struct lubL_optimizer {
  const lub_optimizer_kind *kind;
  _Alignas(8) unsigned char options[LUB_OPTIMIZER_BYTES];
} lubL_optimizer;

lubL_optimizer *lubL_checkoptimizer(lua_State *L, int arg);

lub_loss *lubL_checkloss(lua_State *L, int arg);
/* Pushes the loss of this name with its default options; raises where there is none. */
lub_loss *lubL_namedloss(lua_State *L, const char *name);

/* Reads layers, inputs, input_shape(s) and outputs of the options at `options` (see core.Trainer) into a graph, which
 * lives as long as what is left on the stack; returns where the list of its layers stands there. */
int lubL_readgraph(lua_State *L, int options, lub_graph *graph);

#endif
