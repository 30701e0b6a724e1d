import { expect, test } from 'vitest'
import { Vga } from '../../src/devices/vga.ts'

const put = (vga: Vga, register: number, value: number): void => {
  vga.write(0x3d4, 8, register)
  vga.write(0x3d5, 8, value)
}

test('the screen is guest memory at 0xB8000, code page 437', () => {
  const memory = new Uint8Array(0x100000)
  memory.set([0x4b, 0x0d, 0xdb, 0x07, 0xff, 0x70], 0xb8000)
  memory.set([0x5a, 0x4c], 0xb8000 + 1999 * 2)
  const { rows, attributes } = new Vga().text(memory)
  expect(rows.length).toBe(25)
  expect(rows.every((row) => row.length === 80)).toBe(true)
  expect(rows[0]?.slice(0, 4)).toBe('K█  ')
  expect(rows[24]?.at(-1)).toBe('Z')
  expect([attributes[0], attributes[2], attributes[1999]]).toEqual([0x0d, 0x70, 0x4c])
})

test('registers E and F are the cursor, bit 5 of register A hides it', () => {
  const vga = new Vga()
  const memory = new Uint8Array(0xc0000)
  put(vga, 0x0e, 0x01)
  put(vga, 0x0f, 0x02)
  expect(vga.text(memory).cursor).toBe(0x102)
  vga.write(0x3d4, 8, 0x0e)
  expect([vga.read(0x3d4), vga.read(0x3d5)]).toEqual([0x0e, 0x01])
  put(vga, 0x0a, 0x20)
  expect(vga.text(memory).cursor).toBe(-1)
  put(vga, 0x0a, 0x00)
  put(vga, 0x0e, 0xff)
  expect(vga.text(memory).cursor).toBe(-1)
})

test('the start address scrolls the screen', () => {
  const vga = new Vga()
  const memory = new Uint8Array(0xc0000)
  memory[0xb8000 + 160] = 0x41
  put(vga, 0x0d, 80)
  expect(vga.text(memory).rows[0]?.[0]).toBe('A')
})

test('a wait for a retrace ends, and a saved VGA goes on, through JSON', () => {
  const vga = new Vga()
  put(vga, 0x0f, 7)
  expect(vga.read(0x3da)).not.toBe(vga.read(0x3da))
  const copy = new Vga()
  copy.restore(JSON.parse(JSON.stringify(vga.save())))
  expect(copy.text(new Uint8Array(0xc0000)).cursor).toBe(7)
})
