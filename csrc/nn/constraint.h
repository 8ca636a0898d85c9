/* constraint.h - what weights must obey, and are made to after each step of training. Names, options and defaults are
 * Keras', but that axes are counted from 1; the norm of a group is the root of its sum of squares, and a group is what
 * lies along the named axes:
 *   max_norm      w * clip(norm, 0, max_value) / (norm + 1e-7)
 *   min_max_norm  w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (norm + 1e-7)
 *   unit_norm     w / (norm + 1e-7)
 *   non_neg       max(w, 0)
 * Only weights that train are moved. */
#ifndef LUB_NN_CONSTRAINT_H
#define LUB_NN_CONSTRAINT_H

#include "base/error.h"
#include "base/options.h"

extern const lub_object_kind lub_constraint_kinds[];

/* A layer's option that holds a constraint, none by default: `field` of the struct `owner` is a lub_object. */
#define LUB_CONSTRAINT_OPTION(owner, field)                                                                            \
  {                                                                                                                    \
    .name = #field, .type = LUB_OPTION_OBJECT, .kinds = lub_constraint_kinds, .offset = offsetof(owner, field),        \
    .nullable = true, .none = true                                                                                     \
  }

/* Fails where the constraint (NULL or none: there is none) names an axis that a weight of this shape lacks, or one
 * twice. */
lub_status lub_check_constraint(const lub_object *constraint, const lub_shape *shape, lub_error *err);

/* Makes a weight of this shape obey; the constraint has been checked. */
void lub_constrain(const lub_object *constraint, const lub_shape *shape, float *w);

#endif
