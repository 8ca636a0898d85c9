#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static lub_cpu chosen = LUB_CPU_PLAIN;

const char *lub_cpu_name(lub_cpu variant) {
  static const char *const names[LUB_CPU_COUNT] = {"plain", "avx2", "avx512"};
  return names[variant];
}

bool lub_cpu_has(lub_cpu variant) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (variant) {
  case LUB_CPU_AVX512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
  case LUB_CPU_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  default: return variant == LUB_CPU_PLAIN;
  }
#else
  return variant == LUB_CPU_PLAIN;
#endif
}

lub_status lub_cpu_init(lub_error *err) {
  const char *wanted = getenv("LUBDUB_CPU");
  if (!wanted || !*wanted) {
    chosen = lub_cpu_has(LUB_CPU_AVX512) ? LUB_CPU_AVX512 : lub_cpu_has(LUB_CPU_AVX2) ? LUB_CPU_AVX2 : LUB_CPU_PLAIN;
    return LUB_OK;
  }
  for (int v = 0; v < LUB_CPU_COUNT; v++) {
    if (strcmp(wanted, lub_cpu_name((lub_cpu)v)) != 0) continue;
    if (!lub_cpu_has((lub_cpu)v))
      return lub_fail(err, LUB_EARG, "LUBDUB_CPU=%s: this CPU lacks these instructions", wanted);
    chosen = (lub_cpu)v;
    return LUB_OK;
  }
  return lub_fail(err, LUB_EARG, "LUBDUB_CPU=%.40s: expected plain, avx2 or avx512", wanted);
}

lub_cpu lub_cpu_variant(void) { return chosen; }

unsigned lub_cpu_flush_denormals(void) {
#if defined(__x86_64__)
  unsigned control = _mm_getcsr();
  _mm_setcsr(control | 0x8040u);
  return control;
#else
  return 0;
#endif
}

void lub_cpu_restore(unsigned control) {
#if defined(__x86_64__)
  _mm_setcsr(control);
#else
  (void)control;
#endif
}
