#include "feature/frame.h"

int64_t lub_frames(const lub_framing *framing, int64_t n) {
  int64_t rest = n + 2 * framing->pad - framing->length;
  return rest < 0 ? 0 : 1 + rest / framing->hop;
}

/* Where the samples after the end are mirrored, counting from the start. */
static int64_t tail_start(const lub_framing *framing, int64_t n) {
  int64_t head = (framing->pad + framing->hop - 1) / framing->hop;
  int64_t rest = n + framing->pad - framing->length;
  if (rest < 0 || !framing->apart) return 0;
  int64_t tail = rest / framing->hop + 1;
  return tail <= head ? 0 : tail * framing->hop - framing->pad;
}

/* Position i, which may be outside 0 .. n-1, mirrored into [low, n) without repeating the ends. */
static int64_t mirrored(int64_t i, int64_t low, int64_t n) {
  int64_t last = n - 1 - low, period = 2 * last;
  if (last <= 0) return n - 1;
  i = (i - low) % period;
  if (i < 0) i += period;
  return low + (i <= last ? i : period - i);
}

float lub_frame_sample(const lub_framing *framing, const lub_signal *signal, int64_t i) {
  int64_t n = signal->n;
  if (i < -framing->pad || i >= n + framing->pad) return 0; /* after the last frame */
  if (i < 0 || i >= n) switch (framing->mode) {
    case LUB_PAD_EDGE: i = i < 0 ? 0 : n - 1; break;
    case LUB_PAD_REFLECT: i = mirrored(i, i < 0 ? 0 : tail_start(framing, n), n); break;
    default: return 0;
    }
  return i >= signal->from && i < signal->until ? signal->x[i - signal->from] : 0;
}

const float *lub_frame_at(const lub_framing *framing, const lub_signal *signal, int64_t f, float *buffer) {
  int64_t start = f * framing->hop - framing->pad;
  if (start >= signal->from && start + framing->length <= signal->until) return signal->x + (start - signal->from);
  for (int64_t i = 0; i < framing->length; i++) buffer[i] = lub_frame_sample(framing, signal, start + i);
  return buffer;
}
