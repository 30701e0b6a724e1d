import { describe, expect, test } from 'vitest'
import {
  callMachine,
  cpus,
  getCpu,
  getCurThread,
  jumpTo,
  malloc,
  memcmp,
  memcpy,
  memset,
  type NkThread,
  nkGetNumCpus,
  nkJoin,
  nkSchedReap,
  nkSleep,
  nkThreadStart,
  nkYield,
  readByte,
  ring0,
  Spinlock,
  smpXcall,
  spinLock,
  spinLockIrqSave,
  spinUnlock,
  spinUnlockIrqRestore,
  type Thread,
  threads,
  writeByte,
} from '../lib/kernel.ts'
import { CPU_BYTES, CPUS_ADDR, FIRST_THREAD_ADDR, INSTRUCTIONS_PER_QUANTUM } from '../lib/layout.ts'
import { BARE, inThread, Lab, once } from './lab.ts'

/** jmp to itself, for as long as the byte at rdi is 0: cmp byte [rdi], 0; je back; ret */
const SPIN = Uint8Array.of(0x80, 0x3f, 0, 0x74, 0xfb, 0xc3)
function place(code: Uint8Array): bigint {
  const at = malloc(4096)
  ring0.fill(at, 0, 4096)
  ring0.writeBytes(at, code)
  return at
}
const MS = 1_000_000n

describe('machine code', () => {
  test('memcmp tells the first byte that differs, at any length and offset', () => {
    inThread(function* () {
      const [a, b] = [malloc(8192), malloc(8192)]
      ring0.fill(a, 7, 8192)
      ring0.fill(b, 7, 8192)
      for (const [length, at] of [
        [1, 0],
        [7, 6],
        [8, 7],
        [9, 8],
        [95, 94],
        [192, 0],
        [192, 191],
        [193, 192],
        [1000, 500],
        [5000, 4097],
        [8192, 8191],
      ] as const) {
        expect(yield* memcmp(a, b, BigInt(length))).toBe(0)
        ring0.write8(b + BigInt(at), 9)
        expect(yield* memcmp(a, b, BigInt(length))).toBe(-2)
        expect(yield* memcmp(b, a, BigInt(length))).toBe(2)
        expect(yield* memcmp(a, b, BigInt(at))).toBe(0)
        expect(yield* memcmp(a + 1n, b + 1n, BigInt(Math.max(0, at - 1)))).toBe(0)
        ring0.write8(b + BigInt(at), 7)
      }
      expect(yield* memcmp(a, b, 0n)).toBe(0)
      ring0.write8(a, 0xff)
      ring0.write8(b, 1)
      expect(yield* memcmp(a, b, 8192n)).toBe(0xfe)
    })
  })
  test('memcmp takes less than half an instruction for a byte', () => {
    let instructions = 0
    inThread(function* () {
      const before = ring0.time
      yield* memcmp(0x20_0000n, 0x20_0000n, 0x100_0000n)
      instructions = ring0.time - before
    })
    expect(instructions / 0x100_0000).toBeLessThan(0.42)
  })
  test('memcpy and memset write exactly what they are told to, and return their first argument', () => {
    inThread(function* () {
      const [a, b] = [malloc(4096), malloc(4096)]
      ring0.fill(a, 0, 4096)
      ring0.fill(b, 0, 4096)
      expect(yield* memset(a + 3n, 0x1a5, 21n)).toBe(a + 3n)
      expect(yield* memcpy(b + 1n, a + 3n, 20n)).toBe(b + 1n)
      expect([...ring0.readBytes(a, 26)]).toEqual([0, 0, 0, ...Array(21).fill(0xa5), 0, 0])
      expect([...ring0.readBytes(b, 23)]).toEqual([0, ...Array(20).fill(0xa5), 0, 0])
    })
  })
  test('readByte, writeByte and jumpTo', () => {
    inThread(function* () {
      const at = place(Uint8Array.of(0xb8, 1, 2, 3, 4, 0xc3)) // mov eax, 0x04030201; ret
      expect(yield* jumpTo(at)).toBe(0x0403_0201n)
      yield* writeByte(at + 2n, 0xee)
      expect(yield* readByte(at + 2n)).toBe(0xeen)
      expect(yield* jumpTo(at)).toBe(0x0403_ee01n)
    })
  })
  test('callMachine passes four arguments and returns rax', () => {
    inThread(function* () {
      // lea rax, [rdi + rsi * 2]; lea rax, [rax + rdx * 4]; lea rax, [rax + rcx * 8]; ret
      const code = [0x48, 0x8d, 0x04, 0x77, 0x48, 0x8d, 0x04, 0x90, 0x48, 0x8d, 0x04, 0xc8, 0xc3]
      const at = place(Uint8Array.from(code))
      expect(yield* callMachine(at, 1n, 2n, 3n, 1n << 40n)).toBe(1n + 4n + 12n + (8n << 40n))
    })
  })
})

describe('scheduling', () => {
  test('threads are told by their control blocks', () => {
    let thread: NkThread | null = null
    const { machine } = inThread(
      once(() => {
        thread = getCurThread()
        expect(thread.name).toBe('test')
        expect(thread.aspace).toBe(null)
        expect(threads.map(({ isIdle }) => isIdle)).toEqual([true, false])
      }),
    )
    const { address, stack, tid } = thread as unknown as NkThread
    const word = (offset: number): bigint => machine.memory.read64(Number(address) + offset)
    const first = machine.memory.read64(FIRST_THREAD_ADDR)
    expect(machine.memory.read64(Number(first) + 128)).toBe(address)
    expect([word(8), word(24), word(32), word(40)]).toEqual([stack, 0n, 0x4000n, BigInt(tid)])
    expect(
      String.fromCharCode(...machine.memory.bytes.subarray(Number(address) + 96, Number(address) + 101)),
    ).toBe('test\0')
  })
  test('nkYield lets the others of the CPU run, in turn', () => {
    const order: string[] = []
    const three = function* (input: unknown): Thread {
      for (let i = 0; i < 3; i++) {
        order.push(String(input))
        yield* nkYield()
      }
    }
    inThread(function* () {
      const started = ['a', 'b'].map((name) => nkThreadStart(three, name, name)!)
      for (const thread of started) yield* nkJoin(thread)
    })
    expect(order.join('')).toBe('ababab')
  })
  test('nkJoin of a thread that has ended comes back at once, also after it was reaped', () => {
    inThread(function* () {
      const thread = nkThreadStart(
        once(() => {}),
        null,
        'short',
      )!
      yield* nkJoin(thread)
      nkSchedReap()
      expect(threads).not.toContain(thread)
      yield* nkJoin(thread)
    })
  })
  test('nkSleep sleeps so long, shortest first, and the machine does nothing meanwhile', () => {
    const order: number[] = []
    const sleeper = function* (input: unknown): Thread {
      yield* nkSleep(BigInt(input as number) * MS)
      order.push(input as number)
    }
    const { machine } = inThread(function* () {
      const before = ring0.time
      const started = [30, 10, 20].map((ms) => nkThreadStart(sleeper, ms, `${ms}`)!)
      for (const thread of started) yield* nkJoin(thread)
      const slept = ring0.time - before
      expect(slept).toBeGreaterThanOrEqual(1_500_000) // 30 ms
      expect(slept).toBeLessThan(1_505_000)
    })
    expect(order).toEqual([10, 20, 30])
    expect(machine.retired).toBeLessThan(2000)
  })
  test('an idle machine halts: nothing interrupts it', () => {
    const lab = new Lab(BARE, { shells: [], log: ['irq'] })
    expect(lab.machine.run(50_000_000)).toEqual({ reason: 'limit' })
    expect(lab.machine.retired).toBeLessThan(100)
    expect(lab.machine.events.list).toEqual([])
  })
  test('a thread that does not give up its CPU shares it: it is preempted in machine code', () => {
    let done = false
    inThread(function* () {
      const flag = malloc(4096)
      ring0.fill(flag, 0, 4096)
      const spin = place(SPIN)
      const spinner = nkThreadStart(
        function* () {
          yield* callMachine(spin, flag)
          done = true
        },
        null,
        'spinner',
      )!
      const before = ring0.time
      yield* nkYield() // the spinner has the CPU now
      expect(ring0.time - before).toBeGreaterThan(INSTRUCTIONS_PER_QUANTUM - 1000)
      expect(done).toBe(false)
      yield* nkYield()
      ring0.write8(flag, 1)
      yield* nkJoin(spinner)
      expect(done).toBe(true)
    })
  })
  test('registers survive preemption', () => {
    inThread(function* () {
      const results: number[] = []
      const compare = function* (): Thread {
        for (let i = 0; i < 5; i++) results.push(yield* memcmp(0x200_0000n, 0x200_0000n, 0x200_0000n))
      }
      const started = [1, 2, 3].map((n) => nkThreadStart(compare, n, `${n}`)!)
      for (const thread of started) yield* nkJoin(thread)
      expect(results).toEqual(new Array(15).fill(0))
      expect(getCpu().interruptCount).toBeGreaterThan(5)
    })
  })
  test('ended threads give back their memory', () => {
    inThread(function* () {
      nkSchedReap()
      const before = malloc(4096)
      for (let i = 0; i < 50; i++)
        yield* nkJoin(
          nkThreadStart(
            once(() => {}),
            i,
            'short',
          )!,
        )
      nkSchedReap()
      expect(malloc(4096)).toBe(before + 4096n)
    })
  })
})

describe('several CPUs', () => {
  test('all start, and halt when there is nothing to do', () => {
    const lab = new Lab(BARE, { shells: [], cpus: 8 })
    expect(lab.machine.run(1_000_000)).toEqual({ reason: 'limit' })
    expect(lab.machine.retired).toBeLessThan(400)
    for (let cpu = 0; cpu < 8; cpu++)
      expect(lab.machine.memory.read64(CPUS_ADDR + cpu * CPU_BYTES + 56)).toBe(1n)
  })
  test('unbound threads go where the fewest are, bound ones where they belong', () => {
    inThread(
      function* () {
        const where: number[] = []
        const note = function* (): Thread {
          where.push(getCpu().id)
          yield* nkSleep(MS)
        }
        const started = [-1, -1, -1, 2].map((cpu) => nkThreadStart(note, null, 'note', cpu)!)
        expect(started.map(({ currentCpu }) => currentCpu)).toEqual([1, 2, 0, 2])
        for (const thread of started) yield* nkJoin(thread)
        expect(where.sort()).toEqual([0, 1, 2, 2])
        expect(nkGetNumCpus()).toBe(3)
        expect(nkThreadStart(note, null, 'note', 3)).toBe(null)
      },
      { cpus: 3 },
    )
  })
  test('smpXcall calls on the other CPU, in an interrupt there, and waits if asked to', () => {
    const { machine } = inThread(
      function* () {
        const seen: unknown[] = []
        const call = (arg: unknown): void =>
          void seen.push([arg, getCpu().id, getCpu().interruptNestingLevel, ring0.interrupts])
        expect(smpXcall(0, call, 'here', true)).toBe(0)
        expect(smpXcall(2, call, 'there', true)).toBe(0)
        expect(seen).toEqual([
          ['here', 0, 0, true],
          ['there', 2, 1, false],
        ])
        expect(smpXcall(1, call, 'later', false)).toBe(0)
        expect(smpXcall(1, call, 'too many', false)).toBe(-1)
        expect(smpXcall(3, call, 'nobody', false)).toBe(-1)
        yield* nkSleep(MS)
        expect(seen).toHaveLength(3)
      },
      { cpus: 3, log: ['ipi'] },
    )
    expect(machine.events.list.filter((event) => event.kind === 'ipi' && event.vector === 0xf3)).toHaveLength(
      2,
    )
  })
  test('two CPUs that call each other at once, interrupts on, both get their answer', () => {
    inThread(
      function* () {
        const calls: string[] = []
        const caller = function* (input: unknown): Thread {
          const me = input as number
          for (let i = 0; i < 20; i++) {
            while (smpXcall(1 - me, () => void calls.push(`${me}`), null, true) !== 0) yield* nkYield()
            yield* nkYield()
          }
        }
        const started = [0, 1].map((cpu) => nkThreadStart(caller, cpu, `caller ${cpu}`, cpu)!)
        for (const thread of started) yield* nkJoin(thread)
        expect(calls.filter((call) => call === '0')).toHaveLength(20)
        expect(calls.filter((call) => call === '1')).toHaveLength(20)
      },
      { cpus: 2 },
    )
  })
  test('a spinlock is held by one CPU at a time', () => {
    inThread(
      function* () {
        const lock = new Spinlock('the counter')
        const [counter, one] = [malloc(4096), malloc(4096)]
        ring0.write64(counter, 0n)
        const add = function* (): Thread {
          for (let i = 0; i < 200; i++) {
            const flags = spinLockIrqSave(lock)
            const value = ring0.read64(counter)
            expect(ring0.interrupts).toBe(false)
            ring0.write64(counter, value + 1n)
            spinUnlockIrqRestore(lock, flags)
            expect(ring0.interrupts).toBe(true)
            yield* readByte(one)
          }
        }
        const started = [0, 1, 2].map((cpu) => nkThreadStart(add, null, 'add', cpu)!)
        for (const thread of started) yield* nkJoin(thread)
        expect(ring0.read64(counter)).toBe(600n)
      },
      { cpus: 3 },
    )
  })
  test('a CPU waits for a lock that another one holds over machine code', () => {
    const order: string[] = []
    inThread(
      function* () {
        const lock = new Spinlock('the door')
        spinLock(lock)
        const other = nkThreadStart(
          once(() => {
            spinLock(lock)
            order.push('in')
            spinUnlock(lock)
          }),
          null,
          'other',
          1,
        )!
        yield* memcmp(0x20_0000n, 0x20_0000n, 0x1_0000n)
        order.push('out')
        spinUnlock(lock)
        yield* nkJoin(other)
      },
      { cpus: 2 },
    )
    expect(order).toEqual(['out', 'in'])
  })
  test('a lock taken twice is a deadlock, told with its name', () => {
    const lab = new Lab(BARE, {
      shells: [],
      start: (spawn) =>
        void spawn(
          once(() => {
            const lock = new Spinlock('my lock')
            spinLockIrqSave(lock)
            spinLockIrqSave(lock)
          }),
          null,
          'twice',
        ),
    })
    expect(lab.runUntil(() => false, 1_000_000)).toMatchObject({
      reason: 'deadlock',
      message: expect.stringContaining('my lock, held by CPU 0'),
    })
  })
  test.each([1, 2, 3])('the same seed %i is the same run', (seed) => {
    const hash = (): string => {
      const lab = inThread(
        function* () {
          const busy = function* (): Thread {
            for (let i = 0; i < 10; i++) {
              yield* memcmp(0x20_0000n, 0x20_0000n, 0x2_0000n)
              yield* nkSleep(MS / 10n)
            }
          }
          const started = cpus.map(({ id }) => nkThreadStart(busy, null, 'busy', id)!)
          for (const thread of started) yield* nkJoin(thread)
        },
        { cpus: 4, seed },
      )
      return lab.machine.stateHash()
    }
    expect(hash()).toBe(hash())
  })
})
