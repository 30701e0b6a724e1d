import { expect, test } from 'vitest'
import { TIMER_FREQ, Timer } from '../../src/devices/timer.ts'

const RATE = 100_000_000 // instructions per second, not a multiple of the clock

class Bench {
  now = 0
  readonly edges: number[] = []
  readonly timer: Timer
  constructor(rate = RATE) {
    this.timer = new Timer(
      { raise: () => void this.edges.push(this.now), lower: () => {} },
      rate,
      () => this.now,
    )
  }
  out(...pairs: readonly (readonly [number, number])[]): void {
    for (const [port, value] of pairs) this.timer.write(port, 8, value)
  }
  /** Let `instructions` pass, stopping at each event. */
  pass(instructions: number): void {
    const end = this.now + instructions
    while (this.timer.nextEvent <= end) {
      this.now = this.timer.nextEvent
      this.timer.advance(this.now)
    }
    this.now = end
  }
  count(port = 0x40): number {
    const low = this.timer.read(port)
    return low | (this.timer.read(port) << 8)
  }
}

const HZ100 = 11932 // the divisor of 100 Hz, as the lab computes it
const rateGenerator = [
  [0x43, 0x34],
  [0x40, HZ100 & 0xff],
  [0x40, HZ100 >> 8],
] as const

test('nothing happens before a count is written', () => {
  const bench = new Bench()
  expect(bench.timer.nextEvent).toBe(Infinity)
  bench.out([0x43, 0x34], [0x40, 1])
  expect(bench.timer.nextEvent).toBe(Infinity)
})

test('the k-th tick falls at floor(start + k * divisor * rate / 1193182), without drift', () => {
  const bench = new Bench()
  bench.now = 777
  bench.out(...rateGenerator)
  bench.pass(RATE * 100)
  expect(bench.edges.length).toBe(Math.floor((100 * TIMER_FREQ) / HZ100))
  for (const k of [1, 2, 3, 999, 9999])
    expect(bench.edges[k - 1]).toBe(
      777 + Number((BigInt(k) * BigInt(HZ100) * BigInt(RATE)) / BigInt(TIMER_FREQ)),
    )
})

test('one long advance does all ticks that were due', () => {
  const bench = new Bench()
  bench.out(...rateGenerator)
  bench.timer.advance(RATE)
  expect(bench.edges.length).toBe(99)
})

test('mode 2 counts from the divisor down to 1', () => {
  const bench = new Bench(TIMER_FREQ) // one instruction is one clock
  bench.out([0x43, 0x34], [0x40, 5], [0x40, 0])
  const seen = Array.from({ length: 7 }, () => {
    const count = bench.count()
    bench.pass(1)
    return count
  })
  expect(seen).toEqual([5, 4, 3, 2, 1, 5, 4])
})

test('mode 3 ticks once a period and counts by twos', () => {
  const bench = new Bench(TIMER_FREQ)
  bench.out([0x43, 0x36], [0x40, 6], [0x40, 0])
  const seen = Array.from({ length: 4 }, () => {
    const count = bench.count()
    bench.pass(1)
    return count
  })
  expect(seen).toEqual([6, 4, 2, 6])
  bench.pass(20)
  expect(bench.edges).toEqual([6, 12, 18, 24])
})

test('mode 0 ticks once, N + 1 clocks after the count', () => {
  const bench = new Bench(TIMER_FREQ)
  bench.out([0x43, 0x30], [0x40, 9], [0x40, 0])
  bench.pass(1000)
  expect(bench.edges).toEqual([10])
  bench.out([0x40, 4], [0x40, 0])
  bench.pass(1000)
  expect(bench.edges).toEqual([10, 1005])
})

test('a new divisor of a running rate generator waits for the end of the period', () => {
  const bench = new Bench(TIMER_FREQ)
  bench.out([0x43, 0x34], [0x40, 100], [0x40, 0])
  bench.pass(50)
  bench.out([0x40, 10], [0x40, 0])
  bench.pass(75)
  expect(bench.edges).toEqual([100, 110, 120])
})

test('a latched count stays until it is read', () => {
  const bench = new Bench(TIMER_FREQ)
  bench.out([0x43, 0x34], [0x40, 0], [0x40, 1])
  bench.pass(6)
  bench.out([0x43, 0x00])
  bench.pass(20)
  expect([bench.count(), bench.count()]).toEqual([250, 230])
})

test('the read-back command latches status, then count', () => {
  const bench = new Bench(TIMER_FREQ)
  bench.out([0x43, 0x34], [0x40, 0], [0x40, 1])
  bench.pass(6)
  bench.out([0x43, 0xc2])
  expect([bench.timer.read(0x40), bench.count()]).toEqual([0xb4, 250])
})

test('a count of 0 stands for 65536', () => {
  const bench = new Bench(TIMER_FREQ)
  bench.out([0x43, 0x34], [0x40, 0], [0x40, 0])
  expect(bench.timer.nextEvent).toBe(65536)
})

test('counter 2 counts while bit 0 of port 61h is set and shows its output in bit 5', () => {
  const bench = new Bench(TIMER_FREQ)
  bench.out([0x43, 0xb0], [0x42, 50], [0x42, 0])
  bench.pass(100)
  expect(bench.timer.read(0x61) & 0x21).toBe(0)
  bench.out([0x61, 1])
  bench.pass(50)
  expect(bench.timer.read(0x61) & 0x21).toBe(1)
  bench.pass(1)
  expect(bench.timer.read(0x61) & 0x21).toBe(0x21)
  expect(bench.edges).toEqual([])
})

test('a saved timer ticks on at the same instructions, through JSON', () => {
  const bench = new Bench()
  bench.out(...rateGenerator)
  bench.pass(12_345_678)
  const copy = new Bench()
  copy.now = bench.now
  copy.timer.restore(JSON.parse(JSON.stringify(bench.timer.save())))
  bench.edges.length = 0
  bench.pass(50_000_000)
  copy.pass(50_000_000)
  expect(copy.edges).toEqual(bench.edges)
  expect(JSON.stringify(copy.timer.save())).toBe(JSON.stringify(bench.timer.save()))
})

test('a rate that is no positive integer is refused', () => {
  expect(() => new Bench(0.5)).toThrow('timer: instructions per second must be a positive integer, got 0.5')
})
