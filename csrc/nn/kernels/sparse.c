/* Max-pooling lets a gradient through to one element of each window, and relu and dropout stop many of those. So
 * the way back gathers what lives: for each pixel of convolution the list of its channels (their kernels, scaled, add up to the
 * gradient of the input's patch), for each channel the list of its pixels (their patches, scaled, add up to the gradient of its
 * kernel). Both are one loop: sums of scaled runs in registers.
 *
 * Long lists are summed in order. Where a patch is so short that its registers would wait for each other, the list's
 * even and odd entries have sums of their own; that rests on the patch's size, never on the vector's. */
#include "nn/kernels/variant.h"

#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

enum { SHORT_PATCH = 64 };

typedef struct list {
  const int32_t *offset;
  const float *value;
  int64_t n;
} list;

/* target[r][j] += sum over the list of value * source[offset + r][j], for R runs of J vectors. */
INLINE void add_block(float *target, int64_t target_run, const float *source, int64_t source_run, list from, const int R,
                      const int J, const bool split) {
  vf sum[2][2][8];
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int j = 0; j < J; j++) {
    sum[0][r][j] = vf_loadu(target + r * target_run + j * VL);
    sum[1][r][j] = (vf){0};
  }
  int64_t i = 0;
  for (; split && i + 2 <= from.n; i += 2)
    UNROLL for (int odd = 0; odd < 2; odd++) {
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

INLINE void add_patch(float *target, int64_t target_run, const float *source, int64_t source_run, list from, int64_t run,
                      int64_t runs, const bool split) {
  int64_t r = 0;
  for (; r + 2 <= runs; r += 2)
    add_runs(target + r * target_run, target_run, source + r * source_run, source_run, from, run, 2, split);
  if (r < runs) add_runs(target + r * target_run, target_run, source + r * source_run, source_run, from, run, 1, split);
}

/* Bit i: channel c + i of the pixel lives. */
INLINE uint32_t alive_bits(const uint8_t *argmax, int64_t left) {
  vb bytes;
  if (left >= VL) {
    memcpy(&bytes, argmax, sizeof bytes);
  } else {
    memset(&bytes, LUB_NO_GRADIENT, sizeof bytes);
    memcpy(&bytes, argmax, (size_t)left);
  }
  return ~vm_bits(vm_equal(vb_widen(bytes), (vi)vu_all(LUB_NO_GRADIENT))) & (uint32_t)((UINT64_C(1) << VL) - 1);
}

/* What scan_pixel works on; next_* count up through the lists. */
typedef struct lists {
  int32_t place_at[LUB_NO_GRADIENT];   /* where each place of the window lies from its corner */
  int32_t next_place[LUB_NO_GRADIENT]; /* by place: the end of its list */
  int32_t *next_entry;                 /* by channel: the end of its list */
  int32_t *offset, *kernel_at;
  float *value, *strength, *bias_gradient;
  int32_t patch;
} lists;

/* Puts the channels of one output pixel that live onto their lists. Apart, so that its few variables stay in registers. */
__attribute__((noinline)) static void scan_pixel(lists *to, const uint8_t *argmax, const float *gy, float scale,
                                                 int64_t channels, int32_t corner) {
  for (int64_t c = 0; c < channels; c += VL)
    for (uint32_t bits = alive_bits(argmax + c, channels - c); bits; bits &= bits - 1) {
      const int64_t o = c + __builtin_ctz(bits);
      const int place = argmax[o];
      const float g = gy[o] * scale;
      const int32_t entry = to->next_entry[o]++, k = to->next_place[place]++;
      to->offset[entry] = corner + to->place_at[place];
      to->value[entry] = g;
      to->bias_gradient[o] += g;
      to->kernel_at[k] = (int32_t)o * to->patch;
      to->strength[k] = g;
    }
}

INLINE void backward(const lub_sparse *s, const bool split) {
  const int64_t channels = s->channels, pixels = s->rows * s->columns, patch = s->kernel_h * s->run;
  const int window = s->pool_h * s->pool_w;
  lists to = {.next_entry = s->count, .offset = s->offset, .value = s->value, .bias_gradient = s->bias_gradient,
              .patch = (int32_t)patch, .kernel_at = s->count + channels, .strength = s->value + channels * pixels};
  for (int i = 0; i < window; i++)
    to.place_at[i] = (int32_t)(i / s->pool_w * s->line + i % s->pool_w * s->step);
  for (int64_t o = 0; o < channels; o++) to.next_entry[o] = (int32_t)(o * pixels);
  for (int64_t row = 0; row < s->rows; row++)
    for (int64_t column = 0; column < s->columns; column++) {
      const int64_t at = (row * s->columns + column) * channels;
      const int64_t corner = row * s->pool_h * s->line + column * s->pool_w * s->step;
      for (int i = 0; i < window; i++) to.next_place[i] = (int32_t)(i * channels);
      scan_pixel(&to, s->argmax + at, s->gy + at, s->scale, channels, (int32_t)corner);
      if (!s->gx) continue;
      for (int i = 0; i < window; i++) {
        list from = {to.kernel_at + i * channels, to.strength + i * channels, to.next_place[i] - i * channels};
        if (from.n > 0)
          add_patch(s->gx + corner + to.place_at[i], s->line, s->weights, s->run, from, s->run, s->kernel_h, split);
      }
    }
  for (int64_t o = 0; o < channels; o++) {
    list from = {s->offset + o * pixels, s->value + o * pixels, to.next_entry[o] - o * pixels};
    add_patch(s->gradient + o * patch, s->run, s->x, s->line, from, s->run, s->kernel_h, split);
  }
}

void LUB_VARIANT(lub_sparse_backward)(const lub_sparse *sample) {
  if (sample->kernel_h * sample->run <= SHORT_PATCH) backward(sample, true);
  else backward(sample, false);
}

/* === few terms === */

INLINE void few_terms(const lub_few_terms *row, int64_t c, const int terms) {
  const vf scale = vf_all(row->scale), zero = {0};
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  vf sum[LUB_FEW_TERMS], bias = vf_load(row->bias_gradient + c);
  UNROLL for (int t = 0; t < terms; t++) sum[t] = vf_load(row->gradient + t * row->lanes + c);
  for (int64_t column = 0; column < row->columns; column++) {
    const int64_t at = column * row->channels + c;
    vf gradient = zero;
    vb bytes;
    if (c + VL <= row->channels) {
      gradient = vf_loadu(row->gy + at);
      memcpy(&bytes, row->argmax + at, sizeof bytes);
    } else {
      memset(&bytes, LUB_NO_GRADIENT, sizeof bytes);
      memcpy(&gradient, row->gy + at, sizeof(float) * (size_t)(row->channels - c));
      memcpy(&bytes, row->argmax + at, (size_t)(row->channels - c));
    }
    const vi place = vb_widen(bytes);
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

#define FEW_CASE(n)                                                                                                    \
  case n: few_terms(row, c, n); break;

void LUB_VARIANT(lub_few_terms_gradient)(const lub_few_terms *row) {
  for (int64_t c = 0; c < row->channels; c += VL) switch (row->terms) {
      FEW_CASE(1) FEW_CASE(2) FEW_CASE(3) FEW_CASE(4) FEW_CASE(5) FEW_CASE(6)
      FEW_CASE(7) FEW_CASE(8) FEW_CASE(9) FEW_CASE(10) FEW_CASE(11) FEW_CASE(12)
    }
}
