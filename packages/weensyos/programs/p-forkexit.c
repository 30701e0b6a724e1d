// The first process forks now and then, for ever. Its children allocate, fork and exit by chance; when memory is used up, they
// exit soon.

#include "process.h"

#if NO_SLOWDOWN
#define TURNS 8
#else
#define TURNS ALLOC_SLOWDOWN
#endif

static void live_as_child(pid_t p) {
  srand(p);
  find_memory();
  for (;;) {
    int x = rand() % (8 * TURNS);
    if (x < 8 * p) {
      if (heap_top == stack_bottom || sys_page_alloc(heap_top) < 0) break;
      *heap_top = p;
      heap_top += PAGESIZE;
      if (CONSOLE[CPOS(24, 0)])
        for (int i = 0; i < 80; ++i) CONSOLE[CPOS(24, i)] = 0; // clear "Out of physical memory"
    } else if (x == 8 * p) {
      if (sys_fork() == 0) p = sys_getpid();
    } else if (x == 8 * p + 1) {
      sys_exit();
    } else {
      sys_yield();
    }
  }
  for (;;) {
    if (rand() % (2 * TURNS) == 0) sys_exit();
    sys_yield();
  }
}

PROCESS_MAIN(void) {
  for (;;) {
    if (rand() % TURNS == 0 && sys_fork() == 0) break;
    sys_yield();
  }
  live_as_child(sys_getpid());
}
