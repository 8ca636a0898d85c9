#include "audio/polyphase.h"

#include <math.h>
#include <pthread.h>
#include <soxr.h>
#include <stdlib.h>
#include <string.h>

#include "audio/kernels/kernels.h"
#include "base/cpu.h"
#include "base/memory.h"

#define MOST_OUTPUTS 512 /* in a frame, at the lowest terms, */
#define MOST_RATIO 16    /* and for each input: the tables stay small, and their making takes some 10 ms */
#define MOST_TAPS 224    /* to either side, in inputs: soxr_hq needs less than 128 */
#define HIGHEST 1e9      /* Hz */
#define FAINT 0x1p-28    /* of the highest weight: what is fainter has no say in a float */
#define EDGE 16          /* inputs: later outputs do not know where the signal began */

/* === measuring === */

/* What soxr makes of impulses that stand so far apart that their responses do not meet, and so that each of the `from`
 * places in a frame has one. */
typedef struct measure {
  int64_t from, to, step, inputs, outputs;
  double *x, *y;
} measure;

static int64_t divisor(int64_t a, int64_t b) { return b == 0 ? a : divisor(b, a % b); }

static lub_status respond(measure *m, lub_error *err) {
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, SOXR_DOUBLE_PRECISION);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT64_I, SOXR_FLOAT64_I);
  m->step = 2 * MOST_TAPS + 1;
  while (divisor(m->step, m->from) != 1) m->step++;
  m->inputs = (m->from + 1) * m->step;
  m->outputs = m->inputs * m->to / m->from + 1;
  m->x = lub_calloc((size_t)m->inputs, sizeof(double));
  m->y = lub_calloc((size_t)m->outputs, sizeof(double));
  if (!m->x || !m->y) return lub_nomem(err, "resampling", 8.0 * (double)(m->inputs + m->outputs));
  for (int64_t i = 0; i < m->from; i++) m->x[(i + 1) * m->step] = 1;
  soxr_error_t failure = soxr_oneshot((double)m->from, (double)m->to, 1, m->x, (size_t)m->inputs, NULL, m->y,
                                      (size_t)m->outputs, NULL, &io, &quality, NULL);
  return failure ? lub_fail(err, LUB_EARG, "resampling: %s", failure) : LUB_OK;
}

/* The impulse whose response has a say in output i, if any: the nearest. */
static int64_t impulse_near(const measure *m, int64_t i) {
  int64_t nearest = (i * m->from / m->to + m->step / 2) / m->step;
  return nearest < 1 ? m->step : nearest > m->from ? m->from * m->step : nearest * m->step;
}

/* How far from an impulse its response is heard, in inputs. */
static int64_t reach_of(const measure *m) {
  double highest = 0, reach = 0;
  for (int64_t i = 0; i < m->outputs; i++) highest = fmax(highest, fabs(m->y[i]));
  for (int64_t i = 0; i < m->outputs; i++)
    if (fabs(m->y[i]) > FAINT * highest)
      reach = fmax(reach, fabs((double)i * (double)m->from / (double)m->to - (double)impulse_near(m, i)));
  return (int64_t)ceil(reach);
}

/* === the table === */

/* `times` frames of the lowest terms in one of the table, so that few lanes of its last group are idle. */
static int64_t choose_times(int64_t to) {
  const int64_t group = LUB_POLYPHASE_GROUP;
  int64_t times = 1;
  while (to * times % group != 0 && 20 * (group - to * times % group) > to * times) times++;
  return times;
}

static void fill(lub_polyphase *t, const measure *m, int64_t reach) {
  for (int64_t i = 0; i < m->outputs; i++) {
    /* output i and impulse k stand as output `at` of the first frame and input `at_input` do */
    const int64_t impulse = impulse_near(m, i), frame = i / m->to, away = impulse - frame * m->from;
    if (fabs((double)i * (double)m->from / (double)m->to - (double)impulse) > (double)reach) continue;
    for (int64_t at = i % m->to, input = away; at < t->to; at += m->to, input += m->from) {
      const int64_t group = at / LUB_POLYPHASE_GROUP, tap = input - t->start[group];
      if (tap >= 0 && tap < t->taps)
        t->weight[(group * t->taps + tap) * LUB_POLYPHASE_GROUP + at % LUB_POLYPHASE_GROUP] = (float)m->y[i];
    }
  }
}

static void drop(lub_polyphase *t) {
  if (!t) return;
  drop(t->edge);
  free(t->start);
  free(t->weight);
  free(t);
}

static lub_status new_table(lub_polyphase **out, int64_t from, int64_t to, int64_t taps, lub_error *err) {
  lub_polyphase *t = *out = lub_calloc(1, sizeof *t);
  if (!t) return lub_nomem(err, "resampling", sizeof *t);
  t->from = from, t->to = to, t->taps = taps;
  t->groups = (to + LUB_POLYPHASE_GROUP - 1) / LUB_POLYPHASE_GROUP;
  t->start = lub_calloc((size_t)t->groups, sizeof *t->start);
  t->weight = lub_calloc((size_t)(t->groups * taps * LUB_POLYPHASE_GROUP), sizeof(float));
  if (t->start && t->weight) return LUB_OK;
  return lub_nomem(err, "resampling", 4.0 * LUB_POLYPHASE_GROUP * (double)(t->groups * taps));
}

static lub_status make(lub_polyphase **out, const measure *m, int64_t reach, lub_error *err) {
  const int64_t times = choose_times(m->to);
  /* the inputs between the first and the last output of a group, and what is heard around them */
  const int64_t taps = 2 * reach + 2 + (LUB_POLYPHASE_GROUP - 1) * m->from / m->to;
  if (new_table(out, times * m->from, times * m->to, taps, err) != LUB_OK) return err->status;
  for (int64_t g = 0; g < (*out)->groups; g++)
    (*out)->start[g] = (int32_t)(g * LUB_POLYPHASE_GROUP * m->from / m->to - reach);
  fill(*out, m, reach);
  return LUB_OK;
}

/* === its edge === */

/* The weight of an input in an output, as a table has it. */
static double weight_of(const lub_polyphase *t, int64_t output, int64_t input) {
  const int64_t at = output % t->to, group = at / LUB_POLYPHASE_GROUP;
  const int64_t tap = input - output / t->to * t->from - t->start[group];
  if (tap < 0 || tap >= t->taps) return 0;
  return (double)t->weight[(group * t->taps + tap) * LUB_POLYPHASE_GROUP + at % LUB_POLYPHASE_GROUP];
}

/* y[input]: the first outputs, where the signal is an impulse at that input. They are channels of one soxr. */
static lub_status respond_first(const lub_polyphase *t, float *const *y, lub_error *err) {
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_S, SOXR_FLOAT32_S);
  const int64_t inputs = t->edge->taps;
  float *one = lub_calloc((size_t)(2 * inputs), sizeof *one);
  const float **x = lub_calloc((size_t)inputs, sizeof *x);
  soxr_error_t failure = NULL;
  lub_status status = one && x ? LUB_OK : lub_nomem(err, "resampling", 16.0 * (double)inputs);
  if (status == LUB_OK) {
    one[inputs - 1] = 1;
    for (int64_t i = 0; i < inputs; i++) x[i] = one + inputs - 1 - i;
    failure = soxr_oneshot((double)t->from, (double)t->to, (unsigned)inputs, x, (size_t)inputs, NULL, (soxr_out_t)y,
                           (size_t)t->edge->to, NULL, &io, &quality, NULL);
  }
  free(one);
  free(x);
  return failure ? lub_fail(err, LUB_EARG, "resampling: %s", failure) : status;
}

/* Fills the edge; *agrees: where it ends, its weights are the table's. */
static void fill_edge(lub_polyphase *t, float *const *y, bool *agrees) {
  lub_polyphase *edge = t->edge;
  double highest = 0, apart = 0;
  for (int64_t input = 0; input < edge->taps; input++)
    for (int64_t output = 0; output < edge->to; output++) {
      const int64_t group = output / LUB_POLYPHASE_GROUP;
      const double weight = (double)y[input][output];
      edge->weight[(group * edge->taps + input) * LUB_POLYPHASE_GROUP + output % LUB_POLYPHASE_GROUP] = (float)weight;
      highest = fmax(highest, fabs(weight));
      if (output >= edge->to * 3 / 4) apart = fmax(apart, fabs(weight - weight_of(t, output, input)));
    }
  *agrees = apart < 1e-6 * highest;
}

static lub_status make_edge(lub_polyphase *t, int64_t reach, bool *agrees, lub_error *err) {
  const int64_t inputs = EDGE + reach, outputs = EDGE * t->to / t->from;
  if (new_table(&t->edge, 0, outputs, inputs, err) != LUB_OK) return err->status;
  float *all = lub_calloc((size_t)(inputs * outputs), sizeof *all);
  float **y = lub_calloc((size_t)inputs, sizeof *y);
  lub_status status = all && y ? LUB_OK : lub_nomem(err, "resampling", 4.0 * (double)(inputs * outputs));
  for (int64_t i = 0; status == LUB_OK && i < inputs; i++) y[i] = all + i * outputs;
  if (status == LUB_OK) status = respond_first(t, y, err);
  if (status == LUB_OK) fill_edge(t, y, agrees);
  free(all);
  free(y);
  return status;
}

/* === all tables of the process === */

typedef struct entry {
  int64_t from, to; /* in lowest terms */
  lub_polyphase *table; /* NULL: there is none */
  struct entry *next;
} entry;

static pthread_mutex_t taking_turns = PTHREAD_MUTEX_INITIALIZER;
static entry *entries;

static lub_status build(entry *e, lub_error *err) {
  measure m = {.from = e->from, .to = e->to};
  lub_status status = respond(&m, err);
  const int64_t reach = status == LUB_OK ? reach_of(&m) : 0;
  if (status == LUB_OK && reach < MOST_TAPS) {
    bool agrees = false;
    status = make(&e->table, &m, reach, err);
    if (status == LUB_OK) status = make_edge(e->table, reach, &agrees, err);
    if (status == LUB_OK && !agrees) {
      drop(e->table);
      e->table = NULL;
    }
  }
  free(m.x);
  free(m.y);
  return status;
}

static lub_status add(entry **out, int64_t from, int64_t to, lub_error *err) {
  entry *e = *out = lub_calloc(1, sizeof *e);
  if (!e) return lub_nomem(err, "resampling", sizeof *e);
  *e = (entry){.from = from, .to = to, .next = entries};
  if (build(e, err) == LUB_OK) {
    entries = e;
    return LUB_OK;
  }
  drop(e->table);
  free(e);
  return err->status;
}

lub_status lub_polyphase_find(const lub_polyphase **out, double orig_sr, double target_sr, lub_error *err) {
  lub_status status = LUB_OK;
  *out = NULL;
  if (!(orig_sr < target_sr && target_sr < HIGHEST) || orig_sr != floor(orig_sr) || target_sr != floor(target_sr))
    return LUB_OK;
  const int64_t common = divisor((int64_t)orig_sr, (int64_t)target_sr);
  const int64_t from = (int64_t)orig_sr / common, to = (int64_t)target_sr / common;
  if (to > MOST_OUTPUTS || to > MOST_RATIO * from) return LUB_OK;
  pthread_mutex_lock(&taking_turns);
  entry *e = entries;
  while (e && (e->from != from || e->to != to)) e = e->next;
  if (!e) status = add(&e, from, to, err);
  pthread_mutex_unlock(&taking_turns);
  if (status == LUB_OK) *out = e->table;
  return status;
}

/* === a signal on its way === */

void lub_polyphase_line_free(lub_polyphase_line *line) { free(line->held); }

static lub_polyphase_kernel *kernel(void) {
#ifndef LUB_ONLY_PLAIN
  if (lub_cpu_variant() == LUB_CPU_AVX512) return lub_polyphase_avx512;
  if (lub_cpu_variant() == LUB_CPU_AVX2) return lub_polyphase_avx2;
#endif
  return lub_polyphase_plain;
}

/* The inputs that one frame needs, and those that the first frames and the edge need. */
static int64_t window_of(const lub_polyphase *t) { return t->start[t->groups - 1] - t->start[0] + t->taps; }
static int64_t first_window_of(const lub_polyphase *t) {
  const int64_t frames = (t->edge->to + t->to - 1) / t->to;
  return window_of(t) + t->edge->taps + frames * t->from;
}

/* Appends n inputs (zeros where x is NULL); before the first ones, the zeros that come before the signal. */
static lub_status append(const lub_polyphase *t, lub_polyphase_line *line, const float *x, int64_t n, lub_error *err) {
  const int64_t before = line->held ? 0 : -t->start[0];
  if (line->count + before + n > line->capacity) {
    const int64_t capacity = line->count + before + n + first_window_of(t);
    float *held = lub_alloc(sizeof(float) * (size_t)capacity);
    if (!held) return lub_nomem(err, "resampling", 4.0 * (double)capacity);
    if (line->count > 0) memcpy(held, line->held, sizeof(float) * (size_t)line->count);
    free(line->held);
    line->held = held;
    line->capacity = capacity;
  }
  float *to = line->held + line->count;
  memset(to, 0, sizeof(float) * (size_t)before);
  if (x) memcpy(to + before, x, sizeof(float) * (size_t)n);
  else memset(to + before, 0, sizeof(float) * (size_t)n);
  line->count += before + n;
  return LUB_OK;
}

/* One frame, of which only `wanted` outputs are. */
static lub_status run_part(const lub_polyphase *t, const float *x, float *out, int64_t wanted, lub_error *err) {
  float *frame = lub_alloc(sizeof(float) * (size_t)t->to);
  if (!frame) return lub_nomem(err, "resampling", 4.0 * (double)t->to);
  kernel()(t, x, 1, frame);
  memcpy(out, frame, sizeof(float) * (size_t)wanted);
  free(frame);
  return LUB_OK;
}

/* All frames whose inputs are there. */
static lub_status run(const lub_polyphase *t, lub_polyphase_line *line, float *out, int64_t room, int64_t *made,
                      lub_error *err) {
  if (line->count < (line->begun ? window_of(t) : first_window_of(t))) return LUB_OK;
  const int64_t frames = (line->count - window_of(t)) / t->from + 1, left = *made < room ? room - *made : 0;
  const int64_t whole = left / t->to < frames ? left / t->to : frames;
  lub_status status = LUB_OK;
  if (whole > 0) kernel()(t, line->held, whole, out + *made);
  if (whole < frames && left > whole * t->to)
    status = run_part(t, line->held + whole * t->from, out + *made + whole * t->to, left - whole * t->to, err);
  if (!line->begun && status == LUB_OK)
    status = run_part(t->edge, line->held - t->start[0], out, left < t->edge->to ? left : t->edge->to, err);
  line->begun = true;
  line->count -= frames * t->from;
  memmove(line->held, line->held + frames * t->from, sizeof(float) * (size_t)line->count);
  *made += frames * t->to;
  return status;
}

lub_status lub_polyphase_process(const lub_polyphase *t, lub_polyphase_line *line, const float *x, int64_t n,
                                 float *out, int64_t room, int64_t *made, lub_error *err) {
  if (append(t, line, x, n, err) != LUB_OK) return err->status;
  if (x) line->taken += n;
  const unsigned control = lub_cpu_flush_denormals();
  lub_status status = run(t, line, out, room, made, err);
  lub_cpu_restore(control);
  return status;
}

lub_status lub_polyphase_finish(const lub_polyphase *t, lub_polyphase_line *line, float *out, int64_t room,
                                int64_t *made, lub_error *err) {
  const int64_t rounded = (int64_t)((double)line->taken / ((double)t->from / (double)t->to) + 0.5);
  const int64_t until = rounded < room ? rounded : room;
  if (*made >= until) return LUB_OK;
  int64_t wanted = window_of(t) + (until - *made - 1) / t->to * t->from;
  if (!line->begun && wanted < first_window_of(t)) wanted = first_window_of(t);
  const int64_t there = line->held ? line->count : -t->start[0], zeros = wanted > there ? wanted - there : 0;
  lub_status status = lub_polyphase_process(t, line, NULL, zeros, out, until, made, err);
  *made = until;
  return status;
}
