// All files of the package that a student or a CI installs.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { capsuleScripts, type Lab, libraryOf, packed, probeScript } from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { weensyos } from '@pagewalk/grading-weensyos'
import { bundles, ROOT } from './bundles.ts'
import { contents } from './contents.ts'
import { manifest, VERSION } from './manifest.ts'
import { notices } from './notices.ts'

export interface PackageFile {
  readonly contents: Uint8Array
  readonly executable: boolean
}
/** By path in the package, with slashes, in order. */
export type PackageFiles = ReadonlyMap<string, PackageFile>

/** Builds them. In an installed package, installed.ts is in place of this. */
export async function packageFiles(): Promise<PackageFiles> {
  const copied = contents()
  const [{ files: bundled, inputs }, built] = await Promise.all([
    bundles(new Set(copied)),
    prebuilt([weensyos, nautilus]),
  ])
  const files = new Map<string, Uint8Array>([
    ...copied.map((path): [string, Uint8Array] => [`files/${path}`, fromRoot(path)]),
    ...built,
    ...bundled,
    ['bin/pagewalk.mjs', fromRoot('apps/pagewalk/pack/bin.mjs')],
    ['README.md', fromRoot('apps/pagewalk/README.md')],
    ['CHANGELOG.md', fromRoot('CHANGELOG.md')],
    ['LICENSE', fromRoot('LICENSE')],
    ['NOTICES', Buffer.from(notices(inputs))],
  ])
  files.set('package.json', Buffer.from(manifest(new Set(files.keys()))))
  return new Map(
    [...files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, each]) => [path, { contents: each, executable: path.startsWith('bin/') }]),
  )
}
const fromRoot = (path: string): Uint8Array => readFileSync(join(ROOT, path))

/** What a grader builds before it grades, of sources that are not in the package. */
async function prebuilt(labs: readonly Lab[]): Promise<[path: string, contents: Uint8Array][]> {
  await Promise.all([capsuleScripts(), probeScript(), ...labs.map(({ bundle }) => libraryOf(bundle))])
  return [...packed()].map(([name, text]) => [`files/packages/grader/packed/${name}`, Buffer.from(text)])
}

export const TARBALL: string = `pagewalk-${VERSION}.tgz`
