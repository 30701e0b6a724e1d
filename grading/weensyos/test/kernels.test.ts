import { edited, type Grade, sampleSubmissions, withVerdict } from '@pagewalk/grader'
import { describe, expect, test } from 'vitest'
import { designs } from '../designs/index.ts'
import { weensyos } from '../index.ts'
import { STAGES } from '../stages.ts'
import { gradeKernel, handout, reference } from '../try-kernels.ts'

const SECONDS = 60_000
const samples = new Map(sampleSubmissions(weensyos).map(({ name, files }) => [name, files.get('kernel.ts')]))
const sample = (name: string): string => samples.get(name) ?? ''
const points = ({ result }: Grade): number[] => result.steps.slice(0, 5).map((step) => step.score)

test('the reference has full marks, and the same state at the end of two runs', {
  timeout: SECONDS,
}, async () => {
  const [first, second] = [
    await gradeKernel('reference', reference),
    await gradeKernel('reference', reference),
  ]
  expect(first.errors).toEqual([])
  expect([withVerdict(first, 'fail'), withVerdict(first, 'blocked')]).toEqual([[], []])
  expect([first.result.score, first.result.maxScore]).toEqual([100, 100])
  expect(second.result.machine).toEqual(first.result.machine)
})

test('the handed-out kernel has 0 points: what it passes is worth nothing, and all else needs a step’s core', {
  timeout: SECONDS,
}, async () => {
  const graded = await gradeKernel('handed-out', handout)
  expect(graded.result.score).toBe(0)
  // it runs four processes and answers them, but they reach everything and share one table
  expect(withVerdict(graded, 'pass')).toEqual(['loads', 'stops', 'boots', 'system-calls-answered'])
  expect(withVerdict(graded, 'fail')).toEqual(['kernel-memory-protected', 'own-page-tables'])
})

test.each(STAGES.map((_, index) => index + 1))(
  'a kernel complete to step %i has the points of steps 1 to %i and no others',
  {
    timeout: SECONDS,
  },
  async (step) => {
    const source = edited(handout, STAGES.slice(0, step).flat(), `step ${step}`)
    const graded = await gradeKernel(`step ${step}`, source)
    expect(points(graded)).toEqual([1, 2, 3, 4, 5].map((each) => (each <= step ? 20 : 0)))
  },
)

test('a missing TLB flush is seen: the tables are right, but ring 3 may still use what the CPU remembers', {
  timeout: SECONDS,
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
  const { result } = await gradeKernel('no flush', source)
  const check = result.steps[0]!.checks.find(({ id }) => id === 'kernel-memory-protected')
  expect(check).toMatchObject({
    verdict: 'fail',
    observed: expect.stringMatching(/^the TLB still holds 0x[0-9a-f]+ -> 0x[0-9a-f]+ with U, .* no U in PT/),
  })
})

// Every other one; PAGEWALK_ALL=1 does them all.
const some = process.env.PAGEWALK_ALL === '1' ? designs : designs.filter((_, index) => index % 2 === 0)

describe.concurrent('a correct design has full marks', () => {
  test.each(some)('$name', { timeout: SECONDS }, async ({ name, edits }) => {
    const graded = await gradeKernel(name, edited(reference, edits, name))
    expect(graded.errors).toEqual([])
    expect(withVerdict(graded, 'fail')).toEqual([])
    expect(graded.result.score).toBe(100)
  })
})

describe.concurrent('the samples', () => {
  const SCORES: { [name: string]: number } = {
    'copies-the-whole-table': 32,
    'fork-copies-the-console': 99,
    'fork-shares-memory': 88,
    'handed-out': 0,
    'kernel-addresses-unchecked': 92,
    'loses-its-own-mapping': 0,
    reference: 100,
    'search-without-end': 73,
  }

  test('the handed-out kernel and the reference among them are the real ones', () => {
    expect([sample('handed-out'), sample('reference')]).toEqual([handout, reference])
    expect([...samples.keys()]).toEqual(Object.keys(SCORES))
  })
  const wrong = Object.entries(SCORES).filter(([name]) => name !== 'handed-out' && name !== 'reference')
  test.each(wrong)('%s has %i points', { timeout: SECONDS }, async (name, score) => {
    const graded = await gradeKernel(name, sample(name))
    expect([graded.result.score, graded.errors]).toEqual([score, []])
  })

  test('a kernel that loses its own mapping resets, and the report says why', {
    timeout: SECONDS,
  }, async () => {
    const { endings } = await gradeKernel('loses-its-own-mapping', sample('loses-its-own-mapping'))
    expect(endings[0]?.words).toMatch(
      /^the machine reset itself: #PF .* #DF could not be delivered: .*: triple fault; the kernel was at kernel\.ts:\d+:\d+$/,
    )
  })
  test('a wrong translation is told as a walk', { timeout: SECONDS }, async () => {
    const { result } = await gradeKernel('handed-out', handout)
    const check = result.steps[0]?.checks.find(({ id }) => id === 'kernel-memory-protected')
    expect(check?.observed).toMatch(
      /^PML4\[0\] 0x\w+ P W U -> PDPT\[0\] 0x\w+ P W U -> PD\[0\] 0x\w+ P W U -> PT\[64\] 0x40\w+ P W U -> 0x40000: every process can write kernel page 0x40000/,
    )
  })
})
