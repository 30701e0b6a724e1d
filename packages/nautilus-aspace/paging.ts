// Address spaces made of page tables. This is your file. Handout: src/aspace/paging/paging.c.
//
// An address space is a set of regions (lib/aspace.ts), here built with 4-level x64 page tables (lib/paging-helpers.ts). The
// kernel calls the functions of the interface below; what it does with your address space is in lib/aspace.ts. As handed out,
// nothing is ever mapped: switchTo loads page tables that are empty, and the machine resets.
//
// Your work is where it says so; the steps are in the comments there, in their order. Names: what the handout calls
// paging_helper_drill is pagingHelperDrill; addresses and table entries are u64, which is bigint (0x1000n).

import type { u64 } from '@pagewalk/machine/x86-64'
import {
  type ExcpEntry,
  GP_EXCP,
  getCurThread,
  hex,
  hex16,
  NK_ASPACE_EAGER,
  NK_ASPACE_HOOK_GPF,
  NK_ASPACE_HOOK_PF,
  type NkAspace,
  type NkAspaceCharacteristics,
  type NkAspaceImpl,
  type NkAspaceInterface,
  type NkAspaceProtection,
  type NkAspaceRegion,
  nkAspaceRegister,
  nkPagingDefaultCr4,
  nkVcPrint,
  PAGE_SIZE_4KB,
  PF_EXCP,
  pagingHelperCreate,
  panic,
  phPfError,
  printers,
  readCr2,
  readCr4,
  Spinlock,
  type Status,
  spinLockIrqSave,
  spinUnlockIrqRestore,
  writeCr3,
  writeCr4,
} from './lib/kernel.ts'

const { ERROR, DEBUG } = printers('aspace-paging')

/** The bits of CR4 that an address space decides: PSE, PAE, PGE. */
const CR4_MASK = 0xb0n

/** `REGION_FORMAT`, `REGION(r)`: a region, for printing. */
const regionText = ({ vaStart, paStart, lenBytes, protect }: NkAspaceRegion): string =>
  `(VA=${hex(vaStart)} to PA=${hex(paStart)}, len=${hex(lenBytes)}, prot=${hex(protect.flags)})`

/** `nk_aspace_paging_t`: the state of one address space, and what each function below gets as `p`. */
interface NkAspacePaging {
  /** What the rest of the kernel knows it as. Null until it is registered. */
  aspace: NkAspace | null
  readonly name: string
  /** Hold it while you look at or change what follows: another CPU may be here at the same time. */
  readonly lock: Spinlock
  /** What regions must be multiples of. */
  readonly chars: NkAspaceCharacteristics
  /** CR3 for this address space: the physical address of its PML4. */
  cr3: u64
  /** The bits of CR4_MASK. */
  readonly cr4: u64

  // WRITE ME!

  // here place your region set: it must be able to add and remove regions, and to find the one that contains any given
  // virtual address, not just the start of a region. Each address space has its own. lib/list.ts has linked lists
}

/** `ASPACE_LOCK(p)` ... `ASPACE_UNLOCK(p)`: call `body` with the lock held and interrupts off. */
function locked<T>(p: NkAspacePaging, body: () => T): T {
  const flags = spinLockIrqSave(p.lock)
  const result = body()
  spinUnlockIrqRestore(p.lock, flags)
  return result
}

/**
 * `destroy(state)`: called by nkAspaceDestroy
 *
 * The address space will not be used any more: free everything that belongs to it.
 *
 * @returns  0
 */
function destroy(p: NkAspacePaging): Status {
  return locked(p, () => {
    DEBUG(() => `destroying address space ${p.name}`)

    // WRITE ME!

    // actually do the work of destroying the address space: give back all the memory that it has, and take it out of
    // the kernel's list of address spaces

    return 0
  })
}

/**
 * `add_thread(state)`: called by nkAspaceMoveThread, in the context of the thread that is joining, interrupts off
 *
 * Nothing has to be done here.
 */
function addThread(p: NkAspacePaging): Status {
  const thread = getCurThread()
  DEBUG(() => `adding thread ${thread.tid} (${thread.name}) to address space ${p.name}`)
  return 0
}

/**
 * `remove_thread(state)`: called by nkAspaceMoveThread, in the context of the thread that is leaving, interrupts off
 *
 * Nothing has to be done here.
 */
function removeThread(p: NkAspacePaging): Status {
  const thread = getCurThread()
  DEBUG(() => `removing thread ${thread.tid} (${thread.name}) from address space ${p.name}`)
  return 0
}

/**
 * `add_region(state, region)`: called by nkAspaceAddRegion
 *
 * Put `region` into address space `p`. Physical memory may be in any number of regions.
 *
 * @param region  addresses and length are multiples of 4096, the length is not 0; the last byte may be the last of all. It belongs
 *                to the caller, who may change it after this returns: keep a copy, of `protect` too, not the object.
 * @returns       0, or -1 if it overlaps a region that is already here in virtual memory; then nothing has changed
 */
function addRegion(p: NkAspacePaging, region: NkAspaceRegion): Status {
  return locked(p, () => {
    DEBUG(() => `adding region ${regionText(region)} to address space ${p.name}`)

    // WRITE ME!

    // first you should sanity check the region to be sure it doesn't overlap an existing region, and then place it
    // into your region set

    if (region.protect.flags & NK_ASPACE_EAGER) {
      // an eager region means that we need to build all the corresponding page table entries right now, before we return
    }

    // if we are editing the current address space of this CPU, then we might need to flush the TLB here. To do so on other
    // CPUs that use it is beyond the scope of this lab (extra credit)

    return 0
  })
}

/**
 * `remove_region(state, region)`: called by nkAspaceRemoveRegion
 *
 * Take a region out of the address space. What it mapped is not mapped any more when this returns.
 *
 * @returns  0, or -1 if there is no identical region (addresses, length, flags), or it is pinned
 */
function removeRegion(p: NkAspacePaging, region: NkAspaceRegion): Status {
  return locked(p, () => {
    DEBUG(() => `removing region ${regionText(region)} from address space ${p.name}`)

    // WRITE ME!

    // first, find the region in your data structure: it had better exist and be identical

    // next, remove it from your data structure

    // next, remove all corresponding page table entries that exist

    // next, if we are editing the current address space of this CPU, we need to either invalidate individual pages with
    // invlpg() or do a full TLB flush

    return 0
  })
}

/**
 * `protect_region(state, region, prot)`: called by nkAspaceProtectRegion
 *
 * Give a region other flags: those of `prot` take the place of the ones it has. A pinned region may be protected, which may
 * take the pin away.
 *
 * @param region  as it is now
 * @param prot    belongs to the caller
 * @returns       0, or -1 if there is no identical region
 */
function protectRegion(p: NkAspacePaging, region: NkAspaceRegion, prot: NkAspaceProtection): Status {
  return locked(p, () => {
    DEBUG(() => `protecting region ${regionText(region)} of address space ${p.name} with ${hex(prot.flags)}`)

    // WRITE ME!

    // first, find the region in your data structure: it had better exist and be identical

    // next, update the region's protection in your data structure

    // next, update all corresponding page table entries that exist

    // next, if we are editing the current address space of this CPU, we need to either invalidate individual pages with
    // invlpg() or do a full TLB flush

    return 0
  })
}

/**
 * `move_region(state, cur_region, new_region)`: called by nkAspaceMoveRegion
 *
 * Give a region another physical address; its virtual address stays. The caller has already copied the contents, if he wants
 * them there.
 *
 * @param curRegion  as it is now. (Optional, and not graded: it may be a part of a region, which is then split.)
 * @param newRegion  the same but for `paStart`
 * @returns          0, or -1 if there is no region identical to `curRegion`, or it is pinned, or `newRegion` differs from it in
 *                   anything but `paStart`
 */
function moveRegion(p: NkAspacePaging, curRegion: NkAspaceRegion, newRegion: NkAspaceRegion): Status {
  return locked(p, () => {
    DEBUG(
      () => `moving region ${regionText(curRegion)} of address space ${p.name} to ${regionText(newRegion)}`,
    )

    // WRITE ME!

    // first, find the region in your data structure: it had better exist and be identical

    // next, update the region in your data structure

    // you can assume that the caller has done the work of copying the memory contents to the new physical memory

    // next, update all corresponding page table entries that exist

    // next, if we are editing the current address space of this CPU, we need to either invalidate individual pages with
    // invlpg() or do a full TLB flush

    return 0
  })
}

/**
 * `switch_from(state)`: called by nkAspaceSwitch and nkAspaceMoveThread, interrupts off
 *
 * This CPU is about to stop using the address space. Nothing has to be done here.
 */
function switchFrom(p: NkAspacePaging): Status {
  const thread = getCurThread()
  DEBUG(() => `switching out address space ${p.name} from thread ${thread.tid} (${thread.name})`)
  return 0
}

/**
 * `switch_to(state)`: called by nkAspaceSwitch and nkAspaceMoveThread, interrupts off
 *
 * This CPU is about to use the address space: install its page tables. Complete.
 */
function switchTo(p: NkAspacePaging): Status {
  const thread = getCurThread()
  DEBUG(() => `switching in address space ${p.name} from thread ${thread.tid} (${thread.name})`)
  writeCr3(p.cr3)
  writeCr4((readCr4() & ~CR4_MASK) | p.cr4)
  return 0
}

/**
 * `exception(state, excp, vec)`: called for a page fault or a general protection fault while this CPU uses the address space, in
 * interrupt context
 *
 * Mend a page fault that is one only because a page table entry has not been built yet.
 *
 * @param excp  what the CPU has pushed; its errorCode is the reason for a page fault
 * @param vec   PF_EXCP or GP_EXCP
 * @returns     0 to have the instruction tried again; panics, or returns -1 (the kernel then tells about the fault and panics), if
 *              nothing can be done
 */
function exception(p: NkAspacePaging, excp: ExcpEntry, vec: number): Status {
  if (vec === GP_EXCP) {
    ERROR(() => `general protection fault at rip=${hex(excp.rip)} with error code ${hex(excp.errorCode)}`)
    panic('general protection fault delivered to paging subsystem')
  }
  if (vec !== PF_EXCP) panic(`unknown exception ${vec} delivered to paging subsystem`)

  return locked(p, () => {
    // the address that faulted, and why
    const virtaddr = readCr2()
    const error = phPfError(excp.errorCode)
    DEBUG(() => `page fault at ${hex(virtaddr)} by rip=${hex(excp.rip)}: ${JSON.stringify(error)}`)

    // WRITE ME!

    // first, find the region that contains the address. If there is none, then this is an unfixable page fault

    // next, if the page was not present: are the permissions of the region appropriate for this access? If so, build a page
    // table entry for the address, and have the instruction tried again. Else it is unfixable

    // next, if the page was present, then a right was missing: compare the permissions of the region with the error

    return 0
  })
}

/**
 * `print(state, detailed)`: called by the shell command ases
 *
 * Tell about the address space.
 *
 * @param detailed  the regions, too: that is yours, and not graded
 */
function print(p: NkAspacePaging, _detailed: boolean): Status {
  const { granularity, alignment } = p.chars
  nkVcPrint(
    `${p.name}: paging address space [granularity ${hex(granularity)} alignment ${hex(alignment)}]\n` +
      `   CR3:    ${hex16(p.cr3)}  CR4m: ${hex16(p.cr4)}\n`,
  )
  return 0
}

/** The functions that each address space of this implementation has. */
const pagingInterface: NkAspaceInterface<NkAspacePaging> = {
  destroy,
  addThread,
  removeThread,
  addRegion,
  removeRegion,
  protectRegion,
  moveRegion,
  switchFrom,
  switchTo,
  exception,
  print,
}

/**
 * `get_characteristics(chars)`: called by nkAspaceQuery
 *
 * @param chars  is filled in: this implementation works in pages of 4 KB
 */
function getCharacteristics(chars: NkAspaceCharacteristics): Status {
  chars.granularity = PAGE_SIZE_4KB
  chars.alignment = PAGE_SIZE_4KB
  return 0
}

/**
 * `create(name, chars)`: called by nkAspaceCreate
 *
 * Make an address space without regions, and register it. Complete; you may have to set up your region set here.
 *
 * @returns  null if there is no memory
 */
function create(name: string, _chars: NkAspaceCharacteristics): NkAspace | null {
  const cr3 = pagingHelperCreate()
  if (cr3 === null) {
    ERROR(`unable to create the page tables of address space ${name}`)
    return null
  }
  const p: NkAspacePaging = {
    aspace: null,
    name,
    lock: new Spinlock(`the lock of address space ${name}`),
    chars: { granularity: 0n, alignment: 0n },
    cr3,
    cr4: nkPagingDefaultCr4() & CR4_MASK,
  }
  p.aspace = nkAspaceRegister(name, NK_ASPACE_HOOK_PF | NK_ASPACE_HOOK_GPF, pagingInterface, p)
  if (!p.aspace) ERROR(`unable to register address space ${name}`)
  else DEBUG(() => `address space ${name} configured and initialized`)
  return p.aspace
}

/** `nk_aspace_register_impl(paging)`: the kernel registers this at boot, as "paging". */
export const pagingImpl: NkAspaceImpl = {
  implName: 'paging',
  getCharacteristics,
  create,
}
