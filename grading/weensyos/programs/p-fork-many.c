// Forks until it is refused; every child says who it is and yields for ever.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  for (int i = 0; i < 40; ++i) {
    int child = sys_fork();
    if (child < 0) break;
    if (child == 0) {
      sys_getpid();
      yield_for_ever();
    }
  }
  yields(3);
  finish();
}
