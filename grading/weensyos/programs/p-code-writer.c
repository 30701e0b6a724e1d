// Processes that write where their program is read-only: a child to its code, another to its constants, at last the
// parent itself. A third child lives on and ends the run.

#include "probe.h"

static const u8 constants[16] = {1, 2, 3};
static volatile u8 data = 0x5a; // makes a data page

void process_main(void) {
  sys_getpid();
  data = 1;
  u64 code = (u64)process_main;
  for (int i = 0; i < 3; ++i) {
    if (sys_fork() != 0) {
      yields(2);
      continue;
    }
    sys_getpid();
    if (i == 2) {
      yields(8);
      finish();
    }
    PAGE_BYTE(i == 0 ? code : (u64)constants) = 0x99;
    yield_for_ever();
  }
  PAGE_BYTE(code) = 0x99;
  yield_for_ever();
}
