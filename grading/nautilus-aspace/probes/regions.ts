// Task 2: the set of regions.

import {
  type NkAspaceRegion,
  nkAspaceMoveRegion,
  nkAspaceProtectRegion,
  nkAspaceRemoveRegion,
  ring0,
  type Thread,
} from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import { copyOf, EAGER, KERN, type Probe, type ProbeBody, type ProbeConfig, R, RW, region } from './kit.ts'
import { type ModelRegion, type Operation, operations } from './operations.ts'
import { FRAMES, OVERLAPS } from './places.ts'

/** Every way in which two ranges can lie to each other. */
function* overlaps(p: Probe): Thread {
  const space = p.home()
  for (const { name, va, pages } of OVERLAPS) p.add(space, region(va, FRAMES, pages, RW | KERN), name)
  p.image('added')
  p.move(null, 'back')
  yield* []
}

const regionOf = ({ va, pages, pa, flags }: ModelRegion): NkAspaceRegion => region(va, pa, pages, flags)
const play = (space: Parameters<typeof nkAspaceRemoveRegion>[0], p: Probe, o: Operation): void => {
  if (o.do === 'touch') {
    p.note('touch', BigInt(ring0.read8(o.va)))
    return
  }
  const r = regionOf(o.region)
  if (o.do === 'add') p.add(space, r, 'did')
  else if (o.do === 'remove') p.told('did', nkAspaceRemoveRegion(space, r))
  else if (o.do === 'protect') p.told('did', nkAspaceProtectRegion(space, r, { flags: o.flags }))
  else p.told('did', nkAspaceMoveRegion(space, r, { ...copyOf(r), paStart: o.pa }))
  // the object is ours: what we do with it now must not matter
  r.vaStart = 0n
  r.lenBytes = 0n
  r.paStart = 0n
  r.protect.flags = 0
}
/** Thousands of operations, and lookups at any address. */
function* model(p: Probe, { seed = 1, variant: count = 1000 }: ProbeConfig): Thread {
  p.mark(FRAMES, 512)
  const space = p.home()
  for (const { operation } of operations(seed, count)) play(space, p, operation)
  p.image('played')
  p.move(null, 'back')
  yield* []
}

/** The caller changes its struct after the call. */
function* mutated(p: Probe): Thread {
  p.mark(FRAMES, 32)
  const space = p.home()
  const r = region(0x3_0000_0000n, FRAMES, 4, RW | KERN)
  const original = copyOf(r)
  p.must(space, r, 'first')
  // as the handout's shell does: the same variable, for the second region
  r.vaStart = 0x3_1000_0000n
  r.paStart = FRAMES + 0x1_0000n
  r.lenBytes = 0x2000n
  p.must(space, r, 'second')
  r.protect.flags = R
  r.lenBytes = 0x40_0000n
  r.vaStart = 0n
  yield* p.read(0x3_0000_3fffn)
  yield* p.read(0x3_1000_1000n)
  const prot = { flags: R | KERN }
  p.told('protect', nkAspaceProtectRegion(space, copyOf(original), prot))
  prot.flags = 0
  const next = { ...copyOf(original), protect: { flags: R | KERN }, paStart: FRAMES + 0x8000n }
  p.told('move', nkAspaceMoveRegion(space, { ...copyOf(original), protect: { flags: R | KERN } }, next))
  next.paStart = 0n
  yield* p.read(0x3_0000_2123n, 'moved')
  yield* p.read(0x3_0000_1123n, 'moved')
  const now = { ...copyOf(original), paStart: FRAMES + 0x8000n, protect: { flags: R | KERN } }
  p.remove(space, now, 'remove')
  p.move(null, 'back')
}

/** More regions than any fixed array holds, found at any of their addresses. */
function* many(p: Probe): Thread {
  p.mark(FRAMES, 2000, [0, 999, 500, 17, 998, 1].flatMap((at) => [at * 2, at * 2 + 1]))
  const space = p.home()
  let refused = 0
  for (let n = 0; n < 1000; n++) {
    const at = (n * 389) % 1000 // in no order
    const r = region(0x20_0000_0000n + BigInt(at) * 0x3000n, FRAMES + BigInt(at) * 0x2000n, 2, RW | KERN)
    if (!p.add(space, r, 'many')) refused++
  }
  if (refused === 0)
    for (const at of [0, 999, 500, 17, 998, 1])
      for (const offset of [0n, 0x1fffn, 0x1123n]) yield* p.read(0x20_0000_0000n + BigInt(at) * 0x3000n + offset)
  p.move(null, 'back')
}

/** Two spaces hold sets of their own. */
function* ownSets(p: Probe): Thread {
  p.mark(FRAMES, 16)
  const [one, two] = [p.living('one'), p.living('two')]
  const va = 0x6_0000_0000n
  p.add(one, region(va, FRAMES, 2, RW | KERN), 'one')
  p.add(two, region(va, FRAMES + 0x4000n, 2, RW | KERN), 'two')
  p.add(two, region(va + 0x8000n, FRAMES, 1, RW | KERN), 'two more')
  p.add(one, region(va + 0x8000n, FRAMES + 0x1000n, 1, RW | KERN | EAGER), 'one more')
  p.move(one, 'one')
  yield* p.read(va + 0x1000n, 'in one')
  yield* p.read(va + 0x8000n, 'in one')
  p.move(two, 'two')
  yield* p.read(va + 0x1000n, 'in two')
  yield* p.read(va + 0x8000n, 'in two')
  p.told('remove in two', nkAspaceRemoveRegion(two, region(va, FRAMES + 0x4000n, 2, RW | KERN)))
  p.move(one, 'one again')
  yield* p.read(va, 'in one')
  p.move(null, 'back')
}

export const regionProbes: { readonly [name: string]: ProbeBody } = {
  overlaps,
  model,
  mutated,
  many,
  'own-sets': ownSets,
}
