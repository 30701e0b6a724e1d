// Lives on while the others come to grief, then ends the run.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  yields(5);
  finish();
}
