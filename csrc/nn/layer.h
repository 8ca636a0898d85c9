/* layer.h - layers are descriptions: a kind, its options and its weights in Keras' layout.
 *
 * The weights here are the truth; stages (nn/stage.h) hold packed copies and make them anew when
 * `version` has moved on. Shapes are per sample, without the batch axis. A layer may stand in
 * several models, or twice in one: it keeps no shape but its weights'. */
#ifndef LUB_NN_LAYER_H
#define LUB_NN_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/options.h"
#include "base/shape.h"
#include "nn/activation.h"
#include "nn/constraint.h"
#include "nn/initializer.h"
#include "nn/regularizer.h"

#define LUB_MAX_PARAMS 8
#define LUB_MAX_INPUTS 32
#define LUB_NAME_SIZE 1024

typedef struct lub_layer lub_layer;

typedef struct lub_param {
  const char *name; /* "kernel", "bias", ... */
  lub_shape shape;
  lub_initializer initializer;
  const lub_object *initialized_by; /* an option of the layer that says so in its place, or NULL */
  const lub_object *regularizer;    /* an option of the layer, or NULL */
  const lub_object *constraint;     /* the same */
  int64_t fan_in, fan_out;          /* for the initializers that scale */
  bool trainable;          /* false: statistics that training moves by other means */
  float *value;
} lub_param;

/* What the options `o` of a layer say of its weight `which`, for a lub_param. */
#define LUB_OPTIONS_OF(which)                                                                                          \
  .initialized_by = &o->which##_initializer, .regularizer = &o->which##_regularizer, .constraint = &o->which##_constraint

/* One sample's way through one layer: what reference implementations work on. Arrays are dense,
 * row-major, channels last. Activations that an option names are not part of it: the stage applies them. */
typedef struct lub_pass {
  const lub_layer *layer;
  int ninputs;
  const lub_shape *in; /* inputs[] shapes */
  const lub_shape *out;
  const float *const *x;
  float *y;            /* forward writes it; backward reads it (before the activation only where that is linear) */
  const float *gy;     /* gradient with respect to y */
  float *const *gx;    /* of the inputs: added to; NULL where not wanted */
  float *const *gparam; /* of the params, in their layout: added to */
  float *saved;        /* the kind's saved_floats, which forward leaves for backward; also what both need as scratch */
  bool training;
  uint64_t key;        /* of this sample's random stream in this layer at this step */
  uint64_t shared_key; /* of the stream that all samples share */
  float *scratch;      /* as many floats as the kind's `scratch` says; nothing lasts in it from one call to the next */
} lub_pass;

/* Another layer as an option of a layer that wraps it: a description without weights. */
#define LUB_INNER_BYTES 1200

typedef struct lub_inner_layer {
  const struct lub_layer_kind *kind; /* NULL: none */
  _Alignas(8) unsigned char options[LUB_INNER_BYTES];
} lub_inner_layer;

#define LUB_MANY_INPUTS (-1)

/* A kind of layer: one struct of functions per file in nn/layers/. */
typedef struct lub_layer_kind {
  const char *name; /* Keras' class name */
  const lub_option *options;
  size_t options_size;
  int activation_at; /* offset of the activation's choice in the options; -1: it is always `activation` */
  lub_activation activation;
  int inputs;        /* how many inputs it takes; LUB_MANY_INPUTS: any number from 1 on */
  bool training_only; /* at inference it is the identity */
  /* Refuses options that do not fit together; may be NULL. */
  lub_status (*check)(const void *options, lub_error *err);
  /* The output's shape, or LUB_EARG with a message that begins with the kind's name in lower case. */
  lub_status (*output_shape)(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err);
  /* The same, in its place, for kinds with LUB_MANY_INPUTS: of n of them. */
  lub_status (*merged_shape)(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err);
  /* Declares the params for this input: names, shapes, initializers; returns how many. NULL: none. */
  int (*params)(const lub_layer *layer, const lub_shape *in, lub_param *params);
  /* Changes fresh weights where no initializer says it; may be NULL. */
  void (*begin)(lub_layer *layer);
  /* How many floats of lub_pass.saved a sample needs; NULL: none. */
  int64_t (*saved_floats)(const lub_layer *layer, const lub_shape *in);
  /* How many floats of scratch forward and backward want. NULL: none. */
  int64_t (*scratch)(const lub_layer *layer, const lub_shape *in, const lub_shape *out);
  /* The reference implementation. */
  void (*forward)(const lub_pass *pass);
  void (*backward)(const lub_pass *pass);
} lub_layer_kind;

struct lub_layer {
  const lub_layer_kind *kind;
  void *options;
  char name[LUB_NAME_SIZE]; /* "" until given */
  bool trainable;
  bool built;
  int nparams;
  lub_param param[LUB_MAX_PARAMS];
  uint64_t version; /* counts changes of the weights */
};

/* All kinds, NULL at the end; and one by name, or NULL. */
extern const lub_layer_kind *const lub_layer_kinds[];
const lub_layer_kind *lub_layer_kind_named(const char *name);

/* A layer with a copy of `options` (kind->options_size bytes); NULL where there is no memory. Free with
 * lub_layer_free. */
lub_layer *lub_layer_new(const lub_layer_kind *kind, const void *options);
void lub_layer_free(lub_layer *layer);

/* The output's shape for n inputs of these shapes; fails where the layer does not take that many. */
lub_status lub_layer_output_shape(const lub_layer *layer, const lub_shape *in, int n, lub_shape *out, lub_error *err);

/* Infers the output's shape from n input shapes and makes the weights where they are not made yet
 * (from `seed` and the param's number alone); where they are, checks that they fit. */
lub_status lub_layer_build(lub_layer *layer, const lub_shape *in, int n, uint64_t seed, lub_shape *out, lub_error *err);

/* How many weights lub_layer_build would make for this input, without making them; INT64_MAX where they overflow. */
int64_t lub_layer_needs(const lub_layer *layer, const lub_shape *in);

/* lub_layer_build without values, which costs time: whoever calls this sets every weight before anyone reads one. */
lub_status lub_layer_build_empty(lub_layer *layer, const lub_shape *in, lub_error *err);

/* The number of elements of a param, of all params, of those that train. */
int64_t lub_param_size(const lub_param *param);
int64_t lub_layer_count(const lub_layer *layer, bool trainable_only);

/* The activation behind the layer; LUB_LINEAR where its kind has none. */
lub_activation lub_layer_activation(const lub_layer *layer);

#endif
