#include "audio/filter.h"

#include <stddef.h>

const char *const lub_extension_names[] = {"odd", "even", "constant", NULL};

/* For a constant input x a section gives y = x (b0 + b1 + b2) / (1 + a1 + a2). */
void lub_sos_steady(const lub_sos *sos, double value, lub_sos_state *state) {
  for (int i = 0; i < sos->count; i++) {
    const lub_section *s = &sos->section[i];
    double out = value * (s->b0 + s->b1 + s->b2) / (1 + s->a1 + s->a2);
    state->z[i][1] = s->b2 * value - s->a2 * out;
    state->z[i][0] = s->b1 * value - s->a1 * out + state->z[i][1];
    value = out;
  }
}

void lub_sos_run(const lub_sos *sos, lub_sos_state *state, double *x, int64_t n, int64_t step) {
  for (int64_t i = 0; i < n; i++, x += step) {
    double value = *x;
    for (int k = 0; k < sos->count; k++) {
      const lub_section *s = &sos->section[k];
      double *z = state->z[k], out = s->b0 * value + z[0];
      z[0] = s->b1 * value - s->a1 * out + z[1];
      z[1] = s->b2 * value - s->a2 * out;
      value = out;
    }
    *x = value;
  }
}

int64_t lub_sos_padlen(const lub_sos *sos) {
  int without_b2 = 0, without_a2 = 0;
  for (int i = 0; i < sos->count; i++) {
    without_b2 += sos->section[i].b2 == 0;
    without_a2 += sos->section[i].a2 == 0;
  }
  return 3 * (2 * sos->count + 1 - (without_b2 < without_a2 ? without_b2 : without_a2));
}

void lub_extend(const float *x, int64_t n, int64_t edge, lub_extension extension, double *out) {
  double first = x[0], last = x[n - 1];
  for (int64_t i = 0; i < n; i++) out[edge + i] = x[i];
  for (int64_t i = 1; i <= edge; i++) {
    double before = extension == LUB_EXTEND_CONSTANT ? first : x[i];
    double after = extension == LUB_EXTEND_CONSTANT ? last : x[n - 1 - i];
    if (extension == LUB_EXTEND_ODD) before = 2 * first - before, after = 2 * last - after;
    out[edge - i] = before;
    out[edge + n - 1 + i] = after;
  }
}
