/* Object headers (IV.A): the messages that say what an object is. */
#include <stdlib.h>
#include <string.h>

#include "h5/reader/internal.h"

/* What is still to be read of a header. */
typedef struct reading {
  lub_h5_header *header;
  int version;
  unsigned flags;    /* of version 2 */
  uint64_t loaded;   /* bytes in all; blocks do not overlap, so they are no more than the file */
  size_t next;       /* the message that was looked at last, for continuations */
} reading;

/* Makes `*array` of `*room` elements of `size` bytes hold one more than `count`. */
static bool grow(void **array, size_t *room, size_t count, size_t size) {
  if (count < *room) return true;
  size_t wanted = *room ? *room * 2 : 16;
  void *grown = realloc(*array, wanted * size);
  if (!grown) return false;
  *array = grown;
  *room = wanted;
  return true;
}

/* Loads a block of the header, which the header then owns. */
static lub_status load_block(lub_h5_reader *reader, reading *r, uint64_t address, uint64_t size, uint8_t **block,
                             lub_error *err) {
  lub_h5_header *h = r->header;
  if (size > reader->size - r->loaded) return lub_h5_damaged(reader, err, "an object header is larger than the file");
  void *blocks = h->block;
  if (!grow(&blocks, &h->block_room, h->blocks, sizeof *h->block)) return lub_h5_nomem(reader, err, (double)size);
  h->block = blocks;
  if (lub_h5_load(reader, address, size, block, err) != LUB_OK) return err->status;
  h->block[h->blocks++] = *block;
  r->loaded += size + 1;
  return r->loaded <= reader->size ? LUB_OK : lub_h5_damaged(reader, err, "an object header is larger than the file");
}

/* The messages of one block. */
static lub_status take_messages(lub_h5_reader *reader, reading *r, const uint8_t *bytes, size_t size, lub_error *err) {
  lub_h5_span span = lub_h5_span_over(bytes, size);
  size_t head = r->version == 1 ? 8 : 4 + (r->flags & 4 ? 2 : 0);
  while (span.left >= head) { /* what is less is a gap */
    lub_h5_message message;
    message.type = (unsigned)lub_h5_take(&span, r->version == 1 ? 2 : 1);
    message.size = (size_t)lub_h5_take(&span, 2);
    message.flags = (unsigned)lub_h5_take(&span, 1);
    lub_h5_skip(&span, head - (r->version == 1 ? 5 : 4)); /* reserved; creation order */
    message.data = lub_h5_skip(&span, message.size);
    if (span.bad) return lub_h5_damaged(reader, err, "a message is longer than its header");
    if (message.type == 0) continue; /* a hole */
    lub_h5_header *h = r->header;
    void *messages = h->message;
    if (!grow(&messages, &h->room, h->count, sizeof message)) return lub_h5_nomem(reader, err, (double)h->room);
    h->message = messages;
    h->message[h->count++] = message;
  }
  return LUB_OK;
}

/* A block that a continuation message points to. */
static lub_status take_continuation(lub_h5_reader *reader, reading *r, const lub_h5_message *message,
                                    lub_error *err) {
  uint8_t *block;
  lub_h5_span span = lub_h5_span_over(message->data, message->size);
  uint64_t address = lub_h5_take_address(reader, &span), size = lub_h5_take_length(reader, &span);
  if (span.bad) return lub_h5_damaged(reader, err, "a continuation is too short");
  if (load_block(reader, r, address, size, &block, err) != LUB_OK) return err->status;
  if (r->version == 1) return take_messages(reader, r, block, (size_t)size, err);
  if (size < 8 || memcmp(block, "OCHK", 4) != 0) return lub_h5_damaged(reader, err, "a continuation has no signature");
  return take_messages(reader, r, block + 4, (size_t)size - 8, err);
}

/* Version 1: 16 bytes before the messages. */
static lub_status begin_old(lub_h5_reader *reader, reading *r, uint64_t address, lub_error *err) {
  uint8_t prefix[16], *block;
  if (lub_h5_fetch(reader, address, prefix, sizeof prefix, err) != LUB_OK) return err->status;
  lub_h5_span span = lub_h5_span_over(prefix + 8, 4);
  uint64_t size = lub_h5_take(&span, 4);
  if (load_block(reader, r, address + sizeof prefix, size, &block, err) != LUB_OK) return err->status;
  return take_messages(reader, r, block, (size_t)size, err);
}

/* Version 2: a prefix whose flags say what it has, and a checksum behind the messages. */
static lub_status begin_new(lub_h5_reader *reader, reading *r, uint64_t address, lub_error *err) {
  uint8_t prefix[34], *block;
  size_t head = 6;
  if (lub_h5_fetch(reader, address, prefix, head, err) != LUB_OK) return err->status;
  if (prefix[4] != 2) return lub_h5_damaged(reader, err, "an object header has an unknown version");
  r->flags = prefix[5];
  if (r->flags & 0x20) head += 16; /* times */
  if (r->flags & 0x10) head += 4;  /* how many attributes stand here */
  int width = 1 << (r->flags & 3);
  if (lub_h5_fetch(reader, address, prefix, head + (size_t)width, err) != LUB_OK) return err->status;
  lub_h5_span span = lub_h5_span_over(prefix + head, (size_t)width);
  uint64_t size = lub_h5_take(&span, width);
  if (load_block(reader, r, address + head + (uint64_t)width, size, &block, err) != LUB_OK) return err->status;
  return take_messages(reader, r, block, (size_t)size, err);
}

lub_status lub_h5_read_header(lub_h5_reader *reader, uint64_t address, lub_h5_header *header, lub_error *err) {
  uint8_t start[4];
  *header = (lub_h5_header){0};
  reading r = {.header = header};
  if (lub_h5_fetch(reader, address, start, sizeof start, err) != LUB_OK) return err->status;
  r.version = memcmp(start, "OHDR", 4) == 0 ? 2 : start[0];
  if (r.version != 1 && r.version != 2) return lub_h5_damaged(reader, err, "no object header where one should be");
  lub_status status = r.version == 1 ? begin_old(reader, &r, address, err) : begin_new(reader, &r, address, err);
  for (; status == LUB_OK && r.next < header->count; r.next++) {
    lub_h5_message message = header->message[r.next];
    if (message.type == LUB_H5_CONTINUATION) status = take_continuation(reader, &r, &message, err);
  }
  return status;
}

void lub_h5_free_header(lub_h5_header *header) {
  for (size_t i = 0; i < header->blocks; i++) free(header->block[i]);
  free(header->block);
  free(header->message);
  *header = (lub_h5_header){0};
}

const lub_h5_message *lub_h5_message_of(const lub_h5_header *header, lub_h5_message_type type) {
  for (size_t i = 0; i < header->count; i++)
    if (header->message[i].type == type) return &header->message[i];
  return NULL;
}

lub_h5_kind lub_h5_kind_of(const lub_h5_header *header) {
  if (lub_h5_message_of(header, LUB_H5_LAYOUT)) return LUB_H5_DATASET;
  if (lub_h5_message_of(header, LUB_H5_SYMBOLS) || lub_h5_message_of(header, LUB_H5_LINK_INFO)) return LUB_H5_GROUP;
  return LUB_H5_OTHER;
}

lub_status lub_h5_unshare(lub_h5_reader *reader, lub_h5_message *message, lub_h5_header *other, lub_error *err) {
  if (!(message->flags & 2)) return LUB_OK;
  lub_h5_span span = lub_h5_span_over(message->data, message->size);
  unsigned version = (unsigned)lub_h5_take(&span, 1), where = (unsigned)lub_h5_take(&span, 1);
  if (version == 1) lub_h5_skip(&span, 6);
  uint64_t address = lub_h5_take_address(reader, &span);
  if (span.bad || version < 1 || version > 3) return lub_h5_damaged(reader, err, "a shared message makes no sense");
  if (version == 3 && where != 2)
    return lub_h5_refuse(reader, err, "messages that objects share in a table of the file are not read");
  lub_h5_message wanted = *message;
  if (lub_h5_read_header(reader, address, other, err) != LUB_OK) return err->status;
  const lub_h5_message *found = lub_h5_message_of(other, (lub_h5_message_type)wanted.type);
  if (!found || found->flags & 2) return lub_h5_damaged(reader, err, "a shared message is missing");
  *message = *found;
  return LUB_OK;
}
