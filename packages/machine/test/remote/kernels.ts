// Kernels that run on a machine in the same thread, or on one in another: both must come to the same. Each binds its gates.

import type { BootMachine } from '../../src/index.ts'
import { PTE_P, PTE_W } from '../../src/x86-64.ts'
import { ALL, DATA, PT, RING0, RING0_STACK } from '../kit.ts'

export const ELSEWHERE = 0x11000
type Kernel = (machine: BootMachine) => void

/** Binds gate 1. */
const gate =
  (kernel: (machine: BootMachine) => void): Kernel =>
  (machine) =>
    machine.ring0.gate(1, () => kernel(machine))

export const KERNELS: Readonly<Record<string, Kernel>> = {
  'loads and stores of all widths, across pages': gate(({ ring0 }) => {
    ring0.write64(DATA + 0x1ffc, 0x1122_3344_5566_7788n)
    ring0.write8(DATA + 1, ring0.read8(DATA + 0x1ffd))
    ring0.write16(DATA + 2, ring0.read16(DATA + 0x1fff))
    ring0.write32(DATA + 4, ring0.read32(DATA + 0x1ffe))
    ring0.fill(DATA + 0xff0, 7, 32)
    ring0.copy(DATA + 0x800, DATA + 0xffe, 40)
    ring0.writeHalves(DATA + 0x900, ring0.readInt32(DATA + 0x1ffc), ring0.readInt8(DATA))
  }),
  'registers, ports, MSRs and CPUID': gate(({ ring0 }) => {
    ring0.setReg(6, ring0.reg(4) + 1n)
    ring0.setReg(8, ring0.cr0 + ring0.cr3 + ring0.cr4)
    ring0.setReg(9, BigInt(ring0.cpuid(1).ebx + ring0.cpu + ring0.cpus))
    ring0.wrmsr(0xc000_0101, 0x1234_5000n)
    ring0.setReg(10, ring0.rdmsr(0xc000_0101) + ring0.rdmsr(0x10))
    for (const c of 'ok') {
      ring0.out8(0x378, c.charCodeAt(0))
      ring0.out8(0x37a, 0x0d)
      ring0.out8(0x37a, 0x0c)
    }
    ring0.setReg(11, BigInt(ring0.in8(0x379) + ring0.in16(0x3f8) + ring0.in32(0x9999)))
    ring0.setInterrupts(false)
    ring0.charge(500)
    ring0.setReg(12, BigInt(ring0.time))
  }),
  'memory past the MMU, over code that has run': (machine) => {
    machine.ring0.gate(1, () => machine.memory.write8(RING0 + 3, 2))
  },
  'a fault whose handler mends it': gate(({ ring0 }) => {
    ring0.write32(DATA, 5)
    ring0.setReg(6, ring0.read64(DATA))
  }),
  'a fault whose handler calls a gate, and says where to go on': ({ ring0 }) => {
    ring0.gate(1, () => {
      ring0.resume(ELSEWHERE + 0x800, RING0_STACK - 64)
      ring0.write32(DATA, 5)
    })
    ring0.gate(2, () => {
      ring0.write64(PT + (DATA >> 12) * 8, BigInt(DATA) | ALL)
      ring0.invlpg(DATA)
    })
  },
  'a stale translation': gate(({ ring0 }) => {
    ring0.setReg(6, BigInt(ring0.read8(DATA)))
    ring0.write64(PT + (DATA >> 12) * 8, BigInt(DATA + 0x1000) | PTE_P | PTE_W)
    ring0.setReg(8, BigInt(ring0.read8(DATA)))
    ring0.invlpg(DATA)
    ring0.setReg(9, BigInt(ring0.read8(DATA)))
  }),
  'tables that do not map it': gate(({ ring0, memory }) => {
    for (let at = 0; at < 4096; at += 8) memory.write64(0x5_0000 + at, 0n)
    ring0.setCr3(0x5_0000n)
    ring0.write8(DATA, 1)
  }),
  'a stop, and a way on': ({ ring0 }) => {
    ring0.setStopLoop(ELSEWHERE, RING0_STACK)
    ring0.gate(1, () => {
      ring0.write8(DATA, 9)
      ring0.stop('no more')
    })
  },
  'the machine’s signal, caught': gate(({ ring0 }) => {
    for (let i = 0; i < 3; i++) {
      try {
        if (i === 0) ring0.stop('the end')
        ring0.write8(DATA, 1)
      } catch {}
    }
  }),
  'the machine’s signal, thrown again when nothing has stopped': ({ ring0 }) => {
    let signal: unknown
    ring0.setStopLoop(RING0, RING0_STACK)
    ring0.gate(1, () => {
      if (signal) throw signal
      try {
        ring0.stop('first')
      } catch (thrown) {
        signal = thrown
      }
    })
  },
  'power off': gate(({ ring0 }) => ring0.powerOff()),
  'no end': gate(({ ring0 }) => {
    ring0.setCosts({ access: 10, entry: 1, limit: 1000 })
    for (;;) ring0.read8(DATA)
  }),
  'a throw': gate(() => {
    throw new TypeError('no such page')
  }),
  'a throw of something': gate(() => {
    throw { message: 'm'.repeat(10_000), stack: 5 }
  }),
  'an argument that is none': gate(({ ring0 }) => ring0.setCr3('x' as never)),
  'a recursion without end': gate(({ ring0 }) => {
    const deeper = (n: number): number => deeper(n + 1) + ring0.read8(DATA)
    deeper(0)
  }),
  'nothing bound': () => {},
}

/** For two CPUs: the second one counts in gate 2, the first one waits for it in gate 1. */
export const WAITING: Readonly<Record<string, Kernel>> = {
  'a CPU that is started and waited for': ({ ring0 }) => {
    let count = 0
    ring0.gate(1, () => {
      ring0.startCpu(1, { rip: ELSEWHERE, rsp: RING0_STACK - 0x400, cr3: ring0.cr3 })
      ring0.wait('the other CPU', () => ring0.read32(DATA) > 2)
      ring0.setReg(8, BigInt(count))
    })
    ring0.gate(2, () => ring0.write32(DATA, ++count))
  },
  'a wait whose condition throws, caught by who waits': gate(({ ring0 }) => {
    try {
      ring0.wait('nothing', () => {
        throw new TypeError('mine')
      })
    } catch (thrown) {
      ring0.setReg(8, thrown instanceof TypeError ? 1n : 2n)
    }
  }),
  'a wait whose condition stops the machine': gate(({ ring0 }) => {
    ring0.wait('nothing', () => ring0.stop('enough'))
  }),
  'a wait for ever': gate(({ ring0 }) => ring0.wait('a miracle', () => false)),
  'a CPU that is not there': gate(({ ring0 }) => ring0.startCpu(7, { rip: 0, rsp: 0, cr3: 0n })),
}
