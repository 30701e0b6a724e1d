// Asks for pages that belong to the kernel, the most harmless first. A kernel that gives one away may not live long.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  sys_yield();
  const u64 forbidden[] = {0x1000, 0x90000, 0xff000, 0xb8000, 0x0, 0x7f000, 0x40000};
  for (int i = 0; i < 7; ++i) {
    sys_page_alloc(forbidden[i]);
    sys_yield();
  }
  finish();
}
