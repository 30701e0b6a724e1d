// Task 4: regions that go, move and change their rights; what the TLB still knows; destroy.

import {
  kmemStats,
  type NkAspace,
  type NkAspaceRegion,
  nkAspaceFind,
  nkAspaceMoveRegion,
  nkAspaceProtectRegion,
  nkAspaceRemoveRegion,
  ring0,
  type Thread,
} from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import { copyOf, EAGER, KERN, type Probe, type ProbeBody, type ProbeConfig, R, RW, region } from './kit.ts'
import { CHANGES, type Change, FRAMES, MOVED_BY, NEIGHBOURS, touchedOf } from './places.ts'

const PIN = 8
const regionOf = ({ va, pa, pages, lazy }: Change, rights = RW): NkAspaceRegion =>
  region(va, pa, pages, rights | KERN | (lazy ? 0 : EAGER))

/** A space with all regions of the changes and their neighbours, touched as places.ts says, this thread in it. */
function* furnished(p: Probe, rights = RW): Thread<NkAspace> {
  for (const change of [...CHANGES, ...NEIGHBOURS]) {
    const { pa, pages } = change
    p.mark(pa, pages, [...touchedOf(change), 1])
    p.mark(pa + MOVED_BY, pages, [...touchedOf(change), 1])
  }
  const space = p.home()
  p.setWp()
  for (const change of CHANGES) p.must(space, regionOf(change, rights), `add ${change.name}`)
  for (const neighbour of NEIGHBOURS) p.add(space, regionOf(neighbour), `add ${neighbour.name}`)
  for (const change of [...CHANGES, ...neighboursIn(p)])
    for (const page of touchedOf(change)) yield* p.read(change.va + BigInt(page) * 4096n, 'ready')
  return space
}
/** Those that were taken: whether all should have been is asked elsewhere. */
const neighboursIn = (p: Probe): readonly Change[] =>
  NEIGHBOURS.filter(({ name }) => p.accepted.has(`add ${name}`))
function* touchNeighbours(p: Probe): Thread {
  for (const change of neighboursIn(p))
    for (const page of touchedOf(change)) {
      yield* p.read(change.va + BigInt(page) * 4096n, 'neighbour')
      yield* p.write(change.va + BigInt(page) * 4096n + 8n, 3)
    }
}

function* removes(p: Probe): Thread {
  const space = yield* furnished(p)
  for (const change of CHANGES) p.remove(space, regionOf(change), `remove ${change.name}`)
  p.image('removed')
  yield* touchNeighbours(p)
  for (const change of CHANGES) p.remove(space, regionOf(change), `remove ${change.name} again`)
  // the place is free
  for (const change of CHANGES)
    p.add(space, region(change.va, change.pa + MOVED_BY, change.pages, RW | KERN), `add ${change.name} anew`)
  for (const change of CHANGES)
    for (const page of touchedOf(change))
      yield* p.read(change.va + BigInt(page) * 4096n, `anew ${change.name}`)
  p.move(null, 'back')
}
/** A removed region may not be read any more. Ends the machine. */
function* readRemoved(p: Probe, { variant = 0 }: ProbeConfig): Thread {
  const space = yield* furnished(p)
  const change = CHANGES[variant]!
  yield* p.read(change.va + 4096n, 'ready') // what was found last
  if (!p.remove(space, regionOf(change), 'remove')) return
  const va = change.va + BigInt(touchedOf(change)[1]!) * 4096n
  p.note('trying', va)
  yield* p.read(va, 'nowhere')
  p.note('survived')
}

function* moves(p: Probe): Thread {
  const space = yield* furnished(p)
  for (const change of CHANGES)
    p.moveRegion(space, regionOf(change), change.pa + MOVED_BY, `move ${change.name}`)
  p.image('moved')
  for (const change of CHANGES)
    for (const page of [...touchedOf(change), 1])
      yield* p.read(change.va + BigInt(page) * 4096n + 0x123n, `read ${change.name}`)
  yield* touchNeighbours(p)
  p.image('read')
  // it is now the region at its new place, and the old one is not known
  for (const change of CHANGES) {
    p.moveRegion(space, regionOf(change), change.pa, `stale move ${change.name}`)
    p.moveRegion(
      space,
      regionOf({ ...change, pa: change.pa + MOVED_BY }),
      change.pa,
      `move back ${change.name}`,
    )
  }
  for (const change of CHANGES)
    for (const page of touchedOf(change))
      yield* p.read(change.va + BigInt(page) * 4096n + 0x123n, `back ${change.name}`)
  p.move(null, 'back')
}

/** Rights taken away: the machine as it is then, and the rights given back. */
function* protects(p: Probe): Thread {
  const space = yield* furnished(p)
  // D is set, so the TLB knows that it may write
  for (const change of CHANGES)
    for (const page of touchedOf(change)) yield* p.write(change.va + BigInt(page) * 4096n + 16n, 1)
  const flags = ({ lazy }: Change, rights: number): number => rights | KERN | (lazy ? 0 : EAGER)
  for (const change of CHANGES) p.protect(space, regionOf(change), flags(change, R), `protect ${change.name}`)
  p.image('protected')
  for (const change of CHANGES)
    for (const page of [...touchedOf(change), 1])
      yield* p.read(change.va + BigInt(page) * 4096n, `read ${change.name}`)
  p.image('read')
  yield* touchNeighbours(p)
  for (const change of CHANGES)
    p.protect(space, regionOf(change, R), flags(change, RW), `give back ${change.name}`)
  for (const change of CHANGES)
    for (const page of [...touchedOf(change), 2]) yield* p.write(change.va + BigInt(page) * 4096n + 32n, 9)
  p.image('given back')
  p.note('wrote')
  p.move(null, 'back')
}
/** A page that may not be written any more is written. Ends the machine. */
function* writeProtected(p: Probe, { variant = 0 }: ProbeConfig): Thread {
  const space = yield* furnished(p)
  const change = CHANGES[variant >> 1]!
  const page = variant & 1 ? 1 : touchedOf(change)[1]! // a page that was touched, or one that was not
  if (!(variant & 1)) yield* p.write(change.va + BigInt(page) * 4096n, 1)
  const rights = R | KERN | (change.lazy ? 0 : EAGER)
  if (!p.protect(space, regionOf(change), rights, 'protect')) return
  p.note('trying', change.va + BigInt(page) * 4096n)
  yield* p.write(change.va + BigInt(page) * 4096n, 2)
  p.note('survived')
}
/** A page that may be written now, but was not before. */
function* grants(p: Probe): Thread {
  const space = yield* furnished(p, R)
  for (const change of CHANGES)
    p.protect(space, regionOf(change, R), RW | KERN | (change.lazy ? 0 : EAGER), `grant ${change.name}`)
  p.note('trying')
  for (const change of CHANGES)
    for (const page of [...touchedOf(change), 1]) {
      const at = change.va + BigInt(page) * 4096n + 64n
      yield* p.write(at, 0x6b)
      yield* p.read(at, `granted ${change.name}`)
    }
  p.move(null, 'back')
}

/** Requests that name no region that is there, or differ from it: all are refused and change nothing. */
function* refusals(p: Probe): Thread {
  const space = yield* furnished(p)
  const change = CHANGES[1]! // lazy
  const there = regionOf(change)
  const others: [string, NkAspaceRegion][] = [
    ['elsewhere', { ...copyOf(there), vaStart: 0x9_0000_0000n }],
    ['other start', { ...copyOf(there), vaStart: there.vaStart + 0x1000n, lenBytes: 0x1000n }],
    ['longer', { ...copyOf(there), lenBytes: there.lenBytes + 0x1000n }],
    ['shorter by one, other frames', { ...copyOf(there), paStart: there.paStart + 0x1000n }],
  ]
  p.image('before')
  for (const [name, r] of others) {
    p.told(`remove ${name}`, nkAspaceRemoveRegion(space, copyOf(r)))
    p.told(`protect ${name}`, nkAspaceProtectRegion(space, copyOf(r), { flags: R | KERN }))
    p.told(
      `move ${name}`,
      nkAspaceMoveRegion(space, copyOf(r), { ...copyOf(r), paStart: r.paStart + MOVED_BY }),
    )
  }
  const rights = { ...copyOf(there), protect: { flags: R | KERN } }
  p.told('remove other rights', nkAspaceRemoveRegion(space, rights))
  p.told(
    'move other rights',
    nkAspaceMoveRegion(space, rights, { ...copyOf(rights), paStart: rights.paStart + MOVED_BY }),
  )
  const to = (change: Partial<NkAspaceRegion>): NkAspaceRegion => ({ ...copyOf(there), ...change })
  p.told('move to another address', nkAspaceMoveRegion(space, copyOf(there), to({ vaStart: 0x9_0000_0000n })))
  p.told(
    'move to another length',
    nkAspaceMoveRegion(space, copyOf(there), to({ lenBytes: there.lenBytes + 0x1000n })),
  )
  p.told(
    'move to other rights',
    nkAspaceMoveRegion(
      space,
      copyOf(there),
      to({ paStart: there.paStart + MOVED_BY, protect: { flags: R | KERN } }),
    ),
  )
  p.add(
    space,
    {
      ...copyOf(there),
      lenBytes: 0x1000n,
      paStart: FRAMES + 0x70_0000n,
      protect: { flags: RW | KERN | EAGER },
    },
    'add over it',
  )
  p.add(
    space,
    region(there.vaStart - 0x2000n, FRAMES + 0x70_0000n, 4, RW | KERN | EAGER),
    'add over its start',
  )
  p.image('after')
  // it is still there, as it was, and nothing of the refused ones is
  for (const page of [0, 1, change.pages - 1]) yield* p.read(change.va + BigInt(page) * 4096n, 'still')
  yield* p.write(change.va + 0x1000n, 5)
  p.add(space, region(there.vaStart - 0x2000n, FRAMES + 0x70_0000n, 2, RW | KERN), 'add before it')
  p.remove(space, there, 'remove')
  yield* touchNeighbours(p)
  p.move(null, 'back')
}

/** PIN: neither moved nor removed, until protect takes it away. */
function* pinned(p: Probe): Thread {
  p.mark(FRAMES, 8)
  const space = p.home()
  for (const [n, lazyOrNot] of [0, EAGER].entries()) {
    const va = 0x4000_0000n + BigInt(n) * 0x10_0000n
    const flags = RW | KERN | PIN | lazyOrNot
    const r = region(va, FRAMES, 3, flags)
    p.must(space, r, 'add')
    yield* p.read(va, 'ready')
    p.told(`remove ${n}`, nkAspaceRemoveRegion(space, copyOf(r)))
    p.moveRegion(space, r, FRAMES + 0x4000n, `move ${n}`)
    const unpinned = { ...copyOf(r), protect: { flags: flags & ~PIN } }
    // a caller that forgets the pin in its copy
    p.told(`remove without ${n}`, nkAspaceRemoveRegion(space, copyOf(unpinned)))
    p.moveRegion(space, unpinned, FRAMES + 0x4000n, `move without ${n}`)
    yield* p.read(va + 0x1000n, 'still')
    p.protect(space, r, flags & ~PIN, `unpin ${n}`)
    p.moveRegion(space, unpinned, FRAMES + 0x4000n, `move after ${n}`)
    yield* p.read(va + 0x2000n, 'moved') // a page that no TLB knows
    p.told(
      `remove after ${n}`,
      nkAspaceRemoveRegion(space, { ...copyOf(unpinned), paStart: FRAMES + 0x4000n }),
    )
  }
  p.image('end')
  p.move(null, 'back')
}

/** Changes of a space that is not the CPU's: nothing is loaded, and it is right when it is entered. */
function* elsewhere(p: Probe): Thread {
  const other = p.living('other')
  for (const change of CHANGES) {
    for (const pa of [change.pa, change.pa + MOVED_BY]) p.mark(pa, change.pages, [...touchedOf(change), 1])
    p.must(other, regionOf(change), `add ${change.name}`)
  }
  p.move(other, 'other')
  for (const change of CHANGES)
    for (const page of touchedOf(change)) yield* p.read(change.va + BigInt(page) * 4096n, 'ready')
  const home = p.home('home')
  p.must(home, region(CHANGES[0]!.va, FRAMES + 0x70_0000n, 4, RW | KERN | EAGER), 'add home')
  yield* p.read(CHANGES[0]!.va, 'home before')
  p.note('changing', ring0.cr3)
  const [first, second, third, fourth] = CHANGES as [Change, Change, Change, Change]
  p.moveRegion(other, regionOf(first), first.pa + MOVED_BY, 'move')
  p.note('changing', ring0.cr3)
  p.protect(other, regionOf(second), R | KERN, 'protect')
  p.note('changing', ring0.cr3)
  p.remove(other, regionOf(third), 'remove')
  p.note('changing', ring0.cr3)
  p.add(other, region(third.va, third.pa + MOVED_BY, 4, RW | KERN | EAGER), 'add')
  p.note('changing', ring0.cr3)
  p.image('changed')
  p.note('changed', ring0.cr3)
  yield* p.read(CHANGES[0]!.va, 'home after')
  p.move(other, 'other again')
  p.image('entered')
  yield* p.read(first.va, 'first')
  yield* p.read(second.va, 'second')
  yield* p.read(third.va + 0x1000n, 'third')
  yield* p.read(fourth.va, 'fourth')
  p.move(null, 'back')
}

/** Spaces made and destroyed: what they took comes back, and nobody finds them any more. */
function* destroys(p: Probe): Thread {
  const stats = (tag: string): void => {
    const { pagesInUse, allocations } = kmemStats()
    p.note(tag, BigInt(pagesInUse), BigInt(allocations))
  }
  stats('before')
  for (let n = 0; n < 4; n++) {
    const space = p.living(`doomed${n}`)
    p.must(space, region(0x4000_0000n, FRAMES, 700, RW | KERN | EAGER), 'eager')
    p.must(space, region(0xffff_8000_0000_0000n, FRAMES, 700, RW | KERN), 'lazy')
    p.move(space, 'doomed')
    for (const page of [0n, 511n, 512n, 699n]) yield* p.read(0xffff_8000_0000_0000n + page * 4096n, 'ready')
    p.remove(space, region(0x4000_0000n, FRAMES, 700, RW | KERN | EAGER), 'remove')
    p.move(null, 'back')
    p.destroy(space, 'destroy')
    p.note('found', nkAspaceFind(`doomed${n}`) ? 1n : 0n)
    stats('round')
  }
  // one that nobody ever entered, and one that is empty
  const quiet = p.living('quiet')
  p.add(quiet, region(0x4000_0000n, FRAMES, 3, RW | KERN), 'quiet')
  p.destroy(quiet, 'destroy')
  p.destroy(p.create('empty'), 'destroy')
  stats('after')
  yield* []
}

export const changeProbes: { readonly [name: string]: ProbeBody } = {
  removes,
  'read-removed': readRemoved,
  moves,
  protects,
  'write-protected': writeProtected,
  grants,
  refusals,
  pinned,
  elsewhere,
  destroys,
}
