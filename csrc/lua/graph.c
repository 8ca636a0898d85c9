/* A model's graph from the options of core.Trainer. */
#include "lua/nn.h"

/* Inputs of node i, from the list on top of the stack: numbers of earlier nodes from 1, or -k for the model's input k.
 */
static void read_inputs(lua_State *L, lub_node *node, int i, int ninputs) {
  node->ninputs = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 0;
  if (node->ninputs < 1 || node->ninputs > LUB_MAX_INPUTS)
    luaL_error(L, "Trainer: layer %d: 1 to %d inputs expected, got %d", i + 1, LUB_MAX_INPUTS, node->ninputs);
  for (int k = 0; k < node->ninputs; k++) {
    lua_rawgeti(L, -1, k + 1);
    const lua_Integer from = lua_tointeger(L, -1);
    if (from == 0 || from > i || from < -ninputs)
      luaL_error(L, "Trainer: layer %d: input %d is no earlier layer", i + 1, k + 1);
    node->input[k] = from > 0 ? (int)from - 1 : LUB_MODEL_INPUT((int)-from - 1);
    lua_pop(L, 1);
  }
}

/* Reads options.layers and options.inputs into nodes. Leaves a copy of the list of layers and the nodes on the stack:
 * the caller's own may lose layers while we still work on them. */
static lub_node *read_nodes(lua_State *L, int options, lub_graph *graph) {
  if (lua_getfield(L, options, "layers") != LUA_TTABLE)
    luaL_error(L, "Trainer: option 'layers' must be a list of layers");
  const int n = graph->nnodes = (int)lua_rawlen(L, -1);
  if (n < 1) luaL_error(L, "Trainer: a model needs at least one layer");
  const int given = lua_gettop(L), inputs = given + 1, list = given + 2;
  const bool chain = lua_getfield(L, options, "inputs") == LUA_TNIL;
  if (!chain) luaL_checktype(L, inputs, LUA_TTABLE);
  lua_createtable(L, n, 0);
  lub_node *nodes = lua_newuserdatauv(L, sizeof(lub_node) * (size_t)n, 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, given, i + 1);
    if (!luaL_testudata(L, -1, LUBL_LAYER)) luaL_error(L, "Trainer: layer %d is no layer", i + 1);
    nodes[i] = (lub_node){.layer = lubL_checklayer(L, -1), .ninputs = 1};
    nodes[i].input[0] = i == 0 ? LUB_MODEL_INPUT(0) : i - 1;
    lua_rawseti(L, list, i + 1);
    if (chain) continue;
    lua_rawgeti(L, inputs, i + 1);
    read_inputs(L, &nodes[i], i, graph->ninputs);
    lua_pop(L, 1);
  }
  return nodes;
}

/* options.input_shapes, or options.input_shape alone. */
static lub_shape *read_shapes(lua_State *L, int options, int *n) {
  lub_shape *shapes;
  if (lua_getfield(L, options, "input_shape") == LUA_TTABLE) {
    shapes = lua_newuserdatauv(L, sizeof *shapes, 0);
    *n = 1;
    shapes[0] = lubL_checkshape(L, lua_gettop(L) - 1);
    return shapes;
  }
  if (lua_getfield(L, options, "input_shapes") != LUA_TTABLE) luaL_error(L, "Trainer: option 'input_shape' is missing");
  const int list = lua_gettop(L);
  *n = (int)lua_rawlen(L, list);
  shapes = lua_newuserdatauv(L, sizeof *shapes * (size_t)(*n + 1), 0);
  for (int i = 0; i < *n; i++) {
    lua_rawgeti(L, list, i + 1);
    shapes[i] = lubL_checkshape(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  return shapes;
}

/* options.outputs: numbers of nodes; without it, the last. */
static int *read_outputs(lua_State *L, int options, const lub_graph *graph, int *n) {
  const bool given = lua_getfield(L, options, "outputs") != LUA_TNIL;
  const int list = lua_gettop(L);
  if (given) luaL_checktype(L, list, LUA_TTABLE);
  *n = given ? (int)lua_rawlen(L, list) : 1;
  if (*n < 1) luaL_error(L, "Trainer: a model needs at least one output");
  int *outputs = lua_newuserdatauv(L, sizeof *outputs * (size_t)*n, 0);
  outputs[0] = graph->nnodes - 1;
  for (int k = 0; given && k < *n; k++) {
    lua_rawgeti(L, list, k + 1);
    const lua_Integer node = lua_tointeger(L, -1);
    if (node < 1 || node > graph->nnodes) luaL_error(L, "Trainer: output %d is no layer", k + 1);
    outputs[k] = (int)node - 1;
    lua_pop(L, 1);
  }
  return outputs;
}

int lubL_readgraph(lua_State *L, int options, lub_graph *graph) {
  graph->input = read_shapes(L, options, &graph->ninputs);
  graph->node = read_nodes(L, options, graph);
  const int layers = lua_gettop(L) - 1;
  graph->output = read_outputs(L, options, graph, &graph->noutputs);
  return layers;
}
