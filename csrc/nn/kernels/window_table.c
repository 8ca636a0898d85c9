#include "nn/kernels/window_variant.h"

const lub_window_kernels LUB_VARIANT(lub_window_kernels) = {
    .gather_patches = LUB_VARIANT(lub_gather_patches),
    .scatter_patches = LUB_VARIANT(lub_scatter_patches),
    .dot_rows = LUB_VARIANT(lub_dot_rows),
    .finish_rows = LUB_VARIANT(lub_finish_rows),
    .spread_gradient = LUB_VARIANT(lub_spread_gradient),
    .channelwise_row = LUB_VARIANT(lub_channelwise_row),
    .channelwise_gradient = LUB_VARIANT(lub_channelwise_gradient),
    .channelwise_scatter = LUB_VARIANT(lub_channelwise_scatter),
    .max_pixel = LUB_VARIANT(lub_max_pixel),
    .max_pixel_back = LUB_VARIANT(lub_max_pixel_back),
    .average_pixel = LUB_VARIANT(lub_average_pixel),
    .average_pixel_back = LUB_VARIANT(lub_average_pixel_back)};
