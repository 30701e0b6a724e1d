import {
  DEFAULT_LIMITS,
  edited,
  type Grade,
  type GradeOptions,
  sampleSubmissions,
  withVerdict,
} from '@pagewalk/grader'
import { sampled } from '@pagewalk/grader/test-kit'
import { describe, expect, test } from 'vitest'
import { designs } from '../designs/index.ts'
import { weensyos } from '../index.ts'
import { STAGES } from '../stages.ts'
import { gradeKernel, handout, reference } from '../try-kernels.ts'

const timeout = 60_000
/** Several grades run at a time here: the wall clock must not decide. */
const limits = { ...DEFAULT_LIMITS, milliseconds: timeout }
const graded = (name: string, source: string, options: GradeOptions = {}): Promise<Grade> =>
  gradeKernel(name, source, { limits, ...options })
const samples = new Map(sampleSubmissions(weensyos).map(({ name, files }) => [name, files.get('kernel.ts')]))
const sample = (name: string): string => samples.get(name) ?? ''
const points = ({ result }: Grade): number[] => result.steps.map((step) => step.score)
const FULL = [20, 20, 20, 20, 20, 10, 10]
function expectFull(grade: Grade): void {
  expect(grade.errors).toEqual([])
  expect([withVerdict(grade, 'fail'), withVerdict(grade, 'blocked')]).toEqual([[], []])
  expect(points(grade)).toEqual(FULL)
}

describe.concurrent('the reference', () => {
  test.each([2, 3])('has full marks with seed %i', { timeout }, async (seed) => {
    expectFull(await graded('reference', reference, { seed }))
  })
  test('has full marks with the public seed, and the same state at the end of two runs', {
    timeout,
  }, async () => {
    const [one, other] = await Promise.all([graded('reference', reference), graded('reference', reference)])
    expectFull(one)
    expect(other.result.machine).toEqual(one.result.machine)
  })
})

describe.concurrent('the handed-out kernel', () => {
  test('has 0 points: what it passes is worth nothing, and all else needs a step’s core', {
    timeout,
  }, async () => {
    const one = await graded('handed-out', handout)
    expect([one.result.score, one.result.extraCredit]).toEqual([0, 0])
    // it runs four processes and answers them, but they reach everything and share one table
    expect(withVerdict(one, 'pass')).toEqual(['loads', 'stops', 'boots', 'system-calls-answered'])
    expect(withVerdict(one, 'fail')).toEqual(['kernel-memory-protected', 'own-page-tables'])
    const check = one.result.steps[0]?.checks.find(({ id }) => id === 'kernel-memory-protected')
    // a wrong translation is told as a walk
    expect(check?.observed).toMatch(
      /^PML4\[0\] 0x\w+ P W U -> PDPT\[0\] 0x\w+ P W U -> PD\[0\] 0x\w+ P W U -> PT\[64\] 0x40\w+ P W U -> 0x40000: every process can write kernel page 0x40000/,
    )
  })
  test.each(
    sampled(
      STAGES.map((_, index) => ({ step: index + 1 })),
      2,
      1,
    ),
  )(
    'completed to step $step has the points of the steps 1 to $step and no others',
    { timeout },
    async ({ step }) => {
      const source = edited(handout, STAGES.slice(0, step).flat(), `step ${step}`)
      const one = await graded(`step ${step}`, source)
      expect(points(one)).toEqual(FULL.map((full, index) => (index < step ? full : 0)))
    },
  )
  test('without a TLB flush: the tables are right, but ring 3 may still use what the CPU remembers', {
    timeout,
  }, async () => {
    // closes the kernel's pages last of all, and never loads a CR3 that is already there
    const source = edited(
      handout,
      [
        {
          find: '  run(processes[1]!)\n',
          replace: `  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, null)
  virtualMemoryMap(kernelPagetable, 0xb8000n, 0xb8000n, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
  run(processes[1]!)
`,
        },
        { find: '  setPagetable(kernelPagetable)\n', replace: '' },
        {
          find: '  setPagetable(p.pagetable)\n',
          replace: '  if (ring0.cr3 !== p.pagetable.address) setPagetable(p.pagetable)\n',
        },
      ],
      'no flush',
    )
    const { result } = await graded('no flush', source)
    const check = result.steps[0]!.checks.find(({ id }) => id === 'kernel-memory-protected')
    expect(check).toMatchObject({
      verdict: 'fail',
      observed: expect.stringMatching(
        /^the TLB still holds 0x[0-9a-f]+ -> 0x[0-9a-f]+ with U, .* no U in PT/,
      ),
    })
  })
})

// with the public seed; seeds-all.ts does them all with all seeds
const some = sampled(designs, 12, 3)

describe.concurrent('a correct design has full marks', () => {
  test.each(some)('$name', { timeout }, async ({ name, edits }) => {
    expectFull(await graded(name, edited(reference, edits, name)))
  })
})

describe('the designs', () => {
  test('are at least 25, each another kernel than the reference and than the others', () => {
    const sources = designs.map(({ name, edits }) => edited(reference, edits, name))
    expect(designs.length).toBeGreaterThanOrEqual(25)
    expect(new Set([reference, ...sources]).size).toBe(1 + designs.length)
    expect(new Set(designs.map(({ name }) => name)).size).toBe(designs.length)
  })
})

describe.concurrent('the samples', () => {
  const SCORES: { [name: string]: number } = {
    'copies-the-whole-table': 30,
    'fork-copies-the-console': 99,
    'fork-shares-memory': 87,
    'kernel-addresses-unchecked': 92,
    'loses-its-own-mapping': 0,
    'search-without-end': 72,
  }

  test('are these, the handed-out kernel and the reference', () => {
    expect([sample('handed-out'), sample('reference')]).toEqual([handout, reference])
    expect([...samples.keys()]).toEqual([...Object.keys(SCORES), 'handed-out', 'reference'].sort())
  })
  test.each(Object.entries(SCORES))('%s has %i points', { timeout }, async (name, score) => {
    const { result, errors, endings } = await graded(name, sample(name))
    expect([result.score, result.extraCredit, errors]).toEqual([score, 0, []])
    // a kernel that loses its own mapping resets, and the report says why
    if (name === 'loses-its-own-mapping')
      expect(endings[0]?.words).toMatch(
        /^the machine reset itself: #PF .* #DF could not be delivered: .*: triple fault; the kernel was at kernel\.ts:\d+:\d+$/,
      )
  })
})
