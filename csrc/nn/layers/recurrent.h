/* recurrent.h - what LSTM, GRU and Bidirectional have in common: options, and the way through time.
 *
 * A recurrent layer takes (steps, features) and runs through the steps in one direction, or in two of them that are
 * merged. What happens at a step is its cell's part (lstm.c, gru.c); the weights of a direction are, as
 * in Keras, kernel (features, gates * units), recurrent_kernel (units, gates * units) and, with use_bias, bias. */
#ifndef LUB_NN_LAYERS_RECURRENT_H
#define LUB_NN_LAYERS_RECURRENT_H

#include "nn/layers/kinds.h"

/* The options struct of both kinds begins with this. */
typedef struct lub_recurrent_options {
  int64_t units;
  int activation, recurrent_activation;
  lub_object kernel_initializer, recurrent_initializer, bias_initializer;
  lub_object kernel_regularizer, recurrent_regularizer, bias_regularizer;
  lub_object kernel_constraint, recurrent_constraint, bias_constraint;
  double dropout, recurrent_dropout;
  bool use_bias, return_sequences, return_state, go_backwards, stateful, unroll;
} lub_recurrent_options;

/* What an option of activations says; None is linear. */
static inline lub_activation lub_recurrent_function(int choice) {
  return choice == LUB_NONE_CHOICE ? LUB_LINEAR : (lub_activation)choice;
}

typedef struct lub_lstm_options {
  lub_recurrent_options common;
  bool unit_forget_bias;
} lub_lstm_options;

typedef struct lub_gru_options {
  lub_recurrent_options common;
  bool reset_after;
} lub_gru_options;

/* `dropout` drops features of x by one mask for all steps of a sample. return_state, stateful and recurrent_dropout are
 * named in order to be refused; unroll changes nothing. */
#define LUB_RECURRENT_FLAG(field, value)                                                                               \
  { .name = #field, .type = LUB_OPTION_BOOL, .offset = offsetof(lub_recurrent_options, field), .fallback = value }
#define LUB_RECURRENT_CHOICE(field, value)                                                                             \
  {                                                                                                                    \
    .name = #field, .type = LUB_OPTION_CHOICE, .choices = lub_activation_names, .nullable = true,                      \
    .offset = offsetof(lub_recurrent_options, field), .fallback = value                                                \
  }
#define LUB_RECURRENT_RATE(field)                                                                                      \
  {                                                                                                                    \
    .name = #field, .type = LUB_OPTION_NUMBER, .offset = offsetof(lub_recurrent_options, field), .min = 0, .max = 1,   \
    .below_max = true                                                                                                  \
  }
#define LUB_RECURRENT_OPTIONS                                                                                          \
  {.name = "units",                                                                                                    \
   .type = LUB_OPTION_INT,                                                                                             \
   .offset = offsetof(lub_recurrent_options, units),                                                                   \
   .required = true,                                                                                                   \
   .min = 1,                                                                                                           \
   .max = 1 << 20},                                                                                                    \
      LUB_RECURRENT_CHOICE(activation, LUB_TANH), LUB_RECURRENT_CHOICE(recurrent_activation, LUB_SIGMOID),             \
      LUB_RECURRENT_FLAG(use_bias, 1),                                                                                 \
      LUB_INITIALIZER_OPTION(lub_recurrent_options, kernel_initializer, LUB_GLOROT_UNIFORM),                           \
      LUB_INITIALIZER_OPTION(lub_recurrent_options, recurrent_initializer, LUB_ORTHOGONAL),                            \
      LUB_INITIALIZER_OPTION(lub_recurrent_options, bias_initializer, LUB_ZEROS),                                      \
      LUB_REGULARIZER_OPTION(lub_recurrent_options, kernel_regularizer),                                               \
      LUB_REGULARIZER_OPTION(lub_recurrent_options, recurrent_regularizer),                                            \
      LUB_REGULARIZER_OPTION(lub_recurrent_options, bias_regularizer),                                                 \
      LUB_CONSTRAINT_OPTION(lub_recurrent_options, kernel_constraint),                                                 \
      LUB_CONSTRAINT_OPTION(lub_recurrent_options, recurrent_constraint),                                              \
      LUB_CONSTRAINT_OPTION(lub_recurrent_options, bias_constraint), LUB_RECURRENT_RATE(dropout),                      \
      LUB_RECURRENT_RATE(recurrent_dropout), LUB_RECURRENT_FLAG(return_sequences, 0),                                  \
      LUB_RECURRENT_FLAG(return_state, 0), LUB_RECURRENT_FLAG(go_backwards, 0), LUB_RECURRENT_FLAG(stateful, 0),       \
      LUB_RECURRENT_FLAG(unroll, 0)

/* Refuses what is not supported: an activation whose gradient is not found from its value, recurrent_dropout,
 * return_state, stateful. */
lub_status lub_recurrent_check(const char *kind, const lub_recurrent_options *options, lub_error *err);

enum { LUB_MERGE_CONCAT, LUB_MERGE_SUM, LUB_MERGE_MUL, LUB_MERGE_AVE, LUB_MERGE_NONE };

typedef struct lub_bidirectional_options {
  lub_inner_layer layer, backward_layer; /* the second: NULL, the first one backwards */
  int merge_mode;
} lub_bidirectional_options;

typedef struct lub_cell lub_cell;

typedef struct lub_direction {
  const lub_cell *cell;
  const lub_recurrent_options *options;
  int first_param;       /* of the layer's params */
  bool backwards;        /* from the last step of x to the first */
  uint32_t first_number; /* of its features in the layer's random stream */
} lub_direction;

/* All there is to know of a recurrent layer over an input. Outputs stand in the order in which steps are taken,
 * but for the second direction of two, whose outputs are turned around. */
typedef struct lub_recurrence {
  int count; /* 1 or 2 */
  lub_direction direction[2];
  int merge;
  bool sequences; /* every step's output, or the last one's alone */
  int64_t steps, features, units;
} lub_recurrence;

/* `in` may be NULL: steps and features are 0 then. */
lub_recurrence lub_recurrence_of(const lub_layer *layer, const lub_shape *in);

/* The step of x that step number t reads. */
static inline int64_t lub_recurrent_input(const lub_recurrence *r, int k, int64_t t) {
  return r->direction[k].backwards ? r->steps - 1 - t : t;
}

/* The number of the output that step number t writes; -1: none. */
static inline int64_t lub_recurrent_output(const lub_recurrence *r, int k, int64_t t) {
  if (!r->sequences) return t == r->steps - 1 ? 0 : -1;
  return k == 1 ? r->steps - 1 - t : t;
}

/* How many params a direction has. */
int lub_direction_params(const lub_direction *direction);

/* What each feature of a sample is multiplied with: 1, or 0 and 1 / (1 - dropout) while training. */
void lub_recurrent_mask(const lub_recurrence *r, int k, bool training, uint64_t key, float *mask);

/* The operations of all three kinds. */
lub_status lub_recurrent_output_shape(const lub_layer *layer, const lub_shape *in, lub_shape *out, lub_error *err);
int lub_recurrent_params(const lub_layer *layer, const lub_shape *in, lub_param *params);
void lub_recurrent_begin(lub_layer *layer);
int64_t lub_recurrent_saved_floats(const lub_layer *layer, const lub_shape *in);
void lub_recurrent_forward(const lub_pass *pass);
void lub_recurrent_backward(const lub_pass *pass);

/* === what happens at a step: the reference === */

typedef struct lub_step {
  const lub_recurrent_options *options;
  const lub_param *param; /* kernel, recurrent_kernel, bias */
  int64_t features, units;
  const float *x;      /* features */
  const float *before; /* the record of the step before */
  float *record;       /* what the step leaves: cell->record arrays of units, h first */
  float *scratch;      /* 8 arrays of units */
  /* the way back */
  float *gstate; /* cell->state arrays of units: gradient of the state behind this step, h first; turned into that
                    before it */
  float *gx;     /* features: written */
  float *const *gparam; /* added to */
} lub_step;

struct lub_cell {
  int gates, record, state;
  int (*bias_rows)(const lub_recurrent_options
                       *options); /* the bias is (rows, gates * units), or of one dimension where rows is 1 */
  void (*begin)(const lub_recurrent_options *options,
                lub_param *param); /* changes a direction's fresh weights; NULL: no */
  void (*step)(const lub_step *step);
  void (*step_back)(const lub_step *step);
};

extern const lub_cell lub_lstm_cell, lub_gru_cell;

/* out[u] += sum over i < n of x[i] * w[i][first + u] for u < width; w has `columns` columns. */
void lub_add_product(float *out, const float *x, int64_t n, const float *w, int64_t columns, int64_t first,
                     int64_t width);
/* Its way back: gw[i][first + u] += x[i] * g[u], gx[i] += sum over u of w[i][first + u] * g[u]. */
void lub_add_product_back(const float *g, const float *x, float *gx, int64_t n, const float *w, float *gw,
                          int64_t columns, int64_t first, int64_t width);

#endif
