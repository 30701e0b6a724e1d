// Everything a machine is, in one WebAssembly.Memory: a snapshot is a copy, and evaluator, translated code and
// devices see the same bytes.
//
//     0x000000  CPU block      slots of 8 bytes: registers, rip, flags record, control registers, fault record; of the
//                              CPU whose turn it is
//     0x000200  bounce slots   accesses that cross a page or write to code
//     0x000400  temporaries of tier 0
//     0x00f000  parked blocks  512 bytes for each CPU, while it is not its turn (bank.ts)
//     0x010000  fast TLB       [supervisor, user] x [read, write, fetch] x 1024 x {tag u64, addend i32, page i32}
//     0x028000  the fast TLB's filled entries, so that a flush costs what was filled
//     0x030000  constants of tier 0
//     0x100000  guest RAM
//     above     the architectural TLBs, one for each CPU (mmu/tlb.ts); then a byte for each page of RAM, and another one

/** 8-byte slots of the CPU block; 0..15 are the general registers in encoding order. */
import { BITS_KIND } from './flags.ts'

export const Slot = {
  rip: 16,
  flagA: 17, // the lazy record of the six arithmetic flags: see flags.ts
  flagB: 18,
  flagKind: 19,
  rflags: 20, // every other bit of RFLAGS; the arithmetic six are 0 here, bit 1 is set
  cr0: 21,
  cr2: 22,
  cr3: 23,
  cr4: 24,
  efer: 25,
  es: 26, // visible selectors, 16 bits each, in encoding order: es cs ss ds fs gs
  cs: 27,
  ss: 28,
  ds: 29,
  fs: 30,
  gs: 31,
  fsBase: 32,
  gsBase: 33,
  kernelGsBase: 34,
  gdtBase: 35,
  gdtLimit: 36,
  idtBase: 37,
  idtLimit: 38,
  tr: 39, // selector; base and limit as LTR read them
  trBase: 40,
  trLimit: 41,
  ldtr: 42,
  star: 43,
  lstar: 44,
  cstar: 45,
  sfmask: 46,
  dr: 47, // DR6 and DR7 only: 47 and 48; breakpoints are not modelled
  shadow: 50, // 1: the instruction after STI or MOV SS is not interrupted
  halted: 51, // 1: HLT waits for an interrupt
  // From here on scratch: no part of a snapshot.
  leave: 54, // Leave: why the evaluator handed over
  vector: 55, // the fault record: vector, error code, and for #PF the linear address
  error: 56,
  faultAddress: 57,
  sysOp: 58, // SystemOp and its operands; rip is still that of the instruction, sysNext the one after it
  sysA: 59,
  sysB: 60,
  sysC: 61,
  sysNext: 62,
  temps: 128,
} as const
/** Slots [0, STATE_SLOTS) are the CPU's state. */
export const STATE_SLOTS = 54

/** Why the evaluator handed over. `code`: the instruction just retired wrote to a page that holds compiled code. */
export const Leave = { none: 0, fault: 1, system: 2, code: 3 } as const

/**
 * Instructions that the machine performs, not the table's readers: those that see more of the CPU than registers, flags and memory.
 * The table gives the encoding and evaluates the operands; cpu/system.ts does the rest. a, b, c: sysA, sysB, sysC.
 */
export const SystemOp = {
  int: 0, // a: vector; b: 0 INT n, 1 INT3, 2 INT1
  iret: 1, // a: operand width in bits
  syscall: 2,
  sysret: 3, // a: operand width
  hlt: 4,
  cli: 5,
  sti: 6,
  popf: 7, // a: the value popped, b: operand width; rsp is committed beside it: POPF itself cannot fault
  movFromCr: 8, // a: control register, b: general register
  movToCr: 9, // a: control register, b: value
  movFromDr: 10,
  movToDr: 11,
  invlpg: 12, // a: linear address
  lgdt: 13, // a: linear address of limit (2 bytes) and base (8 bytes)
  lidt: 14,
  sgdt: 15,
  sidt: 16,
  ltr: 17, // a: selector
  lldt: 18,
  lmsw: 19, // a: value
  clts: 20,
  rdmsr: 21,
  wrmsr: 22,
  in: 23, // a: port, b: width in bits
  out: 24, // a: port, b: width, c: value
  ins: 25, // a: width, b: 1 with REP, 2 with 32-bit addresses, c: linear address; one iteration
  outs: 26,
  cpuid: 27,
  rdtsc: 28,
  rdtscp: 29,
  swapgs: 30,
  movToSeg: 31, // a: segment register (encoding order), b: selector
  popSeg: 32, // a: segment register, b: operand width
  farReturn: 33, // a: operand width, b: bytes to release
  farJump: 34, // a: linear address of offset and selector, b: operand width, c: 1 for CALL
  wbinvd: 35, // also INVD
  gate: 36, // a: the gate's number
  cld: 37, // DF is part of the evaluator's mode, so changing it leaves
  std: 38,
} as const
export type SystemOp = (typeof SystemOp)[keyof typeof SystemOp]

export const Access = { read: 0, write: 1, fetch: 2 } as const
export type Access = (typeof Access)[keyof typeof Access]
/** Added to an access: it goes through SS, so a non-canonical address is #SS and not #GP. */
export const STACK = 4

export const TLB = 0x10000
export const TLB_ENTRIES = 1024 // per access and class
export const TLB_BYTES: number = TLB_ENTRIES * 16
export const TLB_CLASS_BYTES: number = 3 * TLB_BYTES // the supervisor's three, then the user's three
export const TLB_FILLED = 0x28000
export const POOL = 0x30000
export const POOL_END = 0x100000
export const RAM = 0x100000
export const PARKED = 0xf000
export const PARKED_BYTES = 512
export const CPUS_MOST = 8
export const BOUNCE = 0x200
export const BOUNCE_END = 0x400

const FLAG_SLOTS = [Slot.flagKind, Slot.flagA, Slot.flagB] as const

/** The bytes of a machine and the typed arrays over them. */
export class State {
  readonly buffer: ArrayBufferLike
  readonly u8: Uint8Array
  readonly u16: Uint16Array
  readonly i32: Int32Array
  readonly u32: Uint32Array
  readonly u64: BigUint64Array
  readonly i64: BigInt64Array
  readonly view: DataView
  /** Bytes of guest RAM, at RAM. */
  readonly ramBytes: number
  /** Where the architectural TLBs begin. */
  readonly tlbBase: number
  /** Per physical page: 1 if code compiled from it may exist. Set by mmu.markCode only. */
  readonly codePages: Uint8Array
  /** Per physical page: 0 if it has never been written, so that it holds zeros. */
  readonly written: Uint8Array

  /** The state that lies in `buffer`, as `make` has made it. @param tlbBytes  room for the architectural TLBs */
  constructor(buffer: ArrayBufferLike, ramBytes: number, tlbBytes: number) {
    this.buffer = buffer
    this.u8 = new Uint8Array(buffer)
    this.u16 = new Uint16Array(buffer)
    this.i32 = new Int32Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.u64 = new BigUint64Array(buffer)
    this.i64 = new BigInt64Array(buffer)
    this.view = new DataView(buffer)
    this.ramBytes = ramBytes
    this.tlbBase = RAM + ramBytes
    const pages = ramBytes / 4096
    this.codePages = new Uint8Array(buffer, this.tlbBase + tlbBytes, pages)
    this.written = new Uint8Array(buffer, this.tlbBase + tlbBytes + pages, pages)
  }
  /** @param ramBytes  a multiple of 64 KiB; @param tlbBytes  as the constructor's; @param shared  between threads */
  static make(ramBytes: number, tlbBytes: number, shared = false): State {
    if (ramBytes <= 0 || ramBytes % 0x10000 !== 0)
      throw new RangeError(`State: ramBytes must be a positive multiple of 65536, got ${ramBytes}`)
    const pages = (RAM + ramBytes + tlbBytes + 2 * (ramBytes / 4096) + 0xffff) >>> 16
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared })
    const state = new State(buffer, ramBytes, tlbBytes)
    state.setFlags(0)
    return state
  }

  get shared(): boolean {
    return !(this.buffer instanceof ArrayBuffer)
  }
  get rip(): bigint {
    return this.u64[Slot.rip]!
  }
  /** Current privilege level: the low bits of CS. */
  get cpl(): number {
    return this.i32[Slot.cs * 2]! & 3
  }
  /** The six arithmetic flags, as RFLAGS has them. */
  setFlags(bits: number): void {
    const { i32 } = this
    for (const slot of FLAG_SLOTS) i32[slot * 2] = i32[slot * 2 + 1] = 0
    i32[Slot.flagKind * 2] = BITS_KIND
    i32[Slot.flagA * 2] = bits
  }
  /** Record a fault for whoever runs the CPU. @returns 0, "no host address" */
  fault(vector: number, error: number, address = 0n): 0 {
    this.i32[Slot.leave * 2] = Leave.fault
    this.i32[Slot.vector * 2] = vector
    this.i32[Slot.error * 2] = error
    this.u64[Slot.faultAddress] = address
    return 0
  }
}
