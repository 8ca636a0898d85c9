/* extraction.h - from recordings to one tensor of features, in parallel over recordings.
 *
 * Item i gives row i, whatever fails elsewhere. Each thread loads (audio/load.h), brings to length, treats
 * (audio/treatment.h: filters and the like) and analyses (feature/plan.h) one recording at a time, in buffers that it
 * keeps: memory grows with the features, not with the audio. Nothing here depends on the number of threads. */
#ifndef LUB_PIPELINE_EXTRACTION_H
#define LUB_PIPELINE_EXTRACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/treatment.h"
#include "base/shape.h"
#include "feature/plan.h"
#include "feature/run.h"
#include "pipeline/intake.h"

typedef struct lub_extraction_options {
  /* With a duration every row has its length, at the plan's rate: a recording that is shorter fails, unless `pad`
   * appends zeros. Without one, all recordings must give equally many frames. sr is the plan's, where there is a
   * plan. */
  lub_load_options load;
  bool pad;
  /* What is done to each signal, in this order, once it has its length. They must outlive the job. */
  const lub_treatment *treatments;
  int treatment_count;
} lub_extraction_options;

typedef struct lub_extraction lub_extraction;

/* A job over count >= 1 items; plan and items must outlive it. Without a plan (NULL) a row is the signal itself. Free
 * with lub_extraction_free. */
lub_status lub_extraction_new(lub_extraction **out, const lub_plan *plan, const lub_item *items, int64_t count,
                              const lub_extraction_options *options, lub_error *err);
void lub_extraction_free(lub_extraction *extraction);

/* Works for about LUB_EXTRACTION_SLICE seconds. The first calls may only measure the recordings; when the shape of a
 * row is known, *sized becomes true, and lub_extraction_into must be called before the next one. LUB_EARG where rows
 * differ in shape. */
#define LUB_EXTRACTION_SLICE 0.04
lub_status lub_extraction_advance(lub_extraction *extraction, bool *sized, lub_error *err);

/* One row's shape, once sized: the plan's, and 1 behind it where the plan's has two dimensions; (samples,) without a
 * plan. */
const lub_shape *lub_extraction_row(const lub_extraction *extraction);
/* Where the rows go: count of them, row-major. */
void lub_extraction_into(lub_extraction *extraction, float *out);

/* How many items are done, with or without success; the job is over when all are. */
int64_t lub_extraction_done(const lub_extraction *extraction);
/* Why item i failed (its row is all zeros), or what to warn of; NULL: nothing. */
const char *lub_extraction_error(const lub_extraction *extraction, int64_t i);
const char *lub_extraction_warning(const lub_extraction *extraction, int64_t i);

#endif
