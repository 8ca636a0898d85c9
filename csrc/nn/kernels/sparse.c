/* Max-pooling lets a gradient through to one element of each window, and relu and dropout stop many of those. So
 * the way back gathers what lives: for each pixel of convolution the list of its channels (their kernels, scaled, add
 * up to the gradient of the input's patch), for each channel the list of its pixels (their patches, scaled, add up to
 * the gradient of its kernel). Both are one loop: sums of scaled runs in registers.
 *
 * Long lists are summed in order. Where a patch is so short that its registers would wait for each other, the list's
 * even and odd entries have sums of their own; that rests on the patch's size, never on the vector's. */
#include "nn/kernels/compress.h"

enum { SHORT_PATCH = 64 };

typedef struct list {
  const int32_t *offset;
  const float *value;
  int64_t n;
} list;

/* target[r][j] += sum over the list of value * source[offset + r][j], for R runs of J vectors. */
INLINE void add_block(float *target, int64_t target_run, const float *source, int64_t source_run, list from,
                      const int R, const int J, const bool split) {
  vf sum[2][2][8];
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int j = 0; j < J; j++) {
    sum[0][r][j] = vf_loadu(target + r * target_run + j * VL);
    sum[1][r][j] = (vf){0};
  }
  int64_t i = 0;
  for (; split && i + 2 <= from.n; i += 2) UNROLL for (int odd = 0; odd < 2; odd++) {
      const float *p = source + from.offset[i + odd];
      vf scale = vf_all(from.value[i + odd]);
      UNROLL for (int r = 0; r < R; r++) UNROLL for (int j = 0; j < J; j++) sum[odd][r][j] =
          vf_fma(scale, vf_loadu(p + r * source_run + j * VL), sum[odd][r][j]);
    }
  for (; i < from.n; i++) {
    const float *p = source + from.offset[i];
    vf scale = vf_all(from.value[i]);
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int j = 0; j < J; j++) sum[0][r][j] =
        vf_fma(scale, vf_loadu(p + r * source_run + j * VL), sum[0][r][j]);
  }
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int j = 0; j < J; j++) {
    if (split) sum[0][r][j] += sum[1][r][j];
    vf_storeu(target + r * target_run + j * VL, sum[0][r][j]);
  }
}

/* R runs, cut into blocks of at most 8 vectors (4 where the list is split). */
INLINE void add_runs(float *target, int64_t target_run, const float *source, int64_t source_run, list from, int64_t run,
                     const int R, const bool split) {
  const int most = (split ? 4 : 8) / R;
  int64_t at = 0, vectors = run / VL;
  for (; most == 8 && vectors - at >= 8; at += 8)
    add_block(target + at * VL, target_run, source + at * VL, source_run, from, R, 8, split);
  for (; most >= 4 && vectors - at >= 4; at += 4)
    add_block(target + at * VL, target_run, source + at * VL, source_run, from, R, 4, split);
  for (; vectors - at >= 2; at += 2)
    add_block(target + at * VL, target_run, source + at * VL, source_run, from, R, 2, split);
  for (; vectors - at >= 1; at += 1)
    add_block(target + at * VL, target_run, source + at * VL, source_run, from, R, 1, split);
}

INLINE void add_patch(float *target, int64_t target_run, const float *source, int64_t source_run, list from,
                      int64_t run, int64_t runs, const bool split) {
  int64_t r = 0;
  for (; r + 2 <= runs; r += 2)
    add_runs(target + r * target_run, target_run, source + r * source_run, source_run, from, run, 2, split);
  if (r < runs) add_runs(target + r * target_run, target_run, source + r * source_run, source_run, from, run, 1, split);
}

/* Apart, since each is a lot of code. */
typedef void patch_adder(float *target, int64_t target_run, const float *source, int64_t source_run, list from,
                         int64_t run, int64_t runs);

__attribute__((noinline)) static void add_short_patch(float *target, int64_t target_run, const float *source,
                                                      int64_t source_run, list from, int64_t run, int64_t runs) {
  add_patch(target, target_run, source, source_run, from, run, runs, true);
}

__attribute__((noinline)) static void add_long_patch(float *target, int64_t target_run, const float *source,
                                                     int64_t source_run, list from, int64_t run, int64_t runs) {
  add_patch(target, target_run, source, source_run, from, run, runs, false);
}

/* Where each place of a window lies from its corner. */
static void find_places(const lub_sparse *s, int32_t *place_at) {
  for (int i = 0; i < s->pool_h * s->pool_w; i++)
    place_at[i] = (int32_t)(i / s->pool_w * s->line + i % s->pool_w * s->step);
}

/* === lists by channel: the patches that make up its kernel's gradient === */

/* One vector of channels of one output pixel, the corner of whose window is given: where the patch of each lies (-1:
 * its gradient is dead), and its gradient. */
INLINE vi patches_of(const lub_sparse *s, const int32_t *place_at, int64_t pixel, int64_t corner, int64_t c,
                     vf *gradient) {
  const int64_t left = s->channels - c, at = pixel * s->channels + c;
  const vi place = vb_widen(vb_load_part(s->argmax + at, left, LUB_NO_GRADIENT)), dead = (vi)vu_all(UINT32_MAX);
  *gradient = vf_load_part(s->gy + at, left) * vf_all(s->scale);
  vi where = dead;
  for (int i = 0; i < s->pool_h * s->pool_w; i++)
    where = vm_int(vm_equal(place, (vi)vu_all((uint32_t)i)), (vi)vu_all((uint32_t)(corner + place_at[i])), where);
  *gradient = vm_float(vm_equal(where, dead), (vf){0}, *gradient);
  return where;
}

/* Lists all pixels' patches for channels c .. c + VL - 1, VL pixels at a time: a square of channels by pixels is turned
 * round, and each channel's row of it put behind its list. */
static void list_patches(const lub_sparse *s, const int32_t *place_at, int64_t c) {
  const int64_t pixels = s->rows * s->columns, n = s->channels - c < VL ? s->channels - c : VL;
  const uint32_t all = (uint32_t)((UINT64_C(1) << VL) - 1);
  vf bias = vf_load_part(s->bias_gradient + c, n);
  for (int64_t i = 0; i < n; i++) s->count[c + i] = 0;
  int64_t column = 0, corner = 0; /* of the next pixel */
  for (int64_t first = 0; first < pixels; first += VL) {
    vi where[VL], value[VL];
    for (int i = 0; i < VL; i++) {
      vf gradient = {0};
      where[i] = first + i < pixels ? patches_of(s, place_at, first + i, corner, c, &gradient) : (vi)vu_all(UINT32_MAX);
      value[i] = (vi)gradient;
      bias += gradient;
      corner += s->pool_w * s->step;
      if (++column < s->columns) continue;
      column = 0;
      corner += s->pool_h * s->line - s->columns * s->pool_w * s->step;
    }
    transpose(where);
    transpose(value);
    for (int64_t i = 0; i < n; i++) {
      const int64_t end = (c + i) * lub_sparse_room(pixels) + s->count[c + i];
      s->count[c + i] += append_lanes(s->offset + end, where[i], s->value + end, (vf)value[i],
                                      ~vm_bits(vm_equal(where[i], (vi)vu_all(UINT32_MAX))) & all);
    }
  }
  vf_store_part(s->bias_gradient + c, bias, n);
}

static void kernel_gradient(const lub_sparse *s, const int32_t *place_at, patch_adder *add) {
  const int64_t patch = s->kernel_h * s->run, room = lub_sparse_room(s->rows * s->columns);
  for (int64_t c = 0; c < s->channels; c += VL) list_patches(s, place_at, c);
  for (int64_t o = 0; o < s->channels; o++) {
    list from = {s->offset + o * room, s->value + o * room, s->count[o]};
    add(s->gradient + o * patch, s->run, s->x, s->line, from, s->run, s->kernel_h);
  }
}

/* === lists by place: the kernels that make up the gradient of the patch there === */

/* Lists the channels of one output pixel by the place that their gradients go to; a list's room is that of all
 * channels. count: by place. */
INLINE void list_kernels(const lub_sparse *given, int64_t at, int64_t *count, const int window) {
  const lub_sparse s = *given; /* stores cannot touch it */
  const int64_t room = lub_sparse_room(s.channels);
  const vi patch = (vi)vu_all((uint32_t)(s.kernel_h * s.run));
  const vf scale = vf_all(s.scale);
  for (int i = 0; i < window; i++) count[i] = 0;
  for (int64_t c = 0; c < s.channels; c += VL) {
    const int64_t left = s.channels - c;
    const vi place = vb_widen(vb_load_part(s.argmax + at + c, left, LUB_NO_GRADIENT));
    const vf gradient = vf_load_part(s.gy + at + c, left) * scale;
    const vi kernel = (vi)(lane_numbers() + vu_all((uint32_t)c)) * patch;
    for (int i = 0; i < window; i++) {
      const int64_t end = i * room + count[i];
      const uint32_t bits = vm_bits(vm_equal(place, (vi)vu_all((uint32_t)i)));
      count[i] += append_lanes(s.offset + end, kernel, s.value + end, gradient, bits);
    }
  }
}

static void input_gradient(const lub_sparse *s, const int32_t *place_at, patch_adder *add) {
  const int64_t room = lub_sparse_room(s->channels);
  const int window = s->pool_h * s->pool_w;
  int64_t count[LUB_NO_GRADIENT];
  for (int64_t row = 0; row < s->rows; row++)
    for (int64_t column = 0; column < s->columns; column++) {
      const int64_t corner = row * s->pool_h * s->line + column * s->pool_w * s->step;
      const int64_t at = (row * s->columns + column) * s->channels;
      if (window == 4) list_kernels(s, at, count, 4);
      else list_kernels(s, at, count, window);
      for (int i = 0; i < window; i++) {
        const list from = {s->offset + i * room, s->value + i * room, count[i]};
        if (from.n > 0) add(s->gx + corner + place_at[i], s->line, s->weights, s->run, from, s->run, s->kernel_h);
      }
    }
}

void LUB_VARIANT(lub_sparse_backward)(const lub_sparse *s) {
  int32_t place_at[LUB_NO_GRADIENT];
  patch_adder *add = s->kernel_h * s->run <= SHORT_PATCH ? add_short_patch : add_long_patch;
  find_places(s, place_at);
  if (s->gx) input_gradient(s, place_at, add);
  kernel_gradient(s, place_at, add);
}

/* === few terms === */

/* Lane by lane a[0], a[1], b[0] or b[1], as `place` says from 0 to 3; anything of them elsewhere. */
INLINE vf one_of_four(const float *a, const float *b, vi place) {
#if VL == 16
  const __m128 four = _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), (const __m64 *)a), (const __m64 *)b);
  return (vf)_mm512_permutevar_ps(_mm512_broadcast_f32x4(four), (__m512i)place);
#elif VL == 8
  const __m128 four = _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), (const __m64 *)a), (const __m64 *)b);
  return (vf)_mm256_permutevar_ps(_mm256_set_m128(four, four), (__m256i)place);
#else
  return __builtin_shuffle((vf){a[0], a[1], b[0], b[1]}, place & 3);
#endif
}

/* One channel and 2x2 windows: each lane takes the one pixel that its gradient goes to. */
INLINE void few_terms_of_four(const lub_few_terms *row, int64_t c, const int terms) {
  const vf scale = vf_all(row->scale), zero = {0};
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  vf sum[LUB_FEW_TERMS], bias = vf_load(row->bias_gradient + c);
  UNROLL for (int t = 0; t < terms; t++) sum[t] = vf_load(row->gradient + t * row->lanes + c);
  for (int64_t column = 0; column < row->columns; column++) {
    const int64_t at = column * row->channels + c;
    vf gradient = vf_load_part(row->gy + at, row->channels - c);
    const vi place = vb_widen(vb_load_part(row->argmax + at, row->channels - c, LUB_NO_GRADIENT));
    gradient = vm_float(vm_equal(place, none), zero, gradient * scale);
    bias += gradient;
    UNROLL for (int t = 0; t < terms; t++) {
      const float *x = row->x + 2 * column + row->at[t];
      sum[t] = vf_fma(one_of_four(x, x + row->line, place), gradient, sum[t]);
    }
  }
  vf_store(row->bias_gradient + c, bias);
  UNROLL for (int t = 0; t < terms; t++) vf_store(row->gradient + t * row->lanes + c, sum[t]);
}

INLINE void few_terms_of_any(const lub_few_terms *row, int64_t c, const int terms) {
  const vf scale = vf_all(row->scale), zero = {0};
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  vf sum[LUB_FEW_TERMS], bias = vf_load(row->bias_gradient + c);
  UNROLL for (int t = 0; t < terms; t++) sum[t] = vf_load(row->gradient + t * row->lanes + c);
  for (int64_t column = 0; column < row->columns; column++) {
    const int64_t at = column * row->channels + c;
    vf gradient = vf_load_part(row->gy + at, row->channels - c);
    const vi place = load_places(row->argmax, at, row->channels - c);
    gradient = vm_float(vm_equal(place, none), zero, gradient * scale);
    bias += gradient;
    for (int i = 0; i < row->pool_h; i++)
      for (int j = 0; j < row->pool_w; j++) {
        const float *x = row->x + i * row->line + (column * row->pool_w + j) * row->step;
        vf here = vm_float(vm_equal(place, (vi)vu_all((uint32_t)(i * row->pool_w + j))), gradient, zero);
        UNROLL for (int t = 0; t < terms; t++) sum[t] = vf_fma(vf_all(x[row->at[t]]), here, sum[t]);
      }
  }
  vf_store(row->bias_gradient + c, bias);
  UNROLL for (int t = 0; t < terms; t++) vf_store(row->gradient + t * row->lanes + c, sum[t]);
}

INLINE void few_terms(const lub_few_terms *row, int64_t c, const int terms) {
  if (row->pool_h == 2 && row->pool_w == 2 && row->step == 1) few_terms_of_four(row, c, terms);
  else few_terms_of_any(row, c, terms);
}

#define FEW_CASE(n)                                                                                                    \
  case n: few_terms(row, c, n); break;

void LUB_VARIANT(lub_few_terms_gradient)(const lub_few_terms *row) {
  for (int64_t c = 0; c < row->channels; c += VL) switch (row->terms) {
      FEW_CASE(1)
      FEW_CASE(2) FEW_CASE(3) FEW_CASE(4) FEW_CASE(5) FEW_CASE(6) FEW_CASE(7) FEW_CASE(8) FEW_CASE(9) FEW_CASE(10)
          FEW_CASE(11) FEW_CASE(12)
    }
}
