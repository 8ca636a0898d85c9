/* Types of elements (IV.A.2.d) and the extents of arrays (IV.A.2.b). */
#include "h5/reader/internal.h"

/* === types === */

static lub_status take_integer(lub_h5_reader *reader, lub_h5_span *span, unsigned bits, lub_h5_type *type,
                               lub_error *err) {
  unsigned offset = (unsigned)lub_h5_take(span, 2), precision = (unsigned)lub_h5_take(span, 2);
  if (span->bad || type->size < 1) return lub_h5_damaged(reader, err, "a type makes no sense");
  if (type->size > 8 || offset != 0 || precision != 8 * type->size)
    return lub_h5_refuse(reader, err, "whole numbers of a size that is not read: write them as int64");
  type->kind = LUB_H5_INTEGER;
  type->big_endian = bits & 1;
  type->is_signed = bits & 8;
  return LUB_OK;
}

static lub_status take_float(lub_h5_reader *reader, lub_h5_span *span, unsigned bits, lub_h5_type *type,
                             lub_error *err) {
  enum { LEADING_ONE = 2 };
  unsigned offset = (unsigned)lub_h5_take(span, 2), precision = (unsigned)lub_h5_take(span, 2);
  type->exponent_at = (int)lub_h5_take(span, 1);
  type->exponent_bits = (int)lub_h5_take(span, 1);
  type->mantissa_at = (int)lub_h5_take(span, 1);
  type->mantissa_bits = (int)lub_h5_take(span, 1);
  type->exponent_bias = (int64_t)lub_h5_take(span, 4);
  type->sign_at = (int)(bits >> 8 & 255);
  type->kind = LUB_H5_FLOAT;
  type->big_endian = bits & 1;
  if (span->bad || type->size < 1) return lub_h5_damaged(reader, err, "a type makes no sense");
  if (type->size > 8 || offset != 0 || precision > 8 * type->size || type->exponent_bits > 11 ||
      type->mantissa_bits > 52 || bits & 0x40 || (bits >> 4 & 3) != LEADING_ONE)
    return lub_h5_refuse(reader, err, "floats of a kind that is not read: write them as float32 or float64");
  int most = (int)(8 * type->size);
  if (type->exponent_bits < 1 || type->mantissa_bits < 1 || type->sign_at >= most || type->exponent_bias > 1 << 12 ||
      type->exponent_at + type->exponent_bits > most || type->mantissa_at + type->mantissa_bits > most)
    return lub_h5_damaged(reader, err, "a type makes no sense");
  return LUB_OK;
}

lub_status lub_h5_read_type(lub_h5_reader *reader, const uint8_t *data, size_t size, lub_h5_type *type,
                            lub_error *err) {
  enum { INTEGER = 0, FLOAT = 1, STRING = 3, ENUMERATION = 8, VARIABLE = 9, SPACE_PADDED = 2, IS_STRING = 1 };
  lub_h5_span span = lub_h5_span_over(data, size);
  unsigned kind = (unsigned)lub_h5_take(&span, 1) & 15, bits = (unsigned)lub_h5_take(&span, 3);
  *type = (lub_h5_type){.kind = LUB_H5_OTHER_TYPE, .size = (size_t)lub_h5_take(&span, 4)};
  if (span.bad) return lub_h5_damaged(reader, err, "a type makes no sense");
  switch (kind) {
  case INTEGER: return take_integer(reader, &span, bits, type, err);
  case FLOAT: return take_float(reader, &span, bits, type, err);
  case ENUMERATION: /* h5py's booleans: the type of their values comes first */
    if (span.left < 8 || (span.at[0] & 15) != INTEGER) return lub_h5_damaged(reader, err, "a type makes no sense");
    return lub_h5_read_type(reader, span.at, span.left, type, err);
  case STRING:
    type->kind = LUB_H5_FIXED_STRING;
    type->space_padded = (bits & 15) == SPACE_PADDED;
    return LUB_OK;
  case VARIABLE:
    if ((bits & 15) != IS_STRING) return LUB_OK;
    type->kind = LUB_H5_VARIABLE_STRING;
    type->space_padded = (bits >> 4 & 15) == SPACE_PADDED;
    if (type->size != 8 + (size_t)reader->address_bytes) return lub_h5_damaged(reader, err, "a type makes no sense");
    return LUB_OK;
  default: return LUB_OK;
  }
}

lub_h5_number lub_h5_number_of(const lub_h5_type *type) {
  if (type->kind == LUB_H5_INTEGER) return LUB_H5_INT64;
  return type->size <= sizeof(float) ? LUB_H5_FLOAT32 : LUB_H5_FLOAT64;
}

size_t lub_h5_number_size(lub_h5_number number) { return number == LUB_H5_FLOAT32 ? sizeof(float) : 8; }

/* === spaces === */

lub_status lub_h5_read_space(lub_h5_reader *reader, const uint8_t *data, size_t size, lub_h5_space *space,
                             lub_error *err) {
  lub_h5_span span = lub_h5_span_over(data, size);
  unsigned version = (unsigned)lub_h5_take(&span, 1);
  space->rank = (int)lub_h5_take(&span, 1);
  lub_h5_take(&span, 1); /* flags: what follows the sizes */
  unsigned type = (unsigned)lub_h5_take(&span, 1);
  if (version == 1) lub_h5_skip(&span, 4);
  if (span.bad || version < 1 || version > 2 || (version == 2 && type > 2) || space->rank > LUB_H5_MAX_RANK)
    return lub_h5_damaged(reader, err, "a shape makes no sense");
  space->kind = version == 2 && type == 2 ? LUB_H5_NULL : space->rank == 0 ? LUB_H5_SCALAR : LUB_H5_SIMPLE;
  space->points = space->kind == LUB_H5_NULL ? 0 : 1;
  bool empty = false, large = false;
  for (int i = 0; i < space->rank; i++) {
    uint64_t dim = space->dim[i] = lub_h5_take_length(reader, &span);
    empty = empty || dim == 0;
    large = large || (dim > 0 && space->points > (UINT64_C(1) << 62) / dim);
    if (!large && dim > 0) space->points *= dim;
  }
  if (span.bad) return lub_h5_damaged(reader, err, "a shape makes no sense");
  if (empty) space->points = 0;
  if (large && !empty) return lub_h5_refuse(reader, err, "declares more elements than any file holds");
  return LUB_OK;
}

lub_status lub_h5_read_shape(lub_h5_reader *reader, const lub_h5_space *space, lub_shape *shape, lub_error *err) {
  if (space->kind == LUB_H5_NULL) return lub_h5_refuse(reader, err, "has no shape");
  if (space->rank > LUB_MAX_DIMS) {
    return lub_fail(err, LUB_EWORLD, "%s: %s: has %d axes, and at most %d can be read", reader->path, reader->object,
                    space->rank, LUB_MAX_DIMS);
  }
  *shape = (lub_shape){.ndim = space->rank};
  for (int i = 0; i < space->rank; i++) {
    if (space->dim[i] > INT64_MAX) return lub_h5_refuse(reader, err, "declares more elements than any file holds");
    shape->dim[i] = (int64_t)space->dim[i];
  }
  return LUB_OK;
}
