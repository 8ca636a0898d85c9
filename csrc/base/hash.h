/* hash.h - BLAKE2b with 256 bits (RFC 7693), for telling contents apart. */
#ifndef LUB_BASE_HASH_H
#define LUB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct lub_hash {
  uint64_t state[8];
  uint64_t total; /* bytes so far, those waiting not counted */
  size_t waiting;
  unsigned char block[128];
} lub_hash;

void lub_hash_begin(lub_hash *hash);
void lub_hash_add(lub_hash *hash, const void *bytes, size_t size);
/* Writes the digest, 32 bytes as four words, little-endian. */
void lub_hash_end(lub_hash *hash, uint64_t digest[4]);

#endif
