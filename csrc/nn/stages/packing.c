#include "nn/stages/packing.h"

/* Calls work for every block of lanes: its first lane, its width when packed, and how many of its lanes there are. */
#define EACH_BLOCK(m, vector, first, width, real)                                                          \
  for (int64_t first = 0, width, real;                                                                     \
       width = (m)->lanes - first < 2 * (vector) ? (m)->lanes - first : 2 * (vector),                      \
               real = (m)->n - first < width ? (m)->n - first : width, first < (m)->n;                     \
       first += 2 * (vector))

void lub_pack(const lub_unpacked *m, const float *from, float *packed, int vector) {
  EACH_BLOCK(m, vector, first, width, real) {
    float *to = packed + first * m->terms;
    const float *block = from + first * m->lane_step;
    if (m->lane_step == 1) {
      for (int64_t t = 0; t < m->terms; t++)
        for (int64_t l = 0; l < real; l++) to[t * width + l] = block[t * m->term_step + l];
    } else { /* turned: read along the terms */
      for (int64_t l = 0; l < real; l++)
        for (int64_t t = 0; t < m->terms; t++) to[t * width + l] = block[t * m->term_step + l * m->lane_step];
    }
  }
}

void lub_add_packed(const lub_unpacked *m, const float *packed, float *to, int vector) {
  EACH_BLOCK(m, vector, first, width, real) {
    const float *from = packed + first * m->terms;
    float *block = to + first * m->lane_step;
    if (m->lane_step == 1) {
      for (int64_t t = 0; t < m->terms; t++)
        for (int64_t l = 0; l < real; l++) block[t * m->term_step + l] += from[t * width + l];
    } else {
      for (int64_t l = 0; l < real; l++)
        for (int64_t t = 0; t < m->terms; t++) block[t * m->term_step + l * m->lane_step] += from[t * width + l];
    }
  }
}
