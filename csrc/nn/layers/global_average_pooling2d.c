/* GlobalAveragePooling2D: the mean over height and width of each channel; (H, W, C) -> (C). */
#include "nn/layers/kinds.h"

static lub_status output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err) {
  (void)layer;
  lub_status status = lub_check_input("global_average_pooling2d", in, 3, "(N, H, W, C)", err);
  if (status == LUB_OK) *out = (lub_shape){.ndim = 1, .dim = {in->dim[2]}};
  return status;
}

static void forward(const lub_pass *pass) {
  int64_t pixels = pass->in->dim[0] * pass->in->dim[1], channels = pass->in->dim[2];
  float scale = 1 / (float)pixels;
  for (int64_t c = 0; c < channels; c++) pass->y[c] = 0;
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t c = 0; c < channels; c++) pass->y[c] += pass->x[0][p * channels + c];
  for (int64_t c = 0; c < channels; c++) pass->y[c] *= scale;
}

static void backward(const lub_pass *pass) {
  if (!pass->gx[0]) return;
  int64_t pixels = pass->in->dim[0] * pass->in->dim[1], channels = pass->in->dim[2];
  float scale = 1 / (float)pixels;
  for (int64_t p = 0; p < pixels; p++)
    for (int64_t c = 0; c < channels; c++) pass->gx[0][p * channels + c] += pass->gy[c] * scale;
}

static const lub_option options[] = {LUB_OPTIONS_END};

const lub_layer_kind lub_global_average_pooling2d_kind = {.name = "GlobalAveragePooling2D",
                                                          .options = options,
                                                          .activation_at = -1,
                                                          .inputs = 1,
                                                          .output_shape = output_shape,
                                                          .forward = forward,
                                                          .backward = backward};
