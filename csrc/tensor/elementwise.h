/* elementwise.h - arithmetic element by element, and comparisons. NaN and infinity are treated as NumPy does.
 *
 * Results are new memory: `out` is without gaps and shares nothing with the operands. */
#ifndef LUB_TENSOR_ELEMENTWISE_H
#define LUB_TENSOR_ELEMENTWISE_H

#include "tensor/tensor.h"

typedef enum lub_binary_op {
  LUB_ADD,
  LUB_SUB,
  LUB_MUL,
  LUB_DIV,
  LUB_POW,
  LUB_MAXIMUM, /* NaN where either is */
  LUB_MINIMUM
} lub_binary_op;

typedef enum lub_unary_op { LUB_NEG, LUB_ABS, LUB_SQRT, LUB_EXP, LUB_LOG } lub_unary_op;

/* out = a op b; out has the shape that lub_broadcast_shapes gives for a and b. */
void lub_binary(lub_binary_op op, const lub_tensor *out, const lub_tensor *a, const lub_tensor *b);

/* out = op(in), of in's shape. */
void lub_unary(lub_unary_op op, const lub_tensor *out, const lub_tensor *in);

/* out = min(max(in, low), high), of in's shape; NaN stays NaN. */
void lub_clamp(const lub_tensor *out, const lub_tensor *in, float low, float high);

/* Whether a and b have the same shape and equal elements (NaN equals nothing). */
bool lub_tensor_equal(const lub_tensor *a, const lub_tensor *b);

/* Whether |a - b| <= atol + rtol * |b| for all elements, in double; equal infinities are close; NaN is close
 * to NaN where equal_nan. a and b have shapes that broadcast. */
bool lub_tensor_close(const lub_tensor *a, const lub_tensor *b, double rtol, double atol, bool equal_nan);

/* Whether any element is NaN; whether none is NaN or infinite. */
bool lub_tensor_has_nan(const lub_tensor *t);
bool lub_tensor_finite(const lub_tensor *t);

#endif
