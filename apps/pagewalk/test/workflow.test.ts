// What `pagewalk workflow` prints is used: read as GitHub reads it, and its commands run in a student's repository.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ROOT } from '../pack/bundles.ts'
import { type Done, runIn } from './installed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

// intake has it
const { parse } = createRequire(import.meta.resolve('@pagewalk/intake'))('yaml') as {
  parse(text: string): unknown
}

interface Step {
  readonly id?: string
  readonly name?: string
  readonly uses?: string
  readonly with?: { readonly [name: string]: unknown }
  readonly env?: { readonly [name: string]: string }
  readonly run?: string
}
interface Workflow {
  readonly on: readonly string[]
  readonly permissions: { readonly [name: string]: string }
  readonly env: { readonly LAB: string; readonly PACKAGE: string }
  readonly jobs: { readonly [name: string]: { readonly steps: readonly Step[] } }
}

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
let dir = ''
let repository = ''
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-workflow-'))
  repository = join(dir, 'repository')
  mkdirSync(join(repository, '.github', 'workflows'), { recursive: true })
  mkdirSync(join(repository, '.git'))
  cpSync(join(ROOT, 'packages/weensyos/kernel.ts'), join(repository, 'kernel.ts'))
  mkdirSync(join(dir, 'bin'))
  const command = `exec '${process.execPath}' '${main}' "$@"`
  // the command as installed; and npx, which has nothing to install
  writeFileSync(join(dir, 'bin', 'pagewalk'), `#!/bin/sh\n${command}\n`, { mode: 0o755 })
  const npx = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\n${command}\n`
  writeFileSync(join(dir, 'bin', 'npx'), npx, { mode: 0o755 })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

async function printed(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await runIn(dir, process.execPath, [main, 'workflow', ...args])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out
}
const workflow = async (...args: readonly string[]): Promise<Workflow> =>
  parse(await printed(...args)) as Workflow
const stepsOf = ({ jobs }: Workflow): readonly Step[] => Object.values(jobs)[0]!.steps

/** The files that GitHub gives a step, and the variables that name them. */
const FILES = { GITHUB_STEP_SUMMARY: 'summary.md', GITHUB_OUTPUT: 'output' } as const
function runStep({ run = '' }: Step, { env }: Workflow): Promise<Done> {
  const files = Object.entries(FILES).map(([variable, name]) => [variable, join(dir, name)])
  const variables = { ...env, RUNNER_TEMP: dir, ...Object.fromEntries(files) }
  return runInRepository('bash', ['-eo', 'pipefail', '-c', run], variables)
}
const runInRepository = (
  program: string,
  args: readonly string[],
  env: { readonly [name: string]: string },
): Promise<Done> =>
  runIn(repository, program, args, { PATH: `${join(dir, 'bin')}${delimiter}${process.env.PATH}`, ...env })

describe('any', () => {
  test.each(['github', 'classroom'])(
    '%s is YAML that installs the package first, and may write no code',
    async (place) => {
      const told = await workflow('nautilus', '--for', place, '--package', 'https://example.org/pagewalk.tgz')
      expect(told.env).toEqual({ LAB: 'nautilus', PACKAGE: 'https://example.org/pagewalk.tgz' })
      expect(told.on).toEqual(['push', 'workflow_dispatch'])
      expect(told.permissions.contents).toBe('read')
      const uses = stepsOf(told).flatMap((step) => step.uses ?? [])
      expect(uses).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^actions\/checkout@v\d+$/),
          expect.stringMatching(/^actions\/setup-node@v\d+$/),
        ]),
      )
      const lines = stepsOf(told).flatMap(({ run = '' }) => run.trim().split('\n'))
      const first = lines.findIndex((line) => line.includes('pagewalk grade'))
      expect(lines.slice(0, first)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^npm install --global .*"\$PACKAGE"$/),
          'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
        ]),
      )
    },
  )
  test('a lab that is not there is told', async () => {
    const { code, err } = await runIn(dir, process.execPath, [main, 'workflow', 'minix'])
    expect(code).toBe(2)
    expect(err).toMatch(/^pagewalk: expected a lab \(.*\), got "minix"\n$/)
  })
})

// the runners are Linux
describe.skipIf(process.platform === 'win32')('in a repository', () => {
  test('github: the summary has the reasons, and annotations are of the same grading', async () => {
    const told = await workflow('weensyos')
    expect(told.permissions).toEqual({ contents: 'read' })
    const [grade, annotate] = stepsOf(told).filter(({ run }) => run?.includes('pagewalk '))
    expect(await runStep(grade!, told)).toMatchObject({ code: 0, out: '' })
    expect(readFileSync(join(dir, FILES.GITHUB_STEP_SUMMARY), 'utf8')).toMatch(
      /^## repository: 0\/100, .*kernel-memory-protected/s,
    )
    const { code, out } = await runStep(annotate!, told)
    expect(code).toBe(0)
    expect(out).toMatch(/^(::error [^\n]*title=[^\n]*\n)+$/)
  })
  test('classroom: the output of the step is what the reporter is given', async () => {
    const told = await workflow('weensyos', '--for', 'classroom')
    expect(Object.keys(told.jobs)).toEqual(['run-autograding-tests'])
    const grade = stepsOf(told).find(({ run }) => run?.includes('pagewalk '))!
    expect(await runStep(grade, told)).toMatchObject({ code: 0, out: '' })
    const [, result = ''] = /^result=(.*)\n$/.exec(readFileSync(join(dir, FILES.GITHUB_OUTPUT), 'utf8')) ?? []
    expect(JSON.parse(Buffer.from(result, 'base64').toString('utf8'))).toMatchObject({
      version: 1,
      status: 'fail',
      max_score: 100,
    })
    const reporter = stepsOf(told).find(({ uses }) => uses?.includes('autograding-grading-reporter'))!
    expect(reporter.with).toEqual({ runners: grade.id })
    expect(reporter.env).toEqual({
      [`${grade.id!.toUpperCase()}_RESULTS`]: `\${{ steps.${grade.id}.outputs.result }}`,
    })
  })
  test('classroom50: its autograder.py leaves a result.json in the checkout', async () => {
    writeFileSync(join(dir, 'autograder.py'), await printed('weensyos', '--for', 'classroom50'))
    const told = {
      CLASSROOM: 'os',
      ASSIGNMENT: 'weensyos',
      SUBMISSION_TAG: 'submit/2026-06-01T14-32-05Z-a1b2c3d',
      COMMIT_URL: 'https://example.org/commit',
      RELEASE_URL: 'https://example.org/release',
    }
    expect(await runInRepository('python3', [join(dir, 'autograder.py')], told)).toMatchObject({
      code: 0,
      out: '',
    })
    const result = JSON.parse(readFileSync(join(repository, 'result.json'), 'utf8')) as object
    expect(result).toMatchObject({
      schema: 'classroom50/result/v1',
      assignment: 'weensyos',
      score: 0,
      'max-score': 100,
    })
  })
})
