// A channel between two threads that take turns: the machine's and the kernel's. Who calls the other side waits until it has
// answered; it may be called itself meanwhile, any number of times one inside the other. So one side runs at a time, always, and a
// run is the same run every time.
//
//     0x000  whose turn it is, what is called, how it ended, the lengths of two texts: 32-bit words
//     0x020  what both sides know: time, CPU, CPUs, whether the machine has stopped
//     0x040  numbers: arguments and results     0x080  words: the same, as 64-bit integers
//     0x200  the two texts, one behind the other, in UTF-16
//
// The machine's side believes nothing that it finds here, and no call of the kernel's can make it leave the bounds of the buffer.

const [TURN, OP, OUTCOME, TEXT_LENGTHS] = [0, 1, 2, 3] as const
const [TIME, CPU, CPUS, STOPPED] = [0, 1, 2, 3] as const
const [KNOWN_AT, NUMBERS_AT, WORDS_AT, TEXT_AT] = [0x20, 0x40, 0x80, 0x200] as const
const NUMBERS = 8
const WORDS = 40
/** The longest texts, in UTF-16 code units: both together. */
const TEXT_UNITS = 0x1_8000
export const CHANNEL_BYTES: number = TEXT_AT + 2 * TEXT_UNITS

/** In the place of a call's number: no call, but the answer to the last one. */
const ANSWER = 0
/** How a call ended. Two texts tell what was thrown. */
export const Outcome = { done: 0, unwound: 1, threw: 2, passed: 3 } as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

export const Side = { machine: 0, kernel: 1 } as const
export type Side = (typeof Side)[keyof typeof Side]

// Taken before anybody else's code can touch them, or take them away.
const { load, store, notify, wait } = Atomics
const { apply } = Reflect
const { fromCharCode } = String

/**
 * Turns are short: the other side is often done before a thread has gone to sleep, let alone been woken. So often a thread looks
 * first; where that did not help, since the two have one CPU between them, it only sleeps for the next so many turns.
 */
const LOOKS = 20_000
const LOOKLESS_TURNS = 100
/** So long the thread sleeps before `idle` is called, in milliseconds. */
const SLEEP_MS = 50
/** As many arguments on the stack as the channel needs room: whoever calls with less has called nothing. */
const ROOM: readonly undefined[] = Array.from({ length: 1024 }, () => undefined)
const nothing = (): void => {}

export class Channel {
  readonly numbers: Float64Array
  readonly words: BigUint64Array
  /** What the calls of the other side do. Arguments and results are in numbers, words and texts. @returns how it ended */
  answer: (op: number) => Outcome = () => Outcome.threw
  /** Called now and then while the other side works: to throw is to give up. */
  idle: () => void = nothing
  readonly #known: Float64Array
  readonly #head: Int32Array
  readonly #text: Uint16Array
  readonly #side: Side
  #lookless = 0

  /** @param buffer  CHANNEL_BYTES, the same for both sides; the machine's side comes first, before the kernel's thread begins */
  constructor(buffer: SharedArrayBuffer, side: Side) {
    this.#head = new Int32Array(buffer, 0, KNOWN_AT / 4)
    this.#known = new Float64Array(buffer, KNOWN_AT, 4)
    this.numbers = new Float64Array(buffer, NUMBERS_AT, NUMBERS)
    this.words = new BigUint64Array(buffer, WORDS_AT, WORDS)
    this.#text = new Uint16Array(buffer, TEXT_AT, TEXT_UNITS)
    this.#side = side
    if (side === Side.machine) store(this.#head, TURN, Side.kernel)
  }

  get time(): number {
    return this.#known[TIME]!
  }
  set time(time: number) {
    this.#known[TIME] = time
  }
  get cpu(): number {
    return this.#known[CPU]!
  }
  get cpus(): number {
    return this.#known[CPUS]!
  }
  get stopped(): boolean {
    return this.#known[STOPPED] !== 0
  }
  /** The machine's side tells the other how things are. */
  know(time: number, cpu: number, cpus: number, stopped: boolean): void {
    this.#known[TIME] = time
    this.#known[CPU] = cpu
    this.#known[CPUS] = cpus
    this.#known[STOPPED] = stopped ? 1 : 0
  }

  /** Put two texts where the other side finds them; what is too long is cut. */
  say(first: string, second = ''): void {
    const from = this.#put(TEXT_LENGTHS, first, 0)
    this.#put(TEXT_LENGTHS + 1, second, from)
  }
  #put(slot: number, text: string, from: number): number {
    const length = Math.min(text.length, TEXT_UNITS - from)
    for (let i = 0; i < length; i++) this.#text[from + i] = text.charCodeAt(i)
    this.#head[slot] = length
    return from + length
  }
  /** What the other side has said. */
  texts(): [string, string] {
    const first = bounded(this.#head[TEXT_LENGTHS]!, TEXT_UNITS)
    const second = bounded(this.#head[TEXT_LENGTHS + 1]!, TEXT_UNITS - first)
    return [this.#textAt(0, first), this.#textAt(first, first + second)]
  }
  #textAt(from: number, to: number): string {
    let text = ''
    for (let at = from; at < to; at += 0x1000)
      text += apply(
        fromCharCode,
        undefined,
        this.#text.slice(at, Math.min(to, at + 0x1000)) as never,
      ) as string
    return text
  }

  /**
   * Call the other side, and answer what it calls meanwhile.
   *
   * @param op  not 0
   * @throws RangeError if the stack has no room: then nothing has been called. What `idle` throws
   */
  call(op: number): Outcome {
    apply(nothing, undefined, ROOM)
    this.#head[OP] = op
    this.#pass()
    return this.#attend()
  }
  /** The kernel's thread is ready: it answers calls until it is ended. */
  serve(): never {
    for (;;) {
      this.#pass()
      this.#attend()
    }
  }
  /** Wait until the kernel's thread serves. */
  open(): void {
    this.#await()
  }

  /** It is this side's turn: answer, until what has come is an answer. */
  #attend(): Outcome {
    for (let op = this.#head[OP]!; op !== ANSWER; op = this.#head[OP]!) {
      const outcome = this.#answered(op)
      this.#head[OP] = ANSWER
      this.#head[OUTCOME] = outcome
      this.#pass()
    }
    return this.#head[OUTCOME] as Outcome
  }
  #answered(op: number): Outcome {
    try {
      apply(nothing, undefined, ROOM)
    } catch {
      this.say('RangeError: Maximum call stack size exceeded')
      return Outcome.threw
    }
    return this.answer(op)
  }
  #pass(): void {
    store(this.#head, TURN, 1 - this.#side)
    notify(this.#head, TURN, 1)
    this.#await()
  }
  #await(): void {
    if (this.#sees()) return
    const head = this.#head
    const other = 1 - this.#side
    while (load(head, TURN) !== this.#side) if (wait(head, TURN, other, SLEEP_MS) === 'timed-out') this.idle()
  }
  /** Is it this side's turn, soon? */
  #sees(): boolean {
    if (this.#lookless > 0) {
      this.#lookless--
      return false
    }
    const head = this.#head
    for (let i = 0; i < LOOKS; i++) if (load(head, TURN) === this.#side) return true
    this.#lookless = LOOKLESS_TURNS
    return false
  }
}
const bounded = (length: number, most: number): number => Math.max(0, Math.min(length, most))
