// What a device is to the machine: ports, time and interrupt lines. A device knows neither the CPU nor the MMU.

/** Plain data that survives JSON: a device's registers in a snapshot. */
export type Saved = null | boolean | number | string | readonly Saved[] | { readonly [key: string]: Saved }

/** A device behind the port bus. Widths in bits: 8, 16 or 32. */
export interface Device {
  readonly name: string
  /** First and last port, inclusive. */
  readonly ports: readonly (readonly [number, number])[]
  /** The widest access it takes in one piece; the bus splits a wider one into bytes. Absent: 8. */
  readonly widest?: number
  read(port: number, width: number): number
  write(port: number, width: number, value: number): void
  save(): Saved
  /** @throws Error if `saved` is not what `save` of this device gives */
  restore(saved: Saved): void
}

/** A device that acts by itself. Time is the machine's instruction count. */
export interface Timed {
  /** When it acts next: an instruction count, or Infinity. */
  readonly nextEvent: number
  /** The time is now `now` (never less than before); do what was due. */
  advance(now: number): void
}

/** One input of an interrupt controller, as a device holds it. */
export interface InterruptLine {
  raise(): void
  lower(): void
}
