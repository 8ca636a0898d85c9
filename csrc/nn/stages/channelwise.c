/* Convolutions in which channels hardly meet: depthwise ones, and groups of a few channels. Lanes are output channels,
 * side by side; input channel number i of every group is spread to the lanes that it goes to, so that one row of lanes
 * times one row of weights is a tap of all groups. Input rows are spread when the first output row needs them, and
 * stay in a ring as long as one does; the way back collects rows of gradient in a ring like it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/kernels/kernels.h"
#include "nn/layers/convolution.h"
#include "nn/stage.h"

typedef struct channelwise {
  const lub_nn_kernels *kernels;
  lub_windows win;
  int64_t channels, filters, groups, in, out; /* in, out: channels and filters of a group */
  int64_t lanes;                              /* the filters in whole vectors */
  int64_t taps;                               /* of the window, times `in` */
  int64_t ring, width;                        /* rows of the ring, and their pixels with the border */
  bool biased;                                /* whether the layer's next weights are this stage's bias */
  float *weights, *bias;                      /* (taps, lanes), (lanes) */
  int32_t *source;                            /* of each filter: its group's first channel */
} channelwise;

/* === rings: row y of the image with its border stands in slot y % ring, once for every channel of a group === */

static int64_t slot_floats(const channelwise *s) { return s->width * s->lanes; }
static int64_t ring_floats(const channelwise *s) { return s->ring * s->in * slot_floats(s); }

static float *slot_of(const channelwise *s, float *ring, int64_t y, int64_t i) {
  return ring + (y % s->ring * s->in + i) * slot_floats(s);
}

/* Spreads row y of the image to its slots; rows of the border are zeros. The border's columns are zeros already. */
static void spread_row(const channelwise *s, const float *x, int64_t y, float *ring) {
  const int64_t row = y - s->win.h.before, pixels = s->win.w.in;
  const bool real = row >= 0 && row < s->win.h.in;
  for (int64_t i = 0; i < s->in; i++) {
    float *to = slot_of(s, ring, y, i) + s->win.w.before * s->lanes;
    const float *from = x + row * pixels * s->channels + i;
    if (!real) {
      memset(to, 0, sizeof(float) * (size_t)(pixels * s->lanes));
    } else if (s->in == 1 && s->out == 1) {
      s->kernels->window->spread_gradient(from, NULL, pixels, s->channels, s->channels, to, s->lanes);
    } else {
      const int32_t *source = s->source;
      for (int64_t p = 0; p < pixels; p++, from += s->channels, to += s->lanes)
        for (int64_t f = 0; f < s->filters; f++) to[f] = from[source[f]];
    }
  }
}

/* Adds a complete row of gradient to that of the input. */
static void collect_row(const channelwise *s, float *ring, int64_t y, float *gx) {
  const int64_t row = y - s->win.h.before, pixels = s->win.w.in;
  if (row < 0 || row >= s->win.h.in) return;
  for (int64_t i = 0; i < s->in; i++) {
    const float *from = slot_of(s, ring, y, i) + s->win.w.before * s->lanes;
    float *to = gx + row * pixels * s->channels + i;
    for (int64_t p = 0; p < pixels; p++, from += s->lanes, to += s->channels) {
      if (s->in == 1 && s->out == 1) {
        for (int64_t c = 0; c < s->channels; c++) to[c] += from[c];
        continue;
      }
      const float *lane = from;
      for (int64_t g = 0; g < s->groups; g++) {
        float sum = *lane++;
        for (int64_t o = 1; o < s->out; o++) sum += *lane++;
        to[g * s->in] += sum;
      }
    }
  }
}

/* The rows under output row r: *first .. *last - 1. */
static void rows_under(const channelwise *s, int64_t r, int64_t *first, int64_t *last) {
  *first = r * s->win.h.stride;
  *last = *first + s->ring;
}

static void point_into(const channelwise *s, float *ring, int64_t r, float **at) {
  const lub_windows *win = &s->win;
  for (int64_t t = 0; t < s->taps; t++) {
    const int64_t tap = t / s->in, i = tap / win->w.size, j = tap % win->w.size;
    at[t] = slot_of(s, ring, r * win->h.stride + i * win->h.dilation, t % s->in) + j * win->w.dilation * s->lanes;
  }
}

/* === passes === */

/* Scratch: a line of output lanes; rings of the input and of its gradient; where the taps begin in each; the gradient
 * before the activation, where it is not made in passing. */
typedef struct room {
  float *line, *ring, *gring, *dense;
  float **at, **gat;
} room;

static room make_room(const channelwise *s, float *scratch) {
  room m = {.line = scratch};
  m.ring = m.line + s->win.w.out * s->lanes;
  m.gring = m.ring + ring_floats(s);
  m.dense = m.gring + ring_floats(s);
  m.at = (float **)(void *)m.dense;
  m.gat = m.at + s->taps;
  m.dense += lub_round_up(4 * s->taps, LUB_RUN);
  memset(m.ring, 0, sizeof(float) * (size_t)ring_floats(s));
  return m;
}

static bool in_passing(const lub_stage *stage) {
  return stage->activation == LUB_LINEAR || stage->activation == LUB_RELU;
}

static lub_channelwise_row row_of(const channelwise *s, const room *m) {
  return (lub_channelwise_row){.pixels = s->win.w.out, .lanes = s->lanes, .taps = s->taps,
                               .step = s->win.w.stride * s->lanes, .in = (const float *const *)m->at, .gin = m->gat,
                               .weights = s->weights, .out = m->line, .g = m->line};
}

static void forward(const lub_stage *stage, const lub_stage_pass *pass) {
  const channelwise *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out), line = s->win.w.out * s->filters;
  for (int64_t n = 0; n < pass->count; n++) {
    room m = make_room(s, pass->scratch);
    const lub_channelwise_row row = row_of(s, &m);
    float *y = pass->y + n * out;
    for (int64_t r = 0, made = 0; r < s->win.h.out; r++) {
      int64_t first, last;
      rows_under(s, r, &first, &last);
      for (made = made > first ? made : first; made < last; made++) spread_row(s, pass->x[0] + n * in, made, m.ring);
      point_into(s, m.ring, r, m.at);
      memset(m.line, 0, sizeof(float) * (size_t)(s->win.w.out * s->lanes));
      s->kernels->window->channelwise_row(&row);
      s->kernels->window->finish_rows(m.line, s->win.w.out, s->lanes, s->filters, s->bias,
          stage->activation == LUB_RELU,
                                      y + r * line, s->filters);
    }
    if (in_passing(stage)) continue;
    if (lub_activation_needs_input(stage->activation))
      memcpy((float *)pass->saved + n * out, y, sizeof(float) * (size_t)out);
    lub_activate(stage->activation, y, out / s->filters, s->filters);
  }
}

static void backward_sample(const lub_stage *stage, const room *m, const float *x, const float *y, const float *gy,
                            float *gx, float *gradient) {
  const channelwise *s = stage->state;
  const int64_t line = s->win.w.out * s->filters;
  static const float one = 1;
  const float *ones = &one;
  lub_channelwise_row row = row_of(s, m);
  row.gradient = gradient;
  int64_t made = 0, complete = 0;
  for (int64_t r = 0; r < s->win.h.out; r++) {
    int64_t first, last;
    rows_under(s, r, &first, &last);
    for (; gx && complete < made && complete < first; complete++) collect_row(s, m->gring, complete, gx);
    made = made > first ? made : first;
    if (complete < first) complete = first;
    for (; made < last; made++) {
      spread_row(s, x, made, m->ring);
      if (gx) memset(slot_of(s, m->gring, made, 0), 0, sizeof(float) * (size_t)(s->in * slot_floats(s)));
    }
    s->kernels->window->spread_gradient(gy + r * line, stage->activation == LUB_RELU ? y + r * line : NULL,
        s->win.w.out,
                                        s->filters, s->filters, m->line, s->lanes);
    point_into(s, m->ring, r, m->at);
    s->kernels->window->channelwise_gradient(&row);
    s->kernels->add_kernel_gradient(gradient + s->taps * s->lanes, m->line, s->win.w.out, s->lanes, &ones, 1, 1, 0);
    if (!gx) continue;
    point_into(s, m->gring, r, m->gat);
    s->kernels->window->channelwise_scatter(&row);
  }
  for (; gx && complete < made; complete++) collect_row(s, m->gring, complete, gx);
}

static void backward(const lub_stage *stage, const lub_stage_pass *pass) {
  const channelwise *s = stage->state;
  const int64_t in = lub_shape_size(&stage->in[0]), out = lub_shape_size(&stage->out);
  for (int64_t n = 0; n < pass->count; n++) {
    const room m = make_room(s, pass->scratch);
    const float *y = pass->y + n * out, *gy = pass->gy + n * out;
    if (!in_passing(stage)) {
      const float *kept = lub_activation_needs_input(stage->activation) ? (const float *)pass->saved + n * out : y;
      lub_activation_gradient(stage->activation, kept, gy, m.dense, out / s->filters, s->filters);
      gy = m.dense;
    }
    backward_sample(stage, &m, pass->x[0] + n * in, y, gy, pass->gx[0] ? pass->gx[0] + n * in : NULL, pass->gradient);
  }
}

static void add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]) {
  const channelwise *s = stage->state;
  for (int64_t t = 0; t < s->taps; t++)
    for (int64_t f = 0; f < s->filters; f++) gparam[0][0][t * s->filters + f] += gradient[t * s->lanes + f];
  for (int64_t f = 0; f < s->filters && s->biased; f++) gparam[0][1][f] += gradient[s->taps * s->lanes + f];
}

/* === life === */

static void pack(lub_stage *stage) {
  const lub_layer *layer = stage->layer[0];
  channelwise *s = stage->state;
  if (stage->version[0] == layer->version) return;
  for (int64_t t = 0; t < s->taps; t++)
    memcpy(s->weights + t * s->lanes, layer->param[0].value + t * s->filters, sizeof(float) * (size_t)s->filters);
  if (s->biased) memcpy(s->bias, layer->param[1].value, sizeof(float) * (size_t)s->filters);
  stage->version[0] = layer->version;
}

static void free_state(lub_stage *stage) {
  channelwise *s = stage->state;
  if (!s) return;
  free(s->weights);
  free(s->bias);
  free(s->source);
  free(s);
}

static const lub_stage_kind channelwise_kind = {.name = "channelwise",
                                                .pack = pack,
                                                .forward = forward,
                                                .backward = backward,
                                                .add_gradient = add_gradient,
                                                .free = free_state};

bool lub_is_channelwise(const lub_layer *layer) {
  if (layer->kind == &lub_depthwise_conv2d_kind) return true;
  if (!lub_is_conv(layer)) return false;
  enum { MOST = 4 }; /* channels of a group: each is spread to all lanes */
  const lub_conv_options *o = layer->options;
  const int64_t out = o->filters / o->groups, in = layer->param[0].shape.dim[layer->param[0].shape.ndim - 2];
  return o->groups > 1 && in <= MOST && o->groups * lub_round_up(out, LUB_RUN) >= 2 * lub_round_up(o->filters, LUB_RUN);
}

static void read_layer(const lub_stage *stage, channelwise *s) {
  const lub_layer *layer = stage->layer[0];
  const lub_shape *in = &stage->in[0], *kernel = &layer->param[0].shape;
  s->channels = in->dim[in->ndim - 1];
  if (lub_is_conv(layer)) {
    s->win = lub_conv_windows(layer, in);
    s->groups = ((const lub_conv_options *)layer->options)->groups;
    s->filters = kernel->dim[kernel->ndim - 1];
  } else {
    const bool separable = layer->kind == &lub_separable_conv2d_kind;
    s->win = separable ? lub_separable_windows(layer, in) : lub_depthwise_windows(layer, in);
    s->groups = s->channels, s->filters = s->channels * kernel->dim[3];
  }
  s->in = s->channels / s->groups, s->out = s->filters / s->groups;
  s->taps = s->win.h.size * s->win.w.size * s->in;
  s->biased = layer->kind != &lub_separable_conv2d_kind && layer->nparams > 1;
  const lub_window *w = &s->win.w;
  s->ring = s->win.h.dilation * (s->win.h.size - 1) + 1;
  s->width = (w->out - 1) * w->stride + w->dilation * (w->size - 1) + 1;
  if (s->width < w->before + w->in) s->width = w->before + w->in;
}

lub_status lub_channelwise_stage(lub_stage *stage, lub_error *err) {
  channelwise *s = calloc(1, sizeof *s);
  if (!s) return lub_nomem(err, "channelwise", sizeof *s);
  stage->kind = &channelwise_kind;
  stage->state = s;
  s->kernels = lub_nn_kernels_now();
  read_layer(stage, s);
  s->lanes = lub_round_up(s->filters, s->kernels->vector);
  s->weights = lub_calloc((size_t)(s->taps * s->lanes), sizeof(float));
  s->bias = lub_calloc((size_t)s->lanes, sizeof(float));
  s->source = lub_calloc((size_t)s->lanes, sizeof(int32_t));
  if (!s->weights || !s->bias || !s->source) return lub_nomem(err, "channelwise", 4.0 * (double)(s->taps * s->lanes));
  for (int64_t f = 0; f < s->filters; f++) s->source[f] = (int32_t)(f / s->out * s->in);
  const int64_t out = lub_shape_size(&stage->out);
  stage->scratch_size = sizeof(float) * (size_t)(s->win.w.out * s->lanes + 2 * ring_floats(s) +
                                                 lub_round_up(4 * s->taps, LUB_RUN) + (in_passing(stage) ? 0 : out));
  stage->saved_size = lub_activation_needs_input(stage->activation) ? sizeof(float) * (size_t)out : 0;
  stage->gradient_size = (s->taps + 1) * s->lanes;
  return LUB_OK;
}
