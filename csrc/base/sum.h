/* sum.h - the one way in which anything is summed over a batch.
 *
 * A batch of n samples is cut into lub_shards(n) ranges that depend on n alone. Each
 * range is summed sample after sample by whichever thread claims it, and the ranges are added in
 * order. So the result has the same bits for any number of threads, and a data-parallel
 * trainer over several processes can join in here: it adds its shards in the same order. */
#ifndef LUB_BASE_SUM_H
#define LUB_BASE_SUM_H

#include <stdint.h>

#define LUB_MAX_SHARDS 16

/* How many ranges a batch of n >= 1 samples is cut into: at most `most` (1 .. LUB_MAX_SHARDS). */
int lub_shards(int64_t n, int most);

/* Range number `shard` of `shards`: samples *first .. *last - 1. */
void lub_shard_range(int64_t n, int shards, int shard, int64_t *first, int64_t *last);

/* out[i] = partial[0][i] + partial[1][i] + ... in this order, for first <= i < last;
 * partial[s] begins at partials + s * stride. out may be partials itself. */
void lub_sum_shards(float *out, const float *partials, int shards, int64_t stride, int64_t first, int64_t last);

/* The same for one double per shard (losses, counts). */
double lub_sum_doubles(const double *partials, int shards);

#endif
