// Gates: how a kernel written in TypeScript is ring 0 of this machine.
//
// A gate is an instruction (0F 3F number) in the kernel's text; fetched at CPL 0, it runs the bound function. Inside,
// each load and store goes through the MMU with the CR3 in force, at CPL 0. A fault of such an access is a fault at the
// gate's own rip: it is delivered as on hardware, the handler runs, and when its IRET comes back to the gate the
// access is tried again. After an operation that changes CR0, CR3, CR4 or the TLB, the next instruction fetch
// happens at the gate's rip: a kernel that has unmapped itself dies there, for the hardware's reason.

import { cpuidLeaf } from './cpu/cpuid.ts'
import { Access, RAM, Slot, type State, TLB, TLB_BYTES } from './cpu/state.ts'
import type { Hardware } from './hardware.ts'
import { messageOf } from './stop.ts'
import { FLAG_IF, type u64 } from './x86-64.ts'

/** A linear address; as a number it must be an integer in [0, 2^53). */
export type Address = u64 | number

const low = (va: Address): number => (typeof va === 'number' ? va : Number(va & 0xffff_ffffn)) | 0
const high = (va: Address): number =>
  (typeof va === 'number' ? Math.floor(va / 2 ** 32) : Number((va >> 32n) & 0xffff_ffffn)) | 0

/** Thrown to leave the hosted kernel's TypeScript when the machine stops under it. Never the program's to catch. */
export class Unwind extends Error {
  readonly #signal = true
  /** Asks no question of what was thrown: it may be the kernel's own, and answer with code. */
  static is(thrown: unknown): thrown is Unwind {
    return typeof thrown === 'object' && thrown !== null && #signal in thrown
  }
}

/** Who answers the machine's gate instructions. */
export interface Gates {
  /** Run gate `number`. @returns false if none is bound. @throws Unwind, and what the kernel throws */
  enter(number: number): boolean
  /** @returns what `resume` said in the gate call that just ended; asking takes it */
  takeResume(): StackPoint | undefined
  /** Where a stopped machine goes on when it is run again. */
  readonly stopLoop: StackPoint | undefined
}
export interface StackPoint {
  readonly rip: u64
  readonly rsp: u64
}

/** What hosted work costs, in instructions; one place for a lab to say it. */
export interface Costs {
  /** Per memory access, port access or privileged operation; a bulk access counts once per started 4 KiB. */
  readonly access: number
  /** Per gate call. */
  readonly entry: number
  /** The most that one gate call may be charged before it counts as an endless loop. */
  readonly limit: number
}
const DEFAULT_COSTS: Costs = { access: 1, entry: 100, limit: 100_000_000 }

/**
 * The machine as a kernel in ring 0 sees it. Valid only inside a gate call, except `gate`, `setCosts` and `setStopLoop`.
 *
 * A kernel is not trusted: what is behind this face is out of its reach, also at run time.
 */
export class Ring0 implements Gates {
  readonly #hardware: Hardware
  readonly #state: State
  readonly #gates = new Map<number, () => void>()
  #costs = DEFAULT_COSTS
  #charged = 0
  #depth = 0

  constructor(hardware: Hardware) {
    this.#hardware = hardware
    this.#state = hardware.state
  }

  /** Bind the gate instruction `0F 3F number` (16 bits). The function runs at CPL 0 with rip at the gate. */
  gate(number: number, handler: () => void): void {
    this.#gates.set(number, handler)
  }
  /** @throws RangeError if a cost is no whole number */
  setCosts({ access, entry, limit }: Costs): void {
    this.#costs = { access: amount(access), entry: amount(entry), limit: amount(limit) }
  }
  enter(number: number): boolean {
    const handler = this.#gates.get(number)
    if (!handler) return false
    if (this.#depth === 0) this.#charged = 0
    this.#depth++
    try {
      this.#charge(this.#costs.entry)
      handler()
      this.#fetch()
    } finally {
      this.#depth--
    }
    return true
  }

  // Memory. Little-endian; unaligned and page-crossing accesses work as on hardware.

  read8(va: Address): number {
    return this.#state.u8[this.#at(va, 1, Access.read)]!
  }
  readInt8(va: Address): number {
    return (this.read8(va) << 24) >> 24
  }
  read16(va: Address): number {
    return this.#state.view.getUint16(this.#at(va, 2, Access.read), true)
  }
  read32(va: Address): number {
    return this.#state.view.getUint32(this.#at(va, 4, Access.read), true)
  }
  readInt32(va: Address): number {
    return this.#state.view.getInt32(this.#at(va, 4, Access.read), true)
  }
  read64(va: Address): u64 {
    return this.#state.view.getBigUint64(this.#at(va, 8, Access.read), true)
  }
  write8(va: Address, value: number): void {
    const host = this.#at(va, 1, Access.write)
    this.#state.u8[host] = value
    this.#stored(host)
  }
  write16(va: Address, value: number): void {
    const host = this.#at(va, 2, Access.write)
    this.#state.view.setUint16(host, value, true)
    this.#stored(host)
  }
  write32(va: Address, value: number): void {
    const host = this.#at(va, 4, Access.write)
    this.#state.view.setUint32(host, value, true)
    this.#stored(host)
  }
  write64(va: Address, value: u64): void {
    const host = this.#at(va, 8, Access.write)
    this.#state.view.setBigUint64(host, value, true)
    this.#stored(host)
  }
  /** As read64 in two halves, low half first, for who reads many: no bigint is made. */
  readHalves(va: Address, words: Uint32Array): void {
    const host = this.#at(va, 8, Access.read)
    const { view } = this.#state
    words[0] = view.getUint32(host, true)
    words[1] = view.getUint32(host + 4, true)
  }
  /** As write64 of two halves. */
  writeHalves(va: Address, low: number, high: number): void {
    const host = this.#at(va, 8, Access.write)
    const { view } = this.#state
    view.setUint32(host, low, true)
    view.setUint32(host + 4, high, true)
    this.#stored(host)
  }
  /** A copy of `length` bytes. */
  readBytes(va: Address, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    this.readInto(va, bytes)
    return bytes
  }
  readInto(va: Address, target: Uint8Array): void {
    const { u8 } = this.#state
    this.#pages(va, lengthOf(target), Access.read, (host, from, n) =>
      copyInto(target, u8.subarray(host, host + n), from),
    )
  }
  /** Page by page: a fault in the middle leaves the pages before it written. */
  writeBytes(va: Address, bytes: Uint8Array): void {
    const { u8 } = this.#state
    const own = new Uint8Array(bytes) // what the kernel hands over may answer with other lengths at each question
    this.#pages(va, own.length, Access.write, (host, from, n) => u8.set(own.subarray(from, from + n), host))
  }
  fill(va: Address, value: number, length: number): void {
    const { u8 } = this.#state
    this.#pages(va, length, Access.write, (host, _from, n) => u8.fill(value, host, host + n))
  }
  /** As memmove. */
  copy(to: Address, from: Address, length: number): void {
    this.writeBytes(to, this.readBytes(from, length))
  }

  // Ports.

  in8(port: number): number {
    return this.#in(port, 8)
  }
  in16(port: number): number {
    return this.#in(port, 16)
  }
  in32(port: number): number {
    return this.#in(port, 32)
  }
  out8(port: number, value: number): void {
    this.#out(port, 8, value)
  }
  out16(port: number, value: number): void {
    this.#out(port, 16, value)
  }
  out32(port: number, value: number): void {
    this.#out(port, 32, value)
  }

  // Registers. A general register by its number in encodings: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15.

  reg(n: number): u64 {
    return this.#state.u64[n & 15]!
  }
  setReg(n: number, value: u64): void {
    this.#state.u64[n & 15] = value
  }
  get cr0(): u64 {
    return this.#state.u64[Slot.cr0]!
  }
  get cr2(): u64 {
    return this.#state.u64[Slot.cr2]!
  }
  get cr3(): u64 {
    return this.#state.u64[Slot.cr3]!
  }
  get cr4(): u64 {
    return this.#state.u64[Slot.cr4]!
  }
  setCr0(value: u64): void {
    this.#setControl(0, value)
  }
  setCr3(value: u64): void {
    this.#setControl(3, value)
  }
  setCr4(value: u64): void {
    this.#setControl(4, value)
  }
  invlpg(va: Address): void {
    const address = word(va)
    this.#privileged(() => this.#hardware.invlpg(address))
  }
  rdmsr(number: number): u64 {
    let value = 0n
    this.#privileged(() => {
      value = this.#hardware.readMsr(number >>> 0)
    })
    return value
  }
  wrmsr(number: number, value: u64): void {
    const written = word(value)
    this.#privileged(() => this.#hardware.writeMsr(number >>> 0, written))
  }
  lgdt(base: Address, limit: number): void {
    this.#state.u64[Slot.gdtBase] = BigInt(base)
    this.#state.u64[Slot.gdtLimit] = BigInt(limit)
  }
  lidt(base: Address, limit: number): void {
    this.#state.u64[Slot.idtBase] = BigInt(base)
    this.#state.u64[Slot.idtLimit] = BigInt(limit)
  }
  ltr(selector: number): void {
    this.#privileged(() => this.#hardware.loadTaskRegister(selector & 0xffff))
  }

  // CPUs.

  /** The CPU that runs this gate call: 0 is the one that booted. Its APIC ID is the same number. */
  get cpu(): number {
    return this.#hardware.cpu
  }
  get cpus(): number {
    return this.#hardware.cpus
  }
  /** What CPUID answers for a leaf: unsigned 32-bit numbers. */
  cpuid(leaf: number, subleaf = 0): { eax: number; ebx: number; ecx: number; edx: number } {
    const [eax, ebx, ecx, edx] = cpuidLeaf(leaf >>> 0, subleaf, this.#hardware).map((word) => word >>> 0)
    return { eax: eax!, ebx: ebx!, ecx: ecx!, edx: edx! }
  }
  /**
   * Start CPU `cpu` in 64-bit mode with this CPU's CR0, CR4 and EFER, interrupts off. Stands for INIT, SIPI and the code
   * in 16-bit and 32-bit mode that they lead to.
   */
  startCpu(cpu: number, { rip, rsp, cr3 }: { rip: Address; rsp: Address; cr3: u64 }): void {
    if (!Number.isInteger(cpu) || cpu < 1 || cpu >= this.cpus)
      throw new RangeError(`startCpu: cpu must be 1 to ${this.cpus - 1}, got ${cpu}`)
    const { u64 } = this.#state
    const [cr0, cr4, efer] = [u64[Slot.cr0]!, u64[Slot.cr4]!, u64[Slot.efer]!]
    this.#hardware.startCpu(cpu, { rip: word(rip), rsp: word(rsp), cr3: word(cr3), cr0, cr4, efer })
  }
  /** RFLAGS.IF. A gate call is not interrupted, except in `wait`. */
  get interrupts(): boolean {
    return (this.#state.u64[Slot.rflags]! & FLAG_IF) !== 0n
  }
  /** STI or CLI. */
  setInterrupts(on: boolean): void {
    const { u64 } = this.#state
    u64[Slot.rflags] = on ? u64[Slot.rflags]! | FLAG_IF : u64[Slot.rflags]! & ~FLAG_IF
  }
  /**
   * Wait in a loop for what another CPU does: they all run on, and this one takes its interrupts if it lets itself be
   * interrupted. If nothing can make it come true any more, the machine stops and tells who waits for `what`.
   */
  wait(what: string, done: () => boolean): void {
    const words = messageOf(what)
    this.#aside(() =>
      this.#hardware.wait(words, () => {
        this.#charge(this.#costs.access)
        return done()
      }),
    )
  }

  // Control.

  /** Where the CPU goes on when this gate call returns, instead of behind the gate instruction. */
  resume(rip: Address, rsp: Address): void {
    this.#resumeAt = { rip: word(rip), rsp: word(rsp) }
  }
  takeResume(): StackPoint | undefined {
    const taken = this.#resumeAt
    this.#resumeAt = undefined
    return taken
  }
  #resumeAt: StackPoint | undefined

  /** The kernel gives up: the machine stops with its state as it is. A later run goes on at the stop loop, if there is one. */
  stop(message: string): never {
    return this.#hardware.halt({ reason: 'panic', message: messageOf(message) })
  }
  setStopLoop(rip: Address, rsp: Address): void {
    this.stopLoop = { rip: word(rip), rsp: word(rsp) }
  }
  stopLoop: StackPoint | undefined
  powerOff(): never {
    return this.#hardware.halt({ reason: 'exit', code: 0 })
  }
  get time(): number {
    return this.#hardware.time
  }
  /** Time passes for the kernel's own work. @throws RangeError if it is no whole number of instructions */
  charge(instructions: number): void {
    this.#charge(amount(instructions))
  }

  #charge(instructions: number): void {
    if (this.#hardware.stopped) throw new Unwind()
    this.#hardware.addTime(instructions)
    this.#charged += instructions
    if (this.#charged <= this.#costs.limit) return
    const message = `a kernel call does not return: it has used ${this.#charged} instructions, more than ${this.#costs.limit}`
    this.#hardware.halt({ reason: 'hang', message })
  }
  #in(port: number, width: number): number {
    this.#charge(this.#costs.access)
    return this.#hardware.in(port >>> 0, width)
  }
  #out(port: number, width: number, value: number): void {
    this.#charge(this.#costs.access)
    this.#hardware.out(port >>> 0, width, value >>> 0)
  }

  /** The host address of an access that has happened, whatever faults it took; page-crossing writes need `stored`. */
  #at(va: Address, bytes: number, access: Access): number {
    this.#charge(this.#costs.access)
    return this.#translate(low(va), high(va), bytes, access)
  }
  #translate(lo: number, hi: number, bytes: number, access: Access): number {
    const { i32 } = this.#state
    const e = (TLB + access * TLB_BYTES + ((lo >>> 8) & 0x3ff0)) >> 2
    if (i32[e] === (lo & ~0xfff) && i32[e + 1] === hi && (lo & 0xfff) + bytes <= 4096)
      return (lo + i32[e + 2]!) | 0
    return this.#aside(() => this.#hardware.translate(lo, hi, bytes, access))
  }
  #stored(host: number): void {
    if (host < RAM) this.#hardware.scatter(host)
  }
  #pages(
    va: Address,
    length: number,
    access: Access,
    each: (host: number, from: number, n: number) => void,
  ): void {
    let lo = low(va)
    let hi = high(va)
    for (let from = 0; from < length; ) {
      const n = Math.min(4096 - (lo & 0xfff), length - from)
      this.#charge(this.#costs.access)
      const host = this.#translate(lo, hi, 1, access)
      if (host >= RAM) each(host, from, n)
      else this.#throughBounce(lo, hi, n, from, access, each)
      from += n
      lo = (lo + n) | 0
      if (lo === 0) hi = (hi + 1) | 0
    }
  }
  /** A page of compiled code or outside RAM: byte by byte, each at a bounce slot of its own. */
  #throughBounce(
    lo: number,
    hi: number,
    n: number,
    from: number,
    access: Access,
    each: (host: number, from: number, n: number) => void,
  ): void {
    for (let i = 0; i < n; i++) {
      const host = this.#translate((lo + i) | 0, hi, 1, access)
      each(host, from + i, 1)
      if (access === Access.write) this.#stored(host)
    }
  }
  #setControl(register: 0 | 3 | 4, value: u64): void {
    const written = word(value)
    this.#privileged(() => this.#hardware.writeControl(register, written))
  }
  #privileged(operation: () => void): void {
    this.#charge(this.#costs.access)
    this.#aside(operation)
    this.#fetch()
  }
  /** Other gate calls may run inside this one; what it has said about where it goes on is its own. */
  #aside<T>(work: () => T): T {
    const resume = this.#resumeAt
    this.#resumeAt = undefined
    const result = work()
    this.#resumeAt = resume
    return result
  }
  /** The next instruction fetch, at the gate's rip. */
  #fetch(): void {
    const rip = this.#state.rip
    this.#translate(Number(rip & 0xffff_ffffn) | 0, Number(rip >> 32n) | 0, 1, Access.fetch)
  }
}

const { apply, getOwnPropertyDescriptor, getPrototypeOf } = Reflect
const TypedArray = getPrototypeOf(Uint8Array.prototype) as Uint8Array
const { set } = TypedArray
const { get: length } = getOwnPropertyDescriptor(TypedArray, 'length')!
/** Of real arrays only; an array's own `set` and `length` may be code of the kernel's. @throws TypeError for others */
const copyInto = (target: Uint8Array, bytes: Uint8Array, from: number): void =>
  apply(set, target, [bytes, from])
const lengthOf = (target: Uint8Array): number => apply(length!, target, [])

const word = (value: Address): u64 => BigInt.asUintN(64, BigInt(value))
function amount(instructions: number): number {
  if (Number.isSafeInteger(instructions) && instructions >= 0) return instructions
  throw new RangeError(`expected a whole number of instructions, got ${String(instructions)}`)
}
