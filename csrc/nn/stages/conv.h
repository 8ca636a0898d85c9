/* conv.h - what the files of the convolution stage share. */
#ifndef LUB_NN_STAGES_CONV_H
#define LUB_NN_STAGES_CONV_H

#include "nn/kernels/kernels.h"
#include "nn/stage.h"

/* How the way back is computed. The choice rests on shapes alone, never on the CPU, so that every CPU that fuses
 * multiply and add gives the same bits. */
typedef enum conv_way {
  CONV_DENSE,     /* rows of gradient, as dense as the rows of convolution; the input's perhaps by Winograd's tiles */
  CONV_FEW_TERMS, /* a kernel of few terms: its gradient in registers; the input's, if wanted, as for CONV_DENSE */
  CONV_SPARSE     /* what lives behind a pool */
} conv_way;

/* How the way there is computed. */
typedef enum conv_forward {
  CONV_ROWS,     /* rows of convolution, then the pool */
  CONV_SINGLE,   /* one channel behind a small kernel, in registers with the 2x2 pool */
  CONV_WINOGRAD, /* tiles by kernels/winograd.c: the windows of a 2x2 pool, or two rows without a pool */
} conv_forward;

typedef struct conv_state {
  const lub_nn_kernels *kernels;
  conv_way way;
  conv_forward forward;
  int64_t height, width, channels;    /* input */
  int64_t above, left;                /* zeros before the first row and column ("same") */
  int64_t padded_height, padded_width;
  int64_t kernel_h, kernel_w;
  int64_t conv_width;                 /* columns of convolution */
  int64_t rows, columns, filters;     /* output */
  int pool_h, pool_w;
  int norm;                           /* which of the stage's layers is a BatchNormalization; -1: none */
  int dropout;                        /* which of the stage's layers drops; -1: none */
  double rate;
  int64_t lanes_in, lanes_out;        /* channels and filters in whole vectors */
  int64_t run;                        /* CONV_SPARSE: kernel_w * channels in whole LUB_RUNs */
  bool copies;                        /* the input is copied, to have a border or room behind its last row */
  float *forward_weights;             /* terms (kh, kw, c), lanes of filters */
  float *winograd_weights;            /* terms (kh + 1, kw + 1, c), lanes of filters; if CONV_WINOGRAD */
  float *wide_weights;                /* the same of tiles of 4x4 outputs, terms (5, 5, c); NULL: not that way, as where
                                       * equal patches must give equal outputs, which only a window's own tile does */
  float *winograd_back_weights;       /* terms (kh + 1, kw + 1, filters in lanes) of the turned kernel, lanes of channels;
                                       * if dense and without a pool, else NULL */
  float *backward_weights;            /* terms (kh, kw turned, filters in lanes), lanes of channels; not if sparse
                                       * or by Winograd's tiles */
  float *patch_weights;               /* (filters, kh, run); if sparse */
  float *bias, *scale;                /* by lane of filters */
} conv_state;

/* Renews the packed weights where they are stale. */
void lub_conv_pack(lub_stage *stage);

/* Floats of the input's copy; 0 where it is not copied. */
int64_t lub_conv_image_floats(const conv_state *s);
/* The input as the kernels want it: x itself, or its copy in `image`. */
const float *lub_conv_image(const conv_state *s, const float *x, float *image);

/* Whether outputs say where their gradients go: without relu, pool and dropout each goes to its one pixel. */
bool lub_conv_keeps_places(const lub_stage *stage);

/* The pool's row without its arrays: dropout's stream is that of this sample. */
lub_pool_row lub_conv_pool_row(const lub_stage *stage, const lub_stage_pass *pass, int64_t sample);

size_t lub_conv_backward_scratch(const conv_state *s);
int64_t lub_conv_gradient_floats(const conv_state *s);
void lub_conv_backward(const lub_stage *stage, const lub_stage_pass *pass);
void lub_conv_add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]);

#endif
