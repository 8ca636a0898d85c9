/* stage.h - stages are how a plan computes what its layers say.
 *
 * A stage covers one layer, or several that a fast kernel fuses. It reads values (arrays that stages pass to
 * each other: dense, row-major, channels last, one sample after another) and writes one. It
 * holds packed copies of its layers' weights and renews them when a layer's version has moved on. */
#ifndef LUB_NN_STAGE_H
#define LUB_NN_STAGE_H

#include "nn/layer.h"

#define LUB_MAX_FUSED 5

typedef struct lub_stage lub_stage;

/* One call: `count` samples in a row, from number `sample` of the batch on. */
typedef struct lub_stage_pass {
  bool training;
  bool keeps;           /* backward will follow, in training or without: forward must save what that needs */
  uint64_t key;   /* of this step's random streams */
  int64_t sample;
  int64_t count;
  int64_t part;         /* of a kind that has parts: which one of them to do */
  int64_t band, bands;  /* of a kind that has bands: which of how many to do; bands is 0 where it is to do all */
  int threads;          /* how many may take part in a whole-batch stage */
  int64_t scratch_step; /* floats from one thread's scratch to the next one's */
  const float *x[LUB_MAX_INPUTS];
  float *y;
  const float *gy;
  float *gx[LUB_MAX_INPUTS]; /* added to; NULL where not wanted */
  bool stores;               /* of a kind that can: gx[0] holds nothing yet, and is to be written, not added to */
  void *saved;               /* count * saved_size bytes that forward leaves for backward */
  float *gradient;           /* gradient_size floats, packed as the stage likes: added to, sample after sample */
  void *scratch;             /* scratch_size bytes of this thread, aligned to LUB_ALIGN */
} lub_stage_pass;

typedef struct lub_stage_kind {
  const char *name;
  bool whole_batch; /* takes the batch in one call, and is parallel itself */
  bool stores_gradient; /* has one input, and heeds `stores` */
  /* In how many calls it takes a batch of `count` samples; parts are done in order, and the trainer may return to its
   * host between them. NULL: in one. */
  int64_t (*parts)(const lub_stage *stage, int64_t count);
  /* Into how many bands `threads` threads should cut the forward pass of one sample, so that they share it; bands are done
   * in any order, each with the scratch of its thread. 1: that does not pay. NULL: it cannot. */
  int64_t (*bands)(const lub_stage *stage, int threads);
  /* Renews packed weights; the trainer calls it before every pass. NULL: nothing is packed. */
  void (*pack)(lub_stage *stage);
  void (*forward)(const lub_stage *stage, const lub_stage_pass *pass);
  void (*backward)(const lub_stage *stage, const lub_stage_pass *pass);
  /* Adds a packed gradient to gparam[layer][param], which have the layers' own layout. */
  void (*add_gradient)(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]);
  /* After a training step's last backward, before the weights move: what the stage itself changes in its layers
   * (moving statistics). NULL: nothing. */
  void (*finish)(const lub_stage *stage);
  void (*free)(lub_stage *stage); /* what `state` holds; NULL: nothing */
} lub_stage_kind;

struct lub_stage {
  const lub_stage_kind *kind;
  int nlayers, ninputs;
  lub_layer *layer[LUB_MAX_FUSED];
  int number[LUB_MAX_FUSED];        /* the layers' numbers in the plan: they enter the random streams */
  uint64_t version[LUB_MAX_FUSED];  /* of the weights that are packed */
  lub_activation activation;        /* behind the (first) layer */
  int input[LUB_MAX_INPUTS], output; /* numbers of values */
  lub_shape *in, out; /* per sample; in[ninputs] is the plan's */
  int64_t gradient_size;
  size_t saved_size, scratch_size;
  void *state;
};

/* The key of the random stream of layer `number` for a sample at a step. */
uint64_t lub_stage_key(const lub_stage_pass *pass, int number, int64_t sample);

/* Any layer, by its kind's reference implementation. layer[0], number[0], in, out, activation are set. */
void lub_reference_stage(lub_stage *stage);

/* For stages of one layer whose packed gradient is the layer's own layout, param after param. */
void lub_reference_add_gradient(const lub_stage *stage, const float *gradient, float *const gparam[][LUB_MAX_PARAMS]);

/* A dense layer with many weights: the whole batch at once, through OpenBLAS. */
void lub_dense_stage(lub_stage *stage);

/* A model's final softmax or sigmoid over a value of this shape; it has no layer of its own. stage->in has room for
 * one. */
void lub_final_stage(lub_stage *stage, const lub_shape *shape, lub_activation final);

/* BatchNormalization while training, then perhaps relu, then perhaps MaxPooling1D or 2D (windows that tile), then
 * perhaps Dropout: layers[0..nlayers-1] in this order. It takes the whole batch. */
lub_status lub_batch_norm_stage(lub_stage *stage, lub_error *err);

/* Conv1D or Conv2D (stride 1, no dilation, no groups; linear or relu), then perhaps BatchNormalization (at
 * inference: folded into the weights), then perhaps relu, then perhaps MaxPooling1D or 2D (windows that tile), then
 * perhaps Dropout: layers[0..nlayers-1] in this order. `ties`: equal patches must give outputs that are equal to the
 * last bit. */
lub_status lub_conv_stage(lub_stage *stage, bool ties, lub_error *err);

/* Conv1D or Conv2D of any kernel, stride, dilation, groups, padding and activation; or of a SeparableConv2D the half
 * that mixes channels. */
lub_status lub_window_conv_stage(lub_stage *stage, lub_error *err);

/* Whether a convolution has so many weights for its output pixels that they should be read once for many pixels, and
 * their gradient summed once for the whole batch, as that stage does. */
#define LUB_FEW_PIXELS 48
bool lub_has_many_weights(int64_t pixels, int64_t weights);

/* DepthwiseConv2D, the depthwise half of a SeparableConv2D (then without bias and activation), or a convolution of
 * many small groups, for which lub_is_channelwise says that lanes go to channels rather than to a group's filters. */
bool lub_is_channelwise(const lub_layer *layer);
lub_status lub_channelwise_stage(lub_stage *stage, lub_error *err);

/* MaxPooling and AveragePooling, 1D and 2D, of any window. */
bool lub_is_window_pool(const lub_layer *layer);
lub_status lub_window_pool_stage(lub_stage *stage, lub_error *err);

#endif
