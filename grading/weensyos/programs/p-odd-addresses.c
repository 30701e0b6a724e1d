// Asks for addresses that are no pages of the virtual address space: unaligned ones and such beyond its end.

#include "probe.h"

void process_main(void) {
  sys_getpid();
  sys_yield();
  const u64 odd[] = {0x300000,       0x301000, 0x7ffffffff000, 0xffff800000000000, 0xfffffffffffff000,
                     0x400000120000, 0x120800, 0x120001};
  for (int i = 0; i < 8; ++i) {
    sys_page_alloc(odd[i]);
    sys_yield();
  }
  finish();
}
