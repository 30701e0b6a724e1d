// Says who it is and yields for ever.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  yield_for_ever();
}
