// Runs user-mode byte sequences on the host CPU, each from a given state, and tells the state they leave.
//
// A line in:  the code in hex, then in hex 16 registers (rax rcx rdx rbx rsp rbp rsi rdi r8..r15) and RFLAGS.
// A line out: trap number (-1: it ran to its end), error code, address of a #PF, 16 registers, the six arithmetic
//             flags, CRC-32 of the data; all but the trap number in hex.
//
//     0x10000000  code: saves the host's registers, loads the given ones, the sequence, saves them, comes back
//     0x20000000  8 KiB of data, filled anew for each sequence; the page behind it is absent
//     0x20003000  a page that may only be read
//     0x30000000  the registers and, at 0x100, the host's stack pointer
//
// x86-64 Linux: gcc -O1 -o natexec natexec.c

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define CODE 0x10000000UL
#define DATA 0x20000000UL
#define DATA_BYTES 0x2000
#define READ_ONLY 0x20003000UL
#define CONTEXT 0x30000000UL
#define ARITHMETIC 0x8d5

struct state {
  uint64_t registers[16], flags;
};
static struct state after;
static volatile int trap;
static volatile uint64_t error, address;
static sigjmp_buf back;

static void on_signal(int number, siginfo_t *info, void *context) {
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
  (void)number;
  trap = r[REG_TRAPNO];
  error = r[REG_ERR];
  address = trap == 14 ? (uint64_t)info->si_addr : 0;
  for (int i = 0; i < 16; i++) after.registers[i] = r[order[i]];
  after.flags = r[REG_EFL];
  siglongjmp(back, 1);
}

static uint8_t *emit(uint8_t *at, const void *bytes, int n) {
  memcpy(at, bytes, n);
  return at + n;
}
// mov register, [CONTEXT + n * 8] (opcode 8b) or the other way round (89)
static uint8_t *move(uint8_t *at, int opcode, int n) {
  uint8_t code[] = {n < 8 ? 0x48 : 0x4c, opcode, 0x04 | (n & 7) << 3, 0x25, n * 8, 0, 0, 0x30};
  return emit(at, code, sizeof code);
}
static void build(const uint8_t *body, int n) {
  static const uint8_t enter[] = {0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x9c, // push what C keeps
                                  0x48, 0x89, 0x24, 0x25, 0, 1, 0, 0x30,                            // mov [context+0x100], rsp
                                  0xff, 0x34, 0x25, 0x80, 0, 0, 0x30, 0x9d};                        // push [context+0x80]; popf
  static const uint8_t leave[] = {0x48, 0x8b, 0x24, 0x25, 0, 1, 0, 0x30,                            // mov rsp, [context+0x100]
                                  0x9c, 0x8f, 0x04, 0x25, 0x80, 0, 0, 0x30,                         // pushf; pop [context+0x80]
                                  0x9d, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3};
  uint8_t *at = emit((uint8_t *)CODE, enter, sizeof enter);
  for (int i = 0; i < 16; i++) at = move(at, 0x8b, i);
  at = emit(at, body, n);
  for (int i = 0; i < 16; i++) at = move(at, 0x89, i);
  emit(at, leave, sizeof leave);
}

static uint32_t crc_table[256];
static uint32_t crc(const uint8_t *p, int n) {
  uint32_t c = ~0u;
  while (n--) c = crc_table[(c ^ *p++) & 255] ^ c >> 8;
  return ~c;
}
static void *map(uint64_t at, int bytes, int rights) {
  void *p = mmap((void *)at, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
  if (p == MAP_FAILED) perror("mmap"), exit(2);
  return p;
}
static void prepare(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&stack, 0);
  for (int i = 0; i < 5; i++) sigaction(signals[i], &action, 0);
  for (uint32_t i = 0, c; i < 256; crc_table[i++] = c) {
    c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
  }
  map(CODE, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC);
  map(DATA, DATA_BYTES, PROT_READ | PROT_WRITE);
  map(READ_ONLY, 0x1000, PROT_READ);
  map(CONTEXT, 0x1000, PROT_READ | PROT_WRITE);
}

int main(void) {
  static char line[4096];
  prepare();
  while (fgets(line, sizeof line, stdin)) {
    struct state *given = (struct state *)CONTEXT;
    uint8_t body[128], *data = (uint8_t *)DATA;
    int n = 0;
    char *p = line;
    for (unsigned byte; *p && *p != ' ' && n < (int)sizeof body; p += 2) sscanf(p, "%2x", &byte), body[n++] = byte;
    for (int i = 0; i < 16; i++) given->registers[i] = strtoull(p, &p, 16);
    given->flags = strtoull(p, &p, 16);
    for (int i = 0; i < DATA_BYTES; i++) data[i] = i * 37 + (i >> 8) * 11;
    build(body, n);
    trap = -1;
    error = address = 0;
    if (!sigsetjmp(back, 1)) {
      ((void (*)(void))CODE)();
      after = *given;
    }
    printf("%d %lx %lx", trap, error, address);
    for (int i = 0; i < 16; i++) printf(" %lx", after.registers[i]);
    printf(" %lx %x\n", after.flags & ARITHMETIC, crc(data, DATA_BYTES));
  }
}
