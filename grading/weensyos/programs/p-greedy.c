// Asks for every page from 0x110000 to 2 MiB that is not its own: four such processes ask for far more than there
// is. A process that has been refused goes on asking a little, then yields, so that it shows it lives.

#include "probe.h"

#define FIRST 0x110000UL
#define LAST 0x1ff000UL

extern char base[];

void process_main(void) {
  int pid = (int)sys_getpid();
  u64 stack = stack_page();
  int refused = 0;
  for (u64 page = FIRST; page <= LAST && refused < 4; page += PAGESIZE) {
    if (page == stack || (page >= (u64)base && page < (u64)end)) continue;
    if (sys_page_alloc(page) >= 0) PAGE_BYTE(page) = (u8)pid;
    else ++refused;
    if (refused != 0 || page / PAGESIZE % 4 == 0) sys_yield();
  }
  yields(8 + 8 * pid);
  finish();
}
