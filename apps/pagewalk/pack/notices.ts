// The licences of what is bundled.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './bundles.ts'

/** @param inputs  of the bundles, from the root of the repository */
export function notices(inputs: readonly string[]): string {
  const folders = [...new Set(inputs.flatMap(packageOf))].sort()
  return ['The files in dist have code of these packages in them.\n', ...folders.map(notice)].join('\n')
}
/** ".../node_modules/zod/v4/core.js" -> ".../node_modules/zod" */
function packageOf(input: string): string[] {
  const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? []
  return folder === undefined ? [] : [folder]
}
function notice(folder: string): string {
  const at = join(ROOT, folder)
  const { name, version, license } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as {
    [field in 'name' | 'version' | 'license']: string
  }
  const file = readdirSync(at).find((each) => /^(licen[cs]e|copying)/i.test(each))
  const text = file ? readFileSync(join(at, file), 'utf8') : `${license}\n`
  return `${name} ${version} (${license})\n\n${text.trim().replaceAll('\r\n', '\n')}\n`
}
