// A sample submission: never flushes.
//
// The regions of an address space are a list of copies. An eager region is drilled page by page when it is added, a lazy one
// by page faults. Whatever changes a region edits the page table entries that exist, and drops from the TLB what this CPU
// may still know of them. Other CPUs are told nothing: that is extra credit (reference-extra).

import { PTE_ADDR, type u64 } from '@pagewalk/machine/x86-64'
import {
  type ExcpEntry,
  free,
  GP_EXCP,
  getCpu,
  hex,
  hex16,
  invlpg,
  ListHead,
  listAddTail,
  listDel,
  listForEachEntry,
  NK_ASPACE_ANON,
  NK_ASPACE_EAGER,
  NK_ASPACE_EXEC,
  NK_ASPACE_FILE,
  NK_ASPACE_GROWS_DOWN,
  NK_ASPACE_GROWS_UP,
  NK_ASPACE_HOOK_GPF,
  NK_ASPACE_HOOK_PF,
  NK_ASPACE_KERN,
  NK_ASPACE_PIN,
  NK_ASPACE_READ,
  NK_ASPACE_WRITE,
  type NkAspace,
  type NkAspaceCharacteristics,
  type NkAspaceImpl,
  type NkAspaceInterface,
  type NkAspaceProtection,
  type NkAspaceRegion,
  nkAspaceRegister,
  nkAspaceUnregister,
  nkPagingDefaultCr4,
  nkVcPrint,
  PAGE_SIZE_1GB,
  PAGE_SIZE_2MB,
  PAGE_SIZE_4KB,
  PAGE_SIZE_512GB,
  PF_EXCP,
  type PhPfAccess,
  type PhPfError,
  pagingHelperCreate,
  pagingHelperDrill,
  pagingHelperFree,
  pagingHelperSetPermissions,
  pagingHelperWalk,
  panic,
  phPfError,
  printers,
  readCr2,
  readCr4,
  ring0,
  Spinlock,
  type Status,
  spinLockIrqSave,
  spinUnlockIrqRestore,
  tlbFlush,
  writeCr3,
  writeCr4,
} from './lib/kernel.ts'

const { ERROR, DEBUG } = printers('aspace-paging')

const CR4_MASK = 0xb0n
const EXTRA_CREDIT = NK_ASPACE_ANON | NK_ASPACE_FILE | NK_ASPACE_GROWS_UP | NK_ASPACE_GROWS_DOWN
/** Up to so many pages are dropped from the TLB one by one; more, and the whole TLB goes. */
const INVLPG_LIMIT = 32
const ADDRESS_END = 1n << 64n
/** The first address that is not canonical, and the next one that is. */
const HOLE_START = 1n << 47n
const HOLE_END = ADDRESS_END - HOLE_START
/** Entries have room for 52 bits. */
const PHYSICAL_END = 1n << 52n

const regionText = ({ vaStart, paStart, lenBytes, protect }: NkAspaceRegion): string =>
  `(VA=${hex(vaStart)} to PA=${hex(paStart)}, len=${hex(lenBytes)}, prot=${hex(protect.flags)})`

/** A region of an address space: our copy, and its place in the list. */
class RegionNode {
  readonly region: NkAspaceRegion
  readonly link: ListHead<RegionNode> = new ListHead<RegionNode>(this)
  constructor({ vaStart, paStart, lenBytes, protect }: NkAspaceRegion) {
    this.region = { vaStart, paStart, lenBytes, protect: { flags: protect.flags } }
  }
}

interface NkAspacePaging {
  aspace: NkAspace | null
  readonly name: string
  readonly lock: Spinlock
  readonly chars: NkAspaceCharacteristics
  readonly cr3: u64
  readonly cr4: u64
  /** In the order in which they were added. No two overlap. */
  readonly regions: ListHead<RegionNode>
}

function locked<T>(p: NkAspacePaging, body: () => T): T {
  const flags = spinLockIrqSave(p.lock)
  const result = body()
  spinUnlockIrqRestore(p.lock, flags)
  return result
}

// The set of regions.

/** Where a region ends: the address behind its last byte, at most 2^64. */
const endOf = ({ vaStart, lenBytes }: NkAspaceRegion): u64 => vaStart + lenBytes

/** The region that contains an address. */
function findRegion(p: NkAspacePaging, va: u64): NkAspaceRegion | undefined {
  for (const { region } of listForEachEntry(p.regions))
    if (va >= region.vaStart && va < endOf(region)) return region
  return undefined
}
function overlaps(p: NkAspacePaging, region: NkAspaceRegion): boolean {
  for (const { region: other } of listForEachEntry(p.regions))
    if (region.vaStart < endOf(other) && other.vaStart < endOf(region)) return true
  return false
}
/** Our copy of exactly this region. */
function findIdentical(
  p: NkAspacePaging,
  { vaStart, paStart, lenBytes, protect }: NkAspaceRegion,
): RegionNode | undefined {
  for (const node of listForEachEntry(p.regions)) {
    const { region } = node
    if (region.vaStart !== vaStart) continue
    const same =
      region.paStart === paStart && region.lenBytes === lenBytes && region.protect.flags === protect.flags
    return same ? node : undefined
  }
  return undefined
}
/** Pages that exist, at addresses that exist, and nothing that we do not know. */
function isSane({ vaStart, paStart, lenBytes, protect }: NkAspaceRegion): boolean {
  const aligned = (vaStart | paStart | lenBytes) % PAGE_SIZE_4KB === 0n
  const end = vaStart + lenBytes
  const canonical = end <= HOLE_START || (vaStart >= HOLE_END && end <= ADDRESS_END)
  return (
    aligned &&
    lenBytes > 0n &&
    canonical &&
    paStart + lenBytes <= PHYSICAL_END &&
    !(protect.flags & EXTRA_CREDIT)
  )
}

// Page table entries.

const accessOf = (flags: number): PhPfAccess => ({
  write: (flags & NK_ASPACE_WRITE) !== 0,
  user: (flags & NK_ASPACE_KERN) === 0,
  ifetch: (flags & NK_ASPACE_EXEC) !== 0,
})
const NO_ACCESS: PhPfAccess = { write: false, user: false, ifetch: false }
/** What an entry of each level covers; index 0 is a page that is there. */
const STEP = [PAGE_SIZE_4KB, PAGE_SIZE_512GB, PAGE_SIZE_1GB, PAGE_SIZE_2MB, PAGE_SIZE_4KB] as const

/** Call `change` for each page table entry of a region that is present. @returns the pages' addresses */
function editEntries(
  p: NkAspacePaging,
  { vaStart, lenBytes }: NkAspaceRegion,
  change: (entry: u64, offset: u64) => u64,
): u64[] {
  const edited: u64[] = []
  const end = vaStart + lenBytes
  for (let va = vaStart; va < end; ) {
    const { result, entry } = pagingHelperWalk(p.cr3, va, NO_ACCESS)
    if (result === 0) {
      ring0.write64(entry, change(ring0.read64(entry), va - vaStart))
      edited.push(va)
    }
    const step = STEP[result]
    va += step - (va % step) // where a table is missing, all that it would cover
  }
  return edited
}
/** Entries of these pages have changed: drop what this CPU's TLB may hold of them. */
function flushPages(p: NkAspacePaging, pages: readonly u64[]): void {
  if (getCpu().curAspace !== p.aspace) return // switchTo loads CR3, and that flushes
}
const mapPage = (p: NkAspacePaging, { vaStart, paStart, protect }: NkAspaceRegion, offset: u64): Status =>
  pagingHelperDrill(p.cr3, vaStart + offset, paStart + offset, accessOf(protect.flags))

// The interface.

function addRegion(p: NkAspacePaging, region: NkAspaceRegion): Status {
  return locked(p, () => {
    DEBUG(() => `adding region ${regionText(region)} to address space ${p.name}`)
    if (!isSane(region) || overlaps(p, region)) return -1
    const node = new RegionNode(region)
    if (node.region.protect.flags & NK_ASPACE_EAGER && mapAll(p, node.region) !== 0) return -1
    listAddTail(node.link, p.regions)
    // no flush: none of these pages was present, and what is not present is in no TLB
    return 0
  })
}
/** Map each page of a region, or none. */
function mapAll(p: NkAspacePaging, region: NkAspaceRegion): Status {
  const { vaStart, paStart, lenBytes, protect } = region
  const access = accessOf(protect.flags)
  for (let offset = 0n; offset < lenBytes; offset += PAGE_SIZE_4KB)
    if (pagingHelperDrill(p.cr3, vaStart + offset, paStart + offset, access) !== 0) {
      ERROR(() => `no memory for the page tables of region ${regionText(region)}`)
      flushPages(
        p,
        editEntries(p, region, () => 0n),
      )
      return -1
    }
  return 0
}

function removeRegion(p: NkAspacePaging, region: NkAspaceRegion): Status {
  return locked(p, () => {
    DEBUG(() => `removing region ${regionText(region)} from address space ${p.name}`)
    const node = findIdentical(p, region)
    if (!node || node.region.protect.flags & NK_ASPACE_PIN) return -1
    listDel(node.link)
    flushPages(
      p,
      editEntries(p, node.region, () => 0n),
    )
    return 0
  })
}

function protectRegion(p: NkAspacePaging, region: NkAspaceRegion, { flags }: NkAspaceProtection): Status {
  return locked(p, () => {
    DEBUG(() => `protecting region ${regionText(region)} of address space ${p.name} with ${hex(flags)}`)
    const node = findIdentical(p, region)
    if (!node || flags & EXTRA_CREDIT) return -1
    const before = node.region.protect
    node.region.protect = { flags }
    if (flags & ~before.flags & NK_ASPACE_EAGER && mapAll(p, node.region) !== 0) {
      node.region.protect = before // nothing is mapped now, and comes back by faults
      return -1
    }
    const access = accessOf(flags)
    flushPages(
      p,
      editEntries(p, node.region, (entry) => pagingHelperSetPermissions(entry, access)),
    )
    return 0
  })
}

function moveRegion(p: NkAspacePaging, curRegion: NkAspaceRegion, newRegion: NkAspaceRegion): Status {
  return locked(p, () => {
    DEBUG(
      () => `moving region ${regionText(curRegion)} of address space ${p.name} to ${regionText(newRegion)}`,
    )
    const node = findIdentical(p, curRegion)
    if (!node || node.region.protect.flags & NK_ASPACE_PIN || !isSane(newRegion)) return -1
    const { vaStart, paStart, lenBytes, protect } = newRegion
    const { region } = node
    if (region.vaStart !== vaStart || region.lenBytes !== lenBytes || region.protect.flags !== protect.flags)
      return -1
    region.paStart = paStart
    flushPages(
      p,
      editEntries(p, region, (entry, offset) => (entry & ~PTE_ADDR) | (paStart + offset)),
    )
    return 0
  })
}

/** Is this what the region is for? */
function permits({ protect: { flags } }: NkAspaceRegion, { write, user, ifetch }: PhPfError): boolean {
  if (user && flags & NK_ASPACE_KERN) return false
  if (write) return (flags & NK_ASPACE_WRITE) !== 0
  if (ifetch) return (flags & NK_ASPACE_EXEC) !== 0
  return (flags & NK_ASPACE_READ) !== 0
}

function exception(p: NkAspacePaging, excp: ExcpEntry, vec: number): Status {
  if (vec === GP_EXCP) panic(`general protection fault delivered to paging subsystem, rip=${hex(excp.rip)}`)
  if (vec !== PF_EXCP) panic(`unknown exception ${vec} delivered to paging subsystem`)
  return locked(p, () => {
    const virtaddr = readCr2()
    const error = phPfError(excp.errorCode)
    const region = findRegion(p, virtaddr)
    // the kernel tells about what cannot be mended, and halts
    if (!region || error.rsvdAccess || !permits(region, error)) return -1
    // a present page with sufficient rights was in the TLB as it used to be; to map it again does no harm
    return mapPage(p, region, (virtaddr - region.vaStart) & ~(PAGE_SIZE_4KB - 1n))
  })
}

function destroy(p: NkAspacePaging): Status {
  const { aspace } = p
  locked(p, () => {
    DEBUG(() => `destroying address space ${p.name}`)
    pagingHelperFree(p.cr3, false) // what the regions map is not ours
  })
  return aspace ? nkAspaceUnregister(aspace) : 0
}

function switchTo(p: NkAspacePaging): Status {
  writeCr3(p.cr3)
  writeCr4((readCr4() & ~CR4_MASK) | p.cr4)
  return 0
}

function print(p: NkAspacePaging, detailed: boolean): Status {
  const { granularity, alignment } = p.chars
  nkVcPrint(
    `${p.name}: paging address space [granularity ${hex(granularity)} alignment ${hex(alignment)}]\n` +
      `   CR3:    ${hex16(p.cr3)}  CR4m: ${hex16(p.cr4)}\n`,
  )
  if (detailed)
    for (const { region } of listForEachEntry(p.regions)) nkVcPrint(`   Region: ${regionText(region)}\n`)
  return 0
}

const pagingInterface: NkAspaceInterface<NkAspacePaging> = {
  destroy,
  addThread: () => 0,
  removeThread: () => 0,
  addRegion,
  removeRegion,
  protectRegion,
  moveRegion,
  switchFrom: () => 0,
  switchTo,
  exception,
  print,
}

function getCharacteristics(chars: NkAspaceCharacteristics): Status {
  chars.granularity = PAGE_SIZE_4KB
  chars.alignment = PAGE_SIZE_4KB
  return 0
}

function create(name: string, { granularity, alignment }: NkAspaceCharacteristics): NkAspace | null {
  const cr3 = pagingHelperCreate()
  if (cr3 === null) {
    ERROR(`unable to create the page tables of address space ${name}`)
    return null
  }
  const p: NkAspacePaging = {
    aspace: null,
    name,
    lock: new Spinlock(`the lock of address space ${name}`),
    chars: { granularity, alignment },
    cr3,
    cr4: nkPagingDefaultCr4() & CR4_MASK,
    regions: new ListHead<RegionNode>(),
  }
  p.aspace = nkAspaceRegister(name, NK_ASPACE_HOOK_PF | NK_ASPACE_HOOK_GPF, pagingInterface, p)
  if (!p.aspace) {
    ERROR(`unable to register address space ${name}`)
    free(cr3)
  }
  return p.aspace
}

export const pagingImpl: NkAspaceImpl = { implName: 'paging', getCharacteristics, create }
