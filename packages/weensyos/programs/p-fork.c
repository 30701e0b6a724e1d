// Forks twice, so that four processes run; each then allocates as p-allocator does.

#include "process.h"

PROCESS_MAIN(void) {
  pid_t p1 = sys_fork();
  assert(p1 >= 0);
  pid_t p2 = sys_fork();
  assert(p2 >= 0);

  pid_t p = sys_getpid();
  if (p == 1) assert(p1 != 0 && p2 != 0 && p1 != p2);
  else assert(p1 == 0 || p2 == 0);
  allocate_for_ever(p);
}
