// The command line as JavaScript: Node strips no types below node_modules. Split by command, so that each loads little.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '')
const HERE = dirname(fileURLToPath(import.meta.url))

/** Not bundled: programs of their own. They are the package's dependencies. */
export const EXTERNAL = ['esbuild', 'typescript'] as const

export interface Bundles {
  /** Paths in the package -> contents. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Of the sources, from the root of the repository. */
  readonly inputs: readonly string[]
}

/** @param files  the repository's files that are in the package, from its root: others cannot be found at run time */
export async function bundles(files: ReadonlySet<string>): Promise<Bundles> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT, // names in the output do not tell where the repository lies
    entryPoints: ['apps/pagewalk/src/main.ts'],
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    outdir: 'dist',
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: [...EXTERNAL],
    banner: { js: REQUIRE },
    legalComments: 'none', // NOTICES has them
    logLevel: 'silent',
    tsconfigRaw: '{}',
    plugins: [installed(files), named],
  })
  const path = (file: string): string => slashed(relative(ROOT, file))
  return {
    files: new Map(outputFiles.map((file) => [path(file.path), file.contents])),
    inputs: Object.keys(metafile.inputs),
  }
}
const slashed = (path: string): string => path.split(sep).join('/')

/** For the CommonJS among what is bundled: names that it takes for given. */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;"

/**
 * CommonJS that is loaded by `import()`: of that esbuild gives a default export only, where Node gives all names.
 */
const named: Plugin = {
  name: 'named',
  setup(build) {
    build.onResolve({ filter: /^(bullmq|ioredis)$/ }, ({ path, kind, resolveDir }) =>
      kind === 'dynamic-import' ? { path, namespace: 'named', pluginData: resolveDir } : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'named' }, async ({ path, pluginData: resolveDir }) => {
      const file = createRequire(join(resolveDir, 'any.js')).resolve(path)
      const names = Object.keys(await import(pathToFileURL(file).href)).filter(
        (name) => /^[A-Za-z]\w*$/.test(name) && name !== 'default',
      )
      return {
        contents: `import * as whole from '${path}'; export const { ${names.join(', ')} } = whole`,
        resolveDir,
      }
    })
  },
}

/** Sources of our own, changed to find their files in the package; and what packs is not packed. */
function installed(files: ReadonlySet<string>): Plugin {
  return {
    name: 'installed',
    setup(build) {
      build.onResolve({ filter: /\/pack\/package\.ts$/ }, () => ({ path: resolve(HERE, 'installed.ts') }))
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path.includes('node_modules') || dirname(path) === HERE) return undefined
        const source = await readFile(path, 'utf8')
        return { contents: moved(source, slashed(relative(ROOT, path)), files), loader: 'ts' }
      })
    },
  }
}
/**
 * A source that looks for files beside itself, in the package.
 *
 * `import.meta.url` alone stays: a module's own URL is the bundle's.
 * @throws Error if it names one that is not in the package
 */
function moved(source: string, path: string, files: ReadonlySet<string>): string {
  if (!/import\.meta\.(url|resolve)/.test(source)) return source
  for (const [, beside = ''] of source.matchAll(/new URL\('([^']+)', import\.meta\.url\)/g))
    mustHave(files, posix.join(posix.dirname(path), beside), path)
  const own = JSON.stringify(path)
  const code = source
    .replaceAll(/, import\.meta\.url\)/g, `, __files.fileUrl(${own}))`)
    .replaceAll(/\bimport\.meta\.resolve\(/g, '__files.resolve(')
  return `import * as __files from ${JSON.stringify(resolve(HERE, 'files.ts'))}; ${code}`
}
function mustHave(files: ReadonlySet<string>, wanted: string, by: string): void {
  const there = [...files].some((file) => file === wanted || file.startsWith(`${wanted.replace(/\/$/, '')}/`))
  if (!there && !AT_HOME.has(by))
    throw new Error(
      `${by}: expected files of the package only, got ${wanted}; contents.ts says what is in it`,
    )
}
/** These look for what a package has not, and do without. */
const AT_HOME = new Set([
  'packages/grader/src/kept.ts', // what was built here
  'packages/grader/src/scripts.ts', // the package has them built
])
