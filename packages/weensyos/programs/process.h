// What a process of WeensyOS can do: system calls, random numbers, and giving up. Everything is in this header, so that a
// program is one page of code.

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uintptr_t;
typedef int pid_t;

#define PAGESIZE 4096
// Where a program begins: at its first address.
#define PROCESS_MAIN void __attribute__((section(".text.first"))) process_main
#define ROUNDUP(a, n) (((uintptr_t)(a) + (n) - 1) / (n) * (n))
#define ROUNDDOWN(a, n) ((uintptr_t)(a) / (n) * (n))

// How many turns of its loop a program makes for one that does something; 1 in the fast flavour.
#define ALLOC_SLOWDOWN 100

// The console: 25 rows of 80 cells, and the cursor's position behind them. Kernel and processes share it.
#define CONSOLE ((volatile uint16_t *)0xB8000)
#define CPOS(row, col) ((row)*80 + (col))

static inline pid_t sys_getpid(void) {
  pid_t result;
  __asm__ volatile("int $49" : "=a"(result) : : "cc", "memory");
  return result;
}
// Let others run.
static inline void sys_yield(void) { __asm__ volatile("int $50" : : : "rax", "cc", "memory"); }
// Get a page of memory at `addr`, a multiple of PAGESIZE. 0, or -1 if there is none.
static inline int sys_page_alloc(void *addr) {
  int result;
  __asm__ volatile("int $51" : "=a"(result) : "D"(addr) : "cc", "memory");
  return result;
}
// A copy of this process: 0 in the copy, its ID here, -1 if there can be none.
static inline pid_t sys_fork(void) {
  pid_t result;
  __asm__ volatile("int $52" : "=a"(result) : : "cc", "memory");
  return result;
}
static inline void __attribute__((noreturn)) sys_exit(void) {
  __asm__ volatile("int $53" : : : "memory");
  for (;;) {
  }
}
static inline void __attribute__((noreturn)) sys_panic(const char *text) {
  __asm__ volatile("int $48" : : "D"(text) : "memory");
  for (;;) {
  }
}

// A 32-bit linear congruential generator; each program's decisions follow from its seed.
static uint32_t rand_seed = 819234718;
static inline void srand(uint32_t seed) { rand_seed = seed; }
static inline int rand(void) {
  rand_seed = rand_seed * 1664525U + 1013904223U;
  return rand_seed & 0x7FFFFFFF;
}

// Say in row 23 what went wrong, then give up.
static void __attribute__((noreturn, noinline, unused)) panic(const char *text) {
  int at = CPOS(23, 0);
  for (const char *c = "PANIC: "; *c; ++c) CONSOLE[at++] = 0xC000 | (uint8_t)*c;
  for (; *text; ++text) CONSOLE[at++] = 0xC000 | (uint8_t)*text;
  while (at % 80) CONSOLE[at++] = 0xC020;
  sys_panic(0);
}
#define assert(x) ((x) ? (void)0 : panic("assertion '" #x "' failed"))

extern uint8_t end[];

// Where the heap ends and the lowest page of the stack begins.
static uint8_t *heap_top;
static uint8_t *stack_bottom;

static inline void find_memory(void) {
  heap_top = (uint8_t *)ROUNDUP(end, PAGESIZE);
  uintptr_t rsp;
  __asm__ volatile("movq %%rsp, %0" : "=r"(rsp));
  stack_bottom = (uint8_t *)ROUNDDOWN(rsp - 1, PAGESIZE);
}

// Ask for memory page after page, each with a chance of `p` in a hundred a turn, until there is no more; then yield for ever.
static inline void __attribute__((noreturn)) allocate_for_ever(pid_t p) {
  srand(p);
  find_memory();
  for (;;) {
#if NO_SLOWDOWN
    int now = 1;
#else
    int now = rand() % ALLOC_SLOWDOWN < p;
#endif
    if (now) {
      if (heap_top == stack_bottom || sys_page_alloc(heap_top) < 0) break;
      *heap_top = p; // the page can be written
      heap_top += PAGESIZE;
    }
    sys_yield();
  }
  for (;;) sys_yield();
}
