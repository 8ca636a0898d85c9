/* axes.h - axes that a layer's options name, and the way through a sample by them.
 *
 * Options count axes as Keras does, but from 1: the batch's is 1, a sample's first one 2; negative ones count from the
 * last, which is -1. */
#ifndef LUB_NN_LAYERS_AXES_H
#define LUB_NN_LAYERS_AXES_H

#include "nn/layers/kinds.h"

/* Which axis of a sample (from 0) an option names, where it names one. */
int lub_axis_at(int64_t axis, const lub_shape *in);
bool lub_is_last_axis(int64_t axis, const lub_shape *in);

/* Fails unless the option names an axis of the sample: "softmax: axis must be 2 to 3, or -1 to -2, for samples of
 * (5, 4); got 1 (1 is the batch)". */
lub_status lub_check_axis(const char *layer, int64_t axis, const lub_shape *in, lub_error *err);

/* The same of each of several, of which none may be named twice; and the input must have an axis at least, none of them
 * of size 0. */
lub_status lub_check_axes(const char *layer, const lub_shape *axes, const lub_shape *in, lub_error *err);

/* A sample cut into groups along some of its axes. A group's elements are in the order in which they lie, whatever
 * the order in which the option names the axes. */
typedef struct lub_groups {
  int64_t count, size;     /* groups, and elements of each */
  bool together;           /* they lie one behind the other: group g begins at g * size */
  lub_shape along, across; /* sizes of the axes within a group, and of the others */
  int64_t along_step[LUB_MAX_DIMS], across_step[LUB_MAX_DIMS];
} lub_groups;

/* `axes` have been checked. */
lub_groups lub_groups_of(const lub_shape *axes, const lub_shape *in);

/* Copies group g of a sample to `row`, and back: adding to what is there or not. */
void lub_gather(const lub_groups *groups, int64_t g, const float *sample, float *row);
void lub_scatter(const lub_groups *groups, int64_t g, const float *row, float *sample);
void lub_scatter_add(const lub_groups *groups, int64_t g, const float *row, float *sample);

/* The sum of the squares of group g, and the group times a factor, in place. */
double lub_group_squares(const lub_groups *groups, int64_t g, const float *sample);
void lub_group_scale(const lub_groups *groups, int64_t g, float factor, float *sample);

/* Rows along the last axis of a sample, and where in a smaller array that is spread over it each finds its own: of the
 * same number of axes, each of the sample's size or of size 1, where all along it read the same. */
typedef struct lub_spread {
  const lub_shape *over, *own;
  int64_t at[LUB_MAX_DIMS];
  int64_t width, place, step; /* element j of the row reads place + j * step */
} lub_spread;

lub_spread lub_spread_begin(const lub_shape *own, const lub_shape *over);
void lub_spread_next(lub_spread *spread);

#endif
