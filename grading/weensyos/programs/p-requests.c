// Process 1 asks for pages inside its own window and in its neighbour's, and writes to what it gets.
// Addresses and patterns are known to the grader (scenarios.ts).

#include "probe.h"

static void ask(u64 address, int seed) {
  if (sys_page_alloc(address) >= 0) pattern(address, 256, seed);
  sys_yield();
}

void process_main(void) {
  sys_getpid();
  ask(0x120000, 1);
  ask(0x121000, 2);
  ask(0x140000, 3); // the physical page of this number holds process 2's code
  ask(0x1a0000, 4);
  yields(8);
  finish();
}
