#include "nn/constraint.h"

#include <math.h>

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

/* Some axes of a weight, outermost first. */
typedef struct way {
  int n;
  int64_t size[LUB_MAX_DIMS], step[LUB_MAX_DIMS];
} way;

static double squares(const way *along, int k, const float *w) {
  if (k == along->n) return (double)*w * *w;
  double sum = 0;
  for (int64_t i = 0; i < along->size[k]; i++) sum += squares(along, k + 1, w + i * along->step[k]);
  return sum;
}

static void scale(const way *along, int k, float *w, float factor) {
  if (k == along->n) *w *= factor;
  for (int64_t i = 0; k < along->n && i < along->size[k]; i++) scale(along, k + 1, w + i * along->step[k], factor);
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

/* Every group, by the axes across them. */
static void constrain_groups(const lub_object *constraint, const way *across, const way *along, int k, float *w) {
  if (k < across->n) {
    for (int64_t i = 0; i < across->size[k]; i++)
      constrain_groups(constraint, across, along, k + 1, w + i * across->step[k]);
    return;
  }
  const double norm = sqrt(squares(along, 0, w));
  scale(along, 0, w, (float)(wanted_norm(constraint, norm) / (norm + 1e-7)));
}

void lub_constrain(const lub_object *constraint, const lub_shape *shape, float *w) {
  if (!constraint || constraint->kind < 0) return;
  if (constraint->kind == NON_NEG) {
    for (int64_t i = 0; i < lub_shape_size(shape); i++) w[i] = w[i] < 0 ? 0 : w[i];
    return;
  }
  const lub_shape *axes = &options_of(constraint)->axis;
  way across = {0}, along = {0};
  int64_t step = lub_shape_size(shape);
  for (int d = 0; d < shape->ndim; d++) {
    way *to = &across;
    for (int i = 0; i < axes->ndim; i++)
      if (axis_at(axes->dim[i], shape) == d) to = &along;
    if (shape->dim[d] > 0) step /= shape->dim[d];
    to->size[to->n] = shape->dim[d];
    to->step[to->n++] = step;
  }
  constrain_groups(constraint, &across, &along, 0, w);
}
