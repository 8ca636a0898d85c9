/* window_conv.h - what the files of the stage for convolutions of any window share.
 *
 * A convolution is a product of matrices: patches (what lies under the window, a row per output pixel) times weights.
 * Patches are made in blocks that stay in the cache; where the window never overlaps or few filters use
 * them, the image itself serves. Each group is a convolution of its own. */
#ifndef LUB_NN_STAGES_WINDOW_CONV_H
#define LUB_NN_STAGES_WINDOW_CONV_H

#include "nn/kernels/kernels.h"
#include "nn/layers/window.h"
#include "nn/stage.h"

/* Every choice rests on shapes alone, never on the CPU, so that every CPU that fuses multiply and add gives
 * the same bits. */
typedef struct window_conv {
  const lub_nn_kernels *kernels;
  lub_windows win;
  int kernel;                                 /* which of the layer's weights; its bias, if any, is the next one */
  int64_t channels, filters, groups, in, out; /* in, out: channels and filters of a group */
  int64_t pixels, terms, wide_terms;          /* of the output; of a patch; in whole LUB_RUNs */
  int64_t lanes;                              /* a group's filters in whole vectors */
  int64_t block;                              /* patches at a time */
  lub_patches patches;                        /* of the image; with groups: to be moved by group * in */
  int64_t image_height, image_width;
  bool padded;    /* the input is copied into an image with a border */
  bool pointwise; /* patches are the input's pixels as they are */
  bool direct;    /* forward and the weights' gradient read the image, row by row */
  bool dots;      /* few filters: forward by dot products, over weights (out, wide_terms) */
  bool turned;    /* the gradient is kept as (out, wide_terms): its lanes are terms */
  bool whole;     /* many weights: the batch at once, so that their gradient is in memory once */
  int64_t together; /* whole: samples that go through together, where one alone has few pixels */
  float *forward_weights;  /* groups of (terms, lanes), packed; or (out, wide_terms) */
  float *backward_weights; /* groups of (out, wide_terms), packed */
  float *bias;             /* groups of lanes */
} window_conv;

/* Floats of the image with its border; 0 where the input is not copied. */
int64_t lub_window_conv_image_floats(const window_conv *s);
/* What is saved of sample i: its image; what went into its activation or, later (whole), its gradient. */
float *lub_window_conv_saved_image(const window_conv *s, const lub_stage_pass *pass, int64_t i);
float *lub_window_conv_kept(const lub_stage *stage, const lub_stage_pass *pass, int64_t i);
/* The patches from `first` on of the image, which begins at a group's first channel; made in `block` where they do not
 * stand in the image. *step: floats from one to the next. */
const float *lub_window_conv_patches(const window_conv *s, const float *image, int64_t first, int64_t n, float *block,
                                     int64_t *step);
/* Where the runs of an output row begin. */
void lub_window_conv_runs(const window_conv *s, const float *image, int64_t row, const float **runs);

int64_t lub_window_conv_parts(const lub_stage *stage, int64_t count);
void lub_window_conv_part(const lub_stage *stage, const lub_stage_pass *pass, int64_t *first, int64_t *last);

int64_t lub_window_conv_gradient_floats(const window_conv *s);
int64_t lub_window_conv_backward_scratch(const lub_stage *stage, const window_conv *s);
void lub_window_conv_backward(const lub_stage *stage, const lub_stage_pass *pass);
void lub_window_conv_add_gradient(const lub_stage *stage, const float *gradient,
                                  float *const gparam[][LUB_MAX_PARAMS]);

#endif
