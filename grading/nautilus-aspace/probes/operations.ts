// A sequence of region operations that a seed decides, with the answers of a model. The probe plays it; the check
// compares. What is chosen depends on the model alone, never on what the student's code answered.

const PAGE = 4096n
/** Where the sequence plays: windows of this many pages each; with all operations the last one, too, at the end of all addresses. */
const WINDOWS: readonly bigint[] = [
  0x10_0000_0000n,
  0x7fff_ff80_0000n,
  0xffff_8800_0000_0000n,
  0xffff_ffff_ffe0_0000n,
]
const WINDOW_PAGES = 512
const PA = 0x100_0000n
/** Physical pages that regions may begin at; they may reach 64 pages further. */
const FRAMES = 448

export interface ModelRegion {
  readonly va: bigint
  readonly pages: number
  pa: bigint
  flags: number
}
export type Operation =
  | { readonly do: 'add'; readonly region: ModelRegion }
  | { readonly do: 'remove'; readonly region: ModelRegion }
  | { readonly do: 'protect'; readonly region: ModelRegion; readonly flags: number }
  | { readonly do: 'move'; readonly region: ModelRegion; readonly pa: bigint }
  /** Read a byte where the model has a region. */
  | { readonly do: 'touch'; readonly va: bigint; readonly pa: bigint }
export interface Step {
  readonly operation: Operation
  /** Does the model accept it? */
  readonly accepted: boolean
}

/** A small generator: the same numbers for the same seed on any host. */
function random(seed: number): (below: number) => number {
  let x = Math.imul(seed | 1, 0x9e37_79b1) || 1
  return (below) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % below
  }
}
const end = ({ va, pages }: { va: bigint; pages: number }): bigint => va + BigInt(pages) * PAGE
const same = (a: ModelRegion, b: ModelRegion): boolean =>
  a.va === b.va && a.pages === b.pages && a.pa === b.pa && a.flags === b.flags

/** Which operations there are: adds alone; removes, too; everything. */
export type Mode = 'adds' | 'removes' | 'all'
/** The share of each kind in a hundred: up to the number it is this kind. */
const SHARES: {
  readonly [mode in Mode]: readonly [add: number, remove: number, protect: number, move: number]
} = {
  adds: [100, 100, 100, 100],
  removes: [60, 100, 100, 100],
  all: [45, 65, 75, 85],
}

/**
 * `count` steps: adds that overlap in all ways and that do not (so a refused one is a lookup), removes, protects and
 * moves that fit and that do not, and reads at any address.
 */
export function* operations(seed: number, count: number, mode: Mode): Generator<Step> {
  const [adds, removes, protects, moves] = SHARES[mode]
  const next = random(seed)
  const held: ModelRegion[] = []
  const overlapping = (r: ModelRegion): boolean => held.some((h) => h.va < end(r) && r.va < end(h))
  const anywhere = (): ModelRegion => {
    const window = WINDOWS[next(mode === 'all' ? WINDOWS.length : WINDOWS.length - 1)]!
    const first = next(WINDOW_PAGES)
    const pages = Math.min(1 + next(next(8) === 0 ? 64 : 6), WINDOW_PAGES - first)
    // RWX, RW, R or RX; KERN always; eager one time in four
    const flags = [7, 3, 1, 5][next(4)]! | 16 | (next(4) === 0 ? 64 : 0)
    return { va: window + BigInt(first) * PAGE, pages, pa: PA + BigInt(next(FRAMES)) * PAGE, flags }
  }
  const one = (): ModelRegion | undefined => held[next(Math.max(1, held.length))]
  /** A held region, or one that differs from it in one thing. */
  const nearly = (): ModelRegion => {
    const base = one() ?? anywhere()
    const kind = next(8)
    if (kind === 0) return anywhere()
    if (kind === 1) return { ...base, pages: base.pages + 1 }
    if (kind === 2) return { ...base, va: base.va + PAGE }
    // not a part of it, which a design may split off
    if (kind === 3 && base.pages > 1) return { ...base, pages: base.pages - 1, pa: base.pa + PAGE }
    return { ...base }
  }
  for (let n = 0; n < count; n++) {
    const kind = held.length > 120 && mode !== 'adds' ? adds - 5 + next(105 - adds) : next(100)
    if (kind < adds) {
      const region = kind < adds - 5 ? anywhere() : nearly()
      const accepted = !overlapping(region)
      if (accepted) held.push({ ...region })
      yield { operation: { do: 'add', region: { ...region } }, accepted }
    } else if (kind < removes) {
      const region = next(5) === 0 ? { ...nearly(), ...(next(3) === 0 ? { pa: PA } : {}) } : nearly()
      const at = held.findIndex((h) => same(h, region))
      if (at >= 0) held.splice(at, 1)
      yield { operation: { do: 'remove', region }, accepted: at >= 0 }
    } else if (kind < protects) {
      const region = nearly()
      const found = held.find((h) => same(h, region))
      const flags = [7, 3, 1, 5][next(4)]! | 16 | (region.flags & 64)
      if (found) found.flags = flags
      yield { operation: { do: 'protect', region, flags }, accepted: found !== undefined }
    } else if (kind < moves) {
      const region = nearly()
      const found = held.find((h) => same(h, region))
      const pa = PA + BigInt(next(FRAMES)) * PAGE
      if (found) found.pa = pa
      yield { operation: { do: 'move', region, pa }, accepted: found !== undefined }
    } else {
      const region = one()
      if (!region) continue
      const offset = BigInt(next(region.pages)) * PAGE + BigInt(next(4096))
      yield { operation: { do: 'touch', va: region.va + offset, pa: region.pa + offset }, accepted: true }
    }
  }
}
/** What the model holds after so many steps. */
export function heldAfter(seed: number, count: number, mode: Mode): ModelRegion[] {
  const held: ModelRegion[] = []
  for (const { operation, accepted } of operations(seed, count, mode)) {
    if (!accepted || operation.do === 'touch') continue
    const at = held.findIndex((h) => same(h, operation.region))
    if (operation.do === 'add') held.push({ ...operation.region })
    else if (operation.do === 'remove') held.splice(at, 1)
    else if (operation.do === 'protect') held[at]!.flags = operation.flags
    else held[at]!.pa = operation.pa
  }
  return held
}
