/* run.h - one thread's work on one plan, clip after clip. */
#ifndef LUB_FEATURE_RUN_H
#define LUB_FEATURE_RUN_H

#include "feature/plan.h"

typedef struct lub_run lub_run;

/* Reusable; the plan must outlive it. Free with lub_run_free. */
lub_status lub_run_new(lub_run **out, const lub_plan *plan, lub_error *err);
void lub_run_free(lub_run *run);

/* Begins with n samples y, which must stay until it is finished; out is row-major of lub_plan_shape's shape. Fails
 * with LUB_EARG where the shape fails or a sample is not finite. */
lub_status lub_run_begin(lub_run *run, const float *y, int64_t n, float *out, lub_error *err);

/* Begins with a spectrogram S (plan.h), row-major of lub_plan_spectrum_rows rows and `frames` >= 1 columns; out is
 * (rows, frames). Fails with LUB_EARG where the plan takes none, or an element is not finite, or negative where
 * magnitudes are. */
lub_status lub_run_begin_spectrum(lub_run *run, const float *spectrogram, int64_t frames, float *out, lub_error *err);

/* Works on a few hundred frames (about a millisecond); returns whether the result is complete. */
bool lub_run_advance(lub_run *run);

#endif
