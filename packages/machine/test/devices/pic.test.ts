import { expect, test } from 'vitest'
import { Pic } from '../../src/devices/pic.ts'

/** A pair at vectors 32 and 40, nothing masked. @param icw4  of the first chip; the second has 1 */
function ready(icw4 = 1, icw1 = 0x11): Pic {
  const pic = new Pic()
  for (const [port, value] of [
    [0x20, icw1],
    [0x21, 32],
    [0x21, 4],
    [0x21, icw4],
    [0xa0, icw1],
    [0xa1, 40],
    [0xa1, 2],
    [0xa1, 1],
  ] as const)
    pic.write(port, 8, value)
  return pic
}

const inService = (pic: Pic, port: number): number => {
  pic.write(port, 8, 0x0b)
  return pic.read(port)
}
const requested = (pic: Pic, port: number): number => {
  pic.write(port, 8, 0x0a)
  return pic.read(port)
}

test('before its initialisation the pair asks for nothing', () => {
  const pic = new Pic()
  pic.line(0).raise()
  expect(pic.pending()).toBe(false)
})

test('a rising edge asks once; acknowledging moves it from IRR to ISR', () => {
  const pic = ready()
  pic.line(3).raise()
  expect([pic.pending(), requested(pic, 0x20), inService(pic, 0x20)]).toEqual([true, 8, 0])
  expect(pic.acknowledge()).toBe(35)
  expect([pic.pending(), requested(pic, 0x20), inService(pic, 0x20)]).toEqual([false, 0, 8])
  pic.write(0x20, 8, 0x20)
  expect([pic.pending(), inService(pic, 0x20)]).toEqual([false, 0]) // still high, but no new edge
})

test('a level in service blocks itself and lower ones until its EOI, not higher ones', () => {
  const pic = ready()
  pic.line(4).raise()
  pic.acknowledge()
  pic.line(6).raise()
  expect(pic.pending()).toBe(false)
  pic.line(1).raise()
  expect(pic.pending()).toBe(true)
  expect(pic.acknowledge()).toBe(33)
  pic.write(0x20, 8, 0x20) // non-specific: the highest in service is 1
  expect(inService(pic, 0x20)).toBe(0x10)
  pic.write(0x20, 8, 0x64) // specific: level 4
  expect([inService(pic, 0x20), pic.pending(), pic.acknowledge()]).toEqual([0, true, 38])
})

test('a masked request waits and shows in IRR', () => {
  const pic = ready()
  pic.write(0x21, 8, 0x01)
  pic.line(0).raise()
  expect([pic.pending(), requested(pic, 0x20), pic.read(0x21)]).toEqual([false, 1, 1])
  pic.write(0x21, 8, 0)
  expect(pic.acknowledge()).toBe(32)
})

test('the second chip comes through level 2 of the first and needs both EOIs', () => {
  const pic = ready()
  pic.line(12).raise()
  expect([pic.pending(), pic.acknowledge()]).toEqual([true, 44])
  expect([inService(pic, 0x20), inService(pic, 0xa0)]).toEqual([4, 0x10])
  pic.line(9).raise() // higher on the second chip, but the first is not fully nested
  expect(pic.pending()).toBe(false)
  pic.write(0x20, 8, 0x20)
  expect([pic.pending(), pic.acknowledge()]).toEqual([true, 41])
})

test('a request that goes before it is acknowledged gives the spurious vector and no ISR bit', () => {
  const pic = ready()
  const line = pic.line(5)
  line.raise()
  line.lower()
  expect([pic.pending(), pic.acknowledge(), inService(pic, 0x20)]).toEqual([false, 39, 0])
})

test('a spurious request of the second chip gives vector 47 and leaves level 2 in service', () => {
  const pic = ready()
  pic.write(0xa1, 8, 0)
  const line = pic.line(10)
  line.raise()
  line.lower()
  expect(pic.pending()).toBe(false) // the cascade fell as well
  expect(pic.acknowledge()).toBe(39)
})

test('automatic EOI leaves nothing in service', () => {
  const pic = ready(3)
  const line = pic.line(0)
  line.raise()
  expect([pic.acknowledge(), inService(pic, 0x20)]).toEqual([32, 0])
  line.lower()
  line.raise()
  expect(pic.acknowledge()).toBe(32)
})

test('a level-triggered input asks again as long as it is high', () => {
  const pic = ready(1, 0x19)
  pic.line(7).raise()
  expect(pic.acknowledge()).toBe(39)
  pic.write(0x20, 8, 0x20)
  expect(pic.pending()).toBe(true)
})

test('rotation makes the level just served the lowest', () => {
  const pic = ready()
  pic.line(0).raise()
  pic.acknowledge()
  pic.write(0x20, 8, 0xa0) // rotate on non-specific EOI
  const line = pic.line(0)
  line.lower()
  line.raise()
  pic.line(7).raise()
  expect(pic.acknowledge()).toBe(39)
  pic.write(0x20, 8, 0xc6) // level 6 is lowest, so 7 is highest
  pic.write(0x20, 8, 0x67)
  expect(pic.acknowledge()).toBe(32)
})

test('a poll acknowledges without the CPU', () => {
  const pic = ready()
  pic.write(0x20, 8, 0x0c)
  expect(pic.read(0x20)).toBe(0)
  pic.line(1).raise()
  pic.write(0x20, 8, 0x0c)
  expect([pic.read(0x20), inService(pic, 0x20)]).toEqual([0x81, 2])
})

test('special mask mode lets lower levels through a masked one in service', () => {
  const pic = ready()
  pic.line(1).raise()
  pic.acknowledge()
  pic.line(5).raise()
  pic.write(0x21, 8, 0x02)
  expect(pic.pending()).toBe(false)
  pic.write(0x20, 8, 0x68)
  expect(pic.acknowledge()).toBe(37)
})

test('a saved pair goes on as it was, through JSON', () => {
  const pic = ready()
  pic.line(3).raise()
  pic.acknowledge()
  pic.line(1).raise()
  const copy = new Pic()
  copy.restore(JSON.parse(JSON.stringify(pic.save())))
  expect([copy.pending(), copy.acknowledge(), inService(copy, 0x20)]).toEqual([true, 33, 10])
  expect(() => copy.restore({ first: null, second: null, ready: true })).toThrow(
    'pic.first: saved state must be',
  )
})

test('there is no line 2', () => {
  expect(() => new Pic().line(2)).toThrow('pic: an interrupt request must be 0..15')
})
