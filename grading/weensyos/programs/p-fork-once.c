// Takes four pages if there are as many, forks once, and ends the run a little later.

#include "probe.h"

static volatile u8 data = 0x5a; // makes a data page

void process_main(void) {
  sys_getpid();
  const u64 pages[] = {0x180000, 0x1ff000, 0x200000, 0x280000};
  for (int i = 0; i < 4; ++i) sys_page_alloc(pages[i]);
  data = 1;
  int child = sys_fork();
  sys_getpid();
  if (child == 0) yield_for_ever();
  yields(3);
  finish();
}
