#include "feature/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "feature/internal.h"

struct lub_run {
  const lub_plan *plan;
  lub_block_work work;
  float *result;    /* one block */
  float *middle;    /* the middle of every block, where the plan has such a step */
  int64_t capacity; /* blocks that `middle` has room for */
  float highest[2];

  lub_source source;
  float *out;
  int64_t frames, blocks;
  int64_t done; /* blocks analysed, then blocks + those concluded */
};

lub_status lub_run_new(lub_run **out, const lub_plan *plan, lub_error *err) {
  lub_run *run = *out = lub_calloc(1, sizeof *run);
  if (!run) return lub_nomem(err, lub_plan_names[plan->kind], sizeof *run);
  run->plan = plan;
  lub_status status = lub_block_work_init(&run->work, plan, err);
  run->result = lub_calloc((size_t)(plan->rows * plan->kernels->lanes), sizeof(float));
  if (status == LUB_OK && !run->result)
    status = lub_nomem(err, lub_plan_names[plan->kind], 4.0 * (double)(plan->rows * plan->kernels->lanes));
  if (status != LUB_OK) {
    lub_run_free(run);
    *out = NULL;
  }
  return status;
}

void lub_run_free(lub_run *run) {
  if (!run) return;
  lub_block_work_free(&run->work);
  free(run->result);
  free(run->middle);
  free(run);
}

static lub_status begin(lub_run *run, int64_t frames, float *out, lub_error *err) {
  const lub_plan *plan = run->plan;
  int64_t lanes = plan->kernels->lanes;
  run->out = out;
  run->frames = frames;
  run->blocks = (frames + lanes - 1) / lanes;
  run->done = 0;
  run->highest[0] = run->highest[1] = -1000;
  if (plan->middle && run->blocks > run->capacity) {
    size_t bytes = sizeof(float) * (size_t)(run->blocks * plan->middle * lanes);
    free(run->middle);
    run->capacity = 0;
    run->middle = lub_alloc(bytes);
    if (!run->middle) return lub_nomem(err, lub_plan_names[plan->kind], (double)bytes);
    run->capacity = run->blocks;
  }
  return LUB_OK;
}

lub_status lub_run_begin(lub_run *run, const float *y, int64_t n, float *out, lub_error *err) {
  const lub_plan *plan = run->plan;
  lub_shape shape;
  if (lub_plan_shape(plan, n, &shape, err) != LUB_OK) return err->status;
  if (!plan->kernels->finite(y, n)) {
    int64_t at = 0;
    while (isfinite(y[at])) at++;
    return lub_fail(err, LUB_EARG, "%s: sample %lld is not finite (%g)", lub_plan_names[plan->kind],
                    (long long)at + 1, (double)y[at]);
  }
  run->source = (lub_source){.signal = {.x = y, .until = n, .n = n}};
  return begin(run, shape.dim[1], out, err);
}

lub_status lub_run_begin_spectrum(lub_run *run, const float *spectrogram, int64_t frames, float *out, lub_error *err) {
  const lub_plan *plan = run->plan;
  const char *name = lub_plan_names[plan->kind];
  int64_t rows = lub_plan_spectrum_rows(plan);
  if (rows == 0) return lub_fail(err, LUB_EARG, "%s: takes a signal, not a spectrogram", name);
  bool decibels = plan->kind == LUB_PLAN_MFCC;
  for (int64_t i = 0; i < rows * frames; i++)
    if (!isfinite(spectrogram[i]) || (spectrogram[i] < 0 && !decibels))
      return lub_fail(err, LUB_EARG, "%s: S must be finite%s, and has %g in row %lld, column %lld", name,
                      decibels ? "" : " and not negative", (double)spectrogram[i], (long long)(i / frames + 1),
                      (long long)(i % frames + 1));
  run->source = (lub_source){.spectrogram = spectrogram, .frames = frames};
  lub_status status = begin(run, frames, out, err);
  if (decibels) run->highest[0] = -INFINITY; /* S has its floor already */
  return status;
}

/* Puts a block's rows into the result. */
static void store(lub_run *run, int64_t block, int64_t used, const float *rows) {
  int64_t lanes = run->plan->kernels->lanes, frames = run->frames, count = run->plan->rows;
  if (run->plan->kind == LUB_PLAN_STFT) { /* pairs re, im lie side by side */
    for (int64_t r = 0; r < count; r++) {
      float *out = run->out + 2 * (r / 2 * frames + block * lanes) + r % 2;
      for (int64_t l = 0; l < used; l++) out[2 * l] = rows[r * lanes + l];
    }
    return;
  }
  float *out = run->out + block * lanes;
  for (int64_t r = 0; r < count; r++) memcpy(out + r * frames, rows + r * lanes, sizeof(float) * (size_t)used);
}

bool lub_run_advance(lub_run *run) {
  const lub_plan *plan = run->plan;
  int64_t lanes = plan->kernels->lanes;
  int64_t all = plan->middle ? 2 * run->blocks : run->blocks;
  /* other lengths than powers of two are many times slower */
  int64_t frames = plan->stft.fft.batched ? 1024 : 64;
  int64_t until = run->done + (frames + LUB_MAX_LANES - 1) / LUB_MAX_LANES;
  unsigned control = lub_cpu_flush_denormals();
  for (; run->done < all && run->done < until; run->done++) {
    int64_t block = run->done % run->blocks, first = block * lanes;
    int64_t used = run->frames - first < lanes ? run->frames - first : lanes;
    float *middle = plan->middle ? run->middle + block * plan->middle * lanes : run->result;
    if (run->done < run->blocks) lub_block_analyse(&run->work, &run->source, first, used, middle, run->highest);
    else lub_block_conclude(&run->work, middle, run->highest, run->result);
    if (!plan->middle || run->done >= run->blocks) store(run, block, used, run->result);
  }
  lub_cpu_restore(control);
  return run->done == all;
}
