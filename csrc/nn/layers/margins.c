#include "nn/layers/margins.h"

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

lub_inside lub_inside_of(const lub_margins *margins, const lub_shape *sample) {
  const int64_t (*pair)[2] = margins->pair;
  const int64_t channels = sample->dim[sample->ndim - 1];
  if (sample->ndim == 2) {
    const int64_t n = sample->dim[0] * channels;
    return (lub_inside){.rows = 1, .width = n, .first = pair[0][0] * channels, .line = n};
  }
  const int64_t line = (pair[1][0] + sample->dim[1] + pair[1][1]) * channels;
  return (lub_inside){.rows = sample->dim[0], .width = sample->dim[1] * channels,
                      .first = pair[0][0] * line + pair[1][0] * channels, .line = line};
}

void lub_add_to_wide(const lub_inside *in, float *restrict wide, const float *restrict sample) {
  for (int64_t r = 0; r < in->rows; r++)
    for (int64_t i = 0; i < in->width; i++) wide[in->first + r * in->line + i] += sample[r * in->width + i];
}

void lub_add_from_wide(const lub_inside *in, float *restrict sample, const float *restrict wide) {
  for (int64_t r = 0; r < in->rows; r++)
    for (int64_t i = 0; i < in->width; i++) sample[r * in->width + i] += wide[in->first + r * in->line + i];
}
