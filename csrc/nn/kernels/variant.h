/* variant.h - what the files of one variant give to its table. */
#ifndef LUB_NN_KERNELS_VARIANT_H
#define LUB_NN_KERNELS_VARIANT_H

#include "base/simd.h"
#include "nn/kernels/kernels.h"

/* Loops over registers must be straight code. */
#define UNROLL _Pragma("GCC unroll 24")
#define INLINE static inline __attribute__((always_inline))

extern const lub_nn_kernels LUB_VARIANT(lub_nn_kernels);

void LUB_VARIANT(lub_convolve_row)(float *out, int64_t pixels, int64_t lanes, const float *const *in, int64_t runs,
                                   int64_t length, int64_t step, const float *weights);
void LUB_VARIANT(lub_add_kernel_gradient)(float *gradient, const float *g, int64_t pixels, int64_t lanes,
                                          const float *const *in, int64_t runs, int64_t length, int64_t step);
void LUB_VARIANT(lub_pool_row_forward)(const lub_pool_row *row);
void LUB_VARIANT(lub_winograd_row)(const lub_winograd_row *row);
void LUB_VARIANT(lub_single_channel_row)(const lub_pool_row *row, const float *const *in, int kernel,
                                         const float *weights);
void LUB_VARIANT(lub_unpool_row)(const lub_pool_row *row, const float *gy, float *const *g, float *bias_gradient);
void LUB_VARIANT(lub_sparse_backward)(const lub_sparse *sample);
void LUB_VARIANT(lub_few_terms_gradient)(const lub_few_terms *row);
void LUB_VARIANT(lub_lstm_step)(const lub_gate_step *s);
void LUB_VARIANT(lub_lstm_step_back)(const lub_gate_step *s);
void LUB_VARIANT(lub_gru_step)(const lub_gate_step *s);
void LUB_VARIANT(lub_gru_step_back)(const lub_gate_step *s);
void LUB_VARIANT(lub_activate_run)(float *y, int64_t n, int f);
void LUB_VARIANT(lub_activate_back)(const float *x, const float *g, float *out, int64_t n, int f);
void LUB_VARIANT(lub_channel_sums)(const lub_channel_run *run, const float *shift, double *sum, double *squares);
void LUB_VARIANT(lub_channel_affine)(const lub_channel_run *run, const float *scale, const float *offset, float *out);
void LUB_VARIANT(lub_channel_gradient_sums)(const lub_channel_run *run, const float *g, const float *scale,
                                            const float *offset, double *sum, double *products);
void LUB_VARIANT(lub_channel_gradient)(const lub_channel_run *run, const float *g, const float *a, const float *b,
                                       const float *d, float *gx, bool adds);
int64_t LUB_VARIANT(lub_fma_rounds)(int64_t rounds, float *result);

#endif
