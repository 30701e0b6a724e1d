// Asks for pages at addresses that it is told, in its own window and in its neighbours', and writes to what it gets.
// parameters: how many, then for each the address and the seed of its pattern.

#include "probe.h"

PARAMETERS;

void process_main(void) {
  sys_getpid();
  for (u64 i = 0; i < parameters[0]; ++i) {
    u64 address = parameters[1 + 2 * i];
    if (sys_page_alloc(address) >= 0) pattern(address, 256, (int)parameters[2 + 2 * i]);
    sys_yield();
  }
  yields(8);
  finish();
}
