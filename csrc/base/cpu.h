/* cpu.h - which variant of the hot kernels this process runs.
 *
 * Every file in a kernels/ folder is compiled once per variant (see the Makefile);
 * the variant is chosen once, when the library is loaded: the best one that the CPU has,
 * or the one that LUBDUB_CPU (plain, avx2 or avx512) asks for. */
#ifndef LUB_BASE_CPU_H
#define LUB_BASE_CPU_H

#include <stdbool.h>

#include "base/error.h"

typedef enum lub_cpu { LUB_CPU_PLAIN, LUB_CPU_AVX2, LUB_CPU_AVX512, LUB_CPU_COUNT } lub_cpu;

/* Picks the variant; fails with LUB_EARG where LUBDUB_CPU names an unknown variant
 * or one that this CPU (or this build) lacks. Call it before anything else. */
lub_status lub_cpu_init(lub_error *err);

/* The chosen variant. */
lub_cpu lub_cpu_variant(void);

/* Whether this CPU and this build can run a variant. */
bool lub_cpu_has(lub_cpu variant);

/* "plain", "avx2" or "avx512". */
const char *lub_cpu_name(lub_cpu variant);

/* Sets flush-to-zero and denormals-are-zero for this thread and returns the former control
 * word for lub_cpu_restore: subnormal numbers slow kernels down and carry no information. */
unsigned lub_cpu_flush_denormals(void);
void lub_cpu_restore(unsigned control);

#endif
