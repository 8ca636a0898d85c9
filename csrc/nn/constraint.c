#include "nn/constraint.h"

#include <math.h>

#include "nn/layers/axes.h"

typedef struct norm_options {
  double min_value, max_value, rate;
  lub_shape axis;
} norm_options;

#define NUMBER(field, value, most)                                                                                     \
  {                                                                                                                    \
    .name = #field, .type = LUB_OPTION_NUMBER, .offset = offsetof(norm_options, field), .fallback = value, .min = 0,   \
    .max = most                                                                                                        \
  }
#define AXIS {.name = "axis", .type = LUB_OPTION_AXES, .offset = offsetof(norm_options, axis), .fallback = 1}

static const lub_option max_options[] = {NUMBER(max_value, 2, INFINITY), AXIS, LUB_OPTIONS_END};
static const lub_option min_max_options[] = {NUMBER(min_value, 0, INFINITY), NUMBER(max_value, 1, INFINITY),
                                             NUMBER(rate, 1, 1), AXIS, LUB_OPTIONS_END};
static const lub_option unit_options[] = {AXIS, LUB_OPTIONS_END};
static const lub_option no_options[] = {LUB_OPTIONS_END};
_Static_assert(sizeof(norm_options) <= LUB_OBJECT_BYTES, "an option must hold them");

enum { MAX_NORM, MIN_MAX_NORM, UNIT_NORM, NON_NEG };
const lub_object_kind lub_constraint_kinds[] = {[MAX_NORM] = {"max_norm", "MaxNorm", max_options},
                                                [MIN_MAX_NORM] = {"min_max_norm", "MinMaxNorm", min_max_options},
                                                [UNIT_NORM] = {"unit_norm", "UnitNorm", unit_options},
                                                [NON_NEG] = {"non_neg", "NonNeg", no_options},
                                                [NON_NEG + 1] = {NULL, NULL, NULL}};

static bool has_axes(const lub_object *constraint) {
  return constraint && constraint->kind >= 0 && constraint->kind != NON_NEG;
}

static const norm_options *options_of(const lub_object *constraint) { return (const void *)constraint->options; }

/* From 0. */
static int64_t axis_at(int64_t axis, const lub_shape *shape) { return axis < 0 ? axis + shape->ndim : axis - 1; }

lub_status lub_check_constraint(const lub_object *constraint, const lub_shape *shape, lub_error *err) {
  if (!has_axes(constraint)) return LUB_OK;
  const lub_shape *axes = &options_of(constraint)->axis;
  char text[LUB_SHAPE_TEXT];
  bool named[LUB_MAX_DIMS] = {false};
  for (int i = 0; i < axes->ndim; i++) {
    const int64_t at = axis_at(axes->dim[i], shape);
    const char *name = lub_constraint_kinds[constraint->kind].name;
    if (at < 0 || at >= shape->ndim || axes->dim[i] == 0)
      return lub_fail(err, LUB_EARG, "%s: axis must be 1 to %d, or -1 to -%d, for a weight of %s; got %lld", name,
                      shape->ndim, shape->ndim, lub_shape_text(shape, "?", text), (long long)axes->dim[i]);
    if (named[at]) return lub_fail(err, LUB_EARG, "%s: axis %lld is named twice", name, (long long)axes->dim[i]);
    named[at] = true;
  }
  return LUB_OK;
}

static double clip(double x, double low, double high) { return fmin(fmax(x, low), high); }

static double wanted_norm(const lub_object *constraint, double norm) {
  const norm_options *o = options_of(constraint);
  switch (constraint->kind) {
  case MAX_NORM: return clip(norm, 0, o->max_value);
  case MIN_MAX_NORM: return o->rate * clip(norm, o->min_value, o->max_value) + (1 - o->rate) * norm;
  default: return 1;
  }
}

/* lub_groups_of counts the batch's axis, which a weight has not. */
static lub_groups groups_of(const lub_shape *axes, const lub_shape *shape) {
  lub_shape moved = *axes;
  for (int i = 0; i < moved.ndim; i++) moved.dim[i] += moved.dim[i] > 0;
  return lub_groups_of(&moved, shape);
}

void lub_constrain(const lub_object *constraint, const lub_shape *shape, float *w) {
  if (!constraint || constraint->kind < 0) return;
  if (constraint->kind == NON_NEG) {
    for (int64_t i = 0; i < lub_shape_size(shape); i++) w[i] = w[i] < 0 ? 0 : w[i];
    return;
  }
  const lub_groups groups = groups_of(&options_of(constraint)->axis, shape);
  for (int64_t g = 0; g < groups.count; g++) {
    const double norm = sqrt(lub_group_squares(&groups, g, w));
    lub_group_scale(&groups, g, (float)(wanted_norm(constraint, norm) / (norm + 1e-7)), w);
  }
}
