#include "base/simd.h"
#include "nn/kernels/variant.h"
#include "nn/kernels/window_variant.h"

const lub_nn_kernels LUB_VARIANT(lub_nn_kernels) = {.vector = VL,
                                                    .convolve_row = LUB_VARIANT(lub_convolve_row),
                                                    .add_kernel_gradient = LUB_VARIANT(lub_add_kernel_gradient),
                                                    .pool_row = LUB_VARIANT(lub_pool_row_forward),
                                                    .winograd_row = LUB_VARIANT(lub_winograd_row),
                                                    .single_channel_row = LUB_VARIANT(lub_single_channel_row),
                                                    .unpool_row = LUB_VARIANT(lub_unpool_row),
                                                    .sparse_backward = LUB_VARIANT(lub_sparse_backward),
                                                    .few_terms_gradient = LUB_VARIANT(lub_few_terms_gradient),
                                                    .lstm_step = LUB_VARIANT(lub_lstm_step),
                                                    .lstm_step_back = LUB_VARIANT(lub_lstm_step_back),
                                                    .gru_step = LUB_VARIANT(lub_gru_step),
                                                    .gru_step_back = LUB_VARIANT(lub_gru_step_back),
                                                    .activate = LUB_VARIANT(lub_activate_run),
                                                    .activate_back = LUB_VARIANT(lub_activate_back),
                                                    .channel_sums = LUB_VARIANT(lub_channel_sums),
                                                    .channel_affine = LUB_VARIANT(lub_channel_affine),
                                                    .channel_gradient_sums = LUB_VARIANT(lub_channel_gradient_sums),
                                                    .channel_gradient = LUB_VARIANT(lub_channel_gradient),
                                                    .fma_rounds = LUB_VARIANT(lub_fma_rounds),
                                                    .window = &LUB_VARIANT(lub_window_kernels)};
