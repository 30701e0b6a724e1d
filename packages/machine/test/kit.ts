// A bare machine for tests: flat identity-mapped memory, GDT with rings 0 and 3, TSS and an IDT to be filled.
//
//     0x01000  PML4, PDPT, PD, then PTs for the first 4 MiB       0x10000  code of ring 0
//     0x06000  GDT    0x06800  TSS    0x07000  IDT                0x20000  code of ring 3
//     0x0f000  top of ring 0's stack                              0x30000  data   0x3f000  top of ring 3's stack

import { AssemblyState } from '@defasm/core'
import { type EventKind, Machine, type Stop } from '../src/index.ts'
import { PTE_NX, PTE_P, PTE_U, PTE_W, type u64 } from '../src/x86-64.ts'

export const PML4 = 0x1000
export const PD = 0x3000
export const PT = 0x4000 // and 0x5000
export const GDT = 0x6000
export const TSS = 0x6800
export const IDT = 0x7000
export const RING0 = 0x10000
export const RING0_STACK = 0xf000
export const RING3 = 0x20000
export const RING3_STACK = 0x3f000
export const DATA = 0x30000
export const KERNEL_CS = 8
export const USER_CS = 0x13
export const USER_SS = 0x23
export const ALL: u64 = PTE_P | PTE_W | PTE_U

/** Intel syntax; numbers in C notation. */
export function assemble(source: string): Uint8Array {
  const state = new AssemblyState({ syntax: { intel: true, prefix: false } })
  state.compile(source.replaceAll(';', '\n')) // in Intel syntax a semicolon begins a comment
  if (state.errors.length > 0)
    throw new Error(`assemble: ${state.errors.map((e) => e.message).join('; ')} in:\n${source}`)
  return state.head.dump()
}

export interface Kit {
  readonly machine: Machine
  /** Put machine code or assembly at a physical address. */
  place(at: number, code: string | Uint8Array | readonly number[]): void
  /** Set the entry of the 4 KiB page of `va` (below 4 MiB). */
  map(va: number, entry: u64): void
  /** An interrupt gate; `ist` 1 to 7 selects a stack of the TSS. */
  gate(
    vector: number,
    handler: number,
    options?: { dpl?: number; ist?: number; present?: boolean; trap?: boolean },
  ): void
  /** Start at `rip` in ring 0 and run to HLT with interrupts off, or whatever comes first. */
  run(rip?: number, instructions?: number): Stop
}

export function kit(
  options: {
    log?: readonly EventKind[]
    memoryBytes?: number
    cpus?: number
    seed?: number
    shared?: boolean
  } = {},
): Kit {
  const machine = new Machine({
    ...options,
    memoryBytes: options.memoryBytes ?? 4 << 20,
    instructionsPerSecond: 1_000_000,
  })
  const { memory } = machine
  memory.write64(PML4, 0x2000n | ALL)
  memory.write64(0x2000, BigInt(PD) | ALL)
  for (let i = 0; i < 2; i++) memory.write64(PD + i * 8, BigInt(PT + i * 4096) | ALL)
  for (let i = 0; i < 1024; i++) memory.write64(PT + i * 8, BigInt(i * 4096) | ALL)
  const gdt = [
    0n,
    0x0020_9800_0000_0000n,
    0x0020_f800_0000_0000n,
    0x0000_9200_0000_0000n,
    0x0000_f200_0000_0000n,
  ]
  for (const [i, entry] of gdt.entries()) memory.write64(GDT + i * 8, entry)
  memory.write64(TSS + 4, BigInt(RING0_STACK))
  return { machine, ...tools(machine) }
}

function tools(machine: Machine): Omit<Kit, 'machine'> {
  const { memory } = machine
  const place: Kit['place'] = (at, code) =>
    memory.writeBytes(at, typeof code === 'string' ? assemble(code) : Uint8Array.from(code))
  place(0x7f00, [0x27, 0, ...le(BigInt(GDT))])
  memory.write16(0x7f00, 0x37)
  memory.write16(0x6f00, 0xfff)
  memory.write64(0x6f02, BigInt(IDT))
  return {
    place,
    map: (va, entry) => memory.write64(PT + (va >> 12) * 8, entry),
    gate(vector, handler, { dpl = 0, ist = 0, present = true, trap = false } = {}) {
      const type = BigInt((trap ? 0xf : 0xe) | (dpl << 5) | (present ? 0x80 : 0))
      const offset = BigInt(handler)
      const low =
        (offset & 0xffffn) |
        (BigInt(KERNEL_CS) << 16n) |
        (BigInt(ist) << 32n) |
        (type << 40n) |
        ((offset >> 16n) << 48n)
      memory.write64(IDT + vector * 16, low)
      memory.write64(IDT + vector * 16 + 8, offset >> 32n)
    },
    run(rip = RING0, instructions = 100_000) {
      memory.write64(GDT + 0x28, 0x67n | (BigInt(TSS) << 16n) | (0x89n << 40n)) // LTR wants an available TSS
      place(0x9000, `lgdt [0x7f00]; lidt [0x6f00]; mov eax, 0x28; ltr ax; mov eax, ${rip}; jmp rax`)
      machine.start({ rip: 0x9000n, rsp: BigInt(RING0_STACK), cr3: BigInt(PML4) })
      return machine.run(instructions)
    },
  }
}
const le = (value: u64): number[] =>
  Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(i * 8)) & 255n))

/** Assembly that enters ring 3 at `rip` with these flags. */
export const toRing3 = (rip: number = RING3, flags = 2): string =>
  `push ${USER_SS}; push ${RING3_STACK}; push ${flags}; push ${USER_CS}; push ${rip}; iretq`
export { PTE_NX }
