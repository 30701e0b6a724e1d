// The shell's thread. You may edit this file. Handout: src/nautilus/shell.c.
//
// Before it prompts for commands, a shell tests your address spaces: it makes one, adds two regions, moves into it, and compares
// memory with itself. As handed out it does not survive that; to see how far it gets, comment parts of it out, print, and bring
// them back. The shell itself is in lib/commands.ts; registerShellCommand() gives it commands of yours.

import {
  getCurThread,
  MEMSIZE,
  memcmp,
  NK_ASPACE_EAGER,
  NK_ASPACE_EXEC,
  NK_ASPACE_KERN,
  NK_ASPACE_PIN,
  NK_ASPACE_READ,
  NK_ASPACE_WRITE,
  type NkAspaceCharacteristics,
  type NkAspaceRegion,
  nkAspaceAddRegion,
  nkAspaceCreate,
  nkAspaceMoveThread,
  nkAspaceQuery,
  nkBindVc,
  nkCreateVc,
  nkSetThreadName,
  nkSwitchToVc,
  nkVcPrint,
  printers,
  runShell,
  type Thread,
} from './lib/kernel.ts'

const { ERROR } = printers('shell')

/** Where the second region is: the first address of the upper half of the address space. */
const HIGH = 0xffff_8000_0000_0000n
/** The first MB is left out of the comparison: the console is there, and what the kernel keeps of its CPUs. */
const START = 0x10_0000n

/**
 * `shell(in, out)`: the body of a shell's thread
 *
 * @param input  its name
 */
export function* shell(input: unknown): Thread {
  const name = String(input)
  const vc = nkCreateVc(name)
  if (!vc) {
    ERROR(`cannot create a console for shell ${name}`)
    return
  }
  nkSetThreadName(getCurThread(), name)
  nkBindVc(getCurThread(), vc)
  nkSwitchToVc(vc)

  // a shell that fails here goes on in the address space that it has: look at what threads says
  yield* enterAddressSpace(name)

  yield* runShell(name)
}

/** Make an address space for this thread, and live in it. */
function* enterAddressSpace(name: string): Thread {
  const c: NkAspaceCharacteristics = { granularity: 0n, alignment: 0n }
  if (nkAspaceQuery('paging', c) !== 0) {
    ERROR('failed to find paging implementation')
    return
  }

  // create a new address space for this shell thread
  const as = nkAspaceCreate('paging', name, c)
  if (!as) {
    ERROR('failed to create new address space')
    return
  }

  // the first region: all of physical memory at its own addresses, and built right now, because we are about to live there.
  // Pinned: nobody may remove or move it
  const r: NkAspaceRegion = {
    vaStart: 0n,
    paStart: 0n,
    lenBytes: MEMSIZE,
    protect: {
      flags:
        NK_ASPACE_READ | NK_ASPACE_WRITE | NK_ASPACE_EXEC | NK_ASPACE_PIN | NK_ASPACE_KERN | NK_ASPACE_EAGER,
    },
  }
  if (nkAspaceAddRegion(as, r) !== 0) {
    ERROR('failed to add initial eager region to address space')
    return
  }

  // the second region: the same memory at other addresses, and built by page faults
  r.vaStart = HIGH
  r.protect.flags = NK_ASPACE_READ | NK_ASPACE_WRITE | NK_ASPACE_EXEC | NK_ASPACE_PIN | NK_ASPACE_KERN
  if (nkAspaceAddRegion(as, r) !== 0) {
    ERROR('failed to add secondary lazy region to address space')
    return
  }

  // To test protections (task 4), writes in kernel mode must need the right to write, which they do not by default. Add
  // writeCr0(readCr0() | (1n << 16n)) here, once, before any call of nkAspaceProtectRegion

  nkVcPrint('About to move thread\n')
  if (nkAspaceMoveThread(as) !== 0) {
    ERROR('failed to move shell thread to new address space')
    return
  }
  nkVcPrint('Survived moving thread into its own address space\n')

  // read all of memory in both places: each page of the lazy region for the first time
  if ((yield* memcmp(START, HIGH + START, 4096n)) !== 0)
    nkVcPrint('Weird, low-mapped and high-mapped memory differ...\n')
  nkVcPrint('Survived memory comparison of two mapped copies\n')
}
