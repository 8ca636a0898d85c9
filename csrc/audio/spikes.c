#include "audio/spikes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static int64_t window_end(const lub_spikes *s, int64_t w) {
  int64_t end = (w + 1) * s->window;
  return end < s->n ? end : s->n;
}

static void measure(lub_spikes *s, int64_t w) {
  float maximum = 0;
  for (int64_t i = w * s->window; i < window_end(s, w); i++) maximum = fmaxf(maximum, fabsf(s->x[i]));
  s->maximum[w] = maximum;
}

lub_status lub_spikes_begin(lub_spikes *s, float *x, int64_t n, int64_t window, double threshold, lub_error *err) {
  s->x = x, s->n = n, s->window = window, s->threshold = threshold;
  s->windows = (n + window - 1) / window;
  if (s->windows > s->capacity) {
    lub_spikes_free(s);
    s->maximum = lub_alloc(sizeof(float) * (size_t)s->windows);
    s->sorted = lub_alloc(sizeof(float) * (size_t)s->windows);
    if (!s->maximum || !s->sorted) return lub_nomem(err, "remove_spikes", 8.0 * (double)s->windows);
    s->capacity = s->windows;
  }
  for (int64_t w = 0; w < s->windows; w++) measure(s, w);
  return LUB_OK;
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double median(lub_spikes *s) {
  int64_t n = s->windows;
  memcpy(s->sorted, s->maximum, sizeof(float) * (size_t)n);
  qsort(s->sorted, (size_t)n, sizeof(float), ascending);
  return n % 2 ? s->sorted[n / 2] : 0.5 * ((double)s->sorted[n / 2 - 1] + s->sorted[n / 2]);
}

/* Silences the run of samples of one sign around sample `top`. */
static void silence(lub_spikes *s, int64_t top) {
  bool positive = s->x[top] > 0;
  int64_t first = top, end = top + 1;
  while (first > 0 && s->x[first - 1] != 0 && (s->x[first - 1] > 0) == positive) first--;
  while (end < s->n && s->x[end] != 0 && (s->x[end] > 0) == positive) end++;
  memset(s->x + first, 0, sizeof(float) * (size_t)(end - first));
  for (int64_t w = first / s->window; w <= (end - 1) / s->window; w++) measure(s, w);
}

bool lub_spikes_advance(lub_spikes *s, int64_t most) {
  for (; most > 0; most--) {
    double middle = median(s);
    int64_t largest = 0;
    for (int64_t w = 1; w < s->windows; w++)
      if (s->maximum[w] > s->maximum[largest]) largest = w;
    if (middle == 0 || s->maximum[largest] <= s->threshold * middle) return true;
    int64_t top = largest * s->window;
    while (fabsf(s->x[top]) != s->maximum[largest]) top++;
    silence(s, top);
  }
  return false;
}

void lub_spikes_free(lub_spikes *s) {
  free(s->maximum);
  free(s->sorted);
  *s = (lub_spikes){.x = s->x, .n = s->n, .window = s->window, .windows = s->windows, .threshold = s->threshold};
}
