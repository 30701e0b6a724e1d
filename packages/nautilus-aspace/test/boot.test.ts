import { Machine } from '@pagewalk/machine'
import { beforeAll, describe, expect, test } from 'vitest'
import { boot, type KernelModule, machineOptions } from '../lib/index.ts'
import { ring0, type Thread } from '../lib/kernel.ts'
import { type Kernel, load } from './kit.ts'
import { BARE, Lab, once } from './lab.ts'

describe('the kernel alone', () => {
  test('boots to the idle thread, which halts', () => {
    const lab = new Lab(BARE, { shells: [] })
    expect(lab.machine.run(10_000_000)).toEqual({ reason: 'limit' })
    expect(lab.said).toContain('NK: 1 CPU, 64 MiB of memory\n')
    const { cr0, cr3, cr4, efer, rip } = lab.machine.registers()
    expect([cr0, cr3, cr4, efer]).toEqual([0x8000_0033n, 0x4000n, 0x620n, 0xd00n])
    expect(rip).toBe(0x10_00c2n)
  })
  test('memory is mapped at its own addresses, and nothing else is', () => {
    const lab = new Lab(BARE, { shells: [] })
    lab.machine.run(1_000_000)
    expect(lab.machine.mappings(0x4000n)).toMatchObject([{ va: 0n, pa: 0n, size: 0x4000_0000 }])
  })
  test('page 0 stays as it is', () => {
    const lab = new Lab(BARE, { shells: ['a'] })
    lab.machine.run(1_000_000)
    expect(lab.machine.memory.bytes.subarray(0, 4096).every((byte) => byte === 0)).toBe(true)
  })
  test('what is missing in a student’s file is told', () => {
    const machine = new Machine(machineOptions)
    const without = (name: string): KernelModule => ({ ...BARE, [name]: undefined })
    expect(() => boot(machine, without('pagingImpl'))).toThrow('paging.ts: must export pagingImpl')
    expect(() => boot(machine, without('shell'))).toThrow('shell.ts: must export a function shell')
    expect(() => boot(new Machine({ ...machineOptions, memoryBytes: 1 << 20 }), BARE)).toThrow('memory')
  })
  const dying = (body: () => Thread): Lab =>
    new Lab(BARE, { shells: [], start: (s) => void s(body, null, 'dying') })
  test('an exception that nobody mends is told, with registers, and halts', () => {
    const lab = dying(
      once(() => {
        ring0.read8(0xffff_8000_0000_1234n)
      }),
    )
    const stop = lab.runUntil(() => false, 1_000_000)
    expect(stop).toEqual({
      reason: 'panic',
      message: 'PANIC: +++ HALTING +++ page fault for 0xffff800000001234 at rip 0x100080, error code 0x0',
    })
    expect(lab.said).toContain('+++ Page Fault +++\nRIP: 0x100080    Fault Address: 0xffff800000001234 \n')
    expect(lab.said).toContain('Error Code: 0x0    (core=0)\n')
    expect(lab.said).toMatch(/Current Thread=0x[0-9a-f]+ \(tid=2\) "dying"\n/)
    expect(lab.said).toContain('CR2: ffff800000001234')
    expect(lab.said).toContain("in a thread's TypeScript")
    expect(lab.screen().join('\n')).toContain('PANIC: +++ HALTING +++')
  })
  test('so is a general protection fault', () => {
    const lab = dying(
      once(() => {
        ring0.read8(0x8000_0000_0000n)
      }),
    )
    expect(lab.runUntil(() => false, 1_000_000)).toMatchObject({
      reason: 'panic',
      message: expect.stringContaining('General Protection Fault <#GP> at rip 0x100080, error code 0x0'),
    })
  })
  test('what a thread throws stops the machine', () => {
    const lab = dying(
      once(() => {
        throw new Error('my mistake')
      }),
    )
    expect(lab.runUntil(() => false, 1_000_000)).toMatchObject({
      reason: 'error',
      message: 'Error: my mistake',
    })
  })
})

describe('with a paging.ts', () => {
  let kernels: Record<'handed-out' | 'reference', Kernel>
  beforeAll(async () => {
    kernels = { 'handed-out': await load('handed-out'), reference: await load('reference') }
  })
  const start = (which: keyof typeof kernels, options: ConstructorParameters<typeof Lab>[1] = {}): Lab =>
    new Lab(kernels[which], options, kernels[which].host)

  test('handed out, the machine resets: neither code nor IDT is mapped', () => {
    const lab = start('handed-out', { log: ['fault'] })
    const stop = lab.runUntil(() => false)
    expect(stop).toMatchObject({ reason: 'reset', story: expect.stringContaining('triple fault') })
    expect(lab.faults()).toMatchObject([{ vector: 14, error: 0x10, address: 0x10_0080n }])
    expect(lab.said).toMatch(/About to move thread\n$/)
  })
  test('the reference comes to the prompt, by a page fault for each page of the lazy region', () => {
    const lab = start('reference', { log: ['fault'] })
    lab.runUntil(() => lab.said.endsWith('root-shell> '))
    expect(lab.said).toContain('Survived moving thread into its own address space\n')
    expect(lab.said).toContain('Survived memory comparison of two mapped copies\n')
    expect(lab.said).not.toContain('Weird')
    expect(lab.faults()).toHaveLength(16128)
    expect(lab.machine.run(1_000_000)).toEqual({ reason: 'limit' })
    expect(lab.machine.registers().cr3).toBe(0x4000n) // the idle thread lives in the default address space
  })
  test.each([2, 4])('two shells on %i CPUs come to their prompts', (cpus) => {
    const lab = start('reference', { cpus, shells: ['one', 'two'], log: ['fault'] })
    lab.runUntil(() => lab.said.includes('one> ') && lab.said.includes('two> '), 200_000_000)
    expect(lab.said).not.toContain('Weird')
    expect(lab.said.match(/Survived memory comparison/g)).toHaveLength(2)
    expect(lab.faults()).toHaveLength(2 * 16128)
  })
})
