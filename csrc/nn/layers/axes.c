#include "nn/layers/axes.h"

int lub_axis_at(int64_t axis, const lub_shape *in) { return (int)(axis < 0 ? axis + in->ndim : axis - 2); }

bool lub_is_last_axis(int64_t axis, const lub_shape *in) { return axis == -1 || axis == in->ndim + 1; }

lub_status lub_check_axis(const char *layer, int64_t axis, const lub_shape *in, lub_error *err) {
  if ((axis >= 2 && axis <= in->ndim + 1) || (axis <= -1 && axis >= -in->ndim)) return LUB_OK;
  char text[LUB_SHAPE_TEXT];
  if (in->ndim == 1)
    return lub_fail(err, LUB_EARG, "%s: axis must be 2 or -1 for samples of %s; got %lld (1 is the batch)", layer,
                    lub_shape_text(in, "?", text), (long long)axis);
  return lub_fail(err, LUB_EARG, "%s: axis must be 2 to %d, or -1 to -%d, for samples of %s; got %lld (1 is the batch)",
                  layer, in->ndim + 1, in->ndim, lub_shape_text(in, "?", text), (long long)axis);
}

lub_status lub_check_axes(const char *layer, const lub_shape *axes, const lub_shape *in, lub_error *err) {
  lub_status status = lub_check_input(layer, in, in->ndim > 0 ? in->ndim : 1, "(N, ...)", err);
  unsigned seen = 0;
  for (int i = 0; i < axes->ndim && status == LUB_OK; i++) {
    status = lub_check_axis(layer, axes->dim[i], in, err);
    if (status != LUB_OK) break;
    const unsigned bit = 1u << lub_axis_at(axes->dim[i], in);
    if (seen & bit)
      return lub_fail(err, LUB_EARG, "%s: axis names axis %d twice", layer, lub_axis_at(axes->dim[i], in) + 2);
    seen |= bit;
  }
  return status;
}

/* Adds an axis, or lengthens the one before where the two are as one. */
static void add_axis(lub_shape *shape, int64_t *steps, int64_t size, int64_t step) {
  if (size == 1) return;
  if (shape->ndim > 0 && steps[shape->ndim - 1] == size * step) {
    shape->dim[shape->ndim - 1] *= size;
    steps[shape->ndim - 1] = step;
    return;
  }
  steps[shape->ndim] = step;
  shape->dim[shape->ndim++] = size;
}

lub_groups lub_groups_of(const lub_shape *axes, const lub_shape *in) {
  unsigned named = 0;
  for (int i = 0; i < axes->ndim; i++) named |= 1u << lub_axis_at(axes->dim[i], in);
  lub_groups groups = {.count = 1, .size = 1};
  int64_t step = lub_shape_size(in);
  for (int i = 0; i < in->ndim; i++) {
    step /= in->dim[i];
    const bool inside = named >> i & 1;
    if (inside) add_axis(&groups.along, groups.along_step, in->dim[i], step);
    else add_axis(&groups.across, groups.across_step, in->dim[i], step);
    *(inside ? &groups.size : &groups.count) *= in->dim[i];
  }
  if (groups.along.ndim == 0) groups.along = (lub_shape){1, {1}}, groups.along_step[0] = 1;
  groups.together = groups.along.ndim == 1 && groups.along_step[0] == 1;
  return groups;
}

static int64_t place_of(const lub_groups *groups, int64_t g) {
  int64_t place = 0;
  for (int i = groups->across.ndim - 1; i >= 0; i--) {
    place += g % groups->across.dim[i] * groups->across_step[i];
    g /= groups->across.dim[i];
  }
  return place;
}

/* The way through a group in runs along the last of its axes. */
typedef struct walk {
  const lub_groups *groups;
  int64_t at[LUB_MAX_DIMS], place, n, step;
} walk;

static walk begin(const lub_groups *groups, int64_t g) {
  const int last = groups->along.ndim - 1;
  return (walk){.groups = groups, .place = place_of(groups, g), .n = groups->along.dim[last],
                .step = groups->along_step[last]};
}

static void next_run(walk *w) {
  for (int i = w->groups->along.ndim - 2; i >= 0; i--) {
    w->place += w->groups->along_step[i];
    if (++w->at[i] < w->groups->along.dim[i]) return;
    w->place -= w->groups->along_step[i] * w->groups->along.dim[i];
    w->at[i] = 0;
  }
}

void lub_gather(const lub_groups *groups, int64_t g, const float *sample, float *row) {
  walk w = begin(groups, g);
  for (int64_t i = 0; i < groups->size; i += w.n, next_run(&w))
    for (int64_t j = 0; j < w.n; j++) row[i + j] = sample[w.place + j * w.step];
}

void lub_scatter(const lub_groups *groups, int64_t g, const float *row, float *sample) {
  walk w = begin(groups, g);
  for (int64_t i = 0; i < groups->size; i += w.n, next_run(&w))
    for (int64_t j = 0; j < w.n; j++) sample[w.place + j * w.step] = row[i + j];
}

void lub_scatter_add(const lub_groups *groups, int64_t g, const float *row, float *sample) {
  walk w = begin(groups, g);
  for (int64_t i = 0; i < groups->size; i += w.n, next_run(&w))
    for (int64_t j = 0; j < w.n; j++) sample[w.place + j * w.step] += row[i + j];
}

double lub_group_squares(const lub_groups *groups, int64_t g, const float *sample) {
  double sum = 0;
  walk w = begin(groups, g);
  for (int64_t i = 0; i < groups->size; i += w.n, next_run(&w))
    for (int64_t j = 0; j < w.n; j++) {
      const double x = sample[w.place + j * w.step];
      sum += x * x;
    }
  return sum;
}

void lub_group_scale(const lub_groups *groups, int64_t g, float factor, float *sample) {
  walk w = begin(groups, g);
  for (int64_t i = 0; i < groups->size; i += w.n, next_run(&w))
    for (int64_t j = 0; j < w.n; j++) sample[w.place + j * w.step] *= factor;
}

lub_spread lub_spread_begin(const lub_shape *own, const lub_shape *over) {
  lub_spread s = {.over = over, .own = own, .width = over->dim[over->ndim - 1]};
  s.step = own->dim[own->ndim - 1] == s.width;
  return s;
}

void lub_spread_next(lub_spread *s) {
  int64_t step = s->own->dim[s->over->ndim - 1];
  for (int i = s->over->ndim - 2; i >= 0; i--) {
    const bool own = s->own->dim[i] == s->over->dim[i];
    s->place += own ? step : 0;
    if (++s->at[i] < s->over->dim[i]) return;
    s->place -= own ? step * s->over->dim[i] : 0;
    s->at[i] = 0;
    step *= s->own->dim[i];
  }
}
