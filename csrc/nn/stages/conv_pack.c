/* The packed weights of the convolution stage. A layer's kernel is (kh, kw, channels, filters), so that filters are
 * side by side: they are read so, a block of lanes at a time. */
#include "base/memory.h"
#include <string.h>

#include "nn/layers/kinds.h"
#include "nn/stages/conv.h"

/* What filter o is multiplied by, and what is added behind it: 1 and the bias, or those with a normalization folded
 * in. */
static void filter_affine(const lub_stage *stage, int64_t o, float *scale, float *offset) {
  const conv_state *s = stage->state;
  const lub_layer *layer = stage->layer[0];
  const float bias = layer->nparams > 1 ? layer->param[1].value[o] : 0;
  *scale = 1, *offset = 0;
  if (s->norm >= 0) lub_batch_normalization_affine(stage->layer[s->norm], o, scale, offset);
  *offset += *scale * bias;
}

static bool is_stale(const lub_stage *stage) {
  const conv_state *s = stage->state;
  return stage->version[0] != stage->layer[0]->version ||
         (s->norm >= 0 && stage->version[s->norm] != stage->layer[s->norm]->version);
}

enum { MOST_LANES = 32 }; /* of a block of packed weights, in any variant */

static void pack_forward(conv_state *s, const float *kernel) {
  const int64_t terms = s->kernel_h * s->kernel_w * s->channels, most = 2 * s->kernels->vector;
  for (int64_t first = 0; first < s->filters; first += most) {
    const int64_t left = s->filters - first, width = s->lanes_out - first < most ? s->lanes_out - first : most;
    float *to = s->forward_weights + first * terms;
    for (int64_t term = 0; term < terms; term++)
      for (int64_t o = 0; o < most && o < left; o++)
        to[term * width + o] = kernel[term * s->filters + first + o] * s->scale[first + o];
  }
}

/* One dimension of winograd.c's way in for kernels, on rows of MOST_LANES; the steps count rows. */
static void kernel_sums(const float *g, float *u, int64_t g_step, int64_t u_step, int64_t size, int edge) {
  g_step *= MOST_LANES, u_step *= MOST_LANES;
  for (int64_t o = 0; o < MOST_LANES; o++) {
    const float g0 = g[o], g1 = g[g_step + o];
    if (edge == 4) {
      u[o] = (g0 + g1) / 1.5f;
      u[u_step + o] = (g1 - g0) / 1.5f;
      u[2 * u_step + o] = (g0 + 0.5f * g1) / -0.75f;
      u[3 * u_step + o] = (g0 - 0.5f * g1) / 0.75f;
      u[4 * u_step + o] = g1;
      continue;
    }
    u[o] = g0;
    if (size == 2) {
      u[u_step + o] = g0 + g1;
      u[2 * u_step + o] = g1;
    } else {
      const float g2 = g[2 * g_step + o];
      u[u_step + o] = 0.5f * (g0 + g1 + g2);
      u[2 * u_step + o] = 0.5f * (g0 - g1 + g2);
      u[3 * u_step + o] = g2;
    }
  }
}

enum { MOST_PRODUCTS = 25 };

/* All products of MOST_LANES filters from `first` on under channel c; u: ((size + edge - 1)^2, MOST_LANES). */
static void winograd_products(const conv_state *s, const float *kernel, int64_t c, int64_t first, int edge, float *u) {
  const int64_t size = s->kernel_h, side = size + edge - 1;
  const int64_t n = s->filters - first < MOST_LANES ? s->filters - first : MOST_LANES;
  float g[9 * MOST_LANES] = {0}, half[12 * MOST_LANES];
  for (int64_t tap = 0; tap < size * size; tap++)
    for (int64_t o = 0; o < n; o++)
      g[tap * MOST_LANES + o] = kernel[(tap * s->channels + c) * s->filters + first + o] * s->scale[first + o];
  for (int64_t j = 0; j < size; j++) kernel_sums(g + j * MOST_LANES, half + j * MOST_LANES, size, size, size, edge);
  for (int64_t i = 0; i < side; i++)
    kernel_sums(half + i * size * MOST_LANES, u + i * side * MOST_LANES, 1, 1, size, edge);
}

/* The kernel turned round has the same products in another order: in each dimension the first and the last change
 * places. */
static int64_t turned_product(int64_t t, int64_t size) {
  const int64_t i = t / (size + 1), j = t % (size + 1);
  return (i % size == 0 ? size - i : i) * (size + 1) + (j % size == 0 ? size - j : j);
}

/* The same products of the turned kernel for the way back, where filters are terms, and channels lanes. */
static void put_back_products(conv_state *s, const float *u, int64_t c, int64_t first) {
  const int64_t size = s->kernel_h, products = (size + 1) * (size + 1), most = 2 * s->kernels->vector;
  const int64_t block = c / most * most, width = s->lanes_in - block < most ? s->lanes_in - block : most;
  float *to = s->winograd_back_weights + block * products * s->lanes_out + c - block;
  for (int64_t t = 0; t < products; t++) {
    const float *from = u + turned_product(t, size) * MOST_LANES - first;
    for (int64_t o = first; o < first + MOST_LANES && o < s->filters; o++)
      to[(t * s->lanes_out + o) * width] = from[o];
  }
}

static void pack_winograd(conv_state *s, const float *kernel, float *weights, int edge) {
  const int64_t side = s->kernel_h + edge - 1, products = side * side, most = 2 * s->kernels->vector;
  float u[MOST_PRODUCTS * MOST_LANES];
  for (int64_t first = 0; first < s->filters; first += MOST_LANES)
    for (int64_t c = 0; c < s->channels; c++) {
      winograd_products(s, kernel, c, first, edge, u);
      for (int64_t lane = first; lane < first + MOST_LANES && lane < s->lanes_out; lane += most) {
        const int64_t width = s->lanes_out - lane < most ? s->lanes_out - lane : most;
        float *to = weights + lane * products * s->channels + c * width;
        for (int64_t t = 0; t < products; t++)
          memcpy(to + t * s->channels * width, u + t * MOST_LANES + lane - first, sizeof(float) * (size_t)width);
      }
      if (edge == 2 && s->winograd_back_weights) put_back_products(s, u, c, first);
    }
}

static void pack_backward(conv_state *s, const float *kernel) {
  const int64_t taps = s->kernel_h * s->kernel_w, most = 2 * s->kernels->vector;
  for (int64_t tap = 0; tap < taps; tap++) {
    const int64_t turned = tap / s->kernel_w * s->kernel_w + s->kernel_w - 1 - tap % s->kernel_w;
    for (int64_t c = 0; c < s->channels; c++) {
      const int64_t block = c / most * most, width = s->lanes_in - block < most ? s->lanes_in - block : most;
      float *to = s->backward_weights + block * taps * s->lanes_out + turned * s->lanes_out * width + c - block;
      for (int64_t o = 0; o < s->filters; o++)
        to[o * width] = kernel[(tap * s->channels + c) * s->filters + o] * s->scale[o];
    }
  }
}

static void pack_patches(conv_state *s, const float *kernel) {
  const int64_t length = s->kernel_w * s->channels;
  for (int64_t o = 0; o < s->filters; o++)
    for (int64_t i = 0; i < s->kernel_h; i++)
      for (int64_t l = 0; l < length; l++)
        s->patch_weights[(o * s->kernel_h + i) * s->run + l] = kernel[(i * length + l) * s->filters + o] * s->scale[o];
}

void lub_conv_pack(lub_stage *stage) {
  if (!is_stale(stage)) return;
  conv_state *s = stage->state;
  const float *kernel = stage->layer[0]->param[0].value;
  for (int64_t o = 0; o < s->filters; o++) filter_affine(stage, o, &s->scale[o], &s->bias[o]);
  pack_forward(s, kernel);
  if (s->winograd_weights) pack_winograd(s, kernel, s->winograd_weights, 2);
  if (s->wide_weights) pack_winograd(s, kernel, s->wide_weights, 4);
  if (s->patch_weights) pack_patches(s, kernel);
  if (s->backward_weights) pack_backward(s, kernel);
  stage->version[0] = stage->layer[0]->version;
  if (s->norm >= 0) stage->version[s->norm] = stage->layer[s->norm]->version;
}
