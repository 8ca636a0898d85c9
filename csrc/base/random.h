/* random.h - counter-based random numbers: value i of a stream is a function of (key, i)
 * alone, so that no thread, order or address can change it. Nothing here is for secrets.
 * (Shuffles and splits use NumPy's Mersenne Twister instead; see lua/lubdub/random.lua.) */
#ifndef LUB_BASE_RANDOM_H
#define LUB_BASE_RANDOM_H

#include <stdint.h>

/* Mixes a word into a 64-bit key; chain it over (seed, step, layer, sample, ...).
 * The finalizer is splitmix64's (Steele, Lea, Flood 2014). */
static inline uint64_t lub_mix(uint64_t key, uint64_t word) {
  uint64_t z = key + 0x9E3779B97F4A7C15u * (word + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/* 32 random bits for element i of the stream `key`: murmur3's finalizer with the two halves
 * of the key added, in 32-bit steps that vectorize. kernels repeat it lane by lane. */
static inline uint32_t lub_hash32(uint64_t key, uint32_t i) {
  uint32_t x = i * 0x9E3779B1u + (uint32_t)key;
  x ^= x >> 15;
  x *= 0x85EBCA77u;
  x += (uint32_t)(key >> 32);
  x ^= x >> 13;
  x *= 0xC2B2AE3Du;
  return x ^ (x >> 16);
}

/* The threshold t for which hash32 >= t happens with probability 1 - rate (0 <= rate < 1). */
static inline uint32_t lub_drop_threshold(double rate) { return (uint32_t)(rate * 4294967296.0); }

/* Fills x[0..n-1] with uniform numbers in [low, high), or normal ones (Box-Muller). */
void lub_fill_uniform(float *x, int64_t n, double low, double high, uint64_t key);
void lub_fill_normal(float *x, int64_t n, double mean, double deviation, uint64_t key);

#endif
