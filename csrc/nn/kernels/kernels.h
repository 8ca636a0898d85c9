/* kernels.h - the table of hot loops behind the convolution stage and the recurrent one.
 *
 * The files of this folder are compiled once per CPU variant (base/simd.h). Everywhere one lane is one channel, so an
 * element's terms are added in an order that no vector length changes.
 *
 * A "row" is a run of pixels, each `lanes` floats long: the channels, padded with zeros to a multiple of
 * `vector`. Packed weights stand in blocks of at most 2 vectors of lanes: for every block, for every run, for every
 * l < length, the block's lanes; lub_packed_at gives the place. */
#ifndef LUB_NN_KERNELS_KERNELS_H
#define LUB_NN_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/kernels/window.h"

/* Pooling, activation and dropout behind a row of convolution. */
typedef struct lub_pool_row {
  const float *const *rows; /* pool_h rows of columns * pool_w pixels */
  int64_t columns;          /* output pixels */
  int64_t channels, lanes;
  int pool_h, pool_w;       /* at most 254 elements */
  const float *bias;        /* lanes floats */
  bool relu;
  uint32_t threshold;       /* dropout: an element lives where lub_hash32(key, first + i) >= threshold */
  uint64_t key;
  uint32_t first;           /* number of the row's first element within the sample */
  float scale;              /* 1 / (1 - rate) */
  float *y;                 /* columns * channels, dense */
  uint8_t *argmax;          /* the same: which element of the window the gradient goes to; LUB_NO_GRADIENT: none; NULL:
                             * not wanted */
} lub_pool_row;

#define LUB_NO_GRADIENT 255

/* `edge` rows of convolution by a square kernel, as tiles of edge x edge outputs: see kernels/winograd.c. */
typedef struct lub_winograd_row {
  int kernel;               /* 2 or 3 */
  int edge;                 /* 2; or 4 for a 2x2 kernel and a pool */
  int64_t tiles;
  int64_t channels, lanes;  /* of the input, whose pixels stand side by side; of the output */
  const float *const *in;   /* edge + kernel - 1 rows */
  const float *weights;     /* ((edge + kernel - 1)^2, channels) terms, packed */
  float *scratch;           /* lub_winograd_scratch floats */
  const lub_pool_row *pool; /* of 2x2 windows, which replaces `out`; its `rows` are not used. Two rows of windows stand
                             * one behind the other */
  float *const *out;        /* two rows of 2 * tiles pixels */
} lub_winograd_row;

/* The way back of one sample through a pooled convolution, for those outputs alone whose gradient lives: one of each
 * window, less what relu and dropout took. Here lanes are elements of the patch of input under
 * one pixel of convolution: kernel_h runs of `length` floats, in memory `run` floats long (a multiple of LUB_RUN). */
typedef struct lub_sparse {
  int64_t rows, columns, channels; /* of the output */
  int pool_h, pool_w;
  int64_t kernel_h, run;
  int64_t step, line;      /* floats from one pixel of the input to the next, and from one row to the next */
  const float *gy;         /* rows * columns * channels */
  const uint8_t *argmax;
  float scale;
  const float *x;          /* the input, readable for whole runs */
  float *gx;               /* the same geometry, writable for whole runs: added to; NULL: not wanted */
  const float *weights;    /* (channels, kernel_h, run) */
  float *gradient;         /* the same: added to */
  float *bias_gradient;    /* (channels): added to */
  int32_t *offset;         /* scratch: lub_sparse_list_floats */
  float *value;            /* scratch: as many */
} lub_sparse;

/* How many rows of the output go together: so many that the input under them stays in the first-level cache, and its
 * gradient. */
static inline int64_t lub_sparse_rows(const lub_sparse *s) {
  enum { FLOATS = 8192 };
  const int64_t rows = (FLOATS / s->line - s->kernel_h + 1) / s->pool_h;
  return rows < 1 ? 1 : rows < s->rows ? rows : s->rows;
}

/* A list of n entries is written a vector at a time. */
static inline int64_t lub_sparse_room(int64_t n) { return n + 16; }
/* Lists of 16 channels, and the two that say in which order they go. */
static inline int64_t lub_sparse_list_floats(const lub_sparse *s) {
  return 18 * lub_sparse_room(lub_sparse_rows(s) * s->columns);
}

#define LUB_RUN 16

/* The kernel's gradient where it has few terms, in a register each; lanes are output channels. */
typedef struct lub_few_terms {
  int64_t columns, channels, lanes;
  int pool_h, pool_w, terms; /* at most LUB_FEW_TERMS */
  int64_t step, line;        /* as above */
  const int32_t *at;         /* where each term lies in the patch */
  const float *x;            /* under the first pixel of the row */
  const float *gy;           /* columns * channels */
  const uint8_t *argmax;     /* NULL: each output is of one pixel, the gradient of which lives */
  float scale;
  float *gradient;           /* (terms, lanes): added to */
  float *bias_gradient;      /* (lanes): added to */
} lub_few_terms;

#define LUB_FEW_TERMS 12

/* One step of `rows` samples through the gates of a recurrent layer. Every array has `lanes` floats per unit's worth:
 * the units, padded with zeros to a multiple of 16. Gates stand side by side, 4 * lanes floats per sample:
 *   LSTM: i, f, c, o.
 *   GRU (reset_after): z, r, what the candidate takes from x, and what it takes from h before it is reset.
 * The way there turns sums into gates in place (GRU's second gets the candidate); the way back reads them so. */
typedef struct lub_gate_step {
  int64_t rows, lanes;
  int64_t stride;                       /* floats from one sample's h to the next */
  int activation, recurrent_activation; /* of lub_activation: linear, relu, (hard_)sigmoid, tanh */
  float *gates;
  const float *h_before;
  float *h_after;
  const float *c_before; /* LSTM: the cells, rows * lanes */
  float *c_after;
  const float *gh;       /* gradient of h_after, rows * lanes */
  float *carry;          /* in and out: LSTM: gradient of the cell; GRU: what goes to h_before past the gates */
  float *gz;             /* gradient of the sums that went into the gates */
} lub_gate_step;

/* Channels of a run of pixels: x is dense, (pixels, channels); arrays by channel hold `lanes` floats. */
typedef struct lub_channel_run {
  int64_t pixels, channels, lanes;
  const float *x;
} lub_channel_run;

typedef struct lub_nn_kernels {
  int vector; /* floats per vector */
  /* out[p][lane] = sum over r < runs, l < length of in[r][p * step + l] * weights[r][l][lane] for p < pixels;
   * out's pixels are `lanes` floats long. */
  void (*convolve_row)(float *out, int64_t pixels, int64_t lanes, const float *const *in, int64_t runs, int64_t length,
                       int64_t step, const float *weights);
  /* gradient[r][l][lane] += sum over p < pixels of in[r][p * step + l] * g[p][lane], packed like the weights. */
  void (*add_kernel_gradient)(float *gradient, const float *g, int64_t pixels, int64_t lanes, const float *const *in,
                              int64_t runs, int64_t length, int64_t step);
  void (*pool_row)(const lub_pool_row *row);
  void (*winograd_row)(const lub_winograd_row *row);
  /* A row of 2x2 windows over the convolution of kernel + 1 rows of one channel; kernel: 2 or 3; no row->rows. */
  void (*single_channel_row)(const lub_pool_row *row, const float *const *in, int kernel, const float *weights);
  /* The way back: writes every element of g[i] (pool_h rows of columns * pool_w pixels, `lanes` floats each)
   * from gy (dense), and adds gy * scale to bias_gradient (NULL: not wanted) where it lives. */
  void (*unpool_row)(const lub_pool_row *row, const float *gy, float *const *g, float *bias_gradient);
  void (*sparse_backward)(const lub_sparse *sample);
  void (*few_terms_gradient)(const lub_few_terms *row);
  void (*lstm_step)(const lub_gate_step *step);
  void (*lstm_step_back)(const lub_gate_step *step);
  void (*gru_step)(const lub_gate_step *step);
  void (*gru_step_back)(const lub_gate_step *step);
  /* sum[c] += x - shift[c], squares[c] += (x - shift[c])^2 over the run. */
  void (*channel_sums)(const lub_channel_run *run, const float *shift, double *sum, double *squares);
  /* out[p][lane] = x * scale + offset; out's pixels are `lanes` floats long. */
  void (*channel_affine)(const lub_channel_run *run, const float *scale, const float *offset, float *out);
  /* sum[c] += g, products[c] += g * (x * scale + offset) over the run; g's pixels are `lanes` floats long. */
  void (*channel_gradient_sums)(const lub_channel_run *run, const float *g, const float *scale, const float *offset,
                                double *sum, double *products);
  /* gx = a * g + b * x + d by channel, or gx += that; gx is dense. */
  void (*channel_gradient)(const lub_channel_run *run, const float *g, const float *a, const float *b, const float *d,
                           float *gx, bool adds);
  const lub_window_kernels *window; /* convolutions and pools of any window */
  /* Multiply-adds in registers alone, for benchmarks: returns how many floating-point operations these rounds took. */
  int64_t (*fma_rounds)(int64_t rounds, float *result);
  /* y = f(y) of n numbers, in place; f of lub_activation: tanh, sigmoid, elu, selu, gelu, silu or softplus. */
  void (*activate)(float *y, int64_t n, int f);
  /* out = g * f'(x) for gelu and silu, from y = f(x) in x's place for softplus. out may be g. */
  void (*activate_back)(const float *x, const float *g, float *out, int64_t n, int f);
} lub_nn_kernels;

/* The table for the CPU variant in use. */
const lub_nn_kernels *lub_nn_kernels_now(void);

/* Where element (run, l, lane) stands in packed weights of `lanes` lanes and runs * length terms each. */
int64_t lub_packed_at(int64_t terms, int64_t term, int64_t lanes, int64_t lane, int vector);

/* Floats of lub_winograd_row's scratch, for any variant. */
int64_t lub_winograd_scratch(int kernel, int edge, int64_t channels);

#endif
