/* window.h - windows that slide over one or two axes: what convolutions and pools share.
 *
 * A layer over one axis, (T, C), is computed as one over an image of height 1, (1, T, C). */
#ifndef LUB_NN_LAYERS_WINDOW_H
#define LUB_NN_LAYERS_WINDOW_H

#include "nn/layers/kinds.h"

/* The order is that of lub_padding_names; CAUSAL is for Conv1D alone. */
enum { LUB_VALID, LUB_SAME, LUB_CAUSAL };
extern const char *const lub_padding_names[];        /* valid, same */
extern const char *const lub_causal_padding_names[]; /* and causal */

/* One axis of a window, as Keras and TensorFlow cut it:
 * valid: out = floor((in - extent) / stride) + 1 with extent = dilation * (size - 1) + 1, or 0 where it does not fit;
 * same: out = ceil(in / stride), `before` zeros in front so that the rest of the padding comes behind;
 * causal: out = ceil(in / stride), all zeros in front. */
typedef struct lub_window {
  int64_t in, size, stride, dilation, out, before;
} lub_window;
lub_window lub_window_over(int64_t in, int64_t size, int64_t stride, int64_t dilation, int padding);

typedef struct lub_windows {
  lub_window h, w;
} lub_windows;

/* The windows over a sample (H, W, C) or (T, C), from the numbers of its one or two axes. dilation may be NULL. */
lub_windows lub_windows_over(const lub_shape *in, const int64_t *size, const int64_t *strides, const int64_t *dilation,
                             int padding);

/* The shape of (h.out, w.out, channels), in as many dimensions as `in` has. */
lub_shape lub_windows_shape(const lub_windows *windows, const lub_shape *in, int64_t channels);

/* Fails with "conv2d: a kernel of 3x3 does not fit into an input of 2x9" where there is no output. */
lub_status lub_windows_check(const lub_windows *windows, const lub_shape *in, const char *layer, const char *what,
                             lub_error *err);

/* What one element (tap) of the window meets along one output row: output columns first .. last - 1, and the input
 * pixel (row * width + column) under the first; the next one lies w.stride pixels on. */
typedef struct lub_span {
  int64_t first, last, pixel;
} lub_span;

/* Tap (i, j) along output row `row`; an empty span where all of it is padding. */
lub_span lub_span_of(const lub_windows *windows, int64_t row, int64_t i, int64_t j);

#endif
