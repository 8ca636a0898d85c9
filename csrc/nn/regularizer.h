/* regularizer.h - penalties on weights, added to the loss: l1 sum |w|, l2 sum w^2. Names, options and
 * defaults are Keras': "l1" and "l2" have 0.01, "l1_l2" has 0 for both. Only weights that train are penalized. */
#ifndef LUB_NN_REGULARIZER_H
#define LUB_NN_REGULARIZER_H

#include "base/options.h"

extern const lub_object_kind lub_regularizer_kinds[];

/* A layer's option that holds a regularizer, none by default: `field` of the struct `owner` is a lub_object. */
#define LUB_REGULARIZER_OPTION(owner, field)                                                                           \
  {                                                                                                                    \
    .name = #field, .type = LUB_OPTION_OBJECT, .kinds = lub_regularizer_kinds, .offset = offsetof(owner, field),       \
    .nullable = true, .none = true                                                                                     \
  }

/* The penalty on n weights; 0 where the regularizer is NULL or none. */
double lub_penalty(const lub_object *regularizer, const float *w, int64_t n);

/* Adds the penalty's gradient to g: l1 sign(w) + 2 l2 w. */
void lub_penalty_gradient(const lub_object *regularizer, const float *w, float *g, int64_t n);

#endif
