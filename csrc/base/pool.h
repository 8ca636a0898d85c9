/* pool.h - one small thread pool for the whole process.
 *
 * Work is a number of chunks; threads claim chunks one at a time, the caller takes part, and
 * waits only for chunks that somebody has claimed: a descheduled worker delays nothing but
 * its own chunk. Who has nothing to do looks on for 50 microseconds before it sleeps, since jobs
 * come close together. Results must not depend on which thread runs a chunk. */
#ifndef LUB_BASE_POOL_H
#define LUB_BASE_POOL_H

#include <stdint.h>

#include "base/error.h"

/* Runs chunk number `chunk` on thread number `thread` (0 <= thread < the `threads` of the
 * call; no two chunks run at once under one thread number). */
typedef void lub_work(void *context, int64_t chunk, int thread);

/* Runs chunks 0 .. chunks-1 and returns when all are done. `threads` bounds how many threads
 * take part (1: the caller alone). Subnormals are flushed to zero meanwhile. A call from
 * within a chunk, or while another thread of the host uses the pool, runs in the caller. */
void lub_parallel(int64_t chunks, int threads, lub_work *work, void *context);

/* Checks LUBDUB_NUM_THREADS: 1 to LUB_MAX_THREADS; empty or 0 is the default. LUB_EARG: it is no such number. */
lub_status lub_threads_init(lub_error *err);

/* The number of threads that lub_parallel should be called with: LUBDUB_NUM_THREADS, or the
 * cores this process may use; at least 1, at most LUB_MAX_THREADS. */
#define LUB_MAX_THREADS 256
int lub_num_threads(void);
/* Sets it; n < 1 brings the default back. */
void lub_set_num_threads(int n);

/* A Lua state (or another host) that uses the pool holds it; the last release joins the
 * threads, so that the library can be unloaded. After a fork the child starts its own. */
void lub_pool_retain(void);
void lub_pool_release(void);

/* Seconds on a monotonic clock. */
double lub_clock(void);

#endif
