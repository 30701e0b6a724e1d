// What the fake lab's kernel may use.

import type { Ring0 } from '@pagewalk/machine'

let room: Ring0
export const setRoom = (ring0: Ring0): void => {
  room = ring0
}
export const COUNT = 0x30000
export const read32 = (address: number): number => room.read32(address)
export const write32 = (address: number, value: number): void => room.write32(address, value)
/** The key that waits at the keyboard controller, or 0. */
export const key = (): number => (room.in8(0x64) & 1 ? room.in8(0x60) : 0)
export const setCr3 = (value: bigint): void => room.setCr3(value)
export const panic = (message: string): never => room.stop(message)
/** To the serial port. */
export const say = (text: string): void => {
  for (const c of text) room.out8(0x3f8, c.charCodeAt(0))
}
export const wait = (what: string, done: () => boolean): void => room.wait(what, done)
