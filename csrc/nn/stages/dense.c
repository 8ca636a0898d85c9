/* A dense layer with many weights, through OpenBLAS: the whole batch at once, so that the weights are read once per
 * batch and not once per sample. Parallel over fixed tiles; each element of a result is made by one call, so that
 * the number of threads does not change it. (Another OpenBLAS kernel may.) */
#include <cblas.h>
#include <string.h>

#include "base/pool.h"
#include "nn/layers/kinds.h"
#include "nn/stage.h"

/* Rows of a result per tile. */
enum { TILE = 64 };

typedef struct product {
  const lub_stage *stage;
  const lub_stage_pass *pass;
  int rows, in, units;
  float *g; /* gradient before the activation; rows x units */
} product;

static product product_of(const lub_stage *stage, const lub_stage_pass *pass) {
  product p = {.stage = stage, .pass = pass};
  p.in = (int)stage->layer[0]->param[0].shape.dim[0];
  p.units = (int)stage->layer[0]->param[0].shape.dim[1];
  p.rows = (int)(pass->count * lub_shape_size(&stage->in[0]) / p.in);
  return p;
}

static int tile_height(int64_t tile, int total) {
  int64_t left = total - tile * TILE;
  return left < TILE ? (int)left : TILE;
}

/* y = activation(x W + b) */
static void forward_tile(void *context, int64_t tile, int thread) {
  (void)thread;
  const product *p = context;
  const lub_layer *layer = p->stage->layer[0];
  const int64_t first = tile * TILE;
  const int height = tile_height(tile, p->rows);
  float *y = p->pass->y + first * p->units;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, height, p->units, p->in, 1, p->pass->x[0] + first * p->in,
              p->in, layer->param[0].value, p->units, 0, y, p->units);
  if (layer->nparams > 1)
    for (int64_t i = 0; i < (int64_t)height * p->units; i++) y[i] += layer->param[1].value[i % p->units];
  if (lub_activation_needs_input(p->stage->activation))
    memcpy((float *)p->pass->saved + first * p->units, y, sizeof(float) * (size_t)height * (size_t)p->units);
  lub_activate(p->stage->activation, y, height, p->units);
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  product p = product_of(stage, pass);
  lub_parallel((p.rows + TILE - 1) / TILE, lub_num_threads(), forward_tile, &p);
}

/* gx += g W^T */
static void input_tile(void *context, int64_t tile, int thread) {
  (void)thread;
  const product *p = context;
  const int64_t first = tile * TILE;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, tile_height(tile, p->rows), p->in, p->units, 1,
              p->g + first * p->units, p->units, p->stage->layer[0]->param[0].value, p->units, 1,
              p->pass->gx[0] + first * p->in, p->in);
}

/* gradient of W += x^T g */
static void weight_tile(void *context, int64_t tile, int thread) {
  (void)thread;
  const product *p = context;
  const int64_t first = tile * TILE;
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, tile_height(tile, p->in), p->units, p->rows, 1,
              p->pass->x[0] + first, p->in, p->g, p->units, 1, p->pass->gradient + first * p->units, p->units);
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  product p = product_of(stage, pass);
  p.g = pass->saved; /* it takes the place of what went into the activation */
  const float *kept = lub_activation_needs_input(stage->activation) ? p.g : pass->y;
  lub_activation_gradient(stage->activation, kept, pass->gy, p.g, p.rows, p.units);
  lub_parallel((p.in + TILE - 1) / TILE, lub_num_threads(), weight_tile, &p);
  if (stage->layer[0]->nparams > 1) {
    float *bias = pass->gradient + (int64_t)p.in * p.units;
    for (int64_t row = 0; row < p.rows; row++)
      for (int64_t u = 0; u < p.units; u++) bias[u] += p.g[row * p.units + u];
  }
  if (pass->gx[0]) lub_parallel((p.rows + TILE - 1) / TILE, lub_num_threads(), input_tile, &p);
}

static const lub_stage_kind dense_kind = {.name = "dense (BLAS)",
                                          .whole_batch = true,
                                          .forward = forward,
                                          .backward = backward,
                                          .add_gradient = lub_reference_add_gradient};

void lub_dense_stage(lub_stage *stage) {
  stage->kind = &dense_kind;
  stage->nlayers = 1;
  stage->gradient_size = lub_layer_count(stage->layer[0], false);
  stage->saved_size = sizeof(float) * (size_t)lub_shape_size(&stage->out);
}
