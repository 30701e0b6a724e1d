// The benchmark's guest: freestanding integer C, a Linux program that only writes and exits.
//
//     gcc -O2 -std=gnu17 -static -nostdlib -ffreestanding -fno-pic -no-pie -fno-stack-protector -fcf-protection=none
//         -fno-asynchronous-unwind-tables -mgeneral-regs-only -Wl,--build-id=none,-z,noseparate-code,-s -o guest.elf guest.c
//
// It writes S, a letter before each phase, Z after the last, and its check sum. It also runs on Linux itself.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
#define PHASE static __attribute__((noinline, noclone))

static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
static void put(char c) { call(1, 1, (long)&c, 1); }

static u64 state = 88172645463325252ul;
static u64 random64(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

#define CELLS (1 << 16)
static u8 cells[CELLS], next[CELLS];
// byte loads and stores, carries between neighbours: rule 110 on a ring
PHASE u32 automaton(u32 steps) {
  u32 alive = 0;
  for (u32 i = 0; i < CELLS; i++) cells[i] = random64() & 1;
  while (steps--) {
    for (u32 i = 0; i < CELLS; i++) {
      u32 l = cells[(i + CELLS - 1) % CELLS], m = cells[i], r = cells[(i + 1) % CELLS];
      next[i] = 110 >> (l * 4 + m * 2 + r) & 1;
    }
    for (u32 i = 0; i < CELLS; i++) alive += cells[i] = next[i];
  }
  return alive;
}

#define N 48
static u32 x[N][N], y[N][N], z[N][N];
PHASE u32 matrix(u32 rounds) {
  for (u32 i = 0; i < N; i++)
    for (u32 j = 0; j < N; j++) x[i][j] = random64(), y[i][j] = random64();
  while (rounds--)
    for (u32 i = 0; i < N; i++)
      for (u32 j = 0; j < N; j++) {
        u32 sum = 0;
        for (u32 k = 0; k < N; k++) sum += x[i][k] * y[k][j];
        z[i][j] ^= sum;
        x[i][j] += sum >> 16;
      }
  return z[7][11] ^ z[N - 1][N - 1];
}

#define KEYS (1 << 13)
static u64 heap[KEYS + 1];
static int before(u64 a, u64 b) { return a < b; }
static int after(u64 a, u64 b) { return a > b; }
// 64-bit compares through a function pointer, unpredictable branches
PHASE u64 heapsort(int (*less)(u64, u64)) {
  for (u32 i = 1; i <= KEYS; i++) heap[i] = random64();
  for (u32 end = KEYS, start = KEYS / 2 + 1; end > 1;) {
    u64 v;
    if (start > 1) v = heap[--start];
    else v = heap[end], heap[end--] = heap[1];
    u32 hole = start;
    for (u32 child = hole * 2; child <= end; child = hole * 2) {
      if (child < end && less(heap[child], heap[child + 1])) child++;
      if (!less(v, heap[child])) break;
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = v;
  }
  return heap[1] ^ heap[KEYS / 3];
}

#define SLOTS (1 << 14)
static struct { u64 key, count; } table[SLOTS];
PHASE u64 hash(u32 inserts) {
  u64 probes = 0;
  while (inserts--) {
    u64 key = random64() % 9973 + 1, at = key * 0x9e3779b97f4a7c15ul >> 50;
    while (table[at].key && table[at].key != key) at = (at + 1) % SLOTS, probes++;
    table[at].key = key;
    table[at].count++;
  }
  return probes;
}

PHASE u32 queens(u32 columns, u32 left, u32 right) {
  u32 found = 0;
  if (columns == 255) return 1;
  for (u32 free = ~(columns | left | right) & 255; free; free &= free - 1) {
    u32 q = free & -free;
    found += queens(columns | q, (left | q) << 1, (right | q) >> 1);
  }
  return found;
}

static char text[1 << 14];
PHASE u32 words(u32 rounds) {
  u32 sum = 0;
  for (u32 i = 0; i < sizeof text; i++) text[i] = random64() % 7 ? 'a' + random64() % 26 : ' ';
  while (rounds--)
    for (u32 i = 0, word = 0; i < sizeof text; i++) {
      if (text[i] == ' ') sum = sum * 31 + word, word = 0;
      else word = word << 3 ^ word >> 27 ^ (text[i] - 'a');
    }
  return sum;
}

__attribute__((noreturn)) void start(void) {
  u64 sum = 0;
  put('S');
  put('a');
  sum += automaton(30);
  put('b');
  sum += matrix(60);
  put('c');
  for (int i = 0; i < 30; i++) sum += heapsort(i & 1 ? before : after);
  put('d');
  sum += hash(2000000);
  put('e');
  for (int i = 0; i < 400; i++) sum += queens(0, 0, 0);
  put('f');
  sum += words(300);
  put('Z');
  for (int i = 60; i >= 0; i -= 4) put("0123456789abcdef"[sum >> i & 15]);
  put('\n');
  for (;;) call(60, 0, 0, 0);
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call start\n");
