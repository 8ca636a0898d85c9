/* What stands behind a row of convolution: bias, relu, max-pool and dropout in one pass, and their way back. */
#include "nn/kernels/behind.h"

INLINE void pool(const lub_pool_row *given, const int pool_h, const int pool_w, const bool relu, const bool drops) {
  const lub_pool_row row = *given;
  for (int64_t c = 0; c < row.channels; c += VL) {
    const behind rest = behind_channels(&row, c, relu, drops);
    vu hash = rest.start;
    for (int64_t column = 0; column < row.columns; column++, hash += hash_step(&row, 1)) {
      const int64_t at = column * pool_w * row.lanes + c;
      vi place = {0};
      vf best = vf_load(row.rows[0] + at);
      for (int i = 0; i < pool_h; i++)
        for (int j = i == 0; j < pool_w; j++)
          best = larger(best, vf_load(row.rows[i] + at + j * row.lanes), i * pool_w + j, &place);
      put_pixel(&row, &rest, hash, best, place, column, c);
    }
  }
}

#define POOL_TWO(relu, drops) pool(row, 2, 2, relu, drops)
#define POOL_NONE(relu, drops) pool(row, 1, 1, relu, drops)
#define POOL_ANY(relu, drops) pool(row, row->pool_h, row->pool_w, relu, drops)

void LUB_VARIANT(lub_pool_row_forward)(const lub_pool_row *row) {
  if (row->pool_h == 2 && row->pool_w == 2) {
    BEHIND_CASES(row, POOL_TWO)
  } else if (row->pool_h == 1 && row->pool_w == 1) {
    BEHIND_CASES(row, POOL_NONE)
  } else {
    BEHIND_CASES(row, POOL_ANY)
  }
}

void LUB_VARIANT(lub_unpool_row)(const lub_pool_row *row, const float *gy, float *const *g, float *bias_gradient) {
  const vf scale = vf_all(row->threshold > 0 ? row->scale : 1), zero = {0};
  const vi none = (vi)vu_all(LUB_NO_GRADIENT);
  const int64_t lanes = row->lanes, channels = row->channels;
  for (int64_t c = 0; c < channels; c += VL) {
    vf sum = bias_gradient ? vf_load(bias_gradient + c) : zero;
    for (int64_t column = 0; column < row->columns; column++) {
      int64_t at = column * channels + c, to = column * row->pool_w * lanes;
      vf gradient = vf_load_part(gy + at, channels - c);
      vi place = load_places(row->argmax, at, channels - c);
      gradient = vm_float(vm_equal(place, none), zero, gradient * scale);
      sum += gradient;
      for (int i = 0; i < row->pool_h; i++)
        for (int j = 0; j < row->pool_w; j++) {
          vi here = (vi)vu_all((uint32_t)(i * row->pool_w + j));
          vf_store(g[i] + to + j * lanes + c, vm_float(vm_equal(place, here), gradient, zero));
        }
    }
    if (bias_gradient) vf_store(bias_gradient + c, sum);
  }
}
