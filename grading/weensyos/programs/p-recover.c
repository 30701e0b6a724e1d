// Round after round a child takes all memory there is and exits.
// parameters: how many rounds.

#include "probe.h"

PARAMETERS;

#define DONE SCRATCH[1]
#define FIRST 0x180000UL

void process_main(void) {
  sys_getpid();
  for (u64 round = 0; round < parameters[0]; ++round) {
    DONE = 0;
    int child = sys_fork();
    if (child < 0) break;
    if (child == 0) {
      sys_getpid();
      for (u64 page = FIRST; page < FIRST + 128 * PAGESIZE && sys_page_alloc(page) >= 0; page += PAGESIZE)
        PAGE_BYTE(page) = (u8)round;
      DONE = 1;
      sys_exit();
    }
    for (int patience = 0; DONE == 0 && patience < 100; ++patience) sys_yield();
    sys_yield();
  }
  finish();
}
