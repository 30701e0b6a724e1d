// Extra credit: regions that grow, TLB shootdown, large pages, files.

import {
  kmemStats,
  NK_ASPACE_FILE,
  NK_ASPACE_GROWS_DOWN,
  NK_ASPACE_GROWS_UP,
  type NkAspace,
  type NkAspaceRegion,
  nkAspaceMoveRegion,
  nkAspaceProtectRegion,
  nkAspaceRemoveRegion,
  nkFsOpen,
  nkJoin,
  nkThreadStart,
  nkYield,
  readByte,
  type Thread,
} from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import { copyOf, EAGER, KERN, type Probe, type ProbeBody, type ProbeConfig, R, RW, region } from './kit.ts'
import { FILE_NAME, FILE_VA, FRAMES, GROWING, LARGE, SHOT } from './places.ts'

const PAGE = 4096n
const up = (): NkAspaceRegion => ({
  ...region(GROWING.up, FRAMES, 2, RW | KERN | NK_ASPACE_GROWS_UP),
  maxBytes: 5n * PAGE,
})
const down = (): NkAspaceRegion => ({
  ...region(GROWING.down, FRAMES + 0x4000n, 2, RW | KERN | NK_ASPACE_GROWS_DOWN),
  maxBytes: 5n * PAGE,
})
function growing(p: Probe): NkAspace {
  p.mark(FRAMES, 16)
  const space = p.home()
  p.must(space, up(), 'up')
  p.must(space, down(), 'down')
  p.must(space, region(GROWING.near, FRAMES + 0x8000n, 1, RW | KERN), 'near')
  return space
}
/** Three pages up and three down, each written and read. */
function* grows(p: Probe): Thread {
  const { pagesInUse } = kmemStats()
  const space = growing(p)
  p.note('before growing', kmemStats().pagesInUse)
  const steps: [string, bigint][] = [
    ['up', GROWING.up + 2n * PAGE],
    ['up', GROWING.up + 4n * PAGE - 1n],
    ['down', GROWING.down - 1n],
    ['down', GROWING.down - 2n * PAGE + 16n],
    ['down', GROWING.down - 3n * PAGE],
  ]
  for (const [tag, va] of steps) {
    yield* p.read(va, `fresh ${tag}`)
    yield* p.write(va, 0x5c)
    yield* p.read(va, `kept ${tag}`)
  }
  // what the regions had before is as it was
  yield* p.read(GROWING.up + PAGE, 'old')
  yield* p.read(GROWING.down, 'old')
  yield* p.read(GROWING.near, 'old')
  p.image('grown')
  p.move(null, 'back')
  p.destroy(space, 'destroy')
  p.note('balance', pagesInUse, kmemStats().pagesInUse)
}
const TOO_FAR: readonly ((p: Probe) => Thread)[] = [
  (p) => p.write(GROWING.up + 3n * PAGE, 1), // a page left out
  (p) => p.write(GROWING.up - 1n, 1), // the wrong way
  (p) => p.write(GROWING.down + 2n * PAGE, 1),
  function* beyondTheMost(p) {
    for (let page = 1n; page < 5n; page++) yield* p.write(GROWING.down - page * PAGE, 1)
  },
  function* overANeighbour(p) {
    for (let page = 2n; page < 6n; page++) yield* p.write(GROWING.up + page * PAGE, 1)
  },
]
/** The pages that are then not there. */
const BEYOND: readonly bigint[] = [
  GROWING.up + 3n * PAGE,
  GROWING.up - PAGE,
  GROWING.down + 2n * PAGE,
  GROWING.down - 4n * PAGE,
  GROWING.up + 5n * PAGE,
]
function* growsNoFurther(p: Probe, { variant = 0 }: ProbeConfig): Thread {
  growing(p)
  yield* p.read(GROWING.up, 'allowed')
  p.note('trying', BEYOND[variant]!)
  yield* TOO_FAR[variant]!(p)
  p.note('survived')
}

/** A thread of the same space on the other CPU, which goes on reading what it has been given. */
function* shot(p: Probe): Thread {
  for (const { pa } of SHOT) p.mark(pa, 4)
  p.mark(FRAMES + 0x20_0000n, 16)
  const space = p.home()
  for (const { va, pa, lazy } of SHOT) p.must(space, region(va, pa, 4, RW | KERN | (lazy ? 0 : EAGER)), 'add')
  let [ready, over] = [false, false]
  const other = nkThreadStart(
    function* reader() {
      for (const { va } of SHOT)
        for (let page = 0n; page < 4n; page++) yield* p.write(va + page * PAGE + 8n, 1)
      ready = true
      while (!over) yield* readByte(0x10_0000n)
    },
    null,
    'reader',
    1,
  )
  while (!ready) yield* nkYield()
  for (const { va } of SHOT) yield* p.read(va, 'ready')
  const of = (n: number, rights = RW): NkAspaceRegion => {
    const { va, pa, lazy } = SHOT[n]!
    return region(va, pa, 4, rights | KERN | (lazy ? 0 : EAGER))
  }
  p.image('before')
  p.note('shooting')
  p.told('move', nkAspaceMoveRegion(space, of(0), { ...of(0), paStart: FRAMES + 0x20_0000n }))
  p.image('moved')
  p.told('protect', nkAspaceProtectRegion(space, of(1), { flags: of(1, R).protect.flags }))
  p.image('protected')
  p.told('remove', nkAspaceRemoveRegion(space, of(2)))
  p.image('removed')
  p.note('shot')
  over = true
  if (other) yield* nkJoin(other)
  // now nobody else uses the space: nobody is disturbed
  yield* p.read(SHOT[1]!.va, 'ready')
  p.note('alone')
  p.told('move alone', nkAspaceMoveRegion(space, of(1, R), { ...of(1, R), paStart: FRAMES + 0x20_4000n }))
  p.note('alone end')
  p.move(null, 'back')
}
/** Two CPUs that shoot at each other. */
function* crossfire(p: Probe): Thread {
  const space = p.home()
  const fighter = (n: number): (() => Thread) =>
    function* fight() {
      const va = 0x8_0000_0000n + BigInt(n) * 0x10_0000n
      const r = region(va, FRAMES, 2, RW | KERN)
      p.must(space, r, `add ${n}`)
      for (let round = 0n; round < 24n; round++) {
        yield* p.write(va, 1)
        const next = { ...copyOf(r), paStart: FRAMES + (round % 7n) * 0x2000n }
        p.told(`round ${n}`, nkAspaceMoveRegion(space, copyOf(r), copyOf(next)))
        r.paStart = next.paStart
      }
    }
  const other = nkThreadStart(p.guarded(fighter(1)), null, 'other', 1)
  yield* fighter(0)()
  if (other) yield* nkJoin(other)
  p.move(null, 'back')
}

/** Regions that 2 MiB and 1 GiB pages fit, and regions that they do not. */
function* large(p: Probe): Thread {
  const space = p.home()
  const used = kmemStats().pagesInUse
  p.must(space, region(LARGE.both.va, LARGE.both.pa, LARGE.both.pages, RW | KERN | EAGER), 'both')
  const tables = kmemStats().pagesInUse - used
  p.note('tables', tables)
  // without large pages, all that follows would be hundreds of thousands of small ones
  if (tables > 3) return
  p.must(space, region(LARGE.askew.va, LARGE.askew.pa, LARGE.askew.pages, RW | KERN | EAGER), 'askew')
  p.must(space, region(LARGE.mixed.va, LARGE.mixed.pa, LARGE.mixed.pages, RW | KERN | EAGER), 'mixed')
  p.must(space, region(LARGE.lazy.va, LARGE.lazy.pa, LARGE.lazy.pages, RW | KERN), 'lazy')
  p.must(space, region(LARGE.huge.va, LARGE.huge.pa, LARGE.huge.pages, RW | KERN | EAGER), 'huge')
  p.note('faults from')
  for (const page of [0n, 1n, 511n, 512n, 1023n]) yield* p.read(LARGE.lazy.va + page * PAGE)
  p.note('faults to')
  yield* p.write(LARGE.both.va + 0x12_3000n, 1)
  p.image('built')
  const both = region(LARGE.both.va, LARGE.both.pa, LARGE.both.pages, RW | KERN | EAGER)
  p.told('protect', nkAspaceProtectRegion(space, copyOf(both), { flags: R | KERN | EAGER }))
  p.image('protected')
  const now = { ...copyOf(both), protect: { flags: R | KERN | EAGER } }
  p.told(
    'move',
    nkAspaceMoveRegion(space, copyOf(now), { ...copyOf(now), paStart: LARGE.both.pa + 0x20_0000n }),
  )
  p.image('moved')
  p.told('remove', nkAspaceRemoveRegion(space, { ...copyOf(now), paStart: LARGE.both.pa + 0x20_0000n }))
  p.image('removed')
  p.move(null, 'back')
  p.destroy(space, 'destroy')
}

/** A file, mapped twice. */
function* files(p: Probe): Thread {
  const before = kmemStats().pagesInUse
  const space = p.home()
  const file = nkFsOpen(FILE_NAME)
  if (!file) throw new Error(`there is no file ${FILE_NAME}`)
  const mapped = (va: bigint, flags: number): NkAspaceRegion => ({
    ...region(va, 0n, 4, flags | KERN | NK_ASPACE_FILE),
    file,
  })
  p.must(space, mapped(FILE_VA, RW), 'file')
  p.must(space, mapped(FILE_VA + 0x10_0000n, RW), 'again')
  p.image('mapped')
  p.note('reading')
  for (const offset of [0x2345n, 0x10n, 0x2fffn, 0x3000n, 0x3123n, 0x3fffn, 0x2346n])
    yield* p.read(FILE_VA + offset, 'file byte')
  p.image('read')
  yield* p.write(FILE_VA + 0x2345n, 0xee)
  yield* p.read(FILE_VA + 0x10_2345n, 'file byte again')
  yield* p.read(FILE_VA + 0x2345n, 'written')
  p.image('written')
  p.told('move', nkAspaceMoveRegion(space, mapped(FILE_VA, RW), { ...mapped(FILE_VA, RW), paStart: FRAMES }))
  p.told('remove', nkAspaceRemoveRegion(space, mapped(FILE_VA, RW)))
  p.image('removed')
  p.must(space, mapped(FILE_VA, RW | EAGER), 'eager')
  p.image('eager')
  p.move(null, 'back')
  p.destroy(space, 'destroy')
  p.note('balance', before, kmemStats().pagesInUse)
}

export const extraProbes: { readonly [name: string]: ProbeBody } = {
  grows,
  'grows-no-further': growsNoFurther,
  shot,
  crossfire,
  large,
  files,
}
