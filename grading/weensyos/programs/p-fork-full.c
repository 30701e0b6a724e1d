// Takes all memory, then forks: there is no page for even the first table of a child.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  u64 stack = stack_page();
  for (u64 page = 0x120000; page < 0x300000; page += PAGESIZE)
    if (page != stack && sys_page_alloc(page) < 0) break;
  sys_fork();
  yields(3);
  finish();
}
