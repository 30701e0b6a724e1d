// The live screen: a machine in a capsule, driven by the wall clock, on an alternate screen of the terminal.

import { type Frame, openSession, plain, type Session, type Submission, stopWords } from '@pagewalk/grader'
import { COMMAND, keyName, keysOf } from './keys.ts'
import { bootWords } from './run.ts'
import { COLUMNS, ENTER, fold, LEAVE, ROWS, Screen } from './screen.ts'

const FRAME_MS = 40
const SLOWEST = 1 / 64
const FASTEST = 64
/** How long a reset is shown before the machine boots again. */
const REBOOT_MS = 1000
/** The emulated keyboard keeps 64 scan codes; a key takes up to four. What was pasted comes in portions. */
const KEYS_AT_ONCE = 8

/** @returns when the user quits */
export async function watch(submission: Submission, program: string): Promise<void> {
  const live = new Live(submission, program)
  await live.open()
  const { stdin, stdout } = process
  const restore = (): void => {
    stdin.setRawMode(false)
    stdout.write(LEAVE)
  }
  const die = (signal: NodeJS.Signals): void => {
    restore()
    process.kill(process.pid, signal)
  }
  const signals = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const
  stdout.write(ENTER)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  const onKeys = (keys: string): void => live.press(keys)
  const onResize = (): void => live.resize()
  stdin.on('data', onKeys)
  stdout.on('resize', onResize)
  for (const signal of signals) process.once(signal, die)
  try {
    await live.loop()
  } finally {
    restore()
    stdin.off('data', onKeys)
    stdout.off('resize', onResize)
    stdin.pause()
    for (const signal of signals) process.off(signal, die)
    live.close()
  }
  if (live.last) process.stderr.write(`${live.last}\n`)
}

class Live {
  readonly #submission: Submission
  readonly #program: string
  readonly #screen = new Screen()
  /** What runs, as far as the keys told. */
  #running: string
  #session: Session | undefined
  #frame: Frame | undefined
  #speed = 1
  #paused = false
  /** One trap is asked for. */
  #step = false
  #restart = false
  #quit = false
  #shown = 0
  /** How many times it has booted since somebody asked for it. */
  #boot = 1
  /** When the machine, which has reset itself, boots again. */
  #bootAt: number | undefined
  /** The next key is a command (`typing`). */
  #command = false
  /** Keys and digits, in order, for before the next stretches. */
  #waiting: (() => void)[] = []
  #wake: (() => void) | undefined

  constructor(submission: Submission, program: string) {
    this.#submission = submission
    this.#program = program
    this.#running = program
  }
  /** What stopped the machine, if something did. */
  last: string | undefined

  async open(): Promise<void> {
    const { lab } = this.#submission
    this.#session = await openSession({ submission: this.#submission, config: lab.live.boot(this.#program) })
    this.#frame = await this.#session.run(0)
    this.last = undefined
  }
  close(): void {
    this.#session?.close()
  }

  /** Run as the wall clock goes, a frame at a time, until the user quits. */
  async loop(): Promise<void> {
    const { instructionsPerSecond } = this.#submission.lab.machine
    let before = performance.now()
    while (!this.#quit) {
      const now = performance.now()
      const seconds = Math.min(now - before, 4 * FRAME_MS) / 1000
      before = now
      await this.#advance(Math.round(seconds * instructionsPerSecond * this.#speed))
      this.#draw()
      await this.#pause(before + FRAME_MS - performance.now())
    }
  }
  async #advance(instructions: number): Promise<void> {
    if (this.#restart) await this.#again(1)
    if (this.#bootAt !== undefined && !this.#paused && performance.now() >= this.#bootAt)
      await this.#again(this.#boot + 1)
    if (this.#over()) this.#waiting = []
    const step = this.#step
    this.#step = false
    if (this.#over() || (this.#paused && !step)) return
    for (const action of this.#waiting.splice(0, KEYS_AT_ONCE)) action()
    const { instructionsPerSecond } = this.#submission.lab.machine
    if (step) this.#hear(await this.#session?.run(instructionsPerSecond, 'trap'))
    else this.#hear(await this.#session?.run(instructions))
  }
  #hear(frame: Frame | undefined): void {
    if (!frame) return
    this.#frame = frame
    const { boots = 1 } = this.#submission.lab.live
    const words = stopWords(frame.stop)
    if (words) this.last = plain(frame.stop.reason === 'reset' ? bootWords(words, this.#boot, boots) : words)
    if (frame.stop.reason === 'reset' && this.#boot < boots) this.#bootAt = performance.now() + REBOOT_MS
  }
  /** Nothing will move the machine again but another boot. */
  #over(): boolean {
    const reason = this.#frame?.stop.reason
    return reason !== undefined && FOR_GOOD.has(reason)
  }
  async #again(boot: number): Promise<void> {
    this.#restart = false
    this.#bootAt = undefined
    this.#boot = boot
    this.#running = this.#program
    this.close()
    await this.open()
  }
  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, milliseconds))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  press(input: string): void {
    for (const key of keysOf(input)) this.#key(key)
    this.#wake?.()
  }
  #key(key: string): void {
    const command = this.#command || !this.#submission.lab.live.typing
    this.#command = !command && key === COMMAND
    if (command) this.#obey(key)
    else if (key !== COMMAND) this.#type(key)
  }
  #obey(key: string): void {
    const { live } = this.#submission.lab
    if (key === 'q' || key === '\x03') this.#quit = true
    else if (key === 'p') this.#paused = !this.#paused
    else if (key === '+' || key === '=') this.#speed = Math.min(FASTEST, this.#speed * 2)
    else if (key === '-') this.#speed = Math.max(SLOWEST, this.#speed / 2)
    else if (key === 'r') this.#restart = true
    else if (key === '.') {
      this.#paused = true
      this.#step = true
    } else if (live.shown && /^\d$/.test(key)) this.#show(Number(key))
    else if (!live.typing) this.#type(key)
  }
  #show(digit: number): void {
    const words = this.#submission.lab.live.shown?.(digit) ?? []
    this.#shown = digit
    this.#waiting.push(() => {
      for (const { address, value } of words) this.#session?.poke(address, value)
    })
  }
  #type(key: string): void {
    const name = keyName(key)
    if (name === undefined) return
    if (!this.#over()) this.last = undefined // a kernel that has panicked may take this key and start again
    this.#running = this.#submission.lab.live.keys.find((each) => each.key === key)?.does ?? this.#running
    this.#waiting.push(() => this.#session?.key(name))
  }
  resize(): void {
    this.#screen.forget()
    process.stdout.write('\x1b[2J')
    this.#draw()
  }

  #draw(): void {
    const { columns = COLUMNS, rows = ROWS + 1 } = process.stdout
    if (columns < COLUMNS || rows <= ROWS) {
      this.#screen.forget()
      process.stdout.write(
        `\x1b[0m\x1b[H\x1b[2JThe screen needs ${COLUMNS} columns and ${ROWS + 1} rows; here are ${columns} and ${rows}.`,
      )
    } else if (this.#frame)
      process.stdout.write(this.#screen.update(this.#frame, this.#status(columns, rows - ROWS)))
  }
  /** The lines below the screen: time and speed; what stopped the machine; the keys. */
  #status(width: number, room: number): string[] {
    const { lab } = this.#submission
    const { typing, boots = 1 } = lab.live
    const time = this.#frame?.time ?? 0
    const state = this.#state()
    const parts = [
      `${(time / lab.machine.instructionsPerSecond).toFixed(2).padStart(7)} s`,
      `tick ${Math.floor(time / lab.live.instructionsPerTick)}`,
      `speed ${this.#speed >= 1 ? this.#speed : `1/${1 / this.#speed}`}`,
      state,
      this.#running,
      ...(this.#shown ? [`process ${this.#shown}`] : []),
      ...(this.#boot > 1 ? [`boot ${this.#boot} of ${boots}`] : []),
    ]
    const first = parts.join('   ')
    if (room === 1) return [(this.last ? `${state}: ${this.last}` : first).slice(0, width - 1)]
    // where all keys are typed nobody finds the way out alone
    const always = typing ? 1 : 0
    const why = this.last ? fold(this.last, width - 1, room - 1 - always) : []
    const help = why.length < room - 1 ? fold(this.#help(), width - 1, 1) : []
    return [first.slice(0, width - 1), ...why, ...help]
  }
  #state(): string {
    if (this.#over() && this.#bootAt === undefined) return 'stopped'
    if (this.#paused) return 'paused'
    return this.#over() ? 'boots again' : 'running'
  }
  #help(): string {
    const { keys, shown, typing } = this.#submission.lab.live
    const commands = ['p pause', '. trap', ...(shown ? ['1-9 show'] : []), '+- speed', 'r again', 'q quit']
    const lead = this.#command ? 'command?' : 'Ctrl-] then:'
    return [...(typing ? [lead] : []), ...keys.map(({ key, does }) => `${key} ${does}`), ...commands].join(
      '  ',
    )
  }
}

/** Only another boot goes on after these. */
const FOR_GOOD: ReadonlySet<Frame['stop']['reason']> = new Set<Frame['stop']['reason']>([
  'reset',
  'exit',
  'hang',
  'deadlock',
  'error',
])
