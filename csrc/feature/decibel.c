#include "feature/decibel.h"

#include <math.h>

#include "base/math.h"
#include "base/pool.h"

#define CHUNK 16384

typedef struct decibel_work {
  const float *x;
  float *out;
  int64_t n;
  const lub_decibel_options *options;
  double zero, floor;
} decibel_work;

static double level(double x, const lub_decibel_options *o) {
  double power = o->amplitude ? x * x : x, least = o->amplitude ? o->amin * o->amin : o->amin;
  return 4.3429448190325175 * lub_log(power > least ? power : least); /* 10 / ln 10 */
}

static void convert(void *context, int64_t chunk, int thread) {
  const decibel_work *work = context;
  int64_t end = (chunk + 1) * CHUNK < work->n ? (chunk + 1) * CHUNK : work->n;
  (void)thread;
  for (int64_t i = chunk * CHUNK; i < end; i++) {
    double y = level(work->x[i], work->options) - work->zero;
    work->out[i] = (float)(y > work->floor ? y : work->floor);
  }
}

void lub_to_decibel(const float *x, int64_t n, const lub_decibel_options *options, float *out) {
  decibel_work work = {.x = x, .out = out, .n = n, .options = options, .floor = -INFINITY};
  work.zero = level(fabs(options->ref), options);
  if (!isnan(options->top_db)) {
    double highest = 0; /* a logarithm rises with its argument, so that only one is needed here */
    for (int64_t i = 0; i < n; i++) {
      double value = options->amplitude ? fabs((double)x[i]) : (double)x[i];
      if (value > highest) highest = value;
    }
    work.floor = level(highest, options) - work.zero - options->top_db;
  }
  lub_parallel((n + CHUNK - 1) / CHUNK, lub_num_threads(), convert, &work);
}
