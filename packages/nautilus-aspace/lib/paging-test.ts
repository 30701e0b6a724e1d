// The shell command pagingTest: address spaces used as a careful user would. Handout: paging_test.c.
//
// It makes an address space, moves the calling thread into it, tries each operation, and moves back. Places in virtual memory are
// the original's; lengths and physical addresses are scaled to 64 MiB of memory. What should fault has been left out: try it
// yourself, where it says so.

import type { u64 } from '@pagewalk/machine/x86-64'
import {
  NK_ASPACE_EAGER,
  NK_ASPACE_EXEC,
  NK_ASPACE_KERN,
  NK_ASPACE_PIN,
  NK_ASPACE_READ,
  NK_ASPACE_WRITE,
  type NkAspace,
  type NkAspaceCharacteristics,
  type NkAspaceRegion,
  nkAspaceAddRegion,
  nkAspaceCreate,
  nkAspaceDestroy,
  nkAspaceMoveRegion,
  nkAspaceMoveThread,
  nkAspaceProtectRegion,
  nkAspaceQuery,
  nkAspaceRemoveRegion,
} from './aspace.ts'
import { readCr0, writeCr0 } from './exception.ts'
import { MEMSIZE } from './layout.ts'
import type { Status } from './smp.ts'
import { getCurThread, memcmp, memcpy, type Thread } from './thread.ts'
import { nkVcPrint } from './vc.ts'

const KB = 0x400n
const MB = 0x10_0000n
const GB = 0x4000_0000n
const HIGH = 0xffff_8000_0000_0000n

const RWX_KERN = NK_ASPACE_READ | NK_ASPACE_WRITE | NK_ASPACE_EXEC | NK_ASPACE_KERN
const PINNED_EAGER = RWX_KERN | NK_ASPACE_PIN | NK_ASPACE_EAGER
const CR0_WP = 1n << 16n
/** How much is compared. */
const SOME = 4n * MB

const region = (vaStart: u64, paStart: u64, lenBytes: u64, flags: number): NkAspaceRegion => ({
  vaStart,
  paStart,
  lenBytes,
  protect: { flags },
})
const copyOf = (r: NkAspaceRegion): NkAspaceRegion => ({ ...r, protect: { ...r.protect } })

/** A step has failed: the test ends, and cleans up. */
class Failed extends Error {}
const say = (text: string): void => nkVcPrint(`${text}\n`)
function expect(status: Status, wanted: Status, otherwise: string): void {
  if (status === wanted) return
  say(otherwise)
  throw new Failed()
}
const add = (aspace: NkAspace, r: NkAspaceRegion, otherwise: string): void =>
  expect(nkAspaceAddRegion(aspace, r), 0, otherwise)

/** All of memory at its own addresses; the thread lives here. */
const r = (): NkAspaceRegion => region(0n, 0n, MEMSIZE, PINNED_EAGER)
/** The same, elsewhere, eager. */
const r1 = (): NkAspaceRegion => region(4n * GB, 0n, MEMSIZE, RWX_KERN | NK_ASPACE_EAGER)
/** The same in the upper half, lazy. */
const r2 = (): NkAspaceRegion => region(HIGH, 0n, MEMSIZE, RWX_KERN)
/** The upper half of memory, eager and pinned; and at another place, eager. */
const r3 = (): NkAspaceRegion => region(8n * GB, MEMSIZE / 2n, MEMSIZE / 2n, PINNED_EAGER)
const r4 = (): NkAspaceRegion => region(12n * GB, MEMSIZE / 2n, MEMSIZE / 2n, RWX_KERN | NK_ASPACE_EAGER)
const READ_ONLY = NK_ASPACE_READ | NK_ASPACE_EXEC | NK_ASPACE_PIN | NK_ASPACE_KERN
const readOnly = (): NkAspaceRegion => region(16n * GB, 48n * MB, 6n * MB, READ_ONLY)

/** Regions that touch each other, and regions that overlap. */
function overlapping(aspace: NkAspace): void {
  add(aspace, r(), 'failed to add initial eager region to address space')
  add(aspace, r1(), 'failed to add second eager region to address space')
  add(aspace, r2(), 'failed to add lazy region to address space')
  const small = (n: number): u64 => HIGH + MEMSIZE + BigInt(n) * MB
  for (let n = 0; n < 16; n++)
    add(aspace, region(small(n), 0n, 512n * KB, RWX_KERN), `failed to add small region ${n} to address space`)
  const inside = region(small(4) + 256n * KB, 0n, 256n * KB, RWX_KERN)
  expect(nkAspaceAddRegion(aspace, inside), -1, 'failed to detect a region inside another one')
  const over = region(small(6) + 512n * KB, 0n, 768n * KB, RWX_KERN)
  expect(nkAspaceAddRegion(aspace, over), -1, 'failed to detect a region that runs into another one')
  say('    Survived Region overlapping test')
}

/** @returns true if the first bytes of two regions are the same */
function* alike(a: NkAspaceRegion, b: NkAspaceRegion, lenBytes: u64): Thread<boolean> {
  return (yield* memcmp(a.vaStart, b.vaStart, lenBytes)) === 0
}
function* comparing(): Thread {
  if (!(yield* alike(r(), r2(), SOME))) {
    say('Weird, r and r2 differ...')
    throw new Failed()
  }
  say('    Survived: comparing an eager and a lazy region')
  if (!(yield* alike(r(), r1(), SOME))) {
    say('Weird, r and r1 differ...')
    throw new Failed()
  }
  say('    Survived: comparing two eager regions')
  // Try it: a read behind the end of any region. It must panic.
}

/** r4 goes from where r3 is to where r is. @returns what it is then */
function* moving(aspace: NkAspace): Thread<NkAspaceRegion> {
  add(aspace, r3(), 'failed to add r3')
  add(aspace, r4(), 'failed to add r4')
  if (!(yield* alike(r3(), r4(), MB))) say('Weird, r3 and r4 differ...')
  const r5: NkAspaceRegion = { ...r4(), paStart: 0n }
  expect(nkAspaceMoveRegion(aspace, r4(), r5), 0, 'failed to move r4 to r5')
  if (!(yield* alike(r(), r5, SOME))) {
    say('Weird, r and r5 differ...')
    throw new Failed()
  }
  if (yield* alike(r3(), r5, SOME)) {
    say('Weird, r3 and r5 are the same...')
    throw new Failed()
  }
  say('    Survived: move region test')
  return r5
}

function* removing(aspace: NkAspace, r5: NkAspaceRegion): Thread {
  expect(nkAspaceAddRegion(aspace, copyOf(r5)), -1, 'failed to detect that r5 is already there')
  yield* alike(r(), r5, 8n)
  expect(nkAspaceRemoveRegion(aspace, copyOf(r5)), 0, 'failed to remove r5')
  // Try it: a read of r5. It must panic.
  add(aspace, copyOf(r5), 'failed to add r5 again')
  yield* alike(r(), r5, 8n)
  say('    Survived: removal region test')
}

function* protecting(aspace: NkAspace): Thread {
  const reg = readOnly()
  add(aspace, reg, 'failed to add the read-only region')
  expect(
    nkAspaceRemoveRegion(aspace, readOnly()),
    -1,
    'failed to detect that a pinned region may not be removed',
  )
  expect(
    nkAspaceMoveRegion(aspace, readOnly(), readOnly()),
    -1,
    'failed to detect that a pinned region may not be moved',
  )
  // Try it: a write to the region. It must panic.
  nkAspaceProtectRegion(aspace, readOnly(), { flags: RWX_KERN })
  yield* memcpy(reg.vaStart, r().vaStart + MB, KB)
  say('    Survived: Protection test')
}

function* steps(aspace: NkAspace): Thread {
  overlapping(aspace)
  expect(nkAspaceMoveThread(aspace), 0, 'failed to move the thread into the paging space')
  writeCr0(readCr0() | CR0_WP) // from here on, writes of the kernel need the right to write, too
  say(`    Survived: moving thread into paging space at 0x${aspace.address.toString(16)}`)
  yield* comparing()
  const r5 = yield* moving(aspace)
  yield* removing(aspace, r5)
  yield* protecting(aspace)
}

/** @returns true if all steps succeeded, and false if one did not */
function* run(aspace: NkAspace): Thread<boolean> {
  try {
    yield* steps(aspace)
    return true
  } catch (thrown) {
    if (!(thrown instanceof Failed)) throw thrown
    return false
  }
}

/** `paging_test()`: the shell command pagingTest. @returns 0 if all went well, else -1 */
export function* pagingTest(): Thread<Status> {
  const chars: NkAspaceCharacteristics = { granularity: 0n, alignment: 0n }
  if (nkAspaceQuery('paging', chars) !== 0) {
    say('failed to find paging implementation')
    return -1
  }
  const aspace = nkAspaceCreate('paging', 'paging_sanity', chars)
  if (!aspace) {
    say('failed to create new address space')
    return -1
  }
  const { aspace: old } = getCurThread()
  const passed = yield* run(aspace)
  nkAspaceMoveThread(old)
  const destroyed = nkAspaceDestroy(aspace) === 0
  say(destroyed ? 'Destroy succeeded' : 'Destroy failed')
  say(`Paging check sanity test ${passed && destroyed ? 'Passed' : 'Failed'}!`)
  return passed && destroyed ? 0 : -1
}
