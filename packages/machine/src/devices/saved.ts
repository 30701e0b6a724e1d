// Reading back what a device saved: every field is checked, for a snapshot may come from a file.

import type { Saved } from './device.ts'

/** The fields of one saved device or part of it. */
export class SavedFields {
  readonly #where: string
  readonly #fields: { readonly [key: string]: Saved }

  /** @throws Error if `saved` is not an object of fields */
  constructor(where: string, saved: Saved) {
    if (saved === null || typeof saved !== 'object' || Array.isArray(saved))
      throw new Error(`${where}: saved state must be an object of fields, got ${JSON.stringify(saved)}`)
    this.#where = where
    this.#fields = saved as { readonly [key: string]: Saved }
  }

  number(field: string): number {
    const value = this.#fields[field]
    return typeof value === 'number' ? value : this.#wrong(field, 'a number', value)
  }

  flag(field: string): boolean {
    const value = this.#fields[field]
    return typeof value === 'boolean' ? value : this.#wrong(field, 'true or false', value)
  }

  text(field: string): string {
    const value = this.#fields[field]
    return typeof value === 'string' ? value : this.#wrong(field, 'a string', value)
  }

  /** @returns the numbers of `field`, exactly `length` of them if it is given */
  numbers(field: string, length?: number): number[] {
    const value = this.#fields[field]
    const numbers: number[] = Array.isArray(value) ? value.filter((each) => typeof each === 'number') : []
    if (!Array.isArray(value) || numbers.length !== value.length)
      return this.#wrong(field, 'a list of numbers', value)
    if (length !== undefined && numbers.length !== length)
      return this.#wrong(field, `${length} numbers`, value)
    return numbers
  }

  /** @returns the `length` parts of `field`, unchecked */
  list(field: string, length: number): readonly Saved[] {
    const value = this.#fields[field]
    if (!Array.isArray(value) || value.length !== length)
      return this.#wrong(field, `a list of ${length} parts`, value)
    return value
  }

  fields(field: string): SavedFields {
    return new SavedFields(`${this.#where}.${field}`, this.#fields[field] ?? null)
  }

  #wrong(field: string, must: string, got: Saved | undefined): never {
    throw new Error(`${this.#where}: ${field} must be ${must}, got ${JSON.stringify(got)}`)
  }
}
