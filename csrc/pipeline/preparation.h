/* preparation.h - batches for training, made from signals or features in memory while the step before runs.
 *
 * Row by row: the augmentations of the signal, its feature, the steps after the feature, the masks. Draws are a
 * function of a key, the row's number in the data set and the place of the augmentation; so a batch is the same
 * whoever makes it.
 *
 * A thread of the preparation's own begins with a batch at once. It leaves the pool (base/pool.h) to the training
 * step, and takes one row after the other; whoever then asks for the batch takes part with all threads in what is
 * left. */
#ifndef LUB_PIPELINE_PREPARATION_H
#define LUB_PIPELINE_PREPARATION_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/augment.h"
#include "feature/mask.h"
#include "feature/plan.h"
#include "feature/run.h"

/* A step after the feature: x * by; each run of `size` numbers standardized; or (x - mean) / scale, one by one. */
typedef enum lub_row_step_kind { LUB_ROW_SCALE, LUB_ROW_STANDARDIZE, LUB_ROW_AFFINE } lub_row_step_kind;

typedef struct lub_row_step {
  lub_row_step_kind kind;
  float by;
  int64_t size;
  const float *mean, *scale; /* as many as a row has numbers */
} lub_row_step;

/* What is made of what. All pointers must outlive the preparation. */
typedef struct lub_recipe {
  const float *x;       /* `rows` rows of `size` numbers: signals at sr Hz, or features */
  int64_t rows, size;
  int64_t first_row;    /* what row 0 is called in the draws */
  double sr;
  const lub_plan *plan; /* NULL: a row is made of itself */
  const lub_augmentation *augmentations;
  const lub_row_step *steps;
  const lub_mask *masks;
  int augmentation_count, step_count, mask_count;
  int64_t out_size;     /* numbers of a row that is made: coefficients x frames x depth */
  int64_t coefficients, frames, depth;
} lub_recipe;

typedef struct lub_preparation lub_preparation;

/* Without `background` (or where there is one thread only) nothing happens before somebody asks. Free with
 * lub_preparation_free, which joins the thread and waits for at most one row. */
lub_status lub_preparation_new(lub_preparation **out, const lub_recipe *recipe, bool background, lub_error *err);
void lub_preparation_free(lub_preparation *preparation);

/* Begins a batch of count rows (numbers from 0, copied), made at out[count][out_size]. LUB_EARG while one
 * is in the making. */
lub_status lub_preparation_begin(lub_preparation *preparation, const int64_t *rows, int64_t count, uint64_t key,
                                 float *out, lub_error *err);
/* Takes part for about 30 ms; *finished tells the end. A row that failed is told then (the first one in the batch). */
lub_status lub_preparation_advance(lub_preparation *preparation, bool *finished, lub_error *err);

/* out[i] = share[i] x[i] + (1 - share[i]) x[partner[i]], rows of `size` numbers; out is not x. */
void lub_mix_rows(const float *x, int64_t rows, int64_t size, const int64_t *partner, const float *share, float *out);

#endif
