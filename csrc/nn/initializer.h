/* initializer.h - how weights begin. Names, options and formulas are Keras'.
 *
 * glorot (Glorot and Bengio 2010), he (He et al. 2015) and lecun (LeCun et al. 1998) are variance_scaling with
 * scale 1, 2, 1 over the mean of fan_in and fan_out, fan_in, fan_in:
 *   uniform: in +-sqrt(3 scale / fan);
 *   normal: around 0 with the deviation sqrt(scale / fan), cut off at two deviations of what was not yet cut.
 * orthogonal (Saxe et al. 2014): rows or columns, whichever are fewer, are orthonormal, times gain; a weight of more
 * than two dimensions is a matrix of (all others, last). truncated_normal draws again what lies beyond two deviations.
 * An initializer with a seed gives the same numbers in every layer. */
#ifndef LUB_NN_INITIALIZER_H
#define LUB_NN_INITIALIZER_H

#include "base/error.h"
#include "base/options.h"
#include "base/shape.h"

/* The order is that of lub_initializer_kinds. */
typedef enum lub_initializer {
  LUB_GLOROT_UNIFORM,
  LUB_GLOROT_NORMAL,
  LUB_HE_UNIFORM,
  LUB_HE_NORMAL,
  LUB_LECUN_UNIFORM,
  LUB_LECUN_NORMAL,
  LUB_VARIANCE_SCALING,
  LUB_RANDOM_UNIFORM,
  LUB_RANDOM_NORMAL,
  LUB_TRUNCATED_NORMAL,
  LUB_ORTHOGONAL,
  LUB_ZEROS,
  LUB_ONES,
  LUB_CONSTANT
} lub_initializer;

extern const lub_object_kind lub_initializer_kinds[];

/* A layer's option that holds an initializer: `field` of the struct `owner` is a lub_object. */
#define LUB_INITIALIZER_OPTION(owner, field, which)                                                                    \
  {                                                                                                                    \
    .name = #field, .type = LUB_OPTION_OBJECT, .kinds = lub_initializer_kinds, .offset = offsetof(owner, field),       \
    .fallback = which                                                                                                  \
  }

/* An initializer with the defaults of its options. */
void lub_initializer_default(lub_initializer kind, lub_object *object);

/* What Keras takes for the fans of a weight of any shape that is no layer's kernel: the last two sizes, and all before
 * them as the places of a kernel; of one dimension, its size. */
void lub_fans_of(const lub_shape *shape, int64_t *fan_in, int64_t *fan_out);

/* Fills a weight of this shape; its numbers are a function of (object, shape, fans, key) alone. Fails where
 * the shape has less than the two dimensions that orthogonal needs, and where there is no memory. */
lub_status lub_initialize(const lub_object *object, float *value, const lub_shape *shape, int64_t fan_in,
                          int64_t fan_out, uint64_t key, lub_error *err);

#endif
