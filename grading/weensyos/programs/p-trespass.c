// Goes where no process may go. Whoever is stopped there makes no further system call.
// parameters: 0 to read, 1 to write, 2 to jump; the address.

#include "probe.h"

PARAMETERS;

void process_main(void) {
  sys_getpid();
  sys_yield();
  u64 address = parameters[1];
  if (parameters[0] == 0) (void)PAGE_BYTE(address);
  else if (parameters[0] == 1) PAGE_BYTE(address) = 0x5a;
  else __asm__ volatile("jmp *%0" : : "r"(address));
  sys_getpid();
  yield_for_ever();
}
