// Task 2: the set of regions. Nobody enters these spaces, but for the last probe: a set is one without page tables, too.
// That an address is found is seen from the refusal of a region there.

import {
  type NkAspace,
  type NkAspaceRegion,
  nkAspaceMoveRegion,
  nkAspaceProtectRegion,
  nkAspaceRemoveRegion,
  ring0,
  type Thread,
} from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import { copyOf, EAGER, KERN, type Probe, type ProbeBody, type ProbeConfig, RW, region } from './kit.ts'
import { type ModelRegion, type Operation, operations } from './operations.ts'
import { FRAMES, OVERLAPS } from './places.ts'

/** Every way in which two ranges can lie to each other. */
function* overlaps(p: Probe): Thread {
  const space = p.create('probe')
  for (const { name, va, pages } of OVERLAPS) p.add(space, region(va, FRAMES, pages, RW | KERN), name)
  yield* []
}

const regionOf = ({ va, pages, pa, flags }: ModelRegion): NkAspaceRegion => region(va, pa, pages, flags)
function play(space: NkAspace, p: Probe, o: Operation): void {
  if (o.do === 'touch') return p.note('touch', BigInt(ring0.read8(o.va)))
  const r = regionOf(o.region)
  const prot = { flags: o.do === 'protect' ? o.flags : 0 }
  const next = { ...copyOf(r), paStart: o.do === 'move' ? o.pa : 0n }
  if (o.do === 'add') p.add(space, r, 'did')
  else if (o.do === 'remove') p.told('did', nkAspaceRemoveRegion(space, r))
  else if (o.do === 'protect') p.told('did', nkAspaceProtectRegion(space, r, prot))
  else p.told('did', nkAspaceMoveRegion(space, r, next))
  // the objects are ours: what we do with them now must not matter
  prot.flags = 0
  for (const mine of [r, next]) {
    Object.assign(mine, { vaStart: 0n, lenBytes: 0n, paStart: 0n })
    mine.protect.flags = 0
  }
}
/** Thousands of operations that need no page fault. */
function* set(p: Probe, { seed = 1, steps = 1000, mode = 'adds' }: ProbeConfig): Thread {
  const space = p.create('probe')
  for (const { operation } of operations(seed, steps, mode)) play(space, p, operation)
  yield* []
}
/** Thousands of operations of all kinds, in a space that is used. */
function* model(p: Probe, { seed = 1, steps = 1000 }: ProbeConfig): Thread {
  p.mark(FRAMES, 512)
  const space = p.home()
  for (const { operation } of operations(seed, steps, 'all')) play(space, p, operation)
  p.image('played')
  p.move(null, 'back')
  yield* []
}

/** The caller changes its struct after the call, as the handout's shell does for its second region. */
function* mutated(p: Probe): Thread {
  const space = p.create('probe')
  const r = region(0x3_0000_0000n, FRAMES, 4, RW | KERN)
  const original = copyOf(r)
  p.add(space, r, 'first')
  r.vaStart = 0x3_1000_0000n
  r.paStart = FRAMES + 0x1_0000n
  r.lenBytes = 0x2000n
  const second = copyOf(r)
  p.add(space, r, 'second')
  r.protect.flags = 1
  r.lenBytes = 0x40_0000n
  r.vaStart = 0x3_2000_0000n
  const page = (va: bigint, tag: string): boolean => p.add(space, region(va, FRAMES, 1, RW | KERN), tag)
  page(0x3_0000_0000n, 'start of the first')
  page(0x3_0000_3000n, 'end of the first')
  page(0x3_1000_1000n, 'end of the second')
  page(0x3_1000_2000n, 'behind the second')
  page(0x3_2000_0000n, 'where the struct now points')
  p.remove(space, original, 'remove the first')
  p.remove(space, second, 'remove the second')
  yield* []
}

/** More regions than any fixed array holds, found at any of their addresses. */
function* many(p: Probe): Thread {
  const space = p.create('probe')
  const at = (n: number, page: number): bigint => 0x20_0000_0000n + BigInt(n * 3 + page) * 0x1000n
  for (let n = 0; n < 1000; n++) {
    const place = (n * 389) % 1000 // in no order
    p.add(space, region(at(place, 0), FRAMES, 2, RW | KERN), 'many')
  }
  for (const place of [0, 999, 500, 17, 998, 1])
    for (const page of [0, 1, 2])
      p.add(space, region(at(place, page), FRAMES, 1, RW | KERN), page < 2 ? 'taken' : 'gap')
  yield* []
}

/** Two spaces hold sets of their own. */
function* ownSets(p: Probe): Thread {
  const [one, two] = [p.create('one'), p.create('two')]
  const va = 0x6_0000_0000n
  p.add(one, region(va, FRAMES, 2, RW | KERN), 'one')
  p.add(two, region(va, FRAMES + 0x4000n, 2, RW | KERN), 'the same place in two')
  p.add(two, region(va + 0x8000n, FRAMES, 1, RW | KERN), 'two')
  p.add(one, region(va + 0x8000n, FRAMES + 0x1000n, 1, RW | KERN | EAGER), 'the same place in one')
  p.add(one, region(va + 0x1000n, FRAMES, 1, RW | KERN), 'taken in one')
  p.add(two, region(va + 0x1000n, FRAMES, 1, RW | KERN), 'taken in two')
  yield* []
}

export const regionProbes: { readonly [name: string]: ProbeBody } = {
  overlaps,
  set,
  model,
  mutated,
  many,
  'own-sets': ownSets,
}
