// The live screen: a machine in a capsule, driven by the wall clock, on an alternate screen of the terminal.

import { type Frame, openSession, plain, type Session, type Submission } from '@pagewalk/grader'
import { stopWords } from './run.ts'
import { COLUMNS, ENTER, fold, LEAVE, ROWS, Screen } from './screen.ts'

const FRAME_MS = 40
const SLOWEST = 1 / 64
const FASTEST = 64

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
  /** Keys and digits, in order, for before the next stretch. */
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
    if (this.#restart) await this.#again()
    for (const action of this.#waiting.splice(0)) action()
    const { instructionsPerSecond } = this.#submission.lab.machine
    if (this.#step) this.#hear(await this.#session?.run(instructionsPerSecond, 'trap'))
    else if (!this.#paused && !this.#over()) this.#hear(await this.#session?.run(instructions))
    this.#step = false
  }
  #hear(frame: Frame | undefined): void {
    if (!frame) return
    this.#frame = frame
    const words = stopWords(frame.stop)
    if (words) this.last = plain(words)
  }
  /** Nothing will move the machine again but a restart. */
  #over(): boolean {
    const reason = this.#frame?.stop.reason
    return reason === 'reset' || reason === 'exit' || reason === 'hang' || reason === 'error'
  }
  async #again(): Promise<void> {
    this.#restart = false
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

  press(keys: string): void {
    for (const key of keys.startsWith('\x1b') ? [keys] : keys) this.#key(key)
    this.#wake?.()
  }
  #key(key: string): void {
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
    else this.#type(key)
  }
  #show(digit: number): void {
    const words = this.#submission.lab.live.shown?.(digit) ?? []
    this.#shown = digit
    this.#waiting.push(() => {
      for (const { address, value } of words) this.#session?.poke(address, value)
    })
  }
  #type(key: string): void {
    const name = KEY_NAMES.get(key) ?? key
    if (!/^([ -~]|[A-Z][A-Za-z]+)$/.test(name)) return
    this.last = undefined // a kernel that has panicked may take this key and start again
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
    const time = this.#frame?.time ?? 0
    const state = this.#over() ? 'stopped' : this.#paused ? 'paused' : 'running'
    const parts = [
      `${(time / lab.machine.instructionsPerSecond).toFixed(2).padStart(7)} s`,
      `tick ${Math.floor(time / lab.live.instructionsPerTick)}`,
      `speed ${this.#speed >= 1 ? this.#speed : `1/${1 / this.#speed}`}`,
      state,
      this.#running,
      ...(this.#shown ? [`process ${this.#shown}`] : []),
    ]
    const first = parts.join('   ')
    const keys = [
      ...lab.live.keys.map(({ key, does }) => `${key} ${does}`),
      'p pause',
      '. trap',
      '1-9 show',
      '+- speed',
      'r again',
      'q quit',
    ]
    if (room === 1) return [(this.last ? `${state}: ${this.last}` : first).slice(0, width - 1)]
    const why = this.last ? fold(this.last, width - 1, room - 1) : []
    const help = why.length < room - 1 ? fold(keys.join('  '), width - 1, 1) : []
    return [first.slice(0, width - 1), ...why, ...help]
  }
}

/** What a terminal sends -> the key of the emulated keyboard. */
const KEY_NAMES: ReadonlyMap<string, string> = new Map([
  ['\r', 'Enter'],
  ['\x7f', 'Backspace'],
  ['\t', 'Tab'],
  ['\x1b', 'Escape'],
  ['\x1b[A', 'ArrowUp'],
  ['\x1b[B', 'ArrowDown'],
  ['\x1b[C', 'ArrowRight'],
  ['\x1b[D', 'ArrowLeft'],
])
