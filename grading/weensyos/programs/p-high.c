// Asks for pages above physical memory, in the upper third of the virtual address space, and writes to what it gets.
// parameters: three addresses; the seeds of their patterns are 16, 17, 18.

#include "probe.h"

PARAMETERS;

void process_main(void) {
  sys_getpid();
  for (int i = 0; i < 3; ++i) {
    if (sys_page_alloc(parameters[i]) >= 0) pattern(parameters[i], 256, 16 + i);
    sys_yield();
  }
  yields(8);
  finish();
}
