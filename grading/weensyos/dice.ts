// What a seed chooses: numbers that look random and are the same for the same seed, on any host.

export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }
  /** A whole number in [0, n). */
  below(n: number): number {
    // Mulberry32: a Weyl sequence, its bits mixed
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let x = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * n)
  }
  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items]
    return items.map(() => left.splice(this.below(left.length), 1)[0]!)
  }
  /** `count` different ones of `items`. */
  some<T>(items: readonly T[], count: number): T[] {
    return this.shuffled(items).slice(0, count)
  }
}
