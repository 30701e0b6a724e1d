// Takes all memory, then forks: there is no page for even the first table of a child. Two forks on the way make it
// quick: each child has as many pages as its parent.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  u64 stack = stack_page();
  u64 page = 0x120000;
  for (; page < 0x120000 + 90 * PAGESIZE; page += PAGESIZE) sys_page_alloc(page);
  for (int i = 0; i < 2; ++i)
    if (sys_fork() == 0) yield_for_ever();
  for (; page < 0x300000; page += PAGESIZE)
    if (page != stack && sys_page_alloc(page) < 0) break;
  sys_fork();
  yields(3);
  finish();
}
