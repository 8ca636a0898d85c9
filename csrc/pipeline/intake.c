#include "pipeline/intake.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

struct lub_intake {
  const lub_item *items;
  const lub_load_options *options;
  int64_t room;
  lub_load *load;
  float *signal;
  int64_t capacity;
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
  lub_load_close(intake->load);
  free(intake->signal);
  free(intake);
}

static lub_status make_room(lub_intake *intake, lub_error *err) {
  int64_t room = lub_load_room(intake->load);
  if (room < intake->room) room = intake->room;
  if (room > intake->capacity) {
    free(intake->signal);
    intake->capacity = 0;
    intake->signal = lub_alloc(sizeof(float) * (size_t)room);
    if (!intake->signal) return lub_nomem(err, "extract", 4.0 * (double)room);
    intake->capacity = room;
  }
  lub_load_into(intake->load, intake->signal);
  return LUB_OK;
}

lub_status lub_intake_open(lub_intake *intake, int64_t i, lub_error *err) {
  const lub_item *item = &intake->items[i];
  lub_load_options options = lub_item_options(item, intake->options);
  char text[32];
  lub_load_close(intake->load);
  intake->load = NULL;
  lub_status status = item->path ? lub_load_file(&intake->load, item->path, &options, err)
                                 : lub_load_memory(&intake->load, lub_item_name(item, i, text), item->data,
                                                   item->channels, item->frames, item->sr, &options, err);
  if (status == LUB_OK && lub_load_channels(intake->load) > 1)
    status = lub_fail(err, LUB_EARG, "has %d channels, and a plan takes one: mono must be true",
                      lub_load_channels(intake->load));
  return status == LUB_OK ? make_room(intake, err) : status;
}

lub_status lub_intake_advance(lub_intake *intake, bool *finished, lub_error *err) {
  return lub_load_advance(intake->load, finished, err);
}

const lub_load *lub_intake_load(const lub_intake *intake) { return intake->load; }
float *lub_intake_signal(const lub_intake *intake) { return intake->signal; }
