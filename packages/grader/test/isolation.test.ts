import { describe, expect, test, vi } from 'vitest'
import {
  LEVELS,
  layersOf,
  mustReach,
  reaches,
  resultSchema,
  sandboxOf,
  strongest,
  tryLayers,
  tryRealm,
  UsageError,
} from '../src/index.ts'
import { gradeSource, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const NONE = { permission: false, limits: false, bwrap: false }
const { level, idle } = await strongest()

describe('levels', () => {
  test('each has what those below it have', () => {
    expect(LEVELS.map(layersOf)).toEqual([
      NONE,
      { ...NONE, permission: true },
      { ...NONE, permission: true, limits: true },
      { permission: true, limits: true, bwrap: true },
    ])
    expect(LEVELS.map((each) => reaches(each, 'limits'))).toEqual([false, false, true, true])
  })
  test('one that is not reached is refused, with the option and both levels in the sentence', () => {
    expect(() => mustReach('limits', 'limits', '--require-sandbox')).not.toThrow()
    expect(() => mustReach('limits', 'bwrap', '--require-sandbox')).toThrow(UsageError)
    expect(() => mustReach('limits', 'bwrap', '--require-sandbox')).toThrow(
      /^--require-sandbox: expected capsules isolated with bwrap, got limits; /,
    )
  })
})

describe('this host', () => {
  test('has Node’s permission model, and is asked once', async () => {
    expect(reaches(level, 'permission')).toBe(true)
    expect(await strongest()).toBe(await strongest())
  })
  test('a process without layers can do what layers forbid', async () => {
    // with no layer nothing is forbidden; what the probe tries does work, or the tests below would mean nothing
    expect(await tryLayers(NONE, idle)).toMatchObject({ holds: true })
    const unheld = await tryLayers({ ...NONE, limits: true }, idle + 100_000)
    expect(unheld.holds ? '' : unheld.why).toMatch(/take more memory than it was given|prlimit/)
  })
  test.each(['permission', 'limits', 'bwrap'] as const)(
    'the layer %s holds by itself, if it is reached',
    async (layer) => {
      const tried = await tryLayers({ ...NONE, [layer]: true }, idle)
      if (reaches(level, layer)) expect(tried).toMatchObject({ holds: true })
      else expect(tried.holds ? level : tried.why).not.toBe('')
    },
  )
  test('the realm holds', async () => {
    expect(await tryRealm(await sandboxOf('permission'))).toMatchObject({ holds: true })
  })
})

test('the level is in the result; a result of before there were levels has the weakest', async () => {
  const { result } = await gradeSource(RIGHT)
  expect(result.isolation.level).toBe(level)
  const { isolation: _, ...old } = result
  expect(resultSchema.parse(old).isolation).toEqual({ level: 'realm', strict: false })
})
test('every level that is reached gives the same result', async () => {
  const scores = []
  for (const each of LEVELS.filter((one) => reaches(level, one))) {
    const { result } = await gradeSource(RIGHT, { sandbox: await sandboxOf(each) })
    expect(result.isolation.level).toBe(each)
    scores.push([result.score, result.machine.stateHash])
  }
  expect(new Set(scores.map(String)).size).toBe(1)
})
