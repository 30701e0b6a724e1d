// What CPUID tells: exactly what is modelled, and nothing of what is not. SDM Vol. 2 "CPUID".

import { MAXPHYADDR } from '../mmu/walk.ts'
import type { Cpu } from './cpu.ts'

const bits = (...numbers: number[]): number => numbers.reduce((sum, n) => sum | (1 << n), 0)
const text = (s: string): number => [...s].reduceRight((word, c) => (word << 8) | c.charCodeAt(0), 0)

// Leaf 1: PSE TSC MSR PAE CX8 APIC PGE CMOV PAT CLFSH; CX16 x2APIC POPCNT. Leaf 7: SMEP.
const FEATURES_EDX = bits(3, 4, 5, 6, 8, 9, 13, 15, 16, 19)
const FEATURES_ECX = bits(13, 21, 23)
const FEATURES7_EBX = bits(7)
// Leaf 8000_0001h: SYSCALL NX 1-GiB-pages RDTSCP LM; LAHF in 64-bit mode, LZCNT.
const EXTENDED_EDX = bits(11, 20, 26, 27, 29)
const EXTENDED_ECX = bits(0, 5)
const BRAND = 'Pagewalk x86-64 machine'.padEnd(48, '\0')

type Leaf = readonly [eax: number, ebx: number, ecx: number, edx: number]
const brand = (n: number): Leaf => {
  const word = (i: number): number => text(BRAND.slice(n * 16 + i * 4, n * 16 + i * 4 + 4))
  return [word(0), word(1), word(2), word(3)]
}
const LEAVES: ReadonlyMap<number, Leaf> = new Map<number, Leaf>([
  [0, [7, text('Page'), text('CPU.'), text('walk')]],
  [1, [0x0006_0f00, 8 << 8, FEATURES_ECX, FEATURES_EDX]],
  [7, [0, FEATURES7_EBX, 0, 0]],
  [0x8000_0000, [0x8000_0008 | 0, 0, 0, 0]],
  [0x8000_0001, [0, 0, EXTENDED_ECX, EXTENDED_EDX]],
  [0x8000_0002, brand(0)],
  [0x8000_0003, brand(1)],
  [0x8000_0004, brand(2)],
  [0x8000_0008, [MAXPHYADDR | (48 << 8), 0, 0, 0]],
])
const NONE: Leaf = [0, 0, 0, 0]

/** What CPUID answers on CPU `cpu` of `cpus`: unknown leaves and the subleaves of 7 beyond 0 give zeros. */
export function cpuidLeaf(leaf: number, subleaf: number, { cpu, cpus }: { cpu: number; cpus: number }): Leaf {
  const [eax, ebx, ecx, edx] = leaf === 7 && subleaf !== 0 ? NONE : (LEAVES.get(leaf) ?? NONE)
  return leaf === 1 ? [eax, ebx | (cpus << 16) | (cpu << 24), ecx, edx] : [eax, ebx, ecx, edx]
}
/** EAX selects the leaf, ECX the subleaf; EAX, EBX, ECX, EDX answer. */
export function cpuid({ state: { u32, u64 } }: Cpu, around: { cpu: number; cpus: number }): void {
  const answer = cpuidLeaf(u32[0]!, u32[2]!, around)
  for (const [i, register] of [0, 3, 1, 2].entries()) u64[register] = BigInt(answer[i]! >>> 0)
}
