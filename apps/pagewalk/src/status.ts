// The lines under the machine's screen: time and speed, what stopped it, what a step's map must show, the keys.

import type { Lab } from '@pagewalk/grader'
import type { Player } from './player.ts'
import { fold } from './screen.ts'

export interface StatusAsked {
  readonly player: Player
  /** The step whose expectation is shown. */
  readonly step?: string
  /** The next key is a command, where all keys are typed. */
  readonly command: boolean
  readonly width: number
  /** So many rows of the screen have no room. */
  readonly above: number
}

/**
 * @param room  the most lines
 * @param extra  so many of them may be used for what is good to know, but can be asked for
 */
export function statusLines(asked: StatusAsked, room: number, extra: number): string[] {
  const { player, step, width } = asked
  const { trouble, frame } = player
  const { expects = {} } = player.submission.lab.live
  const first = firstLine(asked)
  // a machine that does not start has its story above
  const why = trouble && frame ? fold(trouble.words, width - 1) : []
  if (room === 1 && why.length > 0) return [cut(`${player.state} (w why): ${trouble!.words}`, width)]
  const shownWhy = why.slice(0, room - 1)
  let left = room - 1 - shownWhy.length
  const expected = step === undefined ? [] : expectation(`Step ${step}: ${expects[step]}`, width - 1, left)
  left -= expected.length
  const help = left > 0 ? [helpLine(asked)] : []
  left -= help.length
  const details = why.length > 0 ? (trouble?.details ?? []) : []
  const shownDetails = details.slice(0, Math.max(0, Math.min(extra, left)))
  return [first, ...shownWhy, ...shownDetails, ...expected, ...help].map((line) => cut(line, width))
}
/** As many of its sentences as there is room for; the help page has them all. */
function expectation(text: string, width: number, room: number): string[] {
  const sentences = text.split(/(?<=\.) /)
  const parts = sentences.map((_, n) => fold(sentences.slice(0, n + 1).join(' '), width))
  return parts.findLast((lines) => lines.length <= room) ?? []
}
/** The last column stays free: some terminals would go on to the next line. */
const cut = (line: string, width: number): string => line.slice(0, width - 1)

function firstLine({ player, step, width, above }: StatusAsked): string {
  const { submission, frame, speed, state, running, shown, boot } = player
  const { live, machine } = submission.lab
  const time = frame?.time ?? 0
  const parts = [
    live.typing ? 'Ctrl-] ? keys' : '? keys', // first: nobody finds the way out alone
    ...(above > 0 ? [`${above} ${above === 1 ? 'row is' : 'rows are'} above`] : []),
    `${(time / machine.instructionsPerSecond).toFixed(2).padStart(6)} s`,
    `tick ${Math.floor(time / live.instructionsPerTick)}`,
    `speed ${speed >= 1 ? speed : `1/${1 / speed}`}`,
    state,
    running,
    ...(shown ? [`process ${shown}`] : []),
    ...(boot > 1 ? [`boot ${boot} of ${live.boots ?? 1}`] : []),
    ...(step === undefined ? [] : [`step ${step}`]),
  ]
  return fitting(parts, '   ', width)
}

interface Command {
  readonly key: string
  readonly does: string
  /** In a few letters, for the line. */
  readonly short?: string
}
/** What the keys do that are no keys of the machine's, the most wanted first. */
export function commandsOf({ live }: Lab): Command[] {
  return [
    { key: '?', does: 'or h: this page', short: 'keys' },
    { key: 'q', does: 'quit' },
    { key: 'p', does: 'pause, or go on', short: 'pause' },
    { key: '.', does: 'run to the next trap, and pause', short: 'trap' },
    ...(live.shown
      ? [{ key: '1-9', does: 'show the address space of that process; 0: all in turn', short: 'show' }]
      : []),
    { key: 'x', does: 'the walk of an address, in words', short: 'walk' },
    { key: 'w', does: 'why it stopped: the whole story, and the stack', short: 'why' },
    ...(live.expects
      ? [{ key: 's', does: 'what the screen must show after the next step', short: 'step' }]
      : []),
    { key: '+-', does: 'faster, slower', short: 'speed' },
    { key: 'r', does: 'boot again', short: 'again' },
  ]
}
function helpLine({ player, command, width }: StatusAsked): string {
  const { lab } = player.submission
  const lead = lab.live.typing ? [command ? 'command?' : 'Ctrl-] then:'] : []
  const commands: readonly Command[] = player.frame
    ? [...commandsOf(lab).slice(0, 2), ...lab.live.keys, ...commandsOf(lab).slice(2)]
    : commandsOf(lab).filter(({ key }) => 'qr'.includes(key))
  return fitting([...lead, ...commands.map(({ key, short, does }) => `${key} ${short ?? does}`)], '  ', width)
}
/** As many of the parts as there is room for. */
function fitting(parts: readonly string[], gap: string, width: number): string {
  let line = parts[0] ?? ''
  for (const part of parts.slice(1))
    if (line.length + gap.length + part.length < width) line += `${gap}${part}`
  return line
}

/** What a step's screen must show, all keys, and what the screen's signs mean. @param step  which one, if any */
export function helpPage(lab: Lab, step: string | undefined): string[] {
  const { keys, legend = [], typing, expects = {} } = lab.live
  const line = ({ key, does }: Command): string => `  ${key.padEnd(5)} ${does}`
  return [
    ...(step === undefined ? [] : [`Step ${step}: ${expects[step]}`, '']),
    ...(legend.length > 0 ? ['The screen:', ...legend.map((each) => `  ${each}`), ''] : []),
    typing ? 'Keys, behind Ctrl-]; all others are typed into the machine:' : 'Keys:',
    ...commandsOf(lab).map(line),
    ...(keys.length > 0 ? ['The machine takes:', ...keys.map(line)] : []),
  ]
}
