// Runs on whatever Node (>= 20) and npm are there: fetches the pinned pnpm and, where the running Node is too
// old, the pinned Node, then hands over. Both are locked by hash in tools/bootstrap/*/package-lock.json.
// What it says itself goes to standard error, so that `npm start --silent -- grade PATH --json` prints JSON and no more.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const windows = process.platform === 'win32'
const [major, minor] = process.versions.node.split('.').map(Number)
const newEnough = major >= 26 || (major === 24 && minor >= 11)

const STDERR = 2
/** A step of the set-up: its output is not the command's. */
function setUp(command, args, cwd = root) {
  run(command, args, { cwd, stdio: ['inherit', STDERR, STDERR] })
}
function run(command, args, options = {}) {
  const done = spawnSync(command, args, { stdio: 'inherit', cwd: root, env, shell: windows, ...options })
  if (done.error) throw done.error
  if (done.status !== 0) process.exit(done.status ?? 1)
}

const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
const pathKey = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
const prepend = (dir) => {
  env[pathKey] = dir + delimiter + env[pathKey]
}
// The outer npm script's own variables must not leak into the inner one; npm_config_* (registry, CA) stays.
for (const key of Object.keys(env)) if (/^npm_(package|lifecycle)_/i.test(key)) delete env[key]

function bootstrap(name) {
  const dir = join(root, 'tools', 'bootstrap', name)
  const modules = join(dir, 'node_modules')
  const lock = join(dir, 'package-lock.json')
  const stamp = join(modules, '.stamp')
  const want = createHash('sha256').update(readFileSync(lock)).digest('hex')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== want) {
    console.error(`setup: ${name} (pinned in tools/bootstrap/${name})`)
    setUp('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], dir)
    writeFileSync(stamp, want)
  }
  return modules
}

// The native pnpm has no bin entry of its own, so its folder goes on the PATH (turbo looks for `pnpm` there too).
const pnpmModules = bootstrap('pnpm')
prepend(join(pnpmModules, '@pnpm', `exe.${process.platform}-${process.arch}`))
let node = process.execPath
if (!newEnough) {
  const modules = bootstrap('node')
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  const bin = join(modules, `${prefix}-${windows ? 'win' : process.platform}-${process.arch}`, 'bin')
  node = join(bin, windows ? 'node.exe' : 'node')
  prepend(bin)
}

const installed = join(root, 'node_modules', '.pagewalk-lock')
const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'pnpm-lock.yaml')))
  .digest('hex')
if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lockHash) {
  console.error('setup: dependencies')
  setUp('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only'])
  writeFileSync(installed, lockHash)
}
prepend(join(root, 'node_modules', '.bin'))

/** The application, in the folder where the user is. It has the terminal; this process waits and ends as it ends. */
function start(args) {
  const cwd = process.env.INIT_CWD ?? process.cwd()
  env.PAGEWALK_NAME = 'npm start --silent --' // what the help shows
  const app = spawn(node, [join(root, 'apps', 'pagewalk', 'bin', 'pagewalk.mjs'), ...args], {
    stdio: 'inherit',
    cwd,
    env,
  })
  process.on('SIGINT', () => {}) // ^C goes to both; the application decides
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => app.kill(signal))
  app.on('error', (error) => {
    throw error
  })
  app.on('exit', (code, signal) => {
    if (!signal) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** Every check. The last line is the tests' count, plain, also where they fail. */
function test(args) {
  const summary = join(root, 'node_modules', '.pagewalk-summary')
  rmSync(summary, { force: true })
  process.on('exit', () => {
    if (existsSync(summary)) console.log(readFileSync(summary, 'utf8'))
  })
  const tasks = ['build', '//#typecheck', '//#lint', '//#test:unit']
  run('turbo', ['run', ...tasks, '--continue', '--output-logs=new-only', '--log-prefix=none', ...args])
}

const [task, ...rest] = process.argv.slice(2)
if (task === 'start') start(rest)
else if (task === 'test') test(rest)
else if (task === 'bench')
  run(node, [join(root, 'tools', 'bench.ts'), ...rest], { cwd: process.env.INIT_CWD ?? root })
else if (task === 'pack') run(node, [join(root, 'apps', 'pagewalk', 'pack', 'main.ts'), ...rest])
else if (task === 'check') run('turbo', ['run', 'build', '//#typecheck', ...rest])
else {
  console.error(`no such task: ${task}`)
  process.exit(2)
}
