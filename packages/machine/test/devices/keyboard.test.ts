import { expect, test } from 'vitest'
import { KEYS, Keyboard } from '../../src/devices/keyboard.ts'

function bench(): { keyboard: Keyboard; raised: number[]; resets: number[] } {
  const raised: number[] = []
  const resets: number[] = []
  const keyboard = new Keyboard(
    { raise: () => void raised.push(1), lower: () => {} },
    () => void resets.push(1),
  )
  return { keyboard, raised, resets }
}

const full = (keyboard: Keyboard): boolean => (keyboard.read(0x64) & 1) !== 0
const drain = (keyboard: Keyboard): number[] => {
  const bytes: number[] = []
  while (full(keyboard)) bytes.push(keyboard.read(0x60))
  return bytes
}

test('a key gives its make code and its break code, one interrupt each', () => {
  const { keyboard, raised } = bench()
  keyboard.type('a')
  expect(full(keyboard)).toBe(true)
  expect(drain(keyboard)).toEqual([0x1e, 0x9e])
  expect(raised.length).toBe(2)
})

test('the keys that the lab uses have the codes of set 1', () => {
  expect(KEYS.get('f')).toEqual([0x21, 0xa1])
  expect(KEYS.get('q')).toEqual([0x10, 0x90])
  expect(KEYS.get('e')).toEqual([0x12, 0x92])
  expect(KEYS.get('Enter')).toEqual([0x1c, 0x9c])
  expect(KEYS.get('Ctrl-C')).toEqual([0x1d, 0x2e, 0xae, 0x9d])
  expect(KEYS.get('?')).toEqual([0x2a, 0x35, 0xb5, 0xaa])
})

test('an empty buffer reads as its last byte', () => {
  const { keyboard } = bench()
  keyboard.press(0x42)
  expect([keyboard.read(0x60), keyboard.read(0x60), full(keyboard)]).toEqual([0x42, 0x42, false])
})

test('the keyboard holds 64 bytes, more are lost', () => {
  const { keyboard } = bench()
  keyboard.press(...Array.from({ length: 100 }, (_, n) => n))
  expect(drain(keyboard).length).toBe(64)
})

test('controller commands answer as the controller does', () => {
  const { keyboard, resets } = bench()
  const ask = (command: number): number[] => {
    keyboard.write(0x64, 8, command)
    return drain(keyboard)
  }
  expect([ask(0xaa), ask(0xab), ask(0x20)]).toEqual([[0x55], [0x00], [0x45]])
  keyboard.write(0x64, 8, 0x60)
  keyboard.write(0x60, 8, 0x44)
  expect(ask(0x20)).toEqual([0x44])
  ask(0xad)
  keyboard.press(0x1e)
  expect(full(keyboard)).toBe(false)
  expect(ask(0xae)).toEqual([0x1e])
  ask(0xfe)
  expect(resets.length).toBe(1)
})

test('the output port opens and shuts A20', () => {
  const { keyboard } = bench()
  keyboard.write(0x64, 8, 0xd1)
  keyboard.write(0x60, 8, 0xdd)
  expect(keyboard.a20).toBe(false)
  keyboard.write(0x64, 8, 0xd1)
  keyboard.write(0x60, 8, 0xdf)
  expect(keyboard.a20).toBe(true)
})

test('without its interrupt bit the keyboard can be polled', () => {
  const { keyboard, raised } = bench()
  keyboard.write(0x64, 8, 0x60)
  keyboard.write(0x60, 8, 0x00)
  keyboard.press(0x1e)
  expect([drain(keyboard), raised.length]).toEqual([[0x1e], 0])
})

test('the keyboard acknowledges its own commands', () => {
  const { keyboard } = bench()
  for (const byte of [0xed, 0x07, 0xee, 0xff, 0x99]) keyboard.write(0x60, 8, byte)
  expect(drain(keyboard)).toEqual([0xfa, 0xfa, 0xaa, 0xfe]) // the reset empties the keyboard's buffer, not the controller's
})

test('a saved keyboard goes on as it was, through JSON', () => {
  const { keyboard } = bench()
  keyboard.type('Ctrl-C')
  keyboard.read(0x60)
  const copy = bench().keyboard
  copy.restore(JSON.parse(JSON.stringify(keyboard.save())))
  expect(drain(copy)).toEqual([0x2e, 0xae, 0x9d])
})

test('a key that no keyboard has is refused', () => {
  expect(() => bench().keyboard.type('Any')).toThrow('keyboard: the key must be a name in KEYS, got "Any"')
})
