/* Numbers as a file has them, to numbers of C. */
#include <math.h>
#include <string.h>

#include "h5/reader/internal.h"

static uint64_t gather(const lub_h5_type *type, const uint8_t *in) {
  uint64_t bits = 0;
  for (size_t i = 0; i < type->size; i++) bits = bits << 8 | in[type->big_endian ? i : type->size - 1 - i];
  return bits;
}

static uint64_t field(uint64_t bits, int at, int count) { return bits >> at & ((UINT64_C(1) << count) - 1); }

/* Any float with a sign, a biased exponent and a mantissa without its leading one; the largest exponent is for
 * infinity and NaN. Exact, since a double has room for all that lub_h5_read_type lets through. */
static double float_value(const lub_h5_type *type, uint64_t bits) {
  uint64_t exponent = field(bits, type->exponent_at, type->exponent_bits);
  uint64_t mantissa = field(bits, type->mantissa_at, type->mantissa_bits);
  double value, scale = (double)mantissa / (double)(UINT64_C(1) << type->mantissa_bits);
  if (exponent == (UINT64_C(1) << type->exponent_bits) - 1) value = mantissa ? NAN : INFINITY;
  else if (exponent == 0) value = ldexp(scale, (int)(1 - type->exponent_bias));
  else value = ldexp(1 + scale, (int)((int64_t)exponent - type->exponent_bias));
  return bits >> type->sign_at & 1 ? -value : value;
}

static int64_t signed_value(const lub_h5_type *type, uint64_t bits) {
  int unused = (int)(64 - 8 * type->size);
  bits <<= unused;
  return (int64_t)bits >> unused;
}

/* As HDF5 does, the largest int64 stands for what is larger. */
static int64_t integer_value(const lub_h5_type *type, uint64_t bits) {
  if (type->is_signed) return signed_value(type, bits);
  return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
}

static double number_value(const lub_h5_type *type, uint64_t bits) {
  if (type->kind == LUB_H5_FLOAT) return float_value(type, bits);
  return type->is_signed ? (double)signed_value(type, bits) : (double)bits;
}

/* From an integer to float at once: over double it would be rounded twice. */
static float single_value(const lub_h5_type *type, uint64_t bits) {
  if (type->kind == LUB_H5_FLOAT) return (float)float_value(type, bits);
  return type->is_signed ? (float)signed_value(type, bits) : (float)bits;
}

bool lub_h5_is_plain(const lub_h5_type *type, lub_h5_number number) {
  const uint16_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  if (type->big_endian != (first == 0) || type->size != lub_h5_number_size(number)) return false;
  if (number == LUB_H5_INT64) return type->kind == LUB_H5_INTEGER && type->is_signed;
  bool single = number == LUB_H5_FLOAT32;
  return type->kind == LUB_H5_FLOAT && type->mantissa_bits == (single ? 23 : 52) && type->mantissa_at == 0 &&
         type->exponent_bits == (single ? 8 : 11) && type->exponent_at == type->mantissa_bits &&
         type->exponent_bias == (single ? 127 : 1023) && type->sign_at == (single ? 31 : 63);
}

void lub_h5_convert(const lub_h5_type *type, const uint8_t *in, size_t count, lub_h5_number number, void *out) {
  if (lub_h5_is_plain(type, number)) {
    if (count > 0) memcpy(out, in, count * type->size);
    return;
  }
  for (size_t i = 0; i < count; i++, in += type->size) {
    uint64_t bits = gather(type, in);
    switch (number) {
    case LUB_H5_FLOAT32: ((float *)out)[i] = single_value(type, bits); break;
    case LUB_H5_FLOAT64: ((double *)out)[i] = number_value(type, bits); break;
    case LUB_H5_INT64: ((int64_t *)out)[i] = integer_value(type, bits); break;
    }
  }
}
