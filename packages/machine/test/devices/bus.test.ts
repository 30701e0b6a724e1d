import { expect, test } from 'vitest'
import { PortBus } from '../../src/devices/bus.ts'
import type { Device } from '../../src/devices/device.ts'

function recorder(first: number, last: number, widest?: number): Device & { log: string[] } {
  const log: string[] = []
  return {
    name: `r${first}`,
    ports: [[first, last]],
    ...(widest === undefined ? {} : { widest }),
    log,
    read: (port, width) => {
      log.push(`r${port}/${width}`)
      return port & 0xff
    },
    write: (port, width, value) => void log.push(`w${port}/${width}=${value}`),
    save: () => null,
    restore: () => {},
  }
}

test('ports of nobody read as all ones and lose what is written', () => {
  const bus = new PortBus([])
  bus.write(0x80, 8, 1)
  expect([bus.read(0x80, 8), bus.read(0x80, 16), bus.read(0x80, 32)]).toEqual([0xff, 0xffff, 0xffffffff])
})

test('a wide access to an 8-bit device is one byte access per port, the lowest first', () => {
  const device = recorder(0x10, 0x11)
  const bus = new PortBus([device])
  bus.write(0x10, 16, 0xabcd)
  expect(bus.read(0x10, 32)).toBe(0xffff1110)
  expect(device.log).toEqual(['w16/8=205', 'w17/8=171', 'r16/8', 'r17/8'])
})

test('a device that takes wide accesses gets them in one piece', () => {
  const device = recorder(0x10, 0x11, 16)
  new PortBus([device]).write(0x10, 16, 0x2000)
  expect(device.log).toEqual(['w16/16=8192'])
})

test('two devices cannot claim one port', () => {
  expect(() => new PortBus([recorder(0x10, 0x12), recorder(0x12, 0x13)])).toThrow(
    'bus: a port must have one device, got r16 and r18 at 0x12',
  )
  expect(() => new PortBus([recorder(5, 4)])).toThrow('bus: ports must lie in 0..0xffff')
})
