// Asks for pages at addresses that it is told and touches none of what it gets.
// parameters: how many, then the addresses, the most harmless first: a kernel that gives one away may not live long.

#include "probe.h"

PARAMETERS;

void process_main(void) {
  sys_getpid();
  sys_yield();
  for (u64 i = 1; i <= parameters[0]; ++i) {
    sys_page_alloc(parameters[i]);
    sys_yield();
  }
  finish();
}
