/* Random shapes through one variant of lub_sparse_backward (NAME): every array ends where a page begins that nobody may
 * touch, and the gradients are compared with sums in double. Prints what was wrong, and fails. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "nn/kernels/kernels.h"

void NAME(const lub_sparse *sample);

enum { SHAPES = 200, PAGE = 4096 };

static uint64_t state = 88172645463325252u;

static uint32_t next_number(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)(state >> 32);
}

static int64_t between(int64_t low, int64_t high) { return low + next_number() % (high - low + 1); }
static float share(void) { return (float)next_number() / 4294967296.0f - 0.5f; }

static void *guarded(int64_t bytes, int64_t alignment) {
  const size_t room = (size_t)(bytes + alignment + PAGE - 1) / PAGE * PAGE;
  char *block = mmap(NULL, room + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED || mprotect(block + room, PAGE, PROT_NONE) != 0) exit(2);
  return block + (room - (size_t)bytes) / (size_t)alignment * (size_t)alignment;
}

static float *guarded_floats(int64_t n, int64_t alignment, int random) {
  float *x = guarded(n * (int64_t)sizeof(float), alignment);
  for (int64_t i = 0; i < n && random; i++) x[i] = share();
  return x;
}

static double difference(const double *expected, const float *got, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(expected[i] - got[i]));
  return most;
}

static double try_shape(void) {
  const int64_t kernel_w = between(1, 3), inputs = LUB_RUN * between(1, 4);
  lub_sparse s = {.rows = between(1, 9), .columns = between(1, 40), .channels = between(1, 70),
                  .pool_h = (int)between(1, 3), .pool_w = (int)between(1, 3), .kernel_h = between(1, 4),
                  .run = kernel_w * inputs, .step = inputs, .scale = 1.25f};
  s.line = (s.columns * s.pool_w + kernel_w - 1 + between(0, 2)) * inputs;
  const int64_t in = (s.rows * s.pool_h + s.kernel_h - 1) * s.line, out = s.rows * s.columns * s.channels;
  const int64_t weights = s.channels * s.kernel_h * s.run, list = lub_sparse_list_floats(&s), alive = between(0, 4);
  const int back = between(0, 3) > 0;
  uint8_t *argmax = guarded(out, 1);
  for (int64_t i = 0; i < out; i++)
    argmax[i] = between(0, 4) < alive ? (uint8_t)between(0, s.pool_h * s.pool_w - 1) : LUB_NO_GRADIENT;
  float *gx = guarded_floats(in, 64, 0);
  s.argmax = argmax, s.gy = guarded_floats(out, 4, 1), s.x = guarded_floats(in, 64, 1), s.gx = back ? gx : NULL;
  s.weights = guarded_floats(weights, 64, 1), s.gradient = guarded_floats(weights, 64, 0);
  s.bias_gradient = guarded_floats(s.channels, 4, 0);
  s.value = guarded_floats(list, 64, 0), s.offset = guarded(list * (int64_t)sizeof(int32_t), 64);
  NAME(&s);

  double *gradient = calloc((size_t)weights, sizeof *gradient), *input = calloc((size_t)in, sizeof *input);
  double *bias = calloc((size_t)s.channels, sizeof *bias);
  if (!gradient || !input || !bias) exit(2);
  for (int64_t i = 0; i < out; i++) {
    if (argmax[i] == LUB_NO_GRADIENT) continue;
    const int64_t o = i % s.channels, row = i / s.channels / s.columns, column = i / s.channels % s.columns;
    const int64_t corner = (row * s.pool_h + argmax[i] / s.pool_w) * s.line +
                           (column * s.pool_w + argmax[i] % s.pool_w) * s.step;
    const double g = (double)s.gy[i] * s.scale;
    bias[o] += g;
    for (int64_t k = 0; k < s.kernel_h * s.run; k++) {
      const int64_t at = corner + k / s.run * s.line + k % s.run, weight = o * s.kernel_h * s.run + k;
      gradient[weight] += g * s.x[at];
      if (back) input[at] += g * s.weights[weight];
    }
  }
  const double most = fmax(difference(bias, s.bias_gradient, s.channels),
                           fmax(difference(gradient, s.gradient, weights), difference(input, gx, in)));
  if (most > 1e-4)
    printf("%lld rows, %lld columns, %lld channels, pool %dx%d, kernel %lldx%lld: off by %g\n", (long long)s.rows,
           (long long)s.columns, (long long)s.channels, s.pool_h, s.pool_w, (long long)s.kernel_h, (long long)kernel_w,
           most);
  free(gradient), free(input), free(bias);
  return most;
}

int main(void) {
  for (int i = 0; i < SHAPES; i++)
    if (try_shape() > 1e-4) return 1;
  return 0;
}
