// `pagewalk workflow`: what a course puts into its repositories so that each push is graded.

import { readFileSync } from 'node:fs'
import { classroom50Shim } from '@pagewalk/exporters'
import { labNamed } from './labs.ts'
import { VERSION } from './results.ts'
import { write } from './terminal.ts'

/** `github`: a workflow; `classroom`: one for GitHub Classroom's actions; `classroom50`: an autograder.py. */
export const PLACES = ['github', 'classroom', 'classroom50'] as const
export type Place = (typeof PLACES)[number]

export interface WorkflowOptions {
  readonly for: Place
  /** The tarball: a path or an address. Default: beside the file. */
  readonly package?: string
}
const TARBALL = `pagewalk-${VERSION}.tgz`

export async function workflow(id: string, options: WorkflowOptions): Promise<void> {
  const lab = await labNamed(id)
  await write(options.for === 'classroom50' ? autograder(lab.id, options) : yaml(lab.id, options))
}

function yaml(lab: string, { for: place, package: tarball = `.github/${TARBALL}` }: WorkflowOptions): string {
  return template(`${place}.yml`)
    .replace('{LAB}', lab)
    .replace('{PACKAGE}', () => JSON.stringify(tarball)) // a string of YAML, too
    .replace('{INSTALL}\n', () => template('install.yml'))
}
const template = (name: string): string =>
  readFileSync(new URL(`../templates/workflow/${name}`, import.meta.url), 'utf8')

function autograder(lab: string, { package: tarball = `{here}/${TARBALL}` }: WorkflowOptions): string {
  const install = ['npx', '--yes', '--prefer-offline', `--package=${tarball}`, '--']
  return classroom50Shim([...install, 'pagewalk', 'grade', '.', '--lab', lab, '--format', 'classroom50'])
}
