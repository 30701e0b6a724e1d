// A submission's machine as `run` plays it: in a capsule, as fast as the wall clock goes, or slower, faster, a trap at a time.

import {
  DEFAULT_LIMITS,
  type Frame,
  openSession,
  plain,
  type Session,
  type Submission,
  SubmissionError,
  stopWords,
  type WatchedFrame,
} from '@pagewalk/grader'
import { FOR_GOOD, type MachineImage } from '@pagewalk/machine'
import { keyName } from './keys.ts'

const SLOWEST = 1 / 64
const FASTEST = 64
/** How long a reset is shown before the machine boots again. */
const REBOOT_MS = 1000
/** The emulated keyboard keeps 64 scan codes; a key takes up to four. What was pasted comes in portions. */
const KEYS_AT_ONCE = 8

/** What stopped the machine, or kept it from starting. */
export interface Trouble {
  readonly words: string
  /** The place in the student's file and the stack, a line each. */
  readonly details: readonly string[]
}
export type State = 'running' | 'paused' | 'stopped' | 'boots again' | 'does not start'
/** Told what comes out of the log port; `clear`: another run begins. */
export interface LogReader {
  add(text: string): void
  clear(): void
}

export class Player {
  readonly #log: LogReader | undefined
  #submission: Submission
  /** What it boots. */
  #program: string
  /** What runs, as far as the keys told. */
  #running: string
  #session: Session | undefined
  #frame: WatchedFrame | undefined
  #trouble: Trouble | undefined
  #speed = 1
  #paused = false
  /** One trap is asked for. */
  #step = false
  /** The digit of the process that is shown; 0: all in turn. */
  #shown = 0
  /** How many times it has booted since somebody asked for it. */
  #boot = 1
  #restart = false
  /** When the machine, which has reset itself, boots again. */
  #bootAt = Number.POSITIVE_INFINITY
  #closing = new AbortController()
  /** Keys and digits, in order, for before the next stretches. */
  #waiting: ((session: Session) => void)[] = []

  constructor(submission: Submission, program: string, log?: LogReader) {
    this.#submission = submission
    this.#program = program
    this.#running = program
    this.#log = log
  }
  get submission(): Submission {
    return this.#submission
  }
  get running(): string {
    return this.#running
  }
  get speed(): number {
    return this.#speed
  }
  get shown(): number {
    return this.#shown
  }
  get boot(): number {
    return this.#boot
  }
  /** The last screen; none if the machine has not started. */
  get frame(): Frame | undefined {
    return this.#frame
  }
  get trouble(): Trouble | undefined {
    return this.#trouble
  }
  get state(): State {
    if (this.#restart) return 'boots again'
    if (!this.#frame) return 'does not start'
    if (this.#over && !Number.isFinite(this.#bootAt)) return 'stopped'
    if (this.#paused) return 'paused'
    return this.#over ? 'boots again' : 'running'
  }
  /** Nothing will move the machine again but another boot. */
  get #over(): boolean {
    const reason = this.#frame?.stop.reason
    return !this.#session || (reason !== undefined && FOR_GOOD.has(reason))
  }

  /** @throws SubmissionError if it does not load or boot */
  async open(): Promise<void> {
    const submission = this.#submission
    const { live } = submission.lab
    this.#closing = new AbortController()
    const boot = { submission, config: live.boot(this.#program) }
    this.#session = await openSession(boot, DEFAULT_LIMITS, this.#closing.signal)
    this.#trouble = undefined
    this.#hear(await this.#session.run(0))
  }
  /** The same; what is wrong becomes the trouble. */
  async start(): Promise<void> {
    await this.#guarded(() => this.open())
  }
  /** Also while it boots, or runs. */
  close(): void {
    this.#closing.abort()
    this.#session = undefined
  }
  /** Let time pass. */
  async advance(seconds: number): Promise<void> {
    if (this.#restart) await this.#again(1)
    else if (!this.#paused && performance.now() >= this.#bootAt) await this.#again(this.#boot + 1)
    const session = this.#session
    if (this.#over) this.#waiting = []
    const step = this.#step
    this.#step = false
    if (!session || this.#over || (this.#paused && !step)) return
    for (const action of this.#waiting.splice(0, KEYS_AT_ONCE)) action(session)
    if (this.#shown) this.#poke(session, this.#shown) // each time: the process may not be there yet
    const { instructionsPerSecond } = this.#submission.lab.machine
    const instructions = Math.round(seconds * instructionsPerSecond * this.#speed)
    await this.#guarded(async () =>
      this.#hear(await (step ? session.run(instructionsPerSecond, 'trap') : session.run(instructions))),
    )
  }
  /** The machine's state; undefined if there is none any more. */
  async image(): Promise<MachineImage | undefined> {
    let image: MachineImage | undefined
    await this.#guarded(async () => {
      image = await this.#session?.image()
    })
    return image
  }
  /** A capsule that had to be ended: the student's file is what is wrong, and a later one may be right. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof SubmissionError)) throw error
      if (this.#closing.signal.aborted) return // nobody waits for it any more
      this.close()
      this.#trouble = { words: plain(error.message), details: error.details }
    }
  }
  #hear(frame: WatchedFrame): void {
    this.#frame = frame
    this.#log?.add(frame.log)
    const { boots = 1 } = this.#submission.lab.live
    const { reason } = frame.stop
    const words = stopWords(frame.stop)
    if (words === undefined) return
    const told = plain(reason === 'reset' ? bootWords(words, this.#boot, boots) : words)
    this.#trouble = { words: told, details: frame.details }
    if (reason === 'reset' && this.#boot < boots) this.#bootAt = performance.now() + REBOOT_MS
  }
  async #again(boot: number): Promise<void> {
    this.close()
    this.#restart = false
    this.#bootAt = Number.POSITIVE_INFINITY
    this.#boot = boot
    this.#running = this.#program
    this.#frame = undefined
    this.#waiting = []
    if (boot === 1) this.#log?.clear()
    await this.start()
  }

  /** Another version of the submission: it boots what ran. */
  replace(submission: Submission): void {
    this.#submission = submission
    if (submission.lab.live.programs.includes(this.#running)) this.#program = this.#running
    this.close() // it may be in a loop that does not end
    this.#restart = true
  }
  /** There is no version of it any more that could run. */
  fail(error: SubmissionError): void {
    this.close()
    this.#frame = undefined
    this.#trouble = { words: plain(error.message), details: [] }
  }
  restart(): void {
    this.#restart = true
  }
  pause(): void {
    this.#paused = !this.#paused
  }
  /** Run to the next trap, and stand still there. */
  step(): void {
    this.#paused = true
    this.#step = true
  }
  faster(): void {
    this.#speed = Math.min(FASTEST, this.#speed * 2)
  }
  slower(): void {
    this.#speed = Math.max(SLOWEST, this.#speed / 2)
  }
  show(digit: number): void {
    this.#shown = digit
    this.#waiting.push((session) => this.#poke(session, digit))
  }
  #poke(session: Session, digit: number): void {
    for (const { address, value } of this.#submission.lab.live.shown?.(digit) ?? [])
      session.poke(address, value)
  }
  /** Press a key, as a terminal sends it; one that the emulated keyboard has not is ignored. */
  type(key: string): void {
    const name = keyName(key)
    if (name === undefined) return
    if (!this.#over) this.#trouble = undefined // a kernel that has panicked may take this key and start again
    this.#running = this.#submission.lab.live.keys.find((each) => each.key === key)?.does ?? this.#running
    this.#waiting.push((session) => session.key(name))
  }
}

/** Why the machine has reset itself, and in which of how many boots. The story is told once, in the last one. */
export function bootWords(words: string, boot: number, boots: number): string {
  if (boots === 1) return words
  return boot < boots
    ? `boot ${boot} of ${boots}: the machine reset itself, and boots again`
    : `boot ${boot} of ${boots}: ${words}`
}
