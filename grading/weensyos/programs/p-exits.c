// A parent and three children, which exit one after the other in the order that they are told. The last one lives on,
// makes children of its own that exit at once, and ends the run.
// parameters: for the parent and the three children when it is their turn: 0 first, 3 last; how many children the last has.

#include "probe.h"

PARAMETERS;

#define TURN SCRATCH[0]
#define INHERITED 0x150000UL
#define PRIVATE 0x1a0000UL // page: its first byte says whose it is

void process_main(void) {
  sys_getpid();
  TURN = 255;
  if (sys_page_alloc(INHERITED) >= 0) pattern(INHERITED, 4096, 80);
  int who = 0;
  for (int i = 1; i <= 3 && who == 0; ++i)
    if (sys_fork() == 0) who = i;
  if (who != 0) sys_getpid();
  if (sys_page_alloc(PRIVATE) >= 0) PAGE_BYTE(PRIVATE) = (u8)(0xa0 + who);
  if (who == 0) TURN = 0;
  while (TURN != (u8)parameters[who]) sys_yield();
  TURN = (u8)(TURN + 1);
  if (parameters[who] != 3) sys_exit();
  yields(2);
  for (u64 i = 0; i < parameters[4]; ++i) {
    if (sys_fork() == 0) {
      sys_getpid();
      sys_exit();
    }
    sys_yield();
  }
  yields(3); // a timer interrupt may have taken the last child its turn
  sys_getpid();
  finish();
}
