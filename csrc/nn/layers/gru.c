/* GRU (Cho et al. 2014), as Keras computes it, with the columns in the order z, r, g:
 *   z, r = s(x W + h U + b)
 *   reset_after:  g = a(x W + b0 + r (h U + b1)), and the bias is (2, 3 units): one for x, one for h;
 *   otherwise:    g = a(x W + b + (r h) U)
 *   h' = z h + (1 - z) g
 * with a = activation and s = recurrent_activation. */
#include <string.h>

#include "nn/layers/recurrent.h"

static const lub_option options[] = {
    LUB_RECURRENT_OPTIONS,
    {.name = "reset_after", .type = LUB_OPTION_BOOL, .offset = offsetof(lub_gru_options, reset_after), .fallback = 1},
    LUB_OPTIONS_END};

static lub_status check(const void *o, lub_error *err) { return lub_recurrent_check("GRU", o, err); }

static bool resets_after(const lub_recurrent_options *o) {
  return ((const lub_gru_options *)(const void *)o)->reset_after;
}

static int bias_rows(const lub_recurrent_options *o) { return resets_after(o) ? 2 : 1; }

/* P: what r multiplies, or its product with h. */
enum { H, Z, R, G, P, RECORD };

static void step(const lub_step *s) {
  const lub_activation a = lub_recurrent_function(s->options->activation);
  const lub_activation sigma = lub_recurrent_function(s->options->recurrent_activation);
  const int64_t n = s->units;
  const float *h = s->before + H * n, *bias = s->options->use_bias ? s->param[2].value : NULL, *U = s->param[1].value;
  float *record = s->record, *sums = record + Z * n; /* Z, R, G stand in the order of the columns */
  float *own = s->scratch;                           /* what comes from h */
  const bool after = resets_after(s->options);
  memset(sums, 0, sizeof(float) * (size_t)(3 * n));
  memset(own, 0, sizeof(float) * (size_t)(3 * n));
  if (bias) memcpy(sums, bias, sizeof(float) * (size_t)(3 * n));
  if (bias && after) memcpy(own, bias + 3 * n, sizeof(float) * (size_t)(3 * n));
  lub_add_product(sums, s->x, s->features, s->param[0].value, 3 * n, 0, 3 * n);
  lub_add_product(own, h, n, U, 3 * n, 0, after ? 3 * n : 2 * n);
  for (int64_t u = 0; u < 2 * n; u++) sums[u] += own[u];
  lub_activate(sigma, record + Z * n, 1, n);
  lub_activate(sigma, record + R * n, 1, n);
  const float *z = record + Z * n, *r = record + R * n;
  float *g = record + G * n, *p = record + P * n;
  if (after) {
    memcpy(p, own + 2 * n, sizeof(float) * (size_t)n);
    for (int64_t u = 0; u < n; u++) g[u] += r[u] * p[u];
  } else {
    for (int64_t u = 0; u < n; u++) p[u] = r[u] * h[u];
    lub_add_product(g, p, n, U, 3 * n, 2 * n, n);
  }
  lub_activate(a, g, 1, n);
  for (int64_t u = 0; u < n; u++) record[H * n + u] = z[u] * h[u] + (1 - z[u]) * g[u];
}

static void step_back(const lub_step *s) {
  const lub_activation a = lub_recurrent_function(s->options->activation);
  const lub_activation sigma = lub_recurrent_function(s->options->recurrent_activation);
  const int64_t n = s->units;
  const float *record = s->record, *z = record + Z * n, *r = record + R * n, *g = record + G * n, *p = record + P * n;
  const float *h = s->before + H * n, *U = s->param[1].value;
  float *gh = s->gstate, *sums = s->scratch, *own = sums + 3 * n, *before = sums + 6 * n, *gp = sums + 7 * n;
  const bool after = resets_after(s->options);
  for (int64_t u = 0; u < n; u++) {
    sums[u] = gh[u] * (h[u] - g[u]);
    sums[2 * n + u] = gh[u] * (1 - z[u]);
    before[u] = gh[u] * z[u];
    gp[u] = 0;
  }
  lub_activation_gradient(sigma, z, sums, sums, 1, n);
  lub_activation_gradient(a, g, sums + 2 * n, sums + 2 * n, 1, n);
  if (after) {
    for (int64_t u = 0; u < n; u++) {
      sums[n + u] = sums[2 * n + u] * p[u];
      own[2 * n + u] = sums[2 * n + u] * r[u];
    }
  } else {
    lub_add_product_back(sums + 2 * n, p, gp, n, U, s->gparam[1], 3 * n, 2 * n, n);
    for (int64_t u = 0; u < n; u++) {
      sums[n + u] = gp[u] * h[u];
      before[u] += gp[u] * r[u];
    }
  }
  lub_activation_gradient(sigma, r, sums + n, sums + n, 1, n);
  memcpy(own, sums, sizeof(float) * (size_t)(2 * n));
  lub_add_product_back(sums, s->x, s->gx, s->features, s->param[0].value, s->gparam[0], 3 * n, 0, 3 * n);
  lub_add_product_back(own, h, before, n, U, s->gparam[1], 3 * n, 0, after ? 3 * n : 2 * n);
  for (int64_t u = 0; s->options->use_bias && u < 3 * n; u++) {
    s->gparam[2][u] += sums[u];
    if (after) s->gparam[2][3 * n + u] += own[u];
  }
  memcpy(gh, before, sizeof(float) * (size_t)n);
}

const lub_cell lub_gru_cell = {
    .gates = 3, .record = RECORD, .state = 1, .bias_rows = bias_rows, .step = step, .step_back = step_back};

const lub_layer_kind lub_gru_kind = {.name = "GRU",
                                     .options = options,
                                     .options_size = sizeof(lub_gru_options),
                                     .activation_at = -1,
                                     .inputs = 1,
                                     .check = check,
                                     .output_shape = lub_recurrent_output_shape,
                                     .params = lub_recurrent_params,
                                     .begin = lub_recurrent_begin,
                                     .saved_floats = lub_recurrent_saved_floats,
                                     .forward = lub_recurrent_forward,
                                     .backward = lub_recurrent_backward};
