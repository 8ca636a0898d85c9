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
  float *bias; /* the channel's gradient of bias; NULL: it has got its own */
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
  const bool forth = first < last;
  vf sum[MOST], kernel[MOST], total = vf_all(p.bias ? *p.bias : 0);
  UNROLL for (int v = first; v < last; v++) sum[v] = vf_loadu(p.gradient + v / J * p.run + v % J * VL);
  if (back) UNROLL for (int v = 0; v < R * J; v++) kernel[v] = vf_loadu(p.weights + v / J * p.run + v % J * VL);
  for (int64_t i = 0; i < from.n; i++) {
    const int64_t offset = from.offset[i];
    const vf scale = vf_all(from.value[i]);
    if (forth && first == 0) total += scale;
    UNROLL for (int v = first; v < last; v++) sum[v] =
        vf_fma(scale, vf_loadu(p.x + offset + v / J * p.line + v % J * VL), sum[v]);
    if (back) UNROLL for (int v = 0; v < R * J; v++) {
      float *to = p.gx + offset + v / J * p.line + v % J * VL;
      vf_storeu(to, vf_fma(scale, kernel[v], vf_loadu(to)));
    }
  }
  UNROLL for (int v = first; v < last; v++) vf_storeu(p.gradient + v / J * p.run + v % J * VL, sum[v]);
  if (forth && first == 0 && p.bias) *p.bias = total[0];
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
    p.bias = NULL;
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
  part p = {s->bias_gradient + o, s->gradient + at, s->weights + at, s->run, s->x, s->gx, s->line};
  for (int64_t r = 0; r < s->kernel_h; r += 2) {
    if (r + 2 <= s->kernel_h) add_two_runs(&p, from);
    else add_one_run(&p, from);
    p.bias = NULL;
    p.gradient += 2 * s->run, p.weights += 2 * s->run, p.x += 2 * s->line;
    if (p.gx) p.gx += 2 * s->line;
  }
}

/* === lists === */

enum { CHANNELS = 16 }; /* that are listed at once, and the pixels of a step */

/* The pixels of a block of rows, in the order of the lists: in each row first every other one from the first on, then
 * from the second on. Patches of neighbours overlap, and a sum that is fetched before its last store has settled costs
 * a wait. `pixel`: which one of the output it is, in floats; `corner`: where its window lies in the input. Behind them
 * stand a step's worth of harmless ones. */
typedef struct order {
  int32_t *pixel, *corner;
  int32_t place_at[LUB_NO_GRADIENT]; /* where each place of a window lies from its corner */
} order;

static void find_order(const lub_sparse *s, int64_t rows, order *o) {
  int64_t k = 0;
  for (int64_t row = 0; row < rows; row++)
    for (int64_t odd = 0; odd < 2; odd++)
      for (int64_t column = odd; column < s->columns; column += 2, k++) {
        o->pixel[k] = (int32_t)((row * s->columns + column) * s->channels);
        o->corner[k] = (int32_t)(row * s->pool_h * s->line + column * s->pool_w * s->step);
      }
  for (int64_t last = k + CHANNELS; k < last; k++) o->pixel[k] = o->corner[k] = 0;
  for (int i = 0; i < s->pool_h * s->pool_w; i++)
    o->place_at[i] = (int32_t)(i / s->pool_w * s->line + i % s->pool_w * s->step);
}

/* Where patches begin whose windows have these corners, and which come from these places of them. `small`: a window has
 * at most four. */
INLINE vi patches_at(const lub_sparse *s, const order *o, vi corner, vi place, const bool small) {
  if (small) {
    four places;
    memcpy(&places, o->place_at, sizeof places);
    return corner + (vi)one_of_four(places, place);
  }
  vi where = corner;
  for (int i = 1; i < s->pool_h * s->pool_w; i++)
    where = vm_int(vm_equal(place, (vi)vu_all((uint32_t)i)), corner + (vi)vu_all((uint32_t)o->place_at[i]), where);
  return where;
}

/* Lists the patches of `count` pixels of a block, which begins at `gy` and `argmax`, for channels
 * c .. c + CHANNELS - 1. Squares of channels by pixels are turned round, and each channel's row of them put behind its
 * list, which ends at `end` so far. */
INLINE void list_patches(const lub_sparse *s, const order *o, const float *gy, const uint8_t *argmax, int64_t count,
                         int64_t c, int64_t end[CHANNELS], const bool small) {
  const vf scale = vf_all(s->scale);
  const int64_t channels = s->channels - c < CHANNELS ? s->channels - c : CHANNELS;
  for (int64_t i = 0; i < CHANNELS; i++) end[i] = i * lub_sparse_room(count);
  for (int64_t at = 0; at < count; at += CHANNELS) {
    uint8_t place[CHANNELS][CHANNELS];
    uint32_t alive[CHANNELS];
    const uint32_t there = count - at < CHANNELS ? (1u << (count - at)) - 1 : (1u << CHANNELS) - 1;
    turn_bytes(argmax + c, o->pixel + at, channels, place, alive);
    for (int64_t first = 0; first < channels; first += VL)
      for (int64_t k = 0; k < CHANNELS; k += VL) {
        vi value[VL];
        UNROLL for (int i = 0; i < VL; i++) value[i] =
            (vi)(scale * vf_load_part(gy + o->pixel[at + k + i] + c + first, channels - first));
        transpose(value);
        vi corner;
        memcpy(&corner, o->corner + at + k, sizeof corner);
        for (int64_t i = first; i < first + VL && i < channels; i++) {
          vb places;
          memcpy(&places, place[i] + k, sizeof places);
          end[i] += append_lanes(s->offset + end[i], patches_at(s, o, corner, vb_widen(places), small),
                                 s->value + end[i], (vf)value[i - first],
                                 (alive[i] & there) >> k & (uint32_t)((UINT64_C(1) << VL) - 1));
        }
      }
  }
}

void LUB_VARIANT(lub_sparse_backward)(const lub_sparse *given) {
  const lub_sparse copy = *given, *s = &copy; /* stores of bytes cannot touch it */
  const int64_t together = lub_sparse_rows(s), room = lub_sparse_room(together * s->columns);
  order o = {.pixel = s->offset + CHANNELS * room, .corner = s->offset + (CHANNELS + 1) * room};
  int64_t end[CHANNELS];
  for (int64_t row = 0; row < s->rows; row += together) {
    const int64_t rows = s->rows - row < together ? s->rows - row : together, count = rows * s->columns;
    if (row == 0 || rows < together) find_order(s, rows, &o); /* pixels behind the last one must not be read */
    const int64_t first = row * s->columns * s->channels, corner = row * s->pool_h * s->line;
    lub_sparse block = *s;
    block.x += corner;
    if (block.gx) block.gx += corner;
    for (int64_t c = 0; c < s->channels; c += CHANNELS) {
      if (s->pool_h * s->pool_w <= 4) list_patches(s, &o, s->gy + first, s->argmax + first, count, c, end, true);
      else list_patches(s, &o, s->gy + first, s->argmax + first, count, c, end, false);
      for (int64_t i = 0; i < CHANNELS && c + i < s->channels; i++) {
        const int64_t at = i * lub_sparse_room(count);
        if (end[i] > at) add_channel(&block, c + i, (list){s->offset + at, s->value + at, end[i] - at});
      }
    }
  }
}
