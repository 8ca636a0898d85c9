#include "nn/layers/margins.h"

#include <string.h>

lub_status lub_margins_shape(const char *name, const lub_margins *margins, int sign, const lub_shape *in,
                             lub_shape *out, lub_error *err) {
  *out = *in;
  for (int i = 0; i < in->ndim - 1; i++) {
    out->dim[i] += sign * (margins->pair[i][0] + margins->pair[i][1]);
    if (out->dim[i] < 1)
      return lub_fail(err, LUB_EARG, "%s: {%lld, %lld} leaves nothing of an axis of %lld", name,
                      (long long)margins->pair[i][0], (long long)margins->pair[i][1], (long long)in->dim[i]);
  }
  return LUB_OK;
}

/* Where a sample lies within the wide one that has the margins around it. */
typedef struct inside {
  int64_t rows, width; /* of the sample, in floats */
  int64_t first, line; /* of the wide one: where the sample begins, and from row to row */
} inside;

static inside inside_of(const lub_margins *margins, const lub_shape *sample) {
  const int64_t (*pair)[2] = margins->pair;
  const int64_t channels = sample->dim[sample->ndim - 1];
  if (sample->ndim == 2) {
    const int64_t n = sample->dim[0] * channels;
    return (inside){.rows = 1, .width = n, .first = pair[0][0] * channels, .line = n};
  }
  const int64_t line = (pair[1][0] + sample->dim[1] + pair[1][1]) * channels;
  return (inside){.rows = sample->dim[0], .width = sample->dim[1] * channels,
                      .first = pair[0][0] * line + pair[1][0] * channels, .line = line};
}

static void add_to_wide(const inside *in, float *restrict wide, const float *restrict sample) {
  for (int64_t r = 0; r < in->rows; r++)
    for (int64_t i = 0; i < in->width; i++) wide[in->first + r * in->line + i] += sample[r * in->width + i];
}

static void add_from_wide(const inside *in, float *restrict sample, const float *restrict wide) {
  for (int64_t r = 0; r < in->rows; r++)
    for (int64_t i = 0; i < in->width; i++) sample[r * in->width + i] += wide[in->first + r * in->line + i];
}

static void clear(float *y, const lub_shape *shape) { memset(y, 0, sizeof(float) * (size_t)lub_shape_size(shape)); }

void lub_pad_forward(const lub_pass *pass) {
  const inside where = inside_of(pass->layer->options, pass->in);
  clear(pass->y, pass->out);
  add_to_wide(&where, pass->y, pass->x[0]);
}

void lub_pad_backward(const lub_pass *pass) {
  const inside where = inside_of(pass->layer->options, pass->in);
  if (pass->gx[0]) add_from_wide(&where, pass->gx[0], pass->gy);
}

void lub_crop_forward(const lub_pass *pass) {
  const inside where = inside_of(pass->layer->options, pass->out);
  clear(pass->y, pass->out);
  add_from_wide(&where, pass->y, pass->x[0]);
}

void lub_crop_backward(const lub_pass *pass) {
  const inside where = inside_of(pass->layer->options, pass->out);
  if (pass->gx[0]) add_to_wide(&where, pass->gx[0], pass->gy);
}
