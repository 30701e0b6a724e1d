import { expect, test } from 'vitest'
import { PortBus } from '../../src/devices/bus.ts'
import { DebugExit } from '../../src/devices/debug-exit.ts'
import { Parallel } from '../../src/devices/parallel.ts'
import { Serial } from '../../src/devices/serial.ts'

const print = (port: Parallel, text: string): void => {
  for (const character of text) {
    port.write(0x378, 8, character.charCodeAt(0))
    port.write(0x37a, 8, 0x0d)
    port.write(0x37a, 8, 0x0c)
  }
}

test('the printer takes a byte at each rising strobe and is always ready', () => {
  const port = new Parallel()
  print(port, 'log\n')
  port.write(0x378, 8, 0x58) // without a strobe nothing is printed
  expect([port.output, port.read(0x379) & 0x80, port.read(0x378)]).toEqual(['log\n', 0x80, 0x58])
})

test('output after the limit is counted and dropped', () => {
  const port = new Parallel({ limit: 3 })
  print(port, 'abcde')
  expect([port.output, port.dropped]).toEqual(['abc', 2])
  const copy = new Parallel({ limit: 3 })
  copy.restore(JSON.parse(JSON.stringify(port.save())))
  expect([copy.output, copy.dropped]).toEqual(['abc', 2])
})

test('what is sent on the serial port is kept, and the transmitter is always empty', () => {
  const port = new Serial()
  for (const byte of [0x68, 0x69]) port.write(0x3f8, 8, byte)
  expect([port.output, port.read(0x3fd)]).toEqual(['hi', 0x60])
})

test('with DLAB set the first two registers are the divisor', () => {
  const port = new Serial()
  port.write(0x3fb, 8, 0x83)
  port.write(0x3f8, 8, 0x01)
  port.write(0x3f9, 8, 0x00)
  expect([port.read(0x3f8), port.read(0x3f9), port.output]).toEqual([1, 0, ''])
})

test('in loopback a byte sent is a byte received', () => {
  const port = new Serial()
  port.write(0x3fc, 8, 0x1e)
  port.write(0x3f8, 8, 0xae)
  expect([port.read(0x3fd) & 1, port.read(0x3f8), port.read(0x3fd) & 1, port.output]).toEqual([
    1,
    0xae,
    0,
    '',
  ])
  expect(port.read(0x3fe)).toBe(0xd0)
})

test('received data asks for an interrupt that its reading ends', () => {
  const log: string[] = []
  const port = new Serial({ line: { raise: () => void log.push('up'), lower: () => void log.push('down') } })
  port.write(0x3f9, 8, 1)
  port.receive(0x41)
  expect([port.read(0x3fa) & 0x0f, log.at(-1)]).toEqual([4, 'up'])
  expect([port.read(0x3f8), port.read(0x3fa) & 0x0f, log.at(-1)]).toEqual([0x41, 1, 'down'])
})

test('a saved serial port goes on as it was, through JSON', () => {
  const port = new Serial()
  port.write(0x3f8, 8, 0x41)
  port.receive(1, 2)
  const copy = new Serial()
  copy.restore(JSON.parse(JSON.stringify(port.save())))
  expect([copy.output, copy.read(0x3f8), copy.read(0x3f8)]).toEqual(['A', 1, 2])
})

test('a write to port F4h ends the machine with its value, SLP_EN powers it off', () => {
  const seen: string[] = []
  const bus = new PortBus([
    new DebugExit(
      (code) => void seen.push(`exit ${code}`),
      () => void seen.push('off'),
    ),
  ])
  bus.write(0xf4, 8, 7)
  bus.write(0xf4, 32, 0x12345678)
  bus.write(0x604, 16, 0x0001)
  bus.write(0x604, 16, 0x2000)
  bus.write(0xb004, 16, 0x2000)
  expect(seen).toEqual(['exit 7', `exit ${0x12345678}`, 'off', 'off'])
})
