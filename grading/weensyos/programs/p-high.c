// Asks for pages above physical memory: the upper third of the virtual address space.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  const u64 wanted[] = {0x200000, 0x280000, 0x2fe000};
  for (int i = 0; i < 3; ++i) {
    if (sys_page_alloc(wanted[i]) >= 0) pattern(wanted[i], 256, 16 + i);
    sys_yield();
  }
  yields(4);
  finish();
}
