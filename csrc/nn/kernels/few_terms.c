/* The kernel's gradient where it has few terms: one register holds each, and gradients come straight from the rows
 * behind the pool, dead ones as zeros. */
#include "nn/kernels/behind.h"

/* a[0], a[1], b[0], b[1]. */
INLINE four two_pairs(const float *a, const float *b) {
#if VL > 4
  return (four)_mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), (const __m64 *)a), (const __m64 *)b);
#else
  return (four){a[0], a[1], b[0], b[1]};
#endif
}

/* `of_four`: windows of 2x2 over one channel, where each lane takes the one pixel that its gradient goes to. */
INLINE void add_gradients(const lub_few_terms *row, int64_t c, const int terms, const bool of_four) {
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
    if (of_four) {
      UNROLL for (int t = 0; t < terms; t++) {
        const float *x = row->x + 2 * column + row->at[t];
        sum[t] = vf_fma(one_of_four(two_pairs(x, x + row->line), place), gradient, sum[t]);
      }
      continue;
    }
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
  if (row->pool_h == 2 && row->pool_w == 2 && row->step == 1) add_gradients(row, c, terms, true);
  else add_gradients(row, c, terms, false);
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
