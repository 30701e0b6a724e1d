// Labs with several student files, and with code of their own that runs beside the kernel.

import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { findSubmissions, grade, type Lab, playOnce, type Run, type Scenario } from '../src/index.ts'
import { fake } from './fake/lab.ts'
import { checksOf, folder, put, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const MORE = `${RIGHT.replace('import { COUNT', "import { one } from './more.ts'\nimport { COUNT")}\nexport const two = one + one`
const BOOT = `
import { boot as plain } from 'fake/lib/boot.ts'
import { COUNT, read32 } from 'fake/lib/room.ts'
import { TAG } from './deep/tag.ts'
export function boot(machine: any, kernel: any, config: any, host: any): void {
  plain(machine, {
    kernel() {
      kernel.kernel()
      host.note(TAG, 1n, 0xffff_ffff_ffff_ffffn)
    },
    tick(count: number) {
      kernel.tick(count)
      if (count !== 3) return
      host.image('three')
      host.note('count', BigInt(read32(COUNT)))
      BODY
    },
  }, config)
}`
const PROBES = {
  'boot.ts': BOOT,
  'deep/tag.ts': "import { up } from '../up.ts'\nexport const TAG = up",
  'up.ts': "export const up = 'up'",
}

/** The fake lab with probes: `body` runs beside the kernel, once. */
function probed(body = ''): Lab {
  const probes = put(folder(), { ...PROBES, 'boot.ts': BOOT.replace('BODY', body) })
  return {
    ...fake,
    files: ['kernel.ts', 'more.ts', 'STATUS.md'],
    bundle: {
      ...fake.bundle,
      entry: "export { boot } from 'probes/boot.ts'",
      trusted: { 'probes/': probes, 'fake/lib/': `${fake.bundle.lib}/` },
    },
  }
}
const submission = (lab: Lab, kernel: string, more = 'export const one = 1') =>
  findSubmissions(put(folder(), { 'kernel.ts': kernel, 'more.ts': more, 'STATUS.md': '' }), [lab])[0]!
const play = (lab: Lab, kernel = MORE): Promise<Run> =>
  playOnce({ submission: submission(lab, kernel), config: { first: 0 } }, [{ do: 'run', instructions: 1000 }])

describe("a lab's own code beside the kernel", () => {
  test('is found by its prefix, shares the library with the student’s file, and keeps notes and images', async () => {
    const run = await play(probed())
    expect(run.notes).toMatchObject([
      { cpu: 0, tag: 'up', words: [1n, 0xffff_ffff_ffff_ffffn] },
      { cpu: 0, tag: 'count', words: [4n] },
    ])
    expect(run.notes[1]!.time).toBeGreaterThan(run.notes[0]!.time)
    expect(run.images.three?.time).toBeLessThan(run.final.time)
    expect(run.dropped).toBe(0)
  })
  test('a check sees what was kept; a label that was not reached blocks it', async () => {
    const lab: Lab = {
      ...probed(),
      checks: fake.checks.map((check) => ({
        ...check,
        run(evidence) {
          expect(evidence.run('short').notes.length).toBe(2)
          evidence.machine('short', check.id === 'counts' ? 'three' : 'four')
          return { verdict: 'pass' }
        },
      })),
    }
    const one = checksOf(await grade(submission(lab, MORE)))
    expect(one.counts?.verdict).toBe('pass')
    expect(one['keeps-up']).toMatchObject({
      verdict: 'blocked',
      observed: 'not judged: the scenario short did not come to four',
    })
  })
  test('more notes than are kept are counted', async () => {
    const run = await play(probed("for (let i = 0; i < 200_005; i++) host.note('n')"))
    expect([run.notes.length, run.dropped]).toEqual([200_000, 7])
  })
  test('a note of another form is an error of the lab, told where it was made', async () => {
    const run = await play(probed("host.note('n', ...Array.from({ length: 17 }, () => 1n))"))
    expect(run.stop).toMatchObject({ reason: 'error', message: expect.stringContaining('at most 16 words') })
  })
  test('is out of a student’s reach', async () => {
    for (const [specifier, line] of [
      ['probes/boot.ts', 1],
      ['fake/lib/room.ts', 1],
      ['./STATUS.md', 1],
    ] as const) {
      const one = checksOf(await grade(submission(probed(), `import '${specifier}'\n${MORE}`)))
      expect(one.loads).toMatchObject({
        expected: "kernel.ts imports './lib/*' and './more.ts' and '@pagewalk/machine/x86-64' only",
        observed: `kernel.ts:${line}:1: import of '${specifier}'`,
      })
    }
  })
  test('that does not bundle is our error', async () => {
    const lab = probed()
    put(lab.bundle.trusted!['probes/']!, { 'up.ts': 'export const down = 1' })
    const one = await grade(submission(lab, MORE))
    expect(checksOf(one).loads?.verdict).toBe('error')
  })
})

describe('several files of a student', () => {
  test('import each other, and each is told with its own name', async () => {
    const broken = submission(probed(), MORE, "export const one = 1\nthrow new Error('here')")
    expect(checksOf(await grade(broken)).loads?.observed).toBe('more.ts:2:7: Error: here')
    const refused = submission(probed(), MORE, "import './nothing.ts'\nexport const one = 1")
    expect(checksOf(await grade(refused)).loads).toMatchObject({
      expected: "more.ts imports './lib/*' and './kernel.ts' and '@pagewalk/machine/x86-64' only",
      observed: "more.ts:1:1: import of './nothing.ts'",
    })
  })
  test('what the lab takes by name and is not there is the student’s trouble', async () => {
    const lab = probed()
    const student = "export * from './kernel.ts'; export { one } from './more.ts'"
    const wanting: Lab = { ...lab, bundle: { ...lab.bundle, student } }
    const one = await grade(submission(wanting, RIGHT, 'export const two = 2'))
    expect(checksOf(one).loads?.observed).toBe('more.ts exports no one')
  })
  test('an object may be what the lab calls', async () => {
    const lab = { ...fake, bundle: { ...fake.bundle, exports: ['kernel', 'table{}'] } }
    const at = (source: string) => findSubmissions(put(folder(), { 'kernel.ts': source }), [lab])[0]!
    expect(checksOf(await grade(at(`${RIGHT}\nexport const table = {}`))).loads?.verdict).toBe('pass')
    expect(checksOf(await grade(at(`${RIGHT}\nexport const table = null`))).loads?.observed).toBe(
      'no exported object table',
    )
  })
})

describe('a plan', () => {
  const ECHO = RIGHT.replace('COUNT, read32', 'COUNT, key, read32, say, wait').replace(
    'write32(COUNT, read32(COUNT) + 1)',
    "const code = key(); if (code) say(String.fromCharCode(code)); if (count === 200) say('ready> ')",
  )
  const at = (source: string) => findSubmissions(put(folder(), { 'kernel.ts': source }), [fake])[0]!
  const boot = (source: string) => ({ submission: at(source), config: { first: 0 } })

  test('runs until the serial port says something', async () => {
    const wait = { do: 'run' as const, instructions: 20_000_000, untilOutput: 'ready> ' }
    const run = await playOnce(boot(ECHO), [wait])
    expect(run.final.time).toBeLessThan(1_000_000)
    expect(run.stop).toEqual({ reason: 'limit' })
    // what was said before the action does not count
    const again = await playOnce(boot(ECHO), [wait, { ...wait, instructions: 500_000 }])
    expect(again.final.time).toBeGreaterThanOrEqual(run.final.time + 500_000)
  })
  test('types a text of any length, no faster than it is taken', async () => {
    const text = `${'A'.repeat(40)}\n`
    const run = await playOnce(boot(ECHO), [{ do: 'type', text, instructions: 100_000 }])
    const codes = [...run.output.serial.replace('ready> ', '')].map((c) => c.charCodeAt(0))
    expect(codes).toEqual([...Array(40).fill([0x2a, 0x1e, 0x9e, 0xaa]).flat(), 0x1c, 0x9c])
  })
  test('may be of another machine than the lab’s', async () => {
    const [short, long] = fake.scenarios(1)
    const two: Scenario = { ...long!, machine: { cpus: 2, seed: 7, log: ['stop'] } }
    const lab: Lab = {
      ...fake,
      scenarios: () => [short!, two],
      checks: fake.checks.map((check) => ({
        ...check,
        run(evidence) {
          expect(evidence.run('short').final.tlbs.length).toBe(1)
          expect(evidence.machine('long').options.cpus).toBe(2)
          expect(evidence.view('long').cpus?.length).toBe(2)
          return { verdict: 'pass' }
        },
      })),
    }
    const [one] = findSubmissions(put(folder(), { 'kernel.ts': RIGHT }), [lab])
    expect((await grade(one!)).errors).toEqual([])
  })
  test('in which a CPU waits for ever is told as a kernel that does not come back', async () => {
    const source = ECHO.replace(
      'const code',
      "if (count === 150) wait('a key that nobody has', () => false); const code",
    )
    const one = checksOf(await grade(at(source)))
    expect(one.stops).toMatchObject({
      verdict: 'fail',
      observed: expect.stringMatching(
        /^long: CPU 0 waits for a key that nobody has \(\d+ instructions so far\); it was at kernel\.ts:13:\d+$/,
      ),
    })
    expect(one['keeps-up']?.verdict).toBe('blocked')
  })
})

test('samples are folders, or one folder’s files over another’s', async () => {
  const { sampleSubmissions } = await import('../src/index.ts')
  const dir = put(folder(), {
    'base/kernel.ts': RIGHT,
    'base/STATUS.md': 'nothing',
    'better/STATUS.md': 'all',
  })
  const [base, better] = [join(dir, 'base'), join(dir, 'better')]
  const lab: Lab = { ...fake, files: ['kernel.ts', 'STATUS.md'], samples: { b: [base, better], a: [base] } }
  const told = sampleSubmissions(lab).map(({ name, files }) => [name, files.get('STATUS.md'), files.size])
  expect(told).toEqual([
    ['b', 'all', 2],
    ['a', 'nothing', 2],
  ])
  expect(sampleSubmissions({ ...lab, samples: dir }).map(({ name }) => name)).toEqual(['base', 'better'])
  expect(sampleSubmissions(fake)).toEqual([])
})
