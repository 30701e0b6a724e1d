// Takes memory as p-allocator does, but without waiting and four pages a turn: the heap grows from the end of the
// program to the stack or to the end of memory. Each page is made dirty from end to end; its first byte is the process's id.
// parameters: 1 to go on yielding when that is done, else the run ends.

#include "probe.h"

PARAMETERS;

void process_main(void) {
  int pid = (int)sys_getpid();
  u64 heap = ((u64)end + PAGESIZE - 1) & ~(PAGESIZE - 1);
  u64 stack = stack_page();
  while (heap != stack && sys_page_alloc(heap) >= 0) {
    for (u64 i = 0; i < PAGESIZE; i += 256) PAGE_BYTE(heap + i) = (u8)pid;
    heap += PAGESIZE;
    if (heap / PAGESIZE % 4 == 0) sys_yield();
  }
  if (parameters[0]) yield_for_ever();
  // the others have their last turns and show that they live; the first to be done waiting ends the run
  yields(8 + 8 * pid);
  finish();
}
