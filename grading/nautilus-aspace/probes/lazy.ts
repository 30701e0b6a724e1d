// Task 3: lazy regions.

import {
  jumpTo,
  nkJoin,
  nkThreadStart,
  nkYield,
  ring0,
  type Thread,
} from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import { EAGER, KERN, type Probe, type ProbeBody, type ProbeConfig, R, RW, RX, region } from './kit.ts'
import { FRAMES, LAST, LAZY_PA, LAZY_PAGES, LAZY_VA, TOUCHED } from './places.ts'

/** A long lazy region, touched here and there. */
function* lazy(p: Probe): Thread {
  p.mark(LAZY_PA, LAZY_PAGES, TOUCHED)
  const space = p.home()
  p.must(space, region(LAZY_VA, LAZY_PA, LAZY_PAGES, RW | KERN), 'lazy')
  p.image('before')
  p.note('touching', 0)
  yield* p.read(LAZY_VA + BigInt(TOUCHED[0]!) * 4096n + 0x123n)
  p.note('touching', 1)
  p.image('one')
  for (const page of TOUCHED.slice(1)) yield* p.read(LAZY_VA + BigInt(page) * 4096n + 0xfffn)
  p.note('touching', 2)
  // once more: nothing is left to fault
  for (const page of TOUCHED) yield* p.read(LAZY_VA + BigInt(page) * 4096n)
  p.note('touching', 3)
  yield* p.write(LAZY_VA + 4096n * 7n + 5n, 0x77)
  p.note('written', BigInt(ring0.read8(LAZY_VA + 4096n * 7n + 5n)))
  p.image('after')
  p.move(null, 'back')
}

/** Lazy regions at all borders, added before and after the move, of all rights that can be read. */
function* lazyPlaces(p: Probe): Thread {
  const places: [bigint, number, number][] = [
    [0x4000_0000n, 3, RW],
    [0x4000_3000n, 1, R],
    [0x7f_ffff_e000n, 4, RX],
    [0x7fff_ffff_f000n, 1, RW],
    [0xffff_8000_0000_0000n, 1, R],
  ]
  p.mark(FRAMES, 64)
  const space = p.living('probe')
  const add = ([va, pages, rights]: [bigint, number, number], n: number): boolean =>
    p.add(space, region(va, FRAMES + BigInt(n) * 0x8000n, pages, rights | KERN), 'place')
  const early = places.slice(0, 3).map(add)
  p.move(space, 'probe')
  const late = places.slice(3).map((place, n) => add(place, n + 3))
  for (const [n, [va, pages]] of places.entries())
    if ([...early, ...late][n])
      for (const at of [va, va + BigInt(pages * 4096 - 1)]) yield* p.read(at, `place ${n}`)
  p.image('touched')
  p.move(null, 'back')
}

/** Accesses that no right of the region allows. Each ends the machine. */
const DENIED: readonly ((p: Probe) => Thread)[] = [
  function* writeFirst(p) {
    yield* p.write(0x4000_0000n, 1)
  },
  function* writeAfterRead(p) {
    yield* p.read(0x4000_0000n, 'allowed')
    yield* p.write(0x4000_0000n, 1)
  },
  function* execute() {
    yield* jumpTo(0x4000_2000n)
  },
  function* executeAfterRead(p) {
    yield* p.read(0x4000_2000n, 'allowed')
    yield* jumpTo(0x4000_2000n)
  },
]
function* denied(p: Probe, { variant = 0 }: ProbeConfig): Thread {
  const space = p.home()
  p.setWp()
  p.must(space, region(0x4000_0000n, FRAMES, 2, RX | KERN), 'rx')
  p.must(space, region(0x4000_2000n, FRAMES + 0x4000n, 2, RW | KERN), 'rw')
  yield* p.write(0x4000_3000n, 1) // what is allowed stays allowed
  p.note('trying', variant < 2 ? 0x4000_0000n : 0x4000_2000n)
  yield* DENIED[variant]!(p)
  p.note('survived')
}

/** Accesses that no region covers. Each ends the machine. */
const AT = 0x4000_0000n
const NOWHERE: readonly { readonly va: bigint; readonly how: 'read' | 'write' | 'jump' }[] = [
  { va: AT - 1n, how: 'read' },
  { va: AT + 0x3000n, how: 'read' },
  { va: AT + 0x3008n, how: 'write' },
  { va: AT + 0x4000n, how: 'jump' },
  { va: AT ^ 0xffff_8000_0000_0000n, how: 'read' },
]
function* nowhere(p: Probe, { variant = 0 }: ProbeConfig): Thread {
  const space = p.home()
  p.must(space, region(AT, FRAMES, 3, RW | KERN), 'rw')
  yield* p.read(AT, 'allowed')
  yield* p.read(AT + 0x2fffn, 'allowed')
  const { va, how } = NOWHERE[variant]!
  p.note('trying', va)
  if (how === 'read') yield* p.read(va, 'nowhere')
  else if (how === 'write') yield* p.write(va, 1)
  else yield* jumpTo(va)
  p.note('survived')
}
/** A general protection fault is nobody's to mend. */
function* protection(p: Probe): Thread {
  p.home()
  p.note('trying')
  yield* p.read(0x8000_0000_0000n, 'nowhere') // not canonical
  p.note('survived')
}

/** Two threads in two spaces, each lazy at the same addresses, in turns. */
function* lazySpaces(p: Probe): Thread {
  p.mark(FRAMES, 64)
  const threads = [0, 1].flatMap((n) => {
    const started = nkThreadStart(
      p.guarded(function* lodger() {
        const space = p.living(`space${n}`)
        p.must(space, region(0x5_0000_0000n, FRAMES + BigInt(n) * 0x1_0000n, 8, RW | KERN), `lazy ${n}`)
        p.move(space, `space${n}`)
        for (let page = 0n; page < 8n; page++) {
          yield* p.read(0x5_0000_0000n + page * 4096n, `read ${n}`)
          yield* nkYield()
        }
        p.image(`end ${n}`)
        p.move(null, `back${n}`)
      }),
      null,
      `lodger${n}`,
      0,
    )
    return started ? [started] : []
  })
  for (const thread of threads) yield* nkJoin(thread)
}

/** Regions that end at 2^64: a lazy one with overlaps, and in another space an eager one. */
function* atTheEnd(p: Probe): Thread {
  p.mark(LAST.pa, LAST.pages)
  const [eager, space] = [p.living('eager'), p.home()]
  const { va, pa, pages } = LAST
  const last = va + BigInt(pages - 1) * 4096n
  const page = (at: bigint, tag: string): boolean => p.add(space, region(at, FRAMES, 1, RW | KERN), tag)
  const both = [
    p.add(space, region(va, pa, pages, RW | KERN), 'lazy'),
    p.add(eager, region(va, pa, pages, RW | KERN | EAGER), 'eager'),
  ]
  if (both.includes(false)) return
  page(last, 'over the last page')
  page(va, 'over the first page')
  page(va - 4096n, 'below')
  yield* p.read(last + 0xfffn, 'end')
  yield* p.read(va, 'end')
  p.move(eager, 'eager')
  p.image('eager')
  yield* p.read(last + 0xfffn, 'end again')
  p.move(null, 'back')
}

export const lazyProbes: { readonly [name: string]: ProbeBody } = {
  lazy,
  'lazy-places': lazyPlaces,
  denied,
  nowhere,
  protection,
  'lazy-spaces': lazySpaces,
  'at-the-end': atTheEnd,
}
