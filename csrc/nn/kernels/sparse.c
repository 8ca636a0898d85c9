/* Max-pooling lets a gradient through to one element of each window, and relu and dropout stop many of those. So the
 * way back gathers what lives: for each channel the list of its pixels. Their patches of input, scaled, add up to
 * the gradient of the channel's kernel; and the kernel, scaled, is what each of these patches gets for a gradient.
 *
 * It goes by blocks of rows, whose patches stay in the first-level cache while all channels pass over them. An
 * element of the input's gradient gets its terms block by block, channel by channel, and within these by the parts
 * of a kernel, which are cut by numbers of floats and never of vectors. */
#include "nn/kernels/compress.h"

enum {
  PART = 64,           /* floats of a run that are added at once, of two runs where there are two */
  MOST = 2 * PART / VL,
  TOGETHER = VL == 16, /* whether registers hold a part of a kernel and of its gradient: one walk along the list does both */
  HELD = 8             /* else: vectors of a kernel's gradient that they hold */
};

typedef struct list {
  const int32_t *offset;
  const float *value;
  int64_t n;
} list;

/* A part of one channel's kernel, and the patches it meets. */
typedef struct part {
  float *gradient;
  const float *weights;
  int64_t run;
  const float *x;
  float *gx;
  int64_t line;
} part;

/* One walk for a part of R runs of J vectors: for vectors `first` to `last` - 1 of the kernel's gradient, and for
 * all of the patches', if they are wanted. */
INLINE void walk_list(const part *given, list from, const int R, const int J, const int first, const int last,
                      const bool back) {
  const part p = *given;
  vf sum[MOST], kernel[MOST];
  UNROLL for (int v = first; v < last; v++) sum[v] = vf_loadu(p.gradient + v / J * p.run + v % J * VL);
  if (back) UNROLL for (int v = 0; v < R * J; v++) kernel[v] = vf_loadu(p.weights + v / J * p.run + v % J * VL);
  for (int64_t i = 0; i < from.n; i++) {
    const int64_t offset = from.offset[i];
    const vf scale = vf_all(from.value[i]);
    UNROLL for (int v = first; v < last; v++) sum[v] =
        vf_fma(scale, vf_loadu(p.x + offset + v / J * p.line + v % J * VL), sum[v]);
    if (back) UNROLL for (int v = 0; v < R * J; v++) {
      float *to = p.gx + offset + v / J * p.line + v % J * VL;
      vf_storeu(to, vf_fma(scale, kernel[v], vf_loadu(to)));
    }
  }
  UNROLL for (int v = first; v < last; v++) vf_storeu(p.gradient + v / J * p.run + v % J * VL, sum[v]);
}

INLINE void add_part(const part *p, list from, const int R, const int J) {
  if (p->gx && TOGETHER) {
    walk_list(p, from, R, J, 0, R * J, true);
    return;
  }
  if (p->gx) walk_list(p, from, R, J, 0, 0, true);
  UNROLL for (int v = 0; v < R * J; v += HELD) walk_list(p, from, R, J, v, R * J - v < HELD ? R * J : v + HELD, false);
}

/* R runs from p on, part by part. */
INLINE void add_runs(const part *given, list from, const int R) {
  part p = *given;
  for (int64_t left = p.run; left > 0; left -= PART) {
    if (left >= 64) add_part(&p, from, R, 64 / VL);
    else if (left == 48) add_part(&p, from, R, 48 / VL);
    else if (left == 32) add_part(&p, from, R, 32 / VL);
    else add_part(&p, from, R, 16 / VL);
    p.gradient += PART, p.weights += PART, p.x += PART;
    if (p.gx) p.gx += PART;
  }
}

/* Apart, since each is a lot of code. */
__attribute__((noinline)) static void add_two_runs(const part *p, list from) { add_runs(p, from, 2); }
__attribute__((noinline)) static void add_one_run(const part *p, list from) { add_runs(p, from, 1); }

/* All that is said of channel o by its list. */
static void add_channel(const lub_sparse *s, int64_t o, list from) {
  const int64_t at = o * s->kernel_h * s->run;
  part p = {s->gradient + at, s->weights + at, s->run, s->x, s->gx, s->line};
  for (int64_t r = 0; r < s->kernel_h; r += 2) {
    if (r + 2 <= s->kernel_h) add_two_runs(&p, from);
    else add_one_run(&p, from);
    p.gradient += 2 * s->run, p.weights += 2 * s->run, p.x += 2 * s->line;
    if (p.gx) p.gx += 2 * s->line;
  }
}

/* Where each place of a window lies from its corner. */
static void find_places(const lub_sparse *s, int32_t *place_at) {
  for (int i = 0; i < s->pool_h * s->pool_w; i++)
    place_at[i] = (int32_t)(i / s->pool_w * s->line + i % s->pool_w * s->step);
}

/* One vector of channels of one output pixel, the corner of whose window is given: where the patch of each lies (-1:
 * its gradient is dead), and its gradient. `small`: the window has at most four places. */
INLINE vi patches_of(const lub_sparse *s, const int32_t *place_at, int64_t pixel, int64_t corner, int64_t c,
                     vf *gradient, const bool small) {
  const int64_t left = s->channels - c, at = pixel * s->channels + c;
  const vi place = vb_widen(vb_load_part(s->argmax + at, left, LUB_NO_GRADIENT)), none = (vi)vu_all(UINT32_MAX);
  const vm dead = vm_equal(place, (vi)vu_all(LUB_NO_GRADIENT));
  *gradient = vm_float(dead, (vf){0}, vf_load_part(s->gy + at, left) * vf_all(s->scale));
  if (small) {
    four places;
    memcpy(&places, place_at, sizeof places);
    return vm_int(dead, none, (vi)vu_all((uint32_t)corner) + (vi)one_of_four(places, place));
  }
  vi where = none;
  for (int i = 0; i < s->pool_h * s->pool_w; i++)
    where = vm_int(vm_equal(place, (vi)vu_all((uint32_t)i)), (vi)vu_all((uint32_t)(corner + place_at[i])), where);
  return where;
}

/* A walk over some rows of the output: in each, first every other pixel from the first on, then from the second on.
 * Patches of neighbours overlap, and a sum that is fetched before its last store has settled costs a wait. */
typedef struct walk {
  int64_t row, column, corner; /* of the next pixel; where its window lies in the input */
} walk;

static void advance(const lub_sparse *s, walk *w) {
  w->column += 2;
  if (w->column >= s->columns) {
    w->column = w->column % 2 == 0 && s->columns > 1;
    w->row += w->column == 0;
  }
  w->corner = w->row * s->pool_h * s->line + w->column * s->pool_w * s->step;
}

/* Lists the patches of `count` pixels from `row` on for channels c .. c + VL - 1, VL pixels at a time: a square of
 * channels by pixels is turned round, and each channel's row of it put behind its list. */
INLINE void list_patches(const lub_sparse *given, const int32_t *place_at, int64_t row, int64_t count, int64_t c,
                         int64_t end[VL], const bool small) {
  const lub_sparse copy = *given, *s = &copy; /* stores cannot touch it */
  const int64_t n = s->channels - c < VL ? s->channels - c : VL;
  const uint32_t all = (uint32_t)((UINT64_C(1) << VL) - 1);
  vf bias = vf_load_part(s->bias_gradient + c, n);
  for (int64_t i = 0; i < n; i++) end[i] = i * lub_sparse_room(count);
  walk next = {row, 0, row * s->pool_h * s->line};
  for (int64_t at = 0; at < count; at += VL) {
    vi where[VL], value[VL];
    for (int i = 0; i < VL; i++) {
      vf gradient = {0};
      where[i] = (vi)vu_all(UINT32_MAX);
      if (at + i < count) {
        where[i] = patches_of(s, place_at, next.row * s->columns + next.column, next.corner, c, &gradient,
                              small);
        advance(s, &next);
      }
      value[i] = (vi)gradient;
      bias += gradient;
    }
    transpose(where);
    transpose(value);
    for (int64_t i = 0; i < n; i++)
      end[i] += append_lanes(s->offset + end[i], where[i], s->value + end[i], (vf)value[i],
                             ~vm_bits(vm_equal(where[i], (vi)vu_all(UINT32_MAX))) & all);
  }
  vf_store_part(s->bias_gradient + c, bias, n);
}

void LUB_VARIANT(lub_sparse_backward)(const lub_sparse *s) {
  const int64_t together = lub_sparse_rows(s);
  int32_t place_at[LUB_NO_GRADIENT];
  int64_t end[VL];
  find_places(s, place_at);
  for (int64_t row = 0; row < s->rows; row += together) {
    const int64_t count = (s->rows - row < together ? s->rows - row : together) * s->columns;
    for (int64_t c = 0; c < s->channels; c += VL) {
      if (s->pool_h * s->pool_w <= 4) list_patches(s, place_at, row, count, c, end, true);
      else list_patches(s, place_at, row, count, c, end, false);
      for (int64_t i = 0; i < VL && c + i < s->channels; i++) {
        const int64_t at = i * lub_sparse_room(count);
        if (end[i] > at) add_channel(s, c + i, (list){s->offset + at, s->value + at, end[i] - at});
      }
    }
  }
}
