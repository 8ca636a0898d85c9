#define _GNU_SOURCE
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"

/* One job at a time. `ticket` counts jobs; a worker that wakes late finds a newer ticket, or
 * no unclaimed chunk, and goes back to sleep. Claims carry the ticket in their upper half, so
 * that a slow worker can never take a chunk of a job it has not seen.
 *
 * One step of training is several jobs, microseconds apart, and waking a sleeping thread takes longer than that. So
 * whoever has nothing left to do looks on for a moment before it sleeps: a worker for the next job, the caller for the
 * last chunk. Not where there are more threads than cores: there it would keep others from working. */
static struct {
  pthread_mutex_t lock; /* guards all below but what is atomic */
  pthread_cond_t wake, finished;
  pthread_t thread[LUB_MAX_THREADS];
  int workers;    /* threads running, the caller not counted */
  int holders;    /* lub_pool_retain minus lub_pool_release */
  bool quit;
  lub_work *work;
  void *context;
  int64_t chunks;
  int threads;    /* bound of the job in progress */
  int cores;      /* that this process may use */
  int caller;     /* the processor on which the caller of the job in progress was then; -1: unknown */
  uint32_t ticket;
  _Atomic uint64_t claim; /* ticket << 32 | next chunk */
  _Atomic int64_t done;
  _Atomic uint32_t announced; /* the ticket, as soon as the lock is free: whoever looks on need not wait for that */
  _Atomic bool sleeps;        /* the caller, until the last chunk is done */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .finished = PTHREAD_COND_INITIALIZER};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER; /* held by the caller that owns the pool */
static _Thread_local bool inside;
static _Atomic int wanted_threads;

/* === looking on for a moment === */

#define MOMENT 50e-6 /* seconds */

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  atomic_signal_fence(memory_order_seq_cst);
#endif
}

static void await_job(uint32_t last) {
  const double start = lub_clock();
  do
    for (int i = 0; i < 16; i++) {
      if (atomic_load(&pool.announced) != last) return;
      pause_briefly();
    }
  while (lub_clock() - start < MOMENT);
}

static void await_chunks(int64_t chunks) {
  const double start = lub_clock();
  do
    for (int i = 0; i < 16; i++) {
      if (atomic_load(&pool.done) == chunks) return;
      pause_briefly();
    }
  while (lub_clock() - start < MOMENT);
}

/* === jobs === */

static void run_chunks(uint32_t ticket, int64_t chunks, lub_work *work, void *context, int thread) {
  for (;;) {
    uint64_t seen = atomic_load(&pool.claim);
    do {
      if ((uint32_t)(seen >> 32) != ticket || (int64_t)(uint32_t)seen >= chunks) return;
    } while (!atomic_compare_exchange_weak(&pool.claim, &seen, seen + 1));
    work(context, (int64_t)(uint32_t)seen, thread);
    if (atomic_fetch_add(&pool.done, 1) + 1 == chunks && atomic_load(&pool.sleeps)) {
      pthread_mutex_lock(&pool.lock);
      pthread_cond_broadcast(&pool.finished);
      pthread_mutex_unlock(&pool.lock);
    }
  }
}

/* A scheduler may wake a worker on the caller's own processor, though others are idle, and leave it there for
 * milliseconds: the two take turns where they should work side by side. Being forbidden that processor for a moment,
 * it moves. */
static void leave_processor(int processor) {
  cpu_set_t allowed, others;
  if (processor < 0 || sched_getcpu() != processor || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  others = allowed;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
}

static void *worker(void *argument) {
  int number = (int)(intptr_t)argument;
  uint32_t last = 0;
  inside = true;
  lub_cpu_flush_denormals();
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    while (!pool.quit && (pool.ticket == last || number >= pool.threads)) pthread_cond_wait(&pool.wake, &pool.lock);
    if (pool.quit) break;
    last = pool.ticket;
    int64_t chunks = pool.chunks;
    lub_work *work = pool.work;
    void *context = pool.context;
    const bool looks_on = pool.threads <= pool.cores;
    const int caller = pool.caller;
    pthread_mutex_unlock(&pool.lock);
    if (looks_on) leave_processor(caller);
    run_chunks(last, chunks, work, context, number);
    if (looks_on) await_job(last);
    pthread_mutex_lock(&pool.lock);
  }
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

static int usable_cores(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Called with pool.lock held. Workers block all signals: a host's handlers run in its own threads. */
static void start_workers(int count) {
  sigset_t all, former;
  if (pool.workers >= count) return;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  pool.cores = usable_cores();
  while (pool.workers < count) {
    if (pthread_create(&pool.thread[pool.workers], NULL, worker, (void *)(intptr_t)(pool.workers + 1)) != 0) break;
    pool.workers++;
  }
  pthread_sigmask(SIG_SETMASK, &former, NULL);
}

static void after_fork_in_child(void) {
  /* The threads did not come along, and their locks may have been held. */
  pool.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  pool.wake = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  pool.finished = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  turn = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  pool.workers = 0;
  pool.quit = false;
}

static void run_alone(int64_t chunks, lub_work *work, void *context) {
  unsigned control = lub_cpu_flush_denormals();
  for (int64_t chunk = 0; chunk < chunks; chunk++) work(context, chunk, 0);
  lub_cpu_restore(control);
}

void lub_parallel(int64_t chunks, int threads, lub_work *work, void *context) {
  if (threads > LUB_MAX_THREADS) threads = LUB_MAX_THREADS;
  if (threads > chunks) threads = (int)chunks;
  if (threads <= 1 || chunks >= UINT32_MAX || inside || pthread_mutex_trylock(&turn) != 0) {
    run_alone(chunks, work, context);
    return;
  }
  unsigned control = lub_cpu_flush_denormals();
  pthread_mutex_lock(&pool.lock);
  start_workers(threads - 1);
  pool.work = work;
  pool.context = context;
  pool.chunks = chunks;
  pool.threads = threads;
  pool.caller = sched_getcpu();
  const bool looks_on = threads <= pool.cores;
  uint32_t ticket = ++pool.ticket;
  atomic_store(&pool.done, 0);
  atomic_store(&pool.claim, (uint64_t)ticket << 32);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  atomic_store(&pool.announced, ticket);

  inside = true;
  run_chunks(ticket, chunks, work, context, 0);
  inside = false;
  if (looks_on) await_chunks(chunks);
  if (atomic_load(&pool.done) < chunks) {
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.sleeps, true);
    while (atomic_load(&pool.done) < chunks) pthread_cond_wait(&pool.finished, &pool.lock);
    atomic_store(&pool.sleeps, false);
    pthread_mutex_unlock(&pool.lock);
  }
  lub_cpu_restore(control);
  pthread_mutex_unlock(&turn);
}

lub_status lub_threads_init(lub_error *err) {
  const char *text = getenv("LUBDUB_NUM_THREADS");
  if (!text || !*text) return LUB_OK;
  char *end;
  long n = strtol(text, &end, 10);
  if (*end == '\0' && n >= 0 && n <= LUB_MAX_THREADS) return LUB_OK;
  return lub_fail(err, LUB_EARG, "LUBDUB_NUM_THREADS=%.40s: expected a whole number from 1 to %d", text, LUB_MAX_THREADS);
}

static int default_threads(void) {
  const char *text = getenv("LUBDUB_NUM_THREADS");
  int n = text ? atoi(text) : 0;
  if (n < 1) n = usable_cores();
  return n < 1 ? 1 : n > LUB_MAX_THREADS ? LUB_MAX_THREADS : n;
}

int lub_num_threads(void) {
  int n = atomic_load(&wanted_threads);
  return n > 0 ? n : default_threads();
}

void lub_set_num_threads(int n) { atomic_store(&wanted_threads, n < 1 ? 0 : n > LUB_MAX_THREADS ? LUB_MAX_THREADS : n); }

void lub_pool_retain(void) {
  static bool registered;
  pthread_mutex_lock(&pool.lock);
  pool.holders++;
  if (!registered) pthread_atfork(NULL, NULL, after_fork_in_child);
  registered = true;
  pthread_mutex_unlock(&pool.lock);
}

void lub_pool_release(void) {
  pthread_mutex_lock(&turn);
  pthread_mutex_lock(&pool.lock);
  bool last = --pool.holders == 0;
  int workers = pool.workers;
  if (last) {
    pool.quit = true;
    pthread_cond_broadcast(&pool.wake);
  }
  pthread_mutex_unlock(&pool.lock);
  if (last) {
    for (int i = 0; i < workers; i++) pthread_join(pool.thread[i], NULL);
    pthread_mutex_lock(&pool.lock);
    pool.workers = 0;
    pool.quit = false;
    pthread_mutex_unlock(&pool.lock);
  }
  pthread_mutex_unlock(&turn);
}

double lub_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
