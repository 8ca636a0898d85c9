/* pooling.h - what the pools over windows, and the global ones, share. */
#ifndef LUB_NN_LAYERS_POOLING_H
#define LUB_NN_LAYERS_POOLING_H

#include "nn/layers/window.h"

/* Of pools over one axis (the first numbers) or two; the fast stage reads it too. */
typedef struct lub_pool_options {
  int64_t pool_size[2], strides[2]; /* strides: LUB_NONE_INT means pool_size */
  int padding;
} lub_pool_options;

#define LUB_POOL_OPTIONS(rank)                                                                                       \
  {.name = "pool_size", .type = LUB_OPTION_INTS, .count = rank, .offset = offsetof(lub_pool_options, pool_size),     \
   .fallback = 2, .min = 1, .max = 1 << 20},                                                                         \
      {.name = "strides", .type = LUB_OPTION_INTS, .count = rank, .offset = offsetof(lub_pool_options, strides),     \
       .nullable = true, .none = true, .min = 1, .max = 1 << 20},                                                    \
      {.name = "padding", .type = LUB_OPTION_CHOICE, .choices = lub_padding_names,                                   \
       .offset = offsetof(lub_pool_options, padding)},                                                               \
      LUB_OPTIONS_END

lub_windows lub_pool_windows(const lub_layer *layer, const lub_shape *in);
lub_status lub_pool_output_shape(const char *name, const lub_layer *layer, const lub_shape *in, lub_shape *out,
                                 lub_error *err);

/* Both ways back want scratch: a gradient per output. */
int64_t lub_pool_scratch(const lub_layer *layer, const lub_shape *in, const lub_shape *out);
void lub_max_pool_forward(const lub_pass *pass);
void lub_max_pool_gradients(const lub_pass *pass);
void lub_average_pool_forward(const lub_pass *pass);
void lub_average_pool_gradients(const lub_pass *pass);

/* Global pools: over all of (T, C) or (H, W, C); the output is (C), or with keepdims (1, C) or (1, 1, C). */
typedef struct lub_global_pool_options {
  bool keepdims;
} lub_global_pool_options;

#define LUB_GLOBAL_POOL_OPTIONS                                                                                      \
  {.name = "keepdims", .type = LUB_OPTION_BOOL, .offset = offsetof(lub_global_pool_options, keepdims)}, LUB_OPTIONS_END

lub_status lub_global_pool_output_shape(const char *name, const char *expected, int rank, const lub_layer *layer,
                                        const lub_shape *in, lub_shape *out, lub_error *err);
void lub_global_average_forward(const lub_pass *pass);
void lub_global_average_gradients(const lub_pass *pass);
void lub_global_max_forward(const lub_pass *pass);
void lub_global_max_gradients(const lub_pass *pass);

#endif
