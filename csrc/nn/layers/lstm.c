/* LSTM (Hochreiter and Schmidhuber 1997; Gers et al. 2000 for the forget gate), as Keras computes it:
 *   i, f, o = s(x W + h U + b), g = a(x W + h U + b), each with its quarter of the columns, in the order i, f, g, o;
 *   c' = f c + i g;  h' = o a(c')
 * with a = activation and s = recurrent_activation. unit_forget_bias: the bias of f begins with 1. */
#include <string.h>

#include "nn/layers/recurrent.h"

static const lub_option options[] = {LUB_RECURRENT_OPTIONS,
                                     {.name = "unit_forget_bias",
                                      .type = LUB_OPTION_BOOL,
                                      .offset = offsetof(lub_lstm_options, unit_forget_bias),
                                      .fallback = 1},
                                     LUB_OPTIONS_END};

static lub_status check(const void *o, lub_error *err) { return lub_recurrent_check("LSTM", o, err); }

static int bias_rows(const lub_recurrent_options *o) {
  (void)o;
  return 1;
}

static void begin(const lub_recurrent_options *o, lub_param *param) {
  if (!((const lub_lstm_options *)(const void *)o)->unit_forget_bias) return;
  for (int64_t u = 0; u < o->units; u++) param[2].value[o->units + u] = 1;
}

enum { H, C, I, F, G, O, RECORD };

static void step(const lub_step *s) {
  const lub_activation a = lub_recurrent_function(s->options->activation);
  const lub_activation sigma = lub_recurrent_function(s->options->recurrent_activation);
  const int64_t n = s->units;
  float *r = s->record, *sums = r + I * n; /* I, F, G, O stand in the order of the columns */
  memset(sums, 0, sizeof(float) * (size_t)(4 * n));
  if (s->options->use_bias) memcpy(sums, s->param[2].value, sizeof(float) * (size_t)(4 * n));
  lub_add_product(sums, s->x, s->features, s->param[0].value, 4 * n, 0, 4 * n);
  lub_add_product(sums, s->before + H * n, n, s->param[1].value, 4 * n, 0, 4 * n);
  lub_activate(sigma, r + I * n, 1, n);
  lub_activate(sigma, r + F * n, 1, n);
  lub_activate(a, r + G * n, 1, n);
  lub_activate(sigma, r + O * n, 1, n);
  for (int64_t u = 0; u < n; u++)
    s->scratch[u] = r[C * n + u] = r[F * n + u] * s->before[C * n + u] + r[I * n + u] * r[G * n + u];
  lub_activate(a, s->scratch, 1, n);
  for (int64_t u = 0; u < n; u++) r[H * n + u] = r[O * n + u] * s->scratch[u];
}

static void step_back(const lub_step *s) {
  const lub_activation a = lub_recurrent_function(s->options->activation);
  const lub_activation sigma = lub_recurrent_function(s->options->recurrent_activation);
  const int64_t n = s->units;
  const float *r = s->record, *before = s->before;
  float *gh = s->gstate, *gc = s->gstate + n;
  float *g = s->scratch, *y = g + 4 * n, *gy = g + 5 * n; /* g: of i, f, g, o, first behind their activations */
  memcpy(y, r + C * n, sizeof(float) * (size_t)n);
  lub_activate(a, y, 1, n);
  for (int64_t u = 0; u < n; u++) gy[u] = gh[u] * r[O * n + u];
  lub_activation_gradient(a, y, gy, gy, 1, n);
  for (int64_t u = 0; u < n; u++) {
    gc[u] += gy[u];
    g[u] = gc[u] * r[G * n + u];
    g[n + u] = gc[u] * before[C * n + u];
    g[2 * n + u] = gc[u] * r[I * n + u];
    g[3 * n + u] = gh[u] * y[u];
    gc[u] *= r[F * n + u];
  }
  for (int gate = 0; gate < 4; gate++)
    lub_activation_gradient(gate == 2 ? a : sigma, r + (I + gate) * n, g + gate * n, g + gate * n, 1, n);
  memset(gh, 0, sizeof(float) * (size_t)n);
  lub_add_product_back(g, s->x, s->gx, s->features, s->param[0].value, s->gparam[0], 4 * n, 0, 4 * n);
  lub_add_product_back(g, before + H * n, gh, n, s->param[1].value, s->gparam[1], 4 * n, 0, 4 * n);
  for (int64_t u = 0; s->options->use_bias && u < 4 * n; u++) s->gparam[2][u] += g[u];
}

const lub_cell lub_lstm_cell = {.gates = 4,
                                .record = RECORD,
                                .state = 2,
                                .bias_rows = bias_rows,
                                .begin = begin,
                                .step = step,
                                .step_back = step_back};

const lub_layer_kind lub_lstm_kind = {.name = "LSTM",
                                      .options = options,
                                      .options_size = sizeof(lub_lstm_options),
                                      .activation_at = -1,
                                      .inputs = 1,
                                      .check = check,
                                      .output_shape = lub_recurrent_output_shape,
                                      .params = lub_recurrent_params,
                                      .begin = lub_recurrent_begin,
                                      .saved_floats = lub_recurrent_saved_floats,
                                      .forward = lub_recurrent_forward,
                                      .backward = lub_recurrent_backward};
