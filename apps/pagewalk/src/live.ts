// The live screen: a machine that plays by the wall clock, keys that are commands or typed into it, and pages over it.

import { plain, type Submission, SubmissionError } from '@pagewalk/grader'
import { COMMAND, keysOf } from './keys.ts'
import { folded, Page } from './page.ts'
import { type LogReader, Player, type Trouble } from './player.ts'
import { AddressPrompt } from './prompt.ts'
import { blankRows, type Cells, COLUMNS, LEAST_HEIGHT, ROWS, rowsOf, Screen, visibleRows } from './screen.ts'
import { helpPage, type StatusAsked, statusLines } from './status.ts'
import { colourWanted } from './terminal.ts'
import { onTerminal } from './tty.ts'
import { type AskedSpace, currentSpace, findWalk } from './walk.ts'
import { walkWords } from './walk-words.ts'
import type { SavedFiles } from './watch.ts'

const FRAME_MS = 40
/** After a pause the machine does not catch up with the wall clock. */
const LONGEST_MS = 4 * FRAME_MS

export interface LiveOptions {
  readonly submission: Submission
  readonly program: string
  /** The step whose expectation is shown at first. */
  readonly step?: string
  readonly log?: LogReader
  /** Boot again when these are saved. */
  readonly saved?: SavedFiles
}

/**
 * @returns when the user quits
 * @throws SubmissionError if it does not load or boot, and nobody watches for a better one
 */
export async function live(options: LiveOptions): Promise<void> {
  const { submission, program, log, saved } = options
  const player = new Player(submission, program, log)
  const view = new Live(player, options)
  const leaving = new AbortController()
  try {
    await (saved ? player.start() : player.open())
    await onTerminal(view, async () => {
      const watching = saved && view.follow(saved, leaving.signal)
      await view.loop()
      leaving.abort()
      await watching
    })
  } finally {
    leaving.abort()
    player.close()
  }
  if (player.trouble) process.stderr.write(`${player.trouble.words}\n`)
}

class Live {
  readonly #player: Player
  readonly #steps: readonly string[]
  readonly #screen: Screen
  #step: string | undefined
  #page: Page | undefined
  #prompt: AddressPrompt | undefined
  /** The walk that is asked for; `behind`: in the address space behind this one. */
  #asked: { readonly va: bigint; readonly behind?: AskedSpace } | undefined
  /** The walk that the page tells. */
  #told: { readonly va: bigint; readonly space: AskedSpace } | undefined
  /** The next key is a command (`typing`). */
  #command = false
  #quit = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(player: Player, { submission, step }: LiveOptions) {
    this.#player = player
    this.#steps = Object.keys(submission.lab.live.expects ?? {})
    this.#screen = new Screen(colourWanted())
    this.#step = step
  }

  /** Run as the wall clock goes, a frame at a time, until the user quits. */
  async loop(): Promise<void> {
    for (let before = performance.now(); !this.#quit; ) {
      const now = performance.now()
      const seconds = Math.min(now - before, LONGEST_MS) / 1000
      before = now
      await this.#player.advance(seconds)
      if (this.#asked) await this.#tellWalk(this.#asked.va, this.#asked.behind)
      if (this.#failure) throw this.#failure.error
      this.#draw()
      await this.#pause(before + FRAME_MS - performance.now())
    }
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
  /** Boot again whenever the files have been saved. */
  async follow(saved: SavedFiles, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#player.replace(await saved.next(signal))
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof SubmissionError)) return this.failed(error)
        this.#player.fail(error)
      }
    }
  }

  keys(input: string): void {
    for (const key of keysOf(input)) this.#press(key)
    this.#wake?.()
  }
  resized(): void {
    this.#screen.forget()
    this.#draw()
  }
  ended(): void {
    this.#quit = true
    this.#player.close()
    this.#wake?.()
  }
  failed(error: unknown): void {
    this.#failure ??= { error }
    this.ended()
  }

  #press(key: string): void {
    if (this.#prompt) this.#answer(this.#prompt, key)
    else if (this.#page) this.#turn(this.#page, key)
    else {
      const { typing } = this.#player.submission.lab.live
      const command = this.#command || !typing || !this.#player.frame
      this.#command = !command && key === COMMAND
      if (command) this.#obey(key)
      else if (key !== COMMAND) this.#player.type(key)
    }
  }
  #answer(prompt: AddressPrompt, key: string): void {
    const answer = prompt.press(key)
    if (answer === undefined) return
    this.#prompt = undefined
    if (answer !== 'none') this.#asked = { va: answer }
  }
  #turn(page: Page, key: string): void {
    if (page.press(key)) return
    this.#page = undefined
    if (key === '\t' && this.#told) this.#asked = { va: this.#told.va, behind: this.#told.space }
    this.#told = undefined
  }
  #obey(key: string): void {
    const player = this.#player
    const { shown, typing } = player.submission.lab.live
    const command = COMMANDS.get(key)
    if (command) command(player)
    else if (key === 'q' || key === '\x03') this.ended()
    else if (key === '?' || key === 'h')
      this.#page = new Page(folded(helpPage(player.submission.lab, this.#step)))
    else if (key === 'w') this.#page = new Page(troubleLines(player.trouble))
    else if (key === 'x') this.#prompt = new AddressPrompt()
    else if (key === 's' && this.#steps.length > 0) this.#nextStep()
    else if (shown && /^\d$/.test(key)) player.show(Number(key))
    else if (!typing) player.type(key)
  }
  /** After the last one there is none. */
  #nextStep(): void {
    const at = this.#step === undefined ? -1 : this.#steps.indexOf(this.#step)
    this.#step = this.#steps[at + 1]
  }
  /** In the space of the process that is shown, else in the CPU's own, or in the one behind `behind`. */
  async #tellWalk(va: bigint, behind: AskedSpace | undefined): Promise<void> {
    this.#asked = undefined
    const { shown, submission } = this.#player
    const image = await this.#player.image()
    if (!image) return
    const view = submission.lab.view(image)
    const { spaces } = view
    const chosen = spaces.find(({ pid }) => shown !== 0 && pid === shown) ?? currentSpace(view)
    const at = spaces.findIndex(({ id }) => id === behind?.id)
    const space = behind ? (spaces[(at + 1) % spaces.length] ?? chosen) : chosen
    const found = findWalk(image, view, space, { va, access: 'read', ring: 3 })
    const title = spaces.length > 1 ? ['Tab: the same address in the next address space', ''] : []
    this.#page = new Page([...title, ...walkWords(found, space.tables)])
    this.#told = { va, space }
  }

  #draw(): void {
    const { columns = COLUMNS, rows = ROWS + 1 } = process.stdout
    if (columns < COLUMNS || rows < LEAST_HEIGHT) {
      this.#screen.forget()
      process.stdout.write(
        `\x1b[0m\x1b[H\x1b[2JThe screen needs ${COLUMNS} columns and ${LEAST_HEIGHT} rows; here are ${columns} and ${rows}.`,
      )
    } else process.stdout.write(this.#drawn(columns, rows))
  }
  /** @returns the bytes to write */
  #drawn(width: number, height: number): string {
    if (this.#page) {
      const cells = this.#page.cells(height - 1)
      return this.#screen.update(cells, [this.#page.status])
    }
    const { frame } = this.#player
    if (frame) return this.#framed(frame, width, height)
    const story = new Page(troubleLines(this.#player.trouble))
    return this.#screen.update(story.cells(height - 2), this.#status({ width, above: 0 }, 2, 0))
  }
  /** The machine's screen, and below it as much as there is room for where it says nothing. */
  #framed(frame: Cells, width: number, height: number): string {
    const busy = ROWS - blankRows(frame).length
    const room = Math.max(1, height - busy)
    const lines = this.#status({ width, above: Math.max(0, busy + room - height) }, room, height - ROWS)
    const shown = visibleRows(frame, height - lines.length)
    return this.#screen.update(rowsOf(frame, shown), lines)
  }
  #status(place: Pick<StatusAsked, 'width' | 'above'>, room: number, extra: number): string[] {
    if (this.#prompt) return [this.#prompt.line]
    const step = this.#step === undefined ? {} : { step: this.#step }
    return statusLines({ player: this.#player, command: this.#command, ...step, ...place }, room, extra)
  }
}

/** Commands to the machine. */
const COMMANDS: ReadonlyMap<string, (player: Player) => void> = new Map([
  ['p', (player) => player.pause()],
  ['.', (player) => player.step()],
  ['+', (player) => player.faster()],
  ['=', (player) => player.faster()],
  ['-', (player) => player.slower()],
  ['r', (player) => player.restart()],
])
const troubleLines = (trouble: Trouble | undefined): string[] =>
  trouble ? [...folded([plain(trouble.words)]), '', ...trouble.details] : ['Nothing has stopped it.']
