/* The walks of batch normalization while training where the channels are another axis than the last: a sample is
 * (height, channels, width), with all axes before them as one and all behind as one. Nothing is fused with it. */
#include "base/sum.h"
#include "nn/stages/batch_norm.h"

/* The runs of a shard, one after the other: `at` is where the run lies, `channel` whose it is. */
typedef struct runs {
  const lub_norm_state *s;
  int64_t at, end, channel;
} runs;

static runs runs_of(const lub_norm_call *c, int64_t shard) {
  runs r = {.s = c->stage->state};
  const int64_t size = r.s->height * r.s->channels * r.s->width;
  lub_shard_range(c->pass->count, c->shards, (int)shard, &r.at, &r.end);
  r.at *= size, r.end *= size;
  return r;
}

static void next_run(runs *r) {
  r->at += r->s->width;
  r->channel = r->channel + 1 < r->s->channels ? r->channel + 1 : 0;
}

/* Sums go in four lanes, so that no addition waits for the one before it. */
enum { LANES = 4 };
static double total(const double *lane) { return (lane[0] + lane[1]) + (lane[2] + lane[3]); }

static void sum_shard(void *context, int64_t shard, int thread) {
  (void)thread;
  const lub_norm_call *c = context;
  const lub_norm_state *s = c->stage->state;
  double *sum = lub_norm_partial(s, shard), *squares = sum + s->channels;
  for (runs r = runs_of(c, shard); r.at < r.end; next_run(&r)) {
    const float *x = c->pass->x[0] + r.at;
    double first[LANES] = {0}, second[LANES] = {0};
    for (int64_t i = 0; i < s->width; i++) {
      const double d = (double)x[i] - s->shift[r.channel];
      first[i % LANES] += d, second[i % LANES] += d * d;
    }
    sum[r.channel] += total(first), squares[r.channel] += total(second);
  }
}

static void normalize_shard(void *context, int64_t shard, int thread) {
  (void)thread;
  const lub_norm_call *c = context;
  const lub_norm_state *s = c->stage->state;
  for (runs r = runs_of(c, shard); r.at < r.end; next_run(&r)) {
    const float scale = s->scale[r.channel], offset = s->offset[r.channel], *x = c->pass->x[0] + r.at;
    float *y = c->pass->y + r.at;
    for (int64_t i = 0; i < s->width; i++) y[i] = x[i] * scale + offset;
  }
}

static void gradient_sum_shard(void *context, int64_t shard, int thread) {
  (void)thread;
  const lub_norm_call *c = context;
  const lub_norm_state *s = c->stage->state;
  double *sum = lub_norm_partial(s, shard), *products = sum + s->channels;
  for (runs r = runs_of(c, shard); r.at < r.end; next_run(&r)) {
    const float *x = c->pass->x[0] + r.at, *g = c->pass->gy + r.at;
    const float scale = s->hat_scale[r.channel], offset = s->hat_offset[r.channel];
    double first[LANES] = {0}, second[LANES] = {0};
    for (int64_t i = 0; i < s->width; i++) {
      first[i % LANES] += g[i];
      second[i % LANES] += (double)g[i] * (x[i] * scale + offset);
    }
    sum[r.channel] += total(first), products[r.channel] += total(second);
  }
}

static void gradient_shard(void *context, int64_t shard, int thread) {
  (void)thread;
  const lub_norm_call *c = context;
  const lub_norm_state *s = c->stage->state;
  for (runs r = runs_of(c, shard); r.at < r.end; next_run(&r)) {
    const float a = s->a[r.channel], b = s->b[r.channel], d = s->d[r.channel];
    const float *x = c->pass->x[0] + r.at, *g = c->pass->gy + r.at;
    float *gx = c->pass->gx[0] + r.at;
    for (int64_t i = 0; i < s->width; i++) {
      const float gradient = a * g[i] + (b * x[i] + d);
      gx[i] = c->pass->stores ? gradient : gx[i] + gradient;
    }
  }
}

const lub_norm_walks lub_norm_axis_walks = {sum_shard, normalize_shard, gradient_sum_shard, gradient_shard};
