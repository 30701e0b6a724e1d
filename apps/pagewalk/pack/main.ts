// `npm run pack [-- DIR]`: writes pagewalk-VERSION.tgz into DIR, by default `dist` in the repository.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ROOT } from './bundles.ts'
import { packageFiles, TARBALL } from './package.ts'
import { tarball } from './tarball.ts'

const dir = resolve(process.argv[2] ?? join(ROOT, 'dist'))
const files = await packageFiles()
const bytes = tarball(files)
mkdirSync(dir, { recursive: true })
writeFileSync(join(dir, TARBALL), bytes)
console.log(`${join(dir, TARBALL)}: ${files.size} files, ${(bytes.length / 1e6).toFixed(1)} MB`)
