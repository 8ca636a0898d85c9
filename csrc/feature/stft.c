#include "feature/stft.h"

#include <stdlib.h>

#include "base/memory.h"
#include "feature/kernels/kernels.h"

const lub_feature_kernels *lub_feature_table(void) {
#ifndef LUB_ONLY_PLAIN
  if (lub_cpu_variant() == LUB_CPU_AVX512) return &lub_feature_avx512;
  if (lub_cpu_variant() == LUB_CPU_AVX2) return &lub_feature_avx2;
#endif
  return &lub_feature_plain;
}

lub_status lub_stft_init(lub_stft *stft, const lub_framing *framing, int64_t win_length, const double *window,
                         lub_error *err) {
  int64_t n_fft = framing->length, hop = framing->hop;
  *stft = (lub_stft){.kernels = lub_feature_table(), .framing = *framing};
  stft->phases = hop < n_fft ? hop : n_fft;
  stft->columns = stft->kernels->lanes + (n_fft - 1) / hop;
  stft->stride = lub_round_up(stft->columns, 4);
  if (lub_fft_init(&stft->fft, n_fft, err) != LUB_OK) return err->status;
  stft->offset = lub_calloc((size_t)n_fft, sizeof(int32_t));
  stft->window = lub_calloc((size_t)n_fft, sizeof(float));
  if (!stft->offset || !stft->window) return lub_nomem(err, "STFT", 8.0 * (double)n_fft);
  for (int64_t j = 0; j < n_fft; j++) stft->offset[j] = (int32_t)(j % hop * stft->stride + j / hop);
  double factor = n_fft % 2 == 0 ? 0.5 : 1;
  float *middle = stft->window + (n_fft - win_length) / 2;
  for (int64_t j = 0; j < win_length; j++) middle[j] = (float)(factor * window[j]);
  return LUB_OK;
}

void lub_stft_free(lub_stft *stft) {
  lub_fft_free(&stft->fft);
  free(stft->offset);
  free(stft->window);
  *stft = (lub_stft){0};
}

lub_status lub_stft_work_init(lub_stft_work *work, const lub_stft *stft, lub_error *err) {
  const int64_t unit = LUB_ALIGN / (int64_t)sizeof(float);
  int64_t lanes = stft->kernels->lanes, n_fft = stft->fft.n_fft;
  int64_t edge = lub_round_up(stft->columns * stft->phases, unit), zeros = lub_round_up(stft->phases, unit);
  int64_t transposed = lub_round_up(stft->phases * stft->stride, unit), fft = lub_round_up(2 * n_fft * lanes, unit);
  int64_t frame = lub_round_up(n_fft, unit) + lub_fft_frame_work(&stft->fft);
  size_t rows = (size_t)lub_round_up(stft->stride * (int64_t)sizeof(float *), LUB_ALIGN);
  size_t bytes = rows + sizeof(float) * (size_t)(edge + zeros + transposed + fft + frame);
  char *memory = lub_calloc(bytes, 1);
  *work = (lub_stft_work){.memory = memory};
  if (!memory) return lub_nomem(err, "STFT", (double)bytes);
  work->rows = (const float **)(void *)memory;
  work->edge = (float *)(void *)(memory + rows);
  work->zeros = work->edge + edge;
  work->transposed = work->zeros + zeros;
  work->fft = work->transposed + transposed;
  work->frame = work->fft + fft;
  return LUB_OK;
}

void lub_stft_work_free(lub_stft_work *work) {
  free(work->memory);
  *work = (lub_stft_work){0};
}

/* Points work->rows at the columns of the block that begins with frame `first`. */
static void find_columns(const lub_stft *stft, lub_stft_work *work, const lub_signal *signal, int64_t first) {
  const lub_framing *framing = &stft->framing;
  for (int64_t c = 0; c < stft->stride; c++) {
    int64_t start = (first + c) * framing->hop - framing->pad;
    bool unheard = start >= signal->until && signal->until < signal->n;
    bool padding = framing->mode == LUB_PAD_CONSTANT && (start + stft->phases <= 0 || start >= signal->n);
    if (c >= stft->columns || unheard || padding || start >= signal->n + framing->pad) {
      work->rows[c] = work->zeros;
    } else if (start >= signal->from && start + stft->phases <= signal->until) {
      work->rows[c] = signal->x + (start - signal->from);
    } else {
      float *column = work->edge + c * stft->phases;
      for (int64_t i = 0; i < stft->phases; i++) column[i] = lub_frame_sample(framing, signal, start + i);
      work->rows[c] = column;
    }
  }
}

/* Frame by frame through kissfft, into work->fft. */
static void transform_frames(const lub_stft *stft, lub_stft_work *work) {
  int64_t n_fft = stft->fft.n_fft;
  int lanes = stft->kernels->lanes;
  float *more = work->frame + lub_round_up(n_fft, LUB_ALIGN / (int64_t)sizeof(float));
  for (int lane = 0; lane < lanes; lane++) {
    for (int64_t j = 0, c = lane; j < n_fft; c++)
      for (int64_t phase = 0; phase < stft->framing.hop && j < n_fft; phase++, j++)
        work->frame[j] = work->rows[c][phase] * stft->window[j];
    lub_fft_frame(&stft->fft, work->frame, more, work->fft, lanes, lane);
  }
}

void lub_stft_power(const lub_stft *stft, lub_stft_work *work, const lub_signal *signal, int64_t first, float *out) {
  const lub_feature_kernels *kernels = stft->kernels;
  find_columns(stft, work, signal, first);
  if (stft->fft.batched) {
    kernels->transpose(work->transposed, stft->stride, work->rows, stft->phases);
    kernels->fft_power(&stft->fft, work->transposed, stft->offset, stft->window, work->fft, out);
    return;
  }
  transform_frames(stft, work);
  if (stft->fft.n_fft % 2 == 0) kernels->split_power(&stft->fft, work->fft, out);
  else kernels->power(work->fft, stft->fft.bins, out);
}

void lub_stft_complex(const lub_stft *stft, lub_stft_work *work, const lub_signal *signal, int64_t first,
                      float *out) {
  const lub_feature_kernels *kernels = stft->kernels;
  find_columns(stft, work, signal, first);
  if (stft->fft.batched) {
    kernels->transpose(work->transposed, stft->stride, work->rows, stft->phases);
    kernels->fft_complex(&stft->fft, work->transposed, stft->offset, stft->window, work->fft, out);
    return;
  }
  transform_frames(stft, work);
  if (stft->fft.n_fft % 2 == 0) {
    kernels->split_complex(&stft->fft, work->fft, out);
  } else {
    for (int64_t i = 0; i < 2 * stft->fft.bins * kernels->lanes; i++) out[i] = work->fft[i];
  }
}
