// Task 1: eager regions, and spaces beside each other.

import { nkJoin, nkThreadStart, nkYield, readCr3, type Thread } from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import { EAGER, KERN, type Probe, type ProbeBody, RW, region } from './kit.ts'
import { EAGER_PLACES, FRAMES } from './places.ts'

/** Regions with all kinds of rights and at all borders, added before the thread moves in. */
export function* eager(p: Probe): Thread {
  for (const { pa, pages } of EAGER_PLACES) if (pa < 0x400_0000n) p.mark(pa, pages)
  const space = p.living('eager')
  for (const { name, va, pa, pages, writable, executable } of EAGER_PLACES) {
    const rights = 1 | (writable ? 2 : 0) | (executable ? 4 : 0)
    p.add(space, region(va, pa, pages, rights | KERN | EAGER), `add ${name}`)
  }
  p.note('cr3 still', readCr3())
  p.image('added')
  p.move(space, 'eager')
  p.image('moved')
  for (const { name, va, pa, pages } of EAGER_PLACES)
    if (p.accepted.has(`add ${name}`) && pa < 0x400_0000n) {
      yield* p.read(va)
      yield* p.read(va + BigInt(pages * 4096 - 1))
    }
  p.move(null, 'back')
}

/** Two threads in two spaces that map one address to different memory, in turns. */
export function* twoSpaces(p: Probe): Thread {
  const va = 0x5_0000_0000n
  const threads = [0, 1].flatMap((n) => {
    const pa = FRAMES + BigInt(n * 0x1000)
    p.mark(pa, 1)
    const started = nkThreadStart(
      p.guarded(function* lodger() {
        const space = p.living(`space${n}`)
        p.must(space, region(va, pa, 1, RW | KERN | EAGER), `add ${n}`)
        p.move(space, `space${n}`)
        for (let turn = 0; turn < 3; turn++) {
          yield* nkYield()
          p.note(`turn ${n}`, readCr3())
          yield* p.read(va, `read ${n}`)
        }
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

/** A thread that is started in a space lives in it, also on the other CPU. */
export function* inherits(p: Probe): Thread {
  p.home('probe')
  const child = nkThreadStart(
    function* heir() {
      p.note('child', readCr3())
      yield* nkYield()
      p.note('child', readCr3())
    },
    null,
    'heir',
    1,
  )
  if (child) yield* nkJoin(child)
  p.note('parent', readCr3())
  p.move(null, 'back')
}

export const eagerProbes: { readonly [name: string]: ProbeBody } = {
  eager,
  'two-spaces': twoSpaces,
  inherits,
}
