// Forks with all kinds of pages in its memory: more than a page each of code, of read-only data, of data and of bss; heap
// pages far from each other; the stack. The child looks at every page and changes none.
// parameters: three addresses of heap pages; the seeds of their patterns are 64, 65, 66.

#include "probe.h"

#define BYTES 4600

PARAMETERS;

static const u8 constants[BYTES] = {1, 2, 3, [BYTES - 1] = 4};
static volatile u8 data[BYTES] = {5, [BYTES - 1] = 6};
static volatile u8 bss[BYTES];
static volatile u8 given[3]; // the heap pages that it got

static u8 look(const volatile u8 *bytes, u64 count) {
  u8 sum = 0;
  for (u64 i = 0; i < count; i += PAGESIZE) sum += bytes[i];
  return sum + bytes[count - 1];
}

__asm__(".text; .fill 4600, 1, 0x90");
static void __attribute__((noinline)) look_at_all(void) {
  look(constants, BYTES);
  look(data, BYTES);
  look(bss, BYTES);
  for (int i = 0; i < 3; ++i)
    if (given[i]) look((u8 *)parameters[i], PAGESIZE);
  sys_getpid();
}

void process_main(void) {
  sys_getpid();
  for (int i = 0; i < 3; ++i) {
    given[i] = sys_page_alloc(parameters[i]) >= 0;
    if (given[i]) pattern(parameters[i], 4096, 64 + i);
  }
  pattern((u64)data, BYTES, 67);
  pattern((u64)bss, BYTES, 68);
  pattern(stack_page(), 1024, 69);
  int child = sys_fork();
  look_at_all();
  if (child == 0) yield_for_ever();
  yields(4);
  finish();
}
