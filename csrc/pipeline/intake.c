#include "pipeline/intake.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

typedef struct member {
  int64_t item;
  lub_load *load;
  float *signal;
  int64_t capacity;
} member;

struct lub_intake {
  const lub_item *items;
  const lub_load_options *options;
  int64_t room;
  member member[LUB_INTAKE_MOST];
  int count, at; /* at: the first that has not been given */
  int together;  /* so many of them, from `at` on, share a resampler; 0: not chosen yet */
  bool loaded;   /* those are */
  bool alone;    /* nothing goes together until the intake is empty */
};

const char *lub_item_name(const lub_item *item, int64_t i, char text[32]) {
  if (item->path) return item->path;
  snprintf(text, 32, "clip %lld", (long long)i + 1);
  return text;
}

lub_load_options lub_item_options(const lub_item *item, const lub_load_options *options) {
  lub_load_options own = *options;
  own.offset += item->offset;
  return own;
}

lub_status lub_intake_new(lub_intake **out, const lub_item *items, const lub_load_options *options, int64_t room,
                          lub_error *err) {
  lub_intake *intake = *out = lub_calloc(1, sizeof *intake);
  if (!intake) return lub_nomem(err, "extract", sizeof *intake);
  intake->items = items, intake->options = options, intake->room = room;
  return LUB_OK;
}

void lub_intake_free(lub_intake *intake) {
  if (!intake) return;
  for (int i = 0; i < LUB_INTAKE_MOST; i++) {
    lub_load_close(intake->member[i].load);
    free(intake->member[i].signal);
  }
  free(intake);
}

static lub_status make_room(lub_intake *intake, member *m, lub_error *err) {
  int64_t room = lub_load_room(m->load);
  if (room < intake->room) room = intake->room;
  if (room > m->capacity) {
    free(m->signal);
    m->capacity = 0;
    m->signal = lub_alloc(sizeof(float) * (size_t)room);
    if (!m->signal) return lub_nomem(err, "extract", 4.0 * (double)room);
    m->capacity = room;
  }
  lub_load_into(m->load, m->signal);
  return LUB_OK;
}

static lub_status open_member(lub_intake *intake, member *m, lub_error *err) {
  const lub_item *item = &intake->items[m->item];
  lub_load_options options = lub_item_options(item, intake->options);
  char text[32];
  lub_load_close(m->load);
  m->load = NULL;
  lub_status status = item->path ? lub_load_file(&m->load, item->path, &options, err)
                                 : lub_load_memory(&m->load, lub_item_name(item, m->item, text), item->data,
                                                   item->channels, item->frames, item->sr, &options, err);
  if (status == LUB_OK && lub_load_channels(m->load) > 1)
    status = lub_fail(err, LUB_EARG, "has %d channels, and a plan takes one: mono must be true",
                      lub_load_channels(m->load));
  if (status == LUB_OK) status = make_room(intake, m, err);
  if (status == LUB_OK) return LUB_OK;
  lub_load_close(m->load);
  m->load = NULL;
  return status;
}

lub_status lub_intake_add(lub_intake *intake, int64_t i, lub_error *err) {
  member *m = &intake->member[intake->count];
  m->item = i;
  if (open_member(intake, m, err) != LUB_OK) return err->status;
  intake->count++;
  return LUB_OK;
}

bool lub_intake_empty(const lub_intake *intake) { return intake->at == intake->count; }

static void swap(member *a, member *b) {
  member other = *a;
  *a = *b;
  *b = other;
}

/* Brings those that are alike to the first one behind it. */
static void choose(lub_intake *intake) {
  member *first = &intake->member[intake->at];
  intake->together = 1;
  intake->loaded = false;
  for (int i = intake->at + 1; i < intake->count && !intake->alone; i++)
    if (lub_load_alike(first->load, intake->member[i].load))
      swap(&intake->member[intake->at + intake->together++], &intake->member[i]);
}

static lub_status load_together(lub_intake *intake, lub_error *err) {
  lub_load *loads[LUB_INTAKE_MOST];
  for (int i = 0; i < intake->together; i++) loads[i] = intake->member[intake->at + i].load;
  if (lub_load_advance_together(loads, intake->together, &intake->loaded, err) == LUB_OK) return LUB_OK;
  /* one of them is bad: each begins anew, by itself */
  intake->alone = true;
  intake->together = 0;
  for (int i = intake->at; i < intake->count; i++) {
    lub_load_close(intake->member[i].load);
    intake->member[i].load = NULL;
  }
  return LUB_OK;
}

static lub_status load_alone(lub_intake *intake, lub_error *err) {
  member *m = &intake->member[intake->at];
  if (!m->load && open_member(intake, m, err) != LUB_OK) return err->status;
  return lub_load_advance(m->load, &intake->loaded, err);
}

/* The first one leaves. */
static void give(lub_intake *intake, lub_signal_taken *taken) {
  member *m = &intake->member[intake->at++];
  *taken = (lub_signal_taken){.item = m->item, .load = m->load, .signal = m->signal};
  intake->together--;
  if (lub_intake_empty(intake)) {
    intake->at = intake->count = intake->together = 0;
    intake->alone = false;
  }
}

lub_status lub_intake_step(lub_intake *intake, lub_signal_taken *taken, lub_error *err) {
  *taken = (lub_signal_taken){.item = -1};
  if (intake->together == 0) choose(intake);
  if (intake->together > 1 && !intake->loaded) return load_together(intake, err);
  if (!intake->loaded) {
    lub_status status = load_alone(intake, err);
    if (status != LUB_OK) give(intake, taken);
    if (status != LUB_OK || !intake->loaded) return status;
  }
  give(intake, taken);
  return LUB_OK;
}
