// Address spaces, of any kind. Handout: aspace.h, aspace.c.
//
// An address space is a set of regions. What a region becomes (page table entries, for example) is up to the
// implementation of the address space: it registers itself by name, makes address spaces, and gives each an interface,
// whose functions are called from here. Nothing is locked or checked here on their behalf.
//
// A thread lives in thread.aspace, a CPU uses cpu.curAspace. Null is the default address space: physical memory at its own
// addresses, made at boot. It is not "base", which is the worked example of an implementation (base.ts).

import type { u64 } from '@pagewalk/machine/x86-64'
import { type ExcpEntry, writeCr3 } from './exception.ts'
import type { NkFile } from './fs.ts'
import { free, malloc } from './kmem.ts'
import { FIRST_ASPACE_ADDR, KMEM_ASPACE, PAGE_BYTES } from './layout.ts'
import { ledgerAdd, ledgerChange, ledgerRemove } from './ledger.ts'
import { nkPagingDefaultCr3 } from './paging-helpers.ts'
import { printers } from './print.ts'
import { ring0 } from './ring0.ts'
import { getCpu, type Status } from './smp.ts'
import {
  irqDisableSave,
  irqEnableRestore,
  Spinlock,
  spinLockIrqSave,
  spinUnlockIrqRestore,
} from './spinlock.ts'
import { getCurThread } from './thread.ts'
import { nkVcPrint } from './vc.ts'

const { INFO } = printers('aspace')

// Flags of a region.
export const NK_ASPACE_READ = 1
export const NK_ASPACE_WRITE = 2
export const NK_ASPACE_EXEC = 4
/** May not be moved or removed. */
export const NK_ASPACE_PIN = 8
/** Only for the kernel: not for code at CPL 3. */
export const NK_ASPACE_KERN = 16
/** May be swapped out. Nothing does that. */
export const NK_ASPACE_SWAP = 32
/** Must be in force when addRegion returns; else it may be built when it is used. */
export const NK_ASPACE_EAGER = 64
// Flags for extra credit; the README has the whole contract. An implementation without it refuses regions that have one.

/** Extra credit: fresh memory, all zero, a page when it is first used. `paStart` says nothing; it cannot be moved. */
export const NK_ASPACE_ANON = 128
/** Extra credit: as NK_ASPACE_ANON, but with the contents of `file`, and zeros behind its end. */
export const NK_ASPACE_FILE = 256
/**
 * Extra credit: an access to the page just behind the region makes it a page longer, with fresh memory, all zero. To `maxBytes`
 * at most, and never into another region. Remove, protect and move name the region as it was added.
 */
export const NK_ASPACE_GROWS_UP = 512
/** Extra credit: the same with the page just before the region. */
export const NK_ASPACE_GROWS_DOWN = 1024

// Exceptions that an address space wants to be called for.
export const NK_ASPACE_HOOK_PF = 1
export const NK_ASPACE_HOOK_GPF = 2

/** `nk_aspace_characteristics_t`: what regions must be multiples of, in bytes. */
export interface NkAspaceCharacteristics {
  /** Of a region's length. */
  granularity: u64
  /** Of a region's addresses. */
  alignment: u64
}
/** `nk_aspace_protection_t` */
export interface NkAspaceProtection {
  /** NK_ASPACE_READ and so on, or-ed. */
  flags: number
}
/**
 * `nk_aspace_region_t`: `lenBytes` bytes from virtual address `vaStart` are those from physical address `paStart`.
 *
 * The object belongs to the caller, who may change it as soon as a call returns.
 */
export interface NkAspaceRegion {
  vaStart: u64
  paStart: u64
  lenBytes: u64
  protect: NkAspaceProtection
  /** Only with NK_ASPACE_FILE: the file that is mapped, from its first byte on. */
  file?: NkFile
  /** Only with NK_ASPACE_GROWS_UP or _DOWN: the most bytes that the region may come to. */
  maxBytes?: u64
}

/** `nk_aspace_interface_t`: the functions of an implementation. `state` is what it gave to nkAspaceRegister. */
export interface NkAspaceInterface<State> {
  /** The address space will not be used any more: free all that belongs to it. */
  destroy(state: State): Status
  /** The current thread comes in, or goes. Interrupts are off. Threads that are started or end inside are not told. */
  addThread(state: State): Status
  removeThread(state: State): Status
  addRegion(state: State, region: NkAspaceRegion): Status
  removeRegion(state: State, region: NkAspaceRegion): Status
  protectRegion(state: State, region: NkAspaceRegion, prot: NkAspaceProtection): Status
  moveRegion(state: State, curRegion: NkAspaceRegion, newRegion: NkAspaceRegion): Status
  /** This CPU stops using the address space, or begins to. Interrupts are off, and the current thread is the outgoing one. */
  switchFrom(state: State): Status
  switchTo(state: State): Status
  /**
   * An exception happened while this CPU uses the address space; in interrupt context.
   *
   * @param vec  VECTOR_PF or VECTOR_GP
   * @returns    0: it is mended, try the instruction again; -1: the kernel tells about it and halts
   */
  exception(state: State, excp: ExcpEntry, vec: number): Status
  /** Tell about it with nkVcPrint. */
  print(state: State, detailed: boolean): Status
}

/** `nk_aspace_impl_t`: a kind of address space. */
export interface NkAspaceImpl {
  readonly implName: string
  /** Fill in `chars`. */
  getCharacteristics(chars: NkAspaceCharacteristics): Status
  /** @returns a registered address space, or null */
  create(name: string, chars: NkAspaceCharacteristics): NkAspace | null
}

// nk_aspace_t in memory: offsets of its fields.
const FLAGS = 0
const NAME = 8
const NAME_BYTES = 32
const STATE = 40
const INTERFACE = 48
const NEXT = 56
const CR3 = 64 // behind it: ledger.ts

/** `nk_aspace_t`: an address space. */
export class NkAspace {
  /** Of the structure, in memory. */
  readonly address: u64
  readonly name: string
  /** NK_ASPACE_HOOK_PF and so on, or-ed. */
  readonly flags: number
  readonly iface: NkAspaceInterface<unknown>
  readonly state: unknown

  constructor(address: u64, name: string, flags: number, iface: NkAspaceInterface<unknown>, state: unknown) {
    this.address = address
    this.name = name
    this.flags = flags
    this.iface = iface
    this.state = state
  }
}

let impls: NkAspaceImpl[] = []
/** In the order in which they were registered; each one's structure points to the next. */
let aspaces: NkAspace[] = []
const listLock = new Spinlock('the list of address spaces')

/** `nk_aspace_init()`: neither implementations nor address spaces. What boots the kernel then calls nkAspaceBaseInit (base.ts). */
export function nkAspaceInit(): void {
  impls = []
  aspaces = []
  listLock.holder = -1
  INFO('inited')
}
/** `nk_aspace_register_impl(x)`: an implementation, to be found by its name. */
export function nkAspaceRegisterImpl(impl: NkAspaceImpl): void {
  impls.push(impl)
}
const implOf = (name: string): NkAspaceImpl | undefined => impls.find(({ implName }) => implName === name)

/**
 * `nk_aspace_query(impl_name, chars)`
 *
 * Ask an implementation what it wants of regions.
 *
 * @param chars  is filled in
 * @returns      0, or -1 if there is no implementation of this name
 */
export function nkAspaceQuery(implName: string, chars: NkAspaceCharacteristics): Status {
  return implOf(implName)?.getCharacteristics(chars) ?? -1
}
/**
 * `nk_aspace_create(impl_name, name, chars)`
 *
 * @returns  a new address space, empty, or null if there is no such implementation or it cannot
 */
export function nkAspaceCreate(
  implName: string,
  name: string,
  chars: NkAspaceCharacteristics,
): NkAspace | null {
  return implOf(implName)?.create(name, chars) ?? null
}

/**
 * `nk_aspace_register(name, flags, interface, state)`
 *
 * For implementations: enter a new address space into the kernel's list. Names need not differ.
 *
 * @param name   of which 31 characters are kept
 * @param flags  NK_ASPACE_HOOK_PF, NK_ASPACE_HOOK_GPF, or-ed
 * @param state  is given to each function of `iface`
 * @returns      the address space, or null if there is no memory
 */
export function nkAspaceRegister<State>(
  name: string,
  flags: number,
  iface: NkAspaceInterface<State>,
  state: State,
): NkAspace | null {
  const address = malloc(PAGE_BYTES, KMEM_ASPACE)
  if (address === 0n) return null
  const at = Number(address)
  const kept = name.slice(0, NAME_BYTES - 1)
  ring0.fill(at, 0, PAGE_BYTES)
  ring0.write64(at + FLAGS, BigInt(flags))
  ring0.writeBytes(
    at + NAME,
    Uint8Array.from(kept, (c) => c.charCodeAt(0)),
  )
  ring0.write64(at + STATE, 0n)
  ring0.write64(at + INTERFACE, 1n)
  const aspace = new NkAspace(address, kept, flags, iface, state)
  withList(() => {
    aspaces.push(aspace)
    linkAll()
  })
  return aspace
}
/**
 * `nk_aspace_unregister(aspace)`
 *
 * For implementations, at the end of destroy: take an address space out of the list. Frees the structure, but nothing that
 * the implementation has made.
 */
export function nkAspaceUnregister(aspace: NkAspace): Status {
  withList(() => {
    aspaces = aspaces.filter((other) => other !== aspace)
    linkAll()
  })
  free(aspace.address)
  return 0
}
function withList(change: () => void): void {
  const flags = spinLockIrqSave(listLock)
  change()
  spinUnlockIrqRestore(listLock, flags)
}
/** Each structure points to the next one: for whoever looks at memory. */
function linkAll(): void {
  let at = FIRST_ASPACE_ADDR
  for (const { address } of aspaces) {
    ring0.write64(at, address)
    at = Number(address) + NEXT
  }
  ring0.write64(at, 0n)
}
/** `nk_aspace_find(name)`: the oldest of this name, or null. */
export function nkAspaceFind(name: string): NkAspace | null {
  return aspaces.find((aspace) => aspace.name === name) ?? null
}

/** `nk_aspace_destroy(aspace)`: free an address space and all that belongs to it. Nobody may be in it any more. */
export function nkAspaceDestroy(aspace: NkAspace): Status {
  return aspace.iface.destroy(aspace.state)
}
/** `nk_aspace_add_region(aspace, region)` @returns 0, or -1 if it may not be, for example because it overlaps another */
export function nkAspaceAddRegion(aspace: NkAspace, region: NkAspaceRegion): Status {
  const status = aspace.iface.addRegion(aspace.state, region)
  if (status === 0) ledgerAdd(aspace.address, region)
  return status
}
/** `nk_aspace_remove_region(aspace, region)` @returns 0, or -1 if there is no identical region, or it is pinned */
export function nkAspaceRemoveRegion(aspace: NkAspace, region: NkAspaceRegion): Status {
  const status = aspace.iface.removeRegion(aspace.state, region)
  if (status === 0) ledgerRemove(aspace.address, region)
  return status
}
/** `nk_aspace_protect_region(aspace, region, prot)`: give a region other flags. @returns 0, or -1 if it is not there */
export function nkAspaceProtectRegion(
  aspace: NkAspace,
  region: NkAspaceRegion,
  prot: NkAspaceProtection,
): Status {
  const status = aspace.iface.protectRegion(aspace.state, region, prot)
  if (status === 0) ledgerChange(aspace.address, region, { ...region, protect: prot })
  return status
}
/**
 * `nk_aspace_move_region(aspace, cur_region, new_region)`
 *
 * Give a region another physical address. The caller has copied the contents, if he wants them.
 *
 * @param newRegion  as `curRegion` but for paStart
 * @returns          0, or -1 if `curRegion` is not there or is pinned, or `newRegion` differs in anything else
 */
export function nkAspaceMoveRegion(
  aspace: NkAspace,
  curRegion: NkAspaceRegion,
  newRegion: NkAspaceRegion,
): Status {
  const status = aspace.iface.moveRegion(aspace.state, curRegion, newRegion)
  if (status === 0) ledgerChange(aspace.address, curRegion, newRegion)
  return status
}

/**
 * `nk_aspace_switch(next)`
 *
 * Make an address space the current one of this CPU. The scheduler calls it before each switch of threads, in the context and
 * on the stack of the old one. Does nothing if it is the current one already: CR3 is not loaded, the TLB not flushed.
 *
 * @param next  null: the default address space
 */
export function nkAspaceSwitch(next: NkAspace | null): Status {
  const flags = irqDisableSave()
  enter(next)
  irqEnableRestore(flags)
  return 0
}
function enter(next: NkAspace | null): void {
  const cpu = getCpu()
  const current = cpu.curAspace
  if (next === current) return
  if (current) current.iface.switchFrom(current.state)
  if (next) {
    next.iface.switchTo(next.state)
    ring0.write64(Number(next.address) + CR3, ring0.cr3) // what it really is, for whoever looks at memory
  } else writeCr3(nkPagingDefaultCr3())
  cpu.curAspace = next
}

/**
 * `nk_aspace_move_thread(aspace)`
 *
 * Move the current thread into an address space, and this CPU with it: when this returns, the next instruction has been fetched
 * through it. Code, stack and kernel memory must be mapped there as they are here.
 *
 * @param aspace  null: the default address space
 */
export function nkAspaceMoveThread(aspace: NkAspace | null): Status {
  const flags = irqDisableSave()
  const thread = getCurThread()
  const old = thread.aspace
  if (old) old.iface.removeThread(old.state)
  if (aspace) aspace.iface.addThread(aspace.state)
  enter(aspace)
  thread.aspace = aspace
  irqEnableRestore(flags)
  return 0
}

const HOOKS = new Map([
  [14, NK_ASPACE_HOOK_PF],
  [13, NK_ASPACE_HOOK_GPF],
])
/**
 * `nk_aspace_exception(entry, vec)`: called by the handlers of page faults and general protection faults
 *
 * Ask this CPU's address space to mend an exception.
 *
 * @returns  0 if it is mended; -1 if not, or if the address space does not want to know, or is the default one
 */
export function nkAspaceException(excp: ExcpEntry, vec: number): Status {
  const aspace = getCpu().curAspace
  if (!aspace || !(aspace.flags & (HOOKS.get(vec) ?? 0))) return -1
  return aspace.iface.exception(aspace.state, excp, vec)
}

/** `nk_aspace_dump_aspaces(detail)`: print all address spaces. */
export function nkAspaceDumpAspaces(detail: boolean): void {
  withList(() => {
    for (const { iface, state } of aspaces) iface.print(state, detail)
  })
}
/** `nk_aspace_dump_aspace_impls()`: print the names of all implementations. */
export function nkAspaceDumpAspaceImpls(): void {
  for (const { implName } of impls) nkVcPrint(`${implName}\n`)
}
