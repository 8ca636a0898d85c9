#define _GNU_SOURCE /* pthread_condattr_setclock */
#include "pipeline/preparation.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/random.h"
#include "feature/standardize.h"

#define SLICE 0.03 /* seconds */

/* What one thread has at hand. */
typedef struct slot {
  lub_augmenter *augmenter;
  lub_run *run;
  float *signal;
} slot;

struct lub_preparation {
  lub_recipe recipe;
  slot *slot; /* 0: our own thread's; 1 + i: of thread i of the pool */
  int slots;

  int64_t *rows; /* the batch in hand */
  int64_t count, capacity;
  uint64_t key;
  float *out;
  bool begun;
  _Atomic int64_t next, done;
  double deadline;

  pthread_mutex_t lock; /* guards all below, and `done` reaching `count` */
  pthread_cond_t wake, finished;
  pthread_t thread;
  pid_t owner;     /* after a fork the child has no thread */
  bool threaded, busy, quit;
  bool posted;     /* a batch waits for our thread */
  int64_t failed;  /* place in the batch of the first row that failed; count: none */
  lub_error error;
};

/* === one row === */

static lub_status make(const lub_recipe *r, slot *s, int64_t row, uint64_t key, float *out, lub_error *err) {
  const float *x = r->x + row * r->size;
  uint64_t draws = lub_mix(key, (uint64_t)(r->first_row + row));
  if (r->augmentation_count > 0) {
    memcpy(s->signal, x, sizeof(float) * (size_t)r->size);
    x = s->signal;
  }
  for (int i = 0; i < r->augmentation_count; i++)
    if (lub_augment(s->augmenter, &r->augmentations[i], s->signal, r->size, r->sr, lub_mix(draws, (uint64_t)i),
                    err) != LUB_OK)
      return err->status;
  if (r->plan) {
    if (lub_run_begin(s->run, x, r->size, out, err) != LUB_OK) return err->status;
    while (!lub_run_advance(s->run)) {}
  } else {
    memcpy(out, x, sizeof(float) * (size_t)r->size);
  }
  for (int i = 0; i < r->step_count; i++) {
    const lub_row_step *step = &r->steps[i];
    switch (step->kind) {
    case LUB_ROW_SCALE:
      for (int64_t k = 0; k < r->out_size; k++) out[k] *= step->by;
      break;
    case LUB_ROW_STANDARDIZE: lub_standardize(out, r->out_size / step->size, step->size); break;
    case LUB_ROW_AFFINE: lub_scale_rows(out, 1, r->out_size, step->mean, step->scale); break;
    }
  }
  for (int i = 0; i < r->mask_count; i++)
    lub_mask_apply(&r->masks[i], out, r->coefficients, r->frames, r->depth,
                   lub_mix(draws, (uint64_t)(r->augmentation_count + i)));
  return LUB_OK;
}

/* Makes the next row of the batch; false where none is left. */
static bool step(lub_preparation *p, slot *s) {
  lub_error err;
  int64_t i = atomic_fetch_add(&p->next, 1);
  if (i >= p->count) return false;
  lub_status status = make(&p->recipe, s, p->rows[i], p->key, p->out + i * p->recipe.out_size, &err);
  if (status != LUB_OK) {
    pthread_mutex_lock(&p->lock);
    if (i < p->failed) p->failed = i, p->error = err;
    pthread_mutex_unlock(&p->lock);
  }
  if (atomic_fetch_add(&p->done, 1) + 1 == p->count) {
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->finished);
    pthread_mutex_unlock(&p->lock);
  }
  return true;
}

/* === our thread === */

static bool quitting(lub_preparation *p) {
  pthread_mutex_lock(&p->lock);
  bool quit = p->quit;
  pthread_mutex_unlock(&p->lock);
  return quit;
}

static void *prepare(void *argument) {
  lub_preparation *p = argument;
  lub_cpu_flush_denormals();
  pthread_mutex_lock(&p->lock);
  for (;;) {
    while (!p->quit && !p->posted) pthread_cond_wait(&p->wake, &p->lock);
    if (p->quit) break;
    p->posted = false;
    p->busy = true;
    pthread_mutex_unlock(&p->lock);
    while (!quitting(p) && step(p, &p->slot[0])) {}
    pthread_mutex_lock(&p->lock);
    p->busy = false;
    pthread_cond_broadcast(&p->finished);
  }
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* A host's handlers run in its own threads: ours blocks all signals. Where no thread can be had, the caller does it. */
static void start_thread(lub_preparation *p) {
  sigset_t all, former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  p->threaded = pthread_create(&p->thread, NULL, prepare, p) == 0;
  pthread_sigmask(SIG_SETMASK, &former, NULL);
}

static void init_locks(lub_preparation *p) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wake, NULL);
  pthread_cond_init(&p->finished, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

/* In the child of a fork: our thread did not come along, and may have held the lock or a row. The batch begins anew.
 * What the thread worked in may lie between two states, a block freed and its pointer still there: nobody touches
 * it. */
static void check_fork(lub_preparation *p) {
  if (p->owner == getpid()) return;
  p->owner = getpid();
  init_locks(p);
  if (p->threaded) p->slot[0] = (slot){0};
  p->threaded = p->busy = p->posted = false;
  p->failed = p->count;
  atomic_store(&p->next, 0);
  atomic_store(&p->done, 0);
}

/* === the object === */

static lub_status init_slot(slot *s, const lub_recipe *recipe, lub_error *err) {
  if (recipe->augmentation_count > 0) {
    if (lub_augmenter_new(&s->augmenter, err) != LUB_OK) return err->status;
    s->signal = lub_alloc(sizeof(float) * (size_t)recipe->size);
    if (!s->signal) return lub_nomem(err, "augment", 4.0 * (double)recipe->size);
  }
  return recipe->plan ? lub_run_new(&s->run, recipe->plan, err) : LUB_OK;
}

lub_status lub_preparation_new(lub_preparation **out, const lub_recipe *recipe, bool background, lub_error *err) {
  int threads = lub_num_threads();
  lub_preparation *p = *out = lub_calloc(1, sizeof *p);
  if (!p) return lub_nomem(err, "augment", sizeof *p);
  p->recipe = *recipe;
  p->owner = getpid();
  init_locks(p);
  p->slots = threads + 1;
  p->slot = lub_calloc((size_t)p->slots, sizeof(slot));
  lub_status status = p->slot ? LUB_OK : lub_nomem(err, "augment", (double)sizeof(slot) * p->slots);
  for (int i = 0; status == LUB_OK && i < p->slots; i++) status = init_slot(&p->slot[i], recipe, err);
  if (status == LUB_OK && background && threads > 1) start_thread(p);
  if (status != LUB_OK) {
    lub_preparation_free(p);
    *out = NULL;
  }
  return status;
}

void lub_preparation_free(lub_preparation *p) {
  if (!p) return;
  check_fork(p);
  if (p->threaded) {
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
  }
  pthread_cond_destroy(&p->finished);
  pthread_cond_destroy(&p->wake);
  pthread_mutex_destroy(&p->lock);
  for (int i = 0; p->slot && i < p->slots; i++) {
    lub_augmenter_free(p->slot[i].augmenter);
    lub_run_free(p->slot[i].run);
    free(p->slot[i].signal);
  }
  free(p->slot);
  free(p->rows);
  free(p);
}

lub_status lub_preparation_begin(lub_preparation *p, const int64_t *rows, int64_t count, uint64_t key, float *out,
                                 lub_error *err) {
  check_fork(p);
  if (p->begun) return lub_fail(err, LUB_EARG, "augment: the batch before is not finished");
  pthread_mutex_lock(&p->lock);
  p->posted = false; /* it may not have woken up at all */
  while (p->busy) pthread_cond_wait(&p->finished, &p->lock); /* it has no row left, and is on its way to sleep */
  pthread_mutex_unlock(&p->lock);
  if (count > p->capacity) {
    free(p->rows);
    p->capacity = 0;
    p->rows = lub_alloc(sizeof(int64_t) * (size_t)count);
    if (!p->rows) return lub_nomem(err, "augment", 8.0 * (double)count);
    p->capacity = count;
  }
  for (int64_t i = 0; i < count; i++) {
    if (rows[i] < 0 || rows[i] >= p->recipe.rows)
      return lub_fail(err, LUB_EARG, "augment: there is no row %lld", (long long)rows[i] + 1);
    p->rows[i] = rows[i];
  }
  p->count = p->failed = count;
  p->key = key;
  p->out = out;
  p->begun = true;
  atomic_store(&p->next, 0);
  atomic_store(&p->done, 0);
  pthread_mutex_lock(&p->lock);
  p->posted = p->threaded;
  pthread_cond_signal(&p->wake);
  pthread_mutex_unlock(&p->lock);
  return LUB_OK;
}

static void take_part(void *context, int64_t chunk, int thread) {
  lub_preparation *p = context;
  (void)chunk;
  while (step(p, &p->slot[1 + thread]) && lub_clock() < p->deadline) {}
}

/* All rows are taken, and our thread still has one of them. */
static void wait_for_row(lub_preparation *p) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)(SLICE * 1e9);
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&p->lock);
  while (atomic_load(&p->done) < p->count && pthread_cond_timedwait(&p->finished, &p->lock, &until) == 0) {}
  pthread_mutex_unlock(&p->lock);
}

lub_status lub_preparation_advance(lub_preparation *p, bool *finished, lub_error *err) {
  *finished = true;
  check_fork(p);
  if (!p->begun) return LUB_OK;
  p->deadline = lub_clock() + SLICE;
  if (atomic_load(&p->next) < p->count) lub_parallel(p->slots - 1, p->slots - 1, take_part, p);
  else if (atomic_load(&p->done) < p->count) wait_for_row(p);
  *finished = atomic_load(&p->done) == p->count;
  if (!*finished) return LUB_OK;
  p->begun = false;
  pthread_mutex_lock(&p->lock);
  bool failed = p->failed < p->count;
  if (failed)
    lub_fail(err, p->error.status, "augment: row %lld: %.900s", (long long)p->rows[p->failed] + 1, p->error.message);
  pthread_mutex_unlock(&p->lock);
  return failed ? err->status : LUB_OK;
}

void lub_mix_rows(const float *x, int64_t rows, int64_t size, const int64_t *partner, const float *share, float *out) {
  for (int64_t r = 0; r < rows; r++) {
    const float *a = x + r * size, *b = x + partner[r] * size;
    float s = share[r], t = 1 - share[r];
    for (int64_t i = 0; i < size; i++) out[r * size + i] = s * a[i] + t * b[i];
  }
}
