import { expect, test } from 'vitest'
import { LocalApic } from '../../src/devices/apic.ts'

const [BASE, TPR, PPR, EOI, SVR, ISR, IRR, ESR] = [0x1b, 0x808, 0x80a, 0x80b, 0x80f, 0x810, 0x820, 0x828]
const [ICR, LVT_TIMER, LINT0, INITIAL, CURRENT, DIVIDE, SELF] = [
  0x830, 0x832, 0x835, 0x838, 0x839, 0x83e, 0x83f,
]

class Bench {
  now = 0
  readonly sent: { vector: number; mode: number; to: readonly number[] }[] = []
  readonly apic: LocalApic
  constructor(id = 0, cpus = 4) {
    this.apic = new LocalApic(
      id,
      cpus,
      () => this.now,
      (ipi) => this.sent.push(ipi),
      id === 0,
    )
  }
  on(): this {
    this.write(BASE, (this.apic.read(BASE) ?? 0n) | 0xc00n)
    return this.write(SVR, 0x1ffn)
  }
  write(msr: number, value: number | bigint): this {
    expect(this.apic.write(msr, BigInt(value))).toBe(true)
    return this
  }
  pass(instructions: number): this {
    const end = this.now + instructions
    while (this.apic.nextEvent <= end) {
      this.now = this.apic.nextEvent
      this.apic.advance(this.now)
    }
    this.now = end
    return this
  }
  /** Take everything that may be taken, in order. */
  take(): number[] {
    const taken: number[] = []
    while (this.apic.pending() >= 0) taken.push(this.apic.acknowledge())
    return taken
  }
}

test('after reset it is in xAPIC mode: registers are #GP, and the 8259 reaches the bootstrap CPU', () => {
  const { apic } = new Bench()
  expect(apic.read(BASE)).toBe(0xfee0_0900n)
  expect([apic.read(0x802), apic.write(SVR, 0x1ffn)]).toEqual([undefined, false])
  expect([apic.enabled, apic.extInt, new Bench(1).apic.extInt]).toEqual([false, true, false])
})
test('modes follow each other as the manual allows: from x2APIC only off, from off only xAPIC', () => {
  const { apic } = new Bench().on()
  const base = 0xfee0_0100n
  expect(apic.write(BASE, base | 0x800n)).toBe(false) // back to xAPIC
  expect(apic.write(BASE, base)).toBe(true)
  expect(apic.write(BASE, base | 0xc00n)).toBe(false) // off to x2APIC
  expect(apic.write(BASE, base | 0x400n)).toBe(false) // EXTD without EN
  expect(apic.write(BASE, base | 0x800n)).toBe(true)
  expect(apic.write(BASE, 0xfec0_0900n)).toBe(false) // the page cannot be moved here
})
test('in use, the 8259 gets through only as an unmasked ExtINT of LINT0', () => {
  const { apic } = new Bench().on()
  expect(apic.extInt).toBe(false)
  apic.write(LINT0, 0x700n)
  expect(apic.extInt).toBe(true)
  apic.write(LINT0, 0x1_0700n)
  expect(apic.extInt).toBe(false)
})
test('the highest vector is taken first, and lower classes wait for its EOI', () => {
  const b = new Bench().on()
  for (const vector of [0x31, 0x80, 0x84]) b.apic.accept(vector)
  expect(b.take()).toEqual([0x84]) // 0x80 is of the same class
  expect(b.apic.read(PPR)).toBe(0x80n)
  b.write(EOI, 0)
  expect(b.take()).toEqual([0x80])
  b.write(EOI, 0)
  expect(b.take()).toEqual([0x31])
  expect([b.apic.read(ISR + 1), b.apic.read(IRR + 1)]).toEqual([1n << 17n, 0n])
})
test('a vector that is in service may wait once more', () => {
  const b = new Bench().on()
  b.apic.accept(0x40)
  b.take()
  b.apic.accept(0x40)
  b.apic.accept(0x40)
  expect(b.take()).toEqual([])
  b.write(EOI, 0)
  expect(b.take()).toEqual([0x40])
})
test('the task’s priority, also as CR8, holds back its class and those below', () => {
  const b = new Bench().on()
  b.apic.cr8 = 4
  expect(b.apic.read(TPR)).toBe(0x40n)
  b.apic.accept(0x4f)
  expect(b.apic.pending()).toBe(-1)
  b.apic.accept(0x50)
  expect(b.take()).toEqual([0x50])
  b.write(EOI, 0).write(TPR, 0)
  expect(b.take()).toEqual([0x4f])
})
test('without the software enable bit nothing is accepted', () => {
  const b = new Bench().on().write(SVR, 0xff)
  b.apic.accept(0x40)
  expect(b.apic.pending()).toBe(-1)
})
test.each<[string, bigint, number[]]>([
  ['one CPU', 0x2_0000_0040n, [2]],
  ['nobody', 0x9_0000_0040n, []],
  ['all by the broadcast ID', 0xffff_ffff_0000_0040n, [0, 1, 2, 3]],
  ['itself, by shorthand', 0x4_0040n, [1]],
  ['all, by shorthand', 0x8_0040n, [0, 1, 2, 3]],
  ['all others, by shorthand', 0xc_0040n, [0, 2, 3]],
  ['a set in a cluster', 0x9_0000_0840n, [0, 3]],
  ['the lowest of a set', 0xa_0000_0940n, [1]],
])('an interrupt for %s', (_, command, to) => {
  const b = new Bench(1).on().write(ICR, command)
  expect(b.sent).toEqual(to.length ? [{ vector: 0x40, mode: 0, to }] : [])
  expect(b.apic.read(ICR)).toBe(command)
})
test('INIT and SIPI are passed on with their modes; an illegal vector is an error and not sent', () => {
  const b = new Bench().on().write(ICR, 0x1_0000_4500n).write(ICR, 0x1_0000_4608n).write(ICR, 0x1_0000_0003n)
  expect(b.sent).toEqual([
    { vector: 0, mode: 5, to: [1] },
    { vector: 8, mode: 6, to: [1] },
  ])
  expect(b.apic.read(ESR)).toBe(0x20n)
  b.write(ESR, 0)
  expect(b.apic.read(ESR)).toBe(0n)
})
test('a self IPI is one interrupt for itself', () => {
  expect(new Bench().on().write(SELF, 0x77).take()).toEqual([0x77])
})
test('the one-shot timer fires once, after the count at its divisor', () => {
  const b = new Bench().on().write(DIVIDE, 0x3).write(LVT_TIMER, 0xf0).write(INITIAL, 100)
  b.pass(800)
  expect(b.apic.read(CURRENT)).toBe(50n)
  expect(b.pass(799).take()).toEqual([])
  expect(b.pass(1).take()).toEqual([0xf0])
  b.write(EOI, 0)
  expect(b.pass(100_000).take()).toEqual([])
})
test('the periodic timer does not drift when it is served late', () => {
  const b = new Bench().on().write(DIVIDE, 0xb).write(LVT_TIMER, 0x2_00f0).write(INITIAL, 100)
  b.now = 350
  b.apic.advance(b.now)
  expect([b.take(), b.apic.nextEvent]).toEqual([[0xf0], 400])
})
test('a masked timer counts and does not interrupt; a count of 0 stops it', () => {
  const b = new Bench().on().write(DIVIDE, 0xb).write(LVT_TIMER, 0x1_00f0).write(INITIAL, 100)
  expect(b.pass(200).take()).toEqual([])
  b.write(LVT_TIMER, 0xf0).write(INITIAL, 100).write(INITIAL, 0)
  expect([b.pass(1000).take(), b.apic.read(CURRENT)]).toEqual([[], 0n])
})
test.each<[string, number, bigint]>([
  ['a reserved bit', LVT_TIMER, 0x1000_00f0n],
  ['the TSC deadline', LVT_TIMER, 0x4_00f0n],
  ['an EOI that is not 0', EOI, 1n],
  ['the ID', 0x802, 3n],
  ['a register that is not there', 0x850, 0n],
  ['upper halves', TPR, 1n << 32n],
])('a write of %s is #GP', (_, msr, value) => {
  expect(new Bench().on().apic.write(msr, value)).toBe(false)
})
test('what is saved is restored', () => {
  const b = new Bench().on().write(DIVIDE, 0xb).write(LVT_TIMER, 0xf0).write(INITIAL, 100).write(TPR, 0x20)
  b.apic.accept(0x91)
  b.apic.accept(0x41)
  b.apic.acknowledge()
  const other = new Bench()
  other.apic.restore(JSON.parse(JSON.stringify(b.apic.save())))
  expect(other.apic.save()).toEqual(b.apic.save())
  other.write(EOI, 0)
  expect(other.pass(100).take()).toEqual([0xf0])
})
