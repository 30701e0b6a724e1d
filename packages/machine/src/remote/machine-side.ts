// The machine's side of a channel: what the kernel's thread asks for is done by the machine itself, as if the kernel were here.
// What it says is not believed: an address, a number or a length that cannot be is an error that it is told.

import { Access } from '../cpu/state.ts'
import type { Hardware } from '../hardware.ts'
import { type Gates, type StackPoint, Unwind } from '../host.ts'
import type { Machine } from '../machine.ts'
import { messageOf, stackOf, Told } from '../stop.ts'
import { Ask, Call, takeHalt, takeStart } from './calls.ts'
import { type Channel, Outcome } from './channel.ts'

/** A wait's condition has thrown: the kernel's side knows what. */
class Passed extends Error {}

/**
 * From now on the thread at the other end of `channel` is ring 0 of `machine`.
 *
 * @param own  answers calls from OWN on; what it throws the kernel's side is told
 */
export function serveRing0(machine: Machine, channel: Channel, own: (op: number) => void = () => {}): void {
  const gates = new RemoteGates(machine, channel, own)
  channel.answer = (op) => gates.answer(op)
}

class RemoteGates implements Gates {
  stopLoop: StackPoint | undefined
  #resume: StackPoint | undefined
  /** The last stack of the kernel's that the machine has been told. */
  #stack = ''
  readonly #machine: Machine
  readonly #hardware: Hardware
  readonly #channel: Channel
  readonly #own: (op: number) => void

  constructor(machine: Machine, channel: Channel, own: (op: number) => void) {
    this.#machine = machine
    this.#hardware = machine.hostedBy(this)
    this.#channel = channel
    this.#own = own
    this.#know()
  }
  enter(number: number): boolean {
    const { numbers } = this.#channel
    numbers[0] = number
    const outcome = this.#call(Call.gate)
    const bound = numbers[0] !== 0
    this.#resume = this.#point(1)
    this.stopLoop = this.#point(2)
    if (outcome === Outcome.unwound) throw new Unwind()
    if (outcome !== Outcome.done) throw new Told(...this.#channel.texts())
    return bound
  }
  takeResume(): StackPoint | undefined {
    const taken = this.#resume
    this.#resume = undefined
    return taken
  }
  #point(slot: number): StackPoint | undefined {
    const { numbers, words } = this.#channel
    return numbers[slot] === 0 ? undefined : { rip: words[slot * 2]!, rsp: words[slot * 2 + 1]! }
  }
  #call(op: number): Outcome {
    this.#know()
    const outcome = this.#channel.call(op)
    this.#hear()
    return outcome
  }
  #know(): void {
    const { time, cpu, cpus, stopped } = this.#hardware
    this.#channel.know(time, cpu, cpus, stopped)
  }
  /** Time has passed for what the kernel has done by itself. */
  #hear(): void {
    const passed = this.#channel.time - this.#hardware.time
    if (Number.isSafeInteger(passed) && passed > 0) this.#hardware.addTime(passed)
  }

  answer(op: number): Outcome {
    this.#hear()
    const outcome = this.#tried(op)
    this.#know()
    return outcome
  }
  #tried(op: number): Outcome {
    try {
      if (op === Ask.unwound) this.#unwound()
      else if (op === Ask.wait) this.#wait()
      else this.#perform(op)
      return Outcome.done
    } catch (thrown) {
      if (Unwind.is(thrown)) return Outcome.unwound
      if (thrown instanceof Passed) return Outcome.passed
      this.#channel.say(messageOf(thrown instanceof Error ? thrown.message : thrown))
      return Outcome.threw
    }
  }
  #perform(op: number): void {
    const hardware = this.#hardware
    const { numbers, words } = this.#channel
    const [n0, n1, n2, n3] = numbers as unknown as [number, number, number, number]
    switch (op) {
      case Ask.translate:
        numbers[0] = hardware.translate(
          n0 | 0,
          n1 | 0,
          within(n2, 1, 16),
          within(n3, 0, Access.fetch) as Access,
        )
        return
      case Ask.scatter:
        return hardware.scatter(n0 | 0)
      case Ask.in:
        numbers[0] = hardware.in(within(n0, 0, 0xffff_ffff), width(n1))
        return
      case Ask.out:
        return hardware.out(within(n0, 0, 0xffff_ffff), width(n1), n2)
      case Ask.writeControl:
        return hardware.writeControl(n0 === 0 || n0 === 4 ? n0 : 3, words[0]!)
      case Ask.invlpg:
        return hardware.invlpg(words[0]!)
      case Ask.readMsr:
        words[0] = hardware.readMsr(n0 >>> 0)
        return
      case Ask.writeMsr:
        return hardware.writeMsr(n0 >>> 0, words[0]!)
      case Ask.loadTaskRegister:
        return hardware.loadTaskRegister(n0 & 0xffff)
      case Ask.startCpu:
        return this.#startCpu(within(n1, 1, hardware.cpus - 1))
      case Ask.halt:
        return hardware.halt(takeHalt(this.#channel))
      case Ask.start:
        return this.#machine.start(takeStart(this.#channel))
      case Ask.codeWritten:
        return this.#machine.memory.noticePage(within(n0, 0, this.#machine.options.memoryBytes / 4096 - 1))
      default:
        this.#own(op)
    }
  }
  #startCpu(cpu: number): void {
    const { cr0 = 0n, cr4 = 0n, efer = 0n, ...at } = takeStart(this.#channel)
    this.#hardware.startCpu(cpu, { ...at, cr0, cr4, efer })
  }
  #wait(): void {
    const { numbers } = this.#channel
    const [wait] = numbers
    this.#hardware.wait(this.#channel.texts()[0], () => {
      numbers[0] = wait!
      const outcome = this.#call(Call.waited)
      if (outcome === Outcome.unwound) throw new Unwind()
      if (outcome !== Outcome.done) throw new Passed()
      return numbers[0] !== 0
    })
  }
  /** Where the kernel's code was when the machine stopped; not if that is known already. */
  #unwound(): void {
    if (this.#machine.kernelStack === this.#stack) return
    this.#stack = stackOf(this.#channel.texts()[0])
    this.#machine.kernelStack = this.#stack
  }
}

function within(number: number, least: number, most: number): number {
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new RangeError(`expected a whole number from ${least} to ${most}, got ${number}`)
}
function width(bits: number): number {
  if (bits === 8 || bits === 16 || bits === 32) return bits
  throw new RangeError(`expected a width of 8, 16 or 32 bits, got ${bits}`)
}
