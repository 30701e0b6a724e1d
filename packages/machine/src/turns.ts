// Whose turn it is. Several CPUs run in one thread, one after the other; how long a turn is comes from a seed, so that a
// race between CPUs happens again in the same way, and other seeds show other races.

/** What of it an image holds. */
export interface SavedTurns {
  readonly cpu: number
  readonly end: number
  readonly quantum: number
  readonly state: number
}

export class Turns {
  cpu = 0
  /** When the turn ends, in the machine's time. */
  end = 0
  private readonly cpus: number
  private quantum: number
  private state: number

  /** @param quantum  mean length of a turn in instructions; @param seed  a whole number */
  constructor(cpus: number, quantum: number, seed: number) {
    this.cpus = cpus
    this.quantum = quantum
    this.state = Math.imul(seed | 0, 0x9e37_79b1) || 1 // xorshift has no way out of 0
  }
  begin(cpu: number, now: number): void {
    this.cpu = cpu
    this.end = this.cpus === 1 ? Number.MAX_SAFE_INTEGER : now + this.length()
  }
  /** From half to one and a half of the quantum: xorshift32. */
  private length(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return Math.ceil(this.quantum / 2) + ((x >>> 0) % Math.max(1, this.quantum))
  }
  save(): SavedTurns {
    const { cpu, end, quantum, state } = this
    return { cpu, end, quantum, state }
  }
  restore({ cpu, end, quantum, state }: SavedTurns): void {
    Object.assign(this, { cpu, end, quantum, state })
  }
}
