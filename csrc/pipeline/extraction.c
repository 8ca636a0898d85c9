#include "pipeline/extraction.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"

/* What one thread has at hand. */
typedef struct slot {
  int64_t item; /* whose signal it is; -1: none */
  lub_intake *intake;
  lub_treater *treater;
  lub_run *run;
  int treated;  /* treatments that are done or in hand */
  bool running; /* in the run */
  float *signal;
  int64_t samples;
} slot;

struct lub_extraction {
  const lub_plan *plan;
  const lub_item *items;
  int64_t count;
  lub_extraction_options options;
  int64_t wanted;    /* samples of every row; -1: the recordings' own */
  bool sized;
  lub_shape row;
  int64_t row_size, row_frames;
  float *out;
  int64_t *measured; /* frames that each recording gives, while they are measured; -1: failed */
  char **errors, **warnings;
  _Atomic int64_t next, done;
  double deadline;
  int slots;
  slot *slot;
};

static const char no_memory[] = "out of memory"; /* stands in where a message cannot be kept */

static char *keep(const char *message) {
  size_t length = strlen(message) + 1;
  char *copy = malloc(length);
  if (copy) memcpy(copy, message, length);
  return copy ? copy : (char *)no_memory;
}

static void forget(char **messages, int64_t count) {
  for (int64_t i = 0; messages && i < count; i++)
    if (messages[i] != no_memory) free(messages[i]);
  free(messages);
}

/* === the shape of a row === */

static lub_status shape_of(const lub_extraction *x, int64_t samples, lub_shape *shape, lub_error *err) {
  if (x->plan) return lub_plan_shape(x->plan, samples, shape, err);
  *shape = (lub_shape){1, {samples}};
  return samples > 0 ? LUB_OK : lub_fail(err, LUB_EARG, "the signal is empty");
}

static int64_t frames_of(const lub_shape *shape) { return shape->dim[shape->ndim == 1 ? 0 : 1]; }

static lub_status set_row(lub_extraction *x, int64_t samples, lub_error *err) {
  if (shape_of(x, samples, &x->row, err) != LUB_OK) return err->status;
  x->row_frames = frames_of(&x->row);
  if (x->row.ndim == 2) x->row.dim[x->row.ndim++] = 1;
  x->row_size = lub_shape_size(&x->row);
  x->sized = true;
  atomic_store(&x->next, 0);
  return LUB_OK;
}

static void fail(lub_extraction *x, int64_t i, const lub_error *err) {
  char text[32];
  const char *name = lub_item_name(&x->items[i], i, text);
  size_t length = strlen(name);
  if (strncmp(err->message, name, length) == 0 && err->message[length] == ':') {
    x->errors[i] = keep(err->message);
  } else {
    lub_error named;
    lub_fail(&named, err->status, "%.500s: %.500s", name, err->message);
    x->errors[i] = keep(named.message);
  }
}

static void measure(void *context, int64_t chunk, int thread) {
  lub_extraction *x = context;
  (void)chunk, (void)thread;
  do {
    int64_t i = atomic_fetch_add(&x->next, 1), samples;
    if (i >= x->count) return;
    const lub_item *item = &x->items[i];
    lub_load_options options = lub_item_options(item, &x->options.load);
    char text[32];
    lub_shape shape;
    lub_error err;
    lub_status status =
        item->path ? lub_load_measure_file(item->path, &options, &samples, &err)
                   : lub_load_measure_memory(lub_item_name(item, i, text), item->frames, item->sr, &options, &samples,
                                             &err);
    if (status == LUB_OK) status = shape_of(x, samples, &shape, &err);
    x->measured[i] = status == LUB_OK ? samples : -1;
    if (status != LUB_OK) fail(x, i, &err);
    atomic_fetch_add(&x->done, 1);
  } while (lub_clock() < x->deadline);
}

/* All recordings are measured: they must agree. */
static lub_status agree(lub_extraction *x, lub_error *err) {
  int64_t first = 0;
  while (first < x->count && x->measured[first] < 0) first++;
  atomic_store(&x->done, 0);
  if (set_row(x, first < x->count ? x->measured[first] : 1 << 22, err) != LUB_OK) return err->status;
  for (int64_t i = first + 1; i < x->count; i++) {
    lub_shape shape;
    if (x->measured[i] < 0) continue;
    if (shape_of(x, x->measured[i], &shape, err) != LUB_OK) return err->status;
    if (frames_of(&shape) != x->row_frames) {
      x->sized = false;
      return lub_fail(err, LUB_EARG,
                      "extract: the clips differ in length: clip %lld gives %lld %s, clip %lld gives %lld; "
                      "give a duration",
                      (long long)first + 1, (long long)x->row_frames, x->plan ? "frames" : "samples",
                      (long long)i + 1, (long long)frames_of(&shape));
    }
  }
  return LUB_OK;
}

/* === one recording === */

/* The signal has its length and has had `treated` treatments: begins the next one, or else its features. */
static lub_status go_on(lub_extraction *x, slot *s, lub_error *err) {
  float *out = x->out + s->item * x->row_size;
  if (s->treated < x->options.treatment_count)
    return lub_treater_begin(s->treater, &x->options.treatments[s->treated], s->signal, s->samples, err);
  s->running = true;
  if (x->plan) return lub_run_begin(s->run, s->signal, s->samples, out, err);
  memcpy(out, s->signal, sizeof(float) * (size_t)s->samples);
  return LUB_OK;
}

/* The signal is there: brings it to its length. */
static lub_status begin(lub_extraction *x, slot *s, const lub_load *load, lub_error *err) {
  int64_t samples = lub_load_frames(load), missing = lub_load_missing(load);
  const char *warning = lub_load_warning(load);
  lub_shape shape;
  if (warning) x->warnings[s->item] = keep(warning);
  if (missing > 0 && !x->options.pad)
    return lub_fail(err, LUB_EARG, "is too short: %.2f s from %g s on, and %g s are wanted (pad = true appends zeros)",
                    (double)samples / lub_load_sr(load), lub_item_options(&x->items[s->item], &x->options.load).offset,
                    x->options.load.duration);
  /* Rounding of rates may leave a recording a sample more or less than the next one. It keeps its own length, which is
   * librosa's, unless that changes the number of frames. */
  bool same = missing == 0 && samples > 0 && shape_of(x, samples, &shape, err) == LUB_OK &&
              frames_of(&shape) == x->row_frames;
  if (!same && x->wanted < 0) return lub_fail(err, LUB_EARG, "broke off, and gives fewer frames than its header tells");
  if (!same) {
    for (int64_t i = samples; i < x->wanted; i++) s->signal[i] = 0;
    samples = x->wanted;
  }
  s->samples = samples;
  s->treated = 0;
  return go_on(x, s, err);
}

/* Item i is done; `status` says how. */
static void settle(lub_extraction *x, int64_t i, lub_status status, const lub_error *err) {
  if (status != LUB_OK) {
    if (err) fail(x, i, err);
    memset(x->out + i * x->row_size, 0, sizeof(float) * (size_t)x->row_size);
  }
  atomic_fetch_add(&x->done, 1);
}

/* Opens the next few recordings, as many as pay, but fewer towards the end, so that the threads end together; false:
 * there are none. */
static bool claim(lub_extraction *x, slot *s) {
  int64_t first = atomic_load(&x->next), handful;
  do {
    handful = (x->count - first) / x->slots;
    if (handful > LUB_INTAKE_MOST) handful = LUB_INTAKE_MOST;
    if (handful < 1) handful = 1;
  } while (first < x->count && !atomic_compare_exchange_weak(&x->next, &first, first + handful));
  for (int64_t i = first; i < first + handful && i < x->count; i++) {
    lub_error err;
    if (x->errors[i]) settle(x, i, LUB_EWORLD, NULL); /* could not be measured */
    else if (lub_intake_add(s->intake, i, &err) != LUB_OK) settle(x, i, err.status, &err);
  }
  return first < x->count;
}

/* One step of the recording at hand; another one where there is none. False: nothing is left to do. */
static bool step(lub_extraction *x, slot *s) {
  lub_status status = LUB_OK;
  lub_error err;
  bool finished = false;
  if (s->item < 0 && lub_intake_empty(s->intake)) return claim(x, s);
  if (s->item < 0) {
    lub_signal_taken taken;
    status = lub_intake_step(s->intake, &taken, &err);
    s->item = taken.item;
    s->signal = taken.signal;
    s->running = false;
    if (status == LUB_OK && s->item >= 0) status = begin(x, s, taken.load, &err);
  } else if (!s->running) {
    bool done;
    status = lub_treater_advance(s->treater, &done, &err);
    if (status == LUB_OK && done) {
      s->treated++;
      status = go_on(x, s, &err);
    }
  } else {
    finished = !x->plan || lub_run_advance(s->run);
  }
  if (status != LUB_OK || finished) {
    settle(x, s->item, status, &err);
    s->item = -1;
  }
  return true;
}

static void extract(void *context, int64_t chunk, int thread) {
  lub_extraction *x = context;
  (void)thread;
  while (step(x, &x->slot[chunk]) && lub_clock() < x->deadline) {}
}

/* === the job === */

lub_status lub_extraction_new(lub_extraction **out, const lub_plan *plan, const lub_item *items, int64_t count,
                              const lub_extraction_options *options, lub_error *err) {
  int threads = lub_num_threads();
  lub_extraction *x = *out = lub_calloc(1, sizeof *x);
  if (!x) return lub_nomem(err, "extract", sizeof *x);
  double sr = plan ? lub_plan_options_of(plan)->sr : options->load.sr;
  x->plan = plan, x->items = items, x->count = count;
  x->options = *options;
  x->options.load.sr = sr;
  x->wanted = isnan(options->load.duration) ? -1 : (int64_t)(options->load.duration * sr + 0.5);
  x->slots = count < threads ? (int)count : threads;
  x->errors = calloc((size_t)count, sizeof(char *));
  x->warnings = calloc((size_t)count, sizeof(char *));
  x->measured = calloc((size_t)count, sizeof(int64_t));
  x->slot = calloc((size_t)x->slots, sizeof(slot));
  lub_status status = LUB_OK;
  if (!x->errors || !x->warnings || !x->measured || !x->slot)
    status = lub_nomem(err, "extract", 24.0 * (double)count);
  for (int i = 0; status == LUB_OK && i < x->slots; i++) {
    x->slot[i].item = -1;
    status = lub_intake_new(&x->slot[i].intake, items, &x->options.load, x->wanted, err);
    if (status == LUB_OK && plan) status = lub_run_new(&x->slot[i].run, plan, err);
    if (status == LUB_OK && options->treatment_count > 0) status = lub_treater_new(&x->slot[i].treater, err);
  }
  if (status == LUB_OK && x->wanted >= 0) status = set_row(x, x->wanted, err);
  if (status != LUB_OK) {
    lub_extraction_free(x);
    *out = NULL;
  }
  return status;
}

void lub_extraction_free(lub_extraction *x) {
  if (!x) return;
  for (int i = 0; x->slot && i < x->slots; i++) {
    lub_intake_free(x->slot[i].intake);
    lub_treater_free(x->slot[i].treater);
    lub_run_free(x->slot[i].run);
  }
  free(x->slot);
  free(x->measured);
  forget(x->errors, x->count);
  forget(x->warnings, x->count);
  free(x);
}

lub_status lub_extraction_advance(lub_extraction *x, bool *sized, lub_error *err) {
  lub_status status = LUB_OK;
  x->deadline = lub_clock() + LUB_EXTRACTION_SLICE;
  if (!x->sized) {
    lub_parallel(x->slots, x->slots, measure, x);
    if (atomic_load(&x->done) == x->count) status = agree(x, err);
  } else if (x->out && atomic_load(&x->done) < x->count) {
    lub_parallel(x->slots, x->slots, extract, x);
  }
  *sized = x->sized;
  return status;
}

const lub_shape *lub_extraction_row(const lub_extraction *x) { return &x->row; }
void lub_extraction_into(lub_extraction *x, float *out) { x->out = out; }
int64_t lub_extraction_done(const lub_extraction *x) { return x->sized ? atomic_load(&x->done) : 0; }
const char *lub_extraction_error(const lub_extraction *x, int64_t i) { return x->errors[i]; }
const char *lub_extraction_warning(const lub_extraction *x, int64_t i) { return x->warnings[i]; }
