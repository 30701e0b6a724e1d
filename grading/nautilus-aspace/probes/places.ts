// Where the probes' regions lie. The checks know the same numbers.

/** Bytes of memory that a probe's space maps at their own addresses; the kernel's own pages all lie there. */
export const LOW_BYTES: number = 4 << 20
/** Physical memory that the probes point at; the kernel's allocator does not come that far. */
export const FRAMES = 0x100_0000n

export interface Place {
  readonly name: string
  readonly va: bigint
  readonly pa: bigint
  readonly pages: number
  readonly writable: boolean
  readonly executable: boolean
}
const place = (name: string, va: bigint, pa: bigint, pages: number, rights: string): Place => ({
  name,
  va,
  pa,
  pages,
  writable: rights.includes('W'),
  executable: rights.includes('X'),
})

/** Eager regions of all kinds of rights, at the edges of everything that a table covers. */
export const EAGER_PLACES: readonly Place[] = [
  place('rw', 0x4000_0000n, FRAMES, 5, 'RW'),
  place('r next to it', 0x4000_5000n, FRAMES + 0x10_0000n, 2, 'R'),
  place('rx in the same table', 0x4000_9000n, FRAMES + 0x20_0000n, 3, 'RX'),
  place('over 2 MiB and 1 GiB', 0x1_3fff_e000n, FRAMES + 0x31_f000n, 4, 'RWX'),
  place('over 512 GiB', 0x7f_ffff_f000n, FRAMES + 0x40_0000n, 2, 'RW'),
  place('above 4 GiB', 0x2_8000_0000n, 0x2_0000_0000n, 2, 'RW'),
  place('end of the low half', 0x7fff_ffff_e000n, FRAMES + 0x50_0000n, 2, 'RW'),
  place('high half', 0xffff_9000_0000_0000n, FRAMES + 0x60_0000n, 3, 'RX'),
]

/** The lazy region of most probes: 1536 pages, so three tables of the last level. */
export const LAZY_VA = 0xffff_8000_0020_0000n
export const LAZY_PA: bigint = FRAMES + 0x80_0000n
export const LAZY_PAGES = 1536
/** Which of its pages are touched: first, last, the borders of tables, some in the middle, in no order. */
export const TOUCHED: readonly number[] = [700, 0, 1535, 511, 512, 3, 1023, 1024, 42]

/** The offsets in a page that `mark` writes. */
export const MARKED: readonly number[] = [0, 0x123, 0xfff]
/** What it writes to physical address `pa`: different in pages near each other, and never 0 or 0xa5. */
export const markOf = (pa: bigint): number => (Number((pa >> 12n) * 7n + (pa & 0xfffn)) % 127) + 1

/** Regions for the changes: each touched or eager, changed, and looked at again. */
export interface Change {
  readonly name: string
  readonly va: bigint
  readonly pa: bigint
  readonly pages: number
  readonly lazy: boolean
}
/** They lie in one last-level table each side of a neighbour that must stay as it is. */
export const CHANGES: readonly Change[] = [
  { name: 'eager', va: 0x2_4000_0000n, pa: FRAMES, pages: 6, lazy: false },
  { name: 'lazy', va: 0x2_4010_0000n, pa: FRAMES + 0x10_0000n, pages: 6, lazy: true },
  { name: 'long', va: 0x2_5fff_0000n, pa: FRAMES + 0x20_0000n, pages: 600, lazy: false },
  { name: 'high', va: 0xffff_a000_0000_0000n, pa: FRAMES + 0x50_0000n, pages: 5, lazy: true },
]
/** Regions that end at 2^64, one after the other. */
export const LAST: { readonly va: bigint; readonly pages: number; readonly pa: bigint } = {
  va: 0xffff_ffff_ffff_c000n,
  pages: 4,
  pa: FRAMES + 0x70_0000n,
}
/** Where `move` points them. */
export const MOVED_BY = 0x100_0000n
/** Pages of a change that are touched before it; the last one is the region's last. */
export const touchedOf = ({ pages }: Change): readonly number[] => [0, Math.floor(pages / 2), pages - 1]
/** Neighbours that no change may touch: directly below and above the first, and in the same table as the second. */
export const NEIGHBOURS: readonly Change[] = [
  { name: 'below', va: 0x2_3fff_e000n, pa: FRAMES + 0x60_0000n, pages: 2, lazy: false },
  { name: 'above', va: 0x2_4000_6000n, pa: FRAMES + 0x61_0000n, pages: 2, lazy: false },
  { name: 'same table', va: 0x2_4011_0000n, pa: FRAMES + 0x62_0000n, pages: 1, lazy: true },
]

/** Regions to add one after the other, and whether each must be taken. The same physical memory always: that is allowed. */
export const OVERLAPS: readonly {
  readonly name: string
  readonly va: bigint
  readonly pages: number
  readonly taken: boolean
}[] = [
  { name: 'first', va: 0x4_0000_0000n, pages: 8, taken: true },
  { name: 'the same again', va: 0x4_0000_0000n, pages: 8, taken: false },
  { name: 'same start, shorter', va: 0x4_0000_0000n, pages: 1, taken: false },
  { name: 'same start, longer', va: 0x4_0000_0000n, pages: 9, taken: false },
  { name: 'inside', va: 0x4_0000_3000n, pages: 2, taken: false },
  { name: 'same end', va: 0x4_0000_7000n, pages: 1, taken: false },
  { name: 'around', va: 0x3_ffff_f000n, pages: 10, taken: false },
  { name: 'over the start', va: 0x3_ffff_e000n, pages: 3, taken: false },
  { name: 'over the end', va: 0x4_0000_7000n, pages: 4, taken: false },
  { name: 'touching the end', va: 0x4_0000_8000n, pages: 2, taken: true },
  { name: 'touching the start', va: 0x3_ffff_c000n, pages: 4, taken: true },
  { name: 'over a gap into the next', va: 0x4_0000_9000n, pages: 600, taken: false },
  { name: 'beyond a gap', va: 0x4_0010_0000n, pages: 4, taken: true },
  { name: 'from a gap into the next', va: 0x4_000f_f000n, pages: 2, taken: false },
  { name: 'exactly the gap', va: 0x4_0000_a000n, pages: 246, taken: true },
  { name: 'page 1', va: 0x1000n, pages: 1, taken: true },
  { name: 'more than 4 GiB', va: 0x40_0000_0000n, pages: 0x10_0010, taken: true },
  { name: 'far inside of it', va: 0x40_8000_0000n, pages: 1, taken: false },
  { name: 'same low 32 bits as the first', va: 0x14_0000_0000n, pages: 8, taken: true },
]

// Extra credit.

/** A region that grows up with a neighbour two pages above, and one that grows down; each of two pages and at most five. */
export const GROWING = { up: 0x7_0000_0000n, down: 0x7_0010_0000n, near: 0x7_0000_4000n } as const
/** Regions of four pages that two CPUs share: moved, protected, removed. */
export const SHOT: readonly { readonly va: bigint; readonly pa: bigint; readonly lazy: boolean }[] = [
  { va: 0x8_0000_0000n, pa: FRAMES, lazy: true },
  { va: 0x8_0010_0000n, pa: FRAMES + 0x1_0000n, lazy: false },
  { va: 0x8_0020_0000n, pa: FRAMES + 0x2_0000n, lazy: true },
]
const M2 = 0x20_0000n
interface Aligned {
  readonly va: bigint
  readonly pa: bigint
  readonly pages: number
}
export const LARGE: Readonly<Record<'both' | 'askew' | 'mixed' | 'lazy' | 'huge', Aligned>> = {
  /** Two 2 MiB pages. */
  both: { va: 0x100_0000_0000n, pa: FRAMES, pages: 1024 },
  /** Only the virtual address is a multiple of 2 MiB. */
  askew: { va: 0x100_4000_0000n, pa: FRAMES + 0x1000n, pages: 512 },
  /** Three small pages, a large one, two small ones. */
  mixed: { va: 0x100_8000_0000n - 0x3000n, pa: FRAMES + 4n * M2 - 0x3000n, pages: 517 },
  lazy: { va: 0x100_c000_0000n, pa: FRAMES + 6n * M2, pages: 1024 },
  /** 1 GiB, of physical addresses behind RAM. */
  huge: { va: 0x200_0000_0000n, pa: 0x4000_0000n, pages: 0x4_0000 },
}
export const FILE_NAME = 'probe.bin'
export const FILE_VA = 0x300_0000_0000n
/** Three pages and a bit: the fourth page has a tail of zeros. */
export const FILE_BYTES: number = 3 * 4096 + 0x200
export const fileByte = (offset: number): number => ((offset * 31 + (offset >> 8)) % 251) + 1
