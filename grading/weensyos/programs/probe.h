// System calls and small tools of the grader's probe programs. A probe tells the grader nothing in words: what it
// asked and what it was answered is in the machine's event log, what it wrote is in its pages. It ends a run by
// `int 48` (INT_SYS_PANIC), which stops the kernel with all its memory as it was.
//
// What a probe asks for it may be told: PARAMETERS makes room for 16 numbers at the start of its data, which the grader
// fills in (programs.ts).

typedef unsigned char u8;
typedef unsigned long u64;

#define PAGESIZE 4096UL
#define PROC_START 0x100000UL

#define PARAMETERS __attribute__((section(".parameters"))) volatile u64 parameters[16] = {0}

// Shared by all processes: 64 bytes of the console page that are not on the screen.
#define SCRATCH ((volatile u8 *)0xb8fa0)

#define PAGE_BYTE(address) (*(volatile u8 *)(address))

static inline long sys_getpid(void) {
  long result;
  __asm__ volatile("int $49" : "=a"(result) : : "memory");
  return result;
}

static inline void sys_yield(void) { __asm__ volatile("int $50" : : : "rax", "memory"); }

// The kernel answers with an int: only its low 32 bits are looked at.
static inline int sys_page_alloc(u64 address) {
  long result;
  __asm__ volatile("int $51" : "=a"(result) : "D"(address) : "memory");
  return (int)result;
}

static inline int sys_fork(void) {
  long result;
  __asm__ volatile("int $52" : "=a"(result) : : "memory");
  return (int)result;
}

// Never returns. Should it, page_alloc is asked for an address that nobody else asks for.
#define AFTER_EXIT 0x1ee7
static inline void __attribute__((noreturn)) sys_exit(void) {
  __asm__ volatile("int $53" : : : "memory");
  for (;;) sys_page_alloc(AFTER_EXIT);
}

// The run is over.
static inline void __attribute__((noreturn)) finish(void) {
  for (;;) __asm__ volatile("int $48" : : "D"(0) : "memory");
}

static inline void yields(int count) {
  while (count-- > 0) sys_yield();
}

static inline void __attribute__((noreturn)) yield_for_ever(void) {
  for (;;) sys_yield();
}

static inline u64 stack_page(void) {
  u64 rsp;
  __asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
  return (rsp - 1) & ~(PAGESIZE - 1);
}

// Fill `count` bytes with a pattern that depends on the seed; the grader computes the same one.
static inline void pattern(u64 address, int count, int seed) {
  for (int i = 0; i < count; ++i) PAGE_BYTE(address + i) = (u8)(seed + i * 7);
}

extern char end[];
