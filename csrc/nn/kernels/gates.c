/* The gates of LSTM and GRU, one step of a group of samples at a time, there and back. */
#include "nn/activation.h"
#include "nn/kernels/exponential.h"

INLINE vf activate(vf x, int f) {
  switch (f) {
  case LUB_TANH: return hyperbolic_tangent(x);
  case LUB_SIGMOID: return sigmoid(x);
  case LUB_RELU: return vf_select((vi)(x < (vf){0}), (vf){0}, x);
  case LUB_HARD_SIGMOID: return clamp(vf_fma(x, vf_all(1.0f / 6), vf_all(0.5f)), 0, 1);
  case LUB_KERAS2_HARD_SIGMOID: return clamp(vf_fma(x, vf_all(0.2f), vf_all(0.5f)), 0, 1);
  default: return x;
  }
}

/* g * f'(x), given y = f(x). */
INLINE vf back(vf g, vf y, int f) {
  switch (f) {
  case LUB_TANH: return g * vf_fma(-y, y, vf_all(1));
  case LUB_SIGMOID: return g * (y * (vf_all(1) - y));
  case LUB_RELU: return vf_select((vi)(y > (vf){0}), g, (vf){0});
  case LUB_HARD_SIGMOID:
  case LUB_KERAS2_HARD_SIGMOID:
    return vf_select((vi)(y > (vf){0}) & (vi)(y < vf_all(1)), g * vf_all(f == LUB_HARD_SIGMOID ? 1.0f / 6 : 0.2f),
                     (vf){0});
  default: return g;
  }
}

INLINE void lstm_step(const lub_gate_step *s, const int f, const int recurrent) {
  for (int64_t row = 0; row < s->rows; row++) {
    float *gate = s->gates + row * 4 * s->lanes;
    const int64_t at = row * s->lanes, h = row * s->stride;
    for (int64_t u = 0; u < s->lanes; u += VL) {
      vf i = activate(vf_load(gate + u), recurrent), forget = activate(vf_load(gate + s->lanes + u), recurrent);
      vf g = activate(vf_load(gate + 2 * s->lanes + u), f), o = activate(vf_load(gate + 3 * s->lanes + u), recurrent);
      vf c = vf_fma(forget, vf_load(s->c_before + at + u), i * g);
      vf_store(gate + u, i);
      vf_store(gate + s->lanes + u, forget);
      vf_store(gate + 2 * s->lanes + u, g);
      vf_store(gate + 3 * s->lanes + u, o);
      vf_store(s->c_after + at + u, c);
      vf_store(s->h_after + h + u, o * activate(c, f));
    }
  }
}

INLINE void lstm_step_back(const lub_gate_step *s, const int f, const int recurrent) {
  for (int64_t row = 0; row < s->rows; row++) {
    const float *gate = s->gates + row * 4 * s->lanes;
    float *out = s->gz + row * 4 * s->lanes;
    const int64_t at = row * s->lanes;
    for (int64_t u = 0; u < s->lanes; u += VL) {
      vf i = vf_load(gate + u), forget = vf_load(gate + s->lanes + u), g = vf_load(gate + 2 * s->lanes + u);
      vf o = vf_load(gate + 3 * s->lanes + u), gh = vf_load(s->gh + at + u);
      vf y = activate(vf_load(s->c_after + at + u), f);
      vf gc = back(gh * o, y, f) + vf_load(s->carry + at + u);
      vf_store(out + u, back(gc * g, i, recurrent));
      vf_store(out + s->lanes + u, back(gc * vf_load(s->c_before + at + u), forget, recurrent));
      vf_store(out + 2 * s->lanes + u, back(gc * i, g, f));
      vf_store(out + 3 * s->lanes + u, back(gh * y, o, recurrent));
      vf_store(s->carry + at + u, gc * forget);
    }
  }
}

INLINE void gru_step(const lub_gate_step *s, const int f, const int recurrent) {
  for (int64_t row = 0; row < s->rows; row++) {
    float *gate = s->gates + row * 4 * s->lanes;
    const int64_t h = row * s->stride;
    for (int64_t u = 0; u < s->lanes; u += VL) {
      vf z = activate(vf_load(gate + u), recurrent), r = activate(vf_load(gate + s->lanes + u), recurrent);
      vf own = vf_fma(r, vf_load(gate + 3 * s->lanes + u), vf_load(gate + 2 * s->lanes + u));
      vf candidate = activate(own, f);
      vf_store(gate + u, z);
      vf_store(gate + s->lanes + u, r);
      vf_store(gate + 2 * s->lanes + u, candidate);
      vf_store(s->h_after + h + u, vf_fma(z, vf_load(s->h_before + h + u) - candidate, candidate));
    }
  }
}

INLINE void gru_step_back(const lub_gate_step *s, const int f, const int recurrent) {
  for (int64_t row = 0; row < s->rows; row++) {
    const float *gate = s->gates + row * 4 * s->lanes;
    float *out = s->gz + row * 4 * s->lanes;
    const int64_t at = row * s->lanes, h = row * s->stride;
    for (int64_t u = 0; u < s->lanes; u += VL) {
      vf z = vf_load(gate + u), r = vf_load(gate + s->lanes + u), candidate = vf_load(gate + 2 * s->lanes + u);
      vf gh = vf_load(s->gh + at + u) + vf_load(s->carry + at + u);
      vf own = back(gh * (vf_all(1) - z), candidate, f);
      vf_store(out + u, back(gh * (vf_load(s->h_before + h + u) - candidate), z, recurrent));
      vf_store(out + s->lanes + u, back(own * vf_load(gate + 3 * s->lanes + u), r, recurrent));
      vf_store(out + 2 * s->lanes + u, own);
      vf_store(out + 3 * s->lanes + u, own * r);
      vf_store(s->carry + at + u, gh * z);
    }
  }
}

/* The usual pair of activations as constants, any other by a branch per vector. */
#define STEP(name)                                                                                                     \
  void LUB_VARIANT(lub_##name)(const lub_gate_step *s) {                                                               \
    if (s->activation == LUB_TANH && s->recurrent_activation == LUB_SIGMOID) name(s, LUB_TANH, LUB_SIGMOID);           \
    else name(s, s->activation, s->recurrent_activation);                                                              \
  }
STEP(lstm_step)
STEP(lstm_step_back)
STEP(gru_step)
STEP(gru_step_back)
