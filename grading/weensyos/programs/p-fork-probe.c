// Forks once with known contents in its data, in its bss and in its stack page, and with known registers. Then parent and
// child write different bytes to the same addresses. Asks for no memory: fork is what is tried here.

#include "probe.h"

#define REGISTERS 0x104000UL // page: the registers after fork
#define SAME 0x105000UL      // page: a pattern that nobody changes
#define OWN 0x106000UL       // page: first byte is who I am

static volatile u8 data = 0x5a; // makes a data page
volatile u8 bss[0x6000];        // has the three pages in it: begins before REGISTERS, ends behind OWN

// fork() with a known value in each register but rsp; afterwards all of them are stored at REGISTERS.
int fork_with_registers(void);
__asm__(
    "fork_with_registers:\n"
    "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  mov $0x1111111111111101, %rcx; lea 1(%rcx), %rdx; lea 2(%rcx), %rbx; lea 3(%rcx), %rbp\n"
    "  lea 4(%rcx), %rsi; lea 5(%rcx), %rdi; lea 6(%rcx), %r8; lea 7(%rcx), %r9; lea 8(%rcx), %r10\n"
    "  lea 9(%rcx), %r11; lea 10(%rcx), %r12; lea 11(%rcx), %r13; lea 12(%rcx), %r14; lea 13(%rcx), %r15\n"
    "  int $52\n"
    "  mov %rcx, 0x104008; mov %rdx, 0x104010; mov %rbx, 0x104018; mov %rbp, 0x104020\n"
    "  mov %rsi, 0x104028; mov %rdi, 0x104030; mov %r8, 0x104038; mov %r9, 0x104040; mov %r10, 0x104048\n"
    "  mov %r11, 0x104050; mov %r12, 0x104058; mov %r13, 0x104060; mov %r14, 0x104068; mov %r15, 0x104070\n"
    "  mov %rax, 0x104000\n"
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "  ret\n");

void process_main(void) {
  sys_getpid();
  pattern(SAME, 4096, 32);
  pattern(stack_page(), 256, 33);
  PAGE_BYTE(OWN) = 0xee;
  data = 0xa5;
  int child = fork_with_registers();
  PAGE_BYTE(OWN) = child == 0 ? 'C' : 'P';
  data = child == 0 ? 'C' : 'P';
  sys_getpid();
  if (child == 0) yield_for_ever();
  yields(6);
  finish();
}
