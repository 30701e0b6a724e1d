// Reference solution with all the extra credit: never in anything that a student receives.
//
// As the reference, and in addition: pages of 2 MB and 1 GB, regions with memory of their own (ANON, FILE), regions that grow,
// and changes that hold on every CPU. Contract of the flags: lib/aspace.ts.
//
// Memory is the region's own where it is fresh (in an ANON or FILE region, and where a region has grown): it is in pages of 4 KB,
// and is given back when nobody's TLB knows it any more. So a change has three steps: edit the entries with the lock held, then
// without it tell the CPUs, then free.

import { PTE_ADDR, PTE_NX, PTE_P, PTE_PS, PTE_U, PTE_W, type u64 } from '@pagewalk/machine/x86-64'
import {
  cpus,
  type ExcpEntry,
  free,
  GP_EXCP,
  hex,
  hex16,
  invlpg,
  ListHead,
  listAddTail,
  listDel,
  listForEachEntry,
  malloc,
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
  nkFsRead,
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
  smpXcall,
  spinLockIrqSave,
  spinUnlockIrqRestore,
  tlbFlush,
  writeCr3,
  writeCr4,
} from './lib/kernel.ts'

const { ERROR, DEBUG } = printers('aspace-paging')

const CR4_MASK = 0xb0n
const FRESH = NK_ASPACE_ANON | NK_ASPACE_FILE
const GROWS = NK_ASPACE_GROWS_UP | NK_ASPACE_GROWS_DOWN
/** Flags that say what a region is, not what may be done with it: they stay. */
const KIND = FRESH | GROWS
const INVLPG_LIMIT = 32
const ADDRESS_END = 1n << 64n
const HOLE_START = 1n << 47n
const HOLE_END = ADDRESS_END - HOLE_START
/** Entries have room for 52 bits. */
const PHYSICAL_END = 1n << 52n
/** What an entry of each level maps or covers. SDM Vol. 3 §4.5, 4-Level Paging. */
const SIZE = [0n, PAGE_SIZE_512GB, PAGE_SIZE_1GB, PAGE_SIZE_2MB, PAGE_SIZE_4KB] as const
type Level = 1 | 2 | 3 | 4

const regionText = ({ vaStart, paStart, lenBytes, protect }: NkAspaceRegion): string =>
  `(VA=${hex(vaStart)} to PA=${hex(paStart)}, len=${hex(lenBytes)}, prot=${hex(protect.flags)})`

/** A region of an address space: our copy, as it was added, and how far it reaches now. */
class RegionNode {
  readonly region: NkAspaceRegion
  readonly link: ListHead<RegionNode> = new ListHead<RegionNode>(this)
  /** The first address, and the one behind the last: those of the region, until it grows. */
  low: u64
  high: u64
  constructor(region: NkAspaceRegion) {
    this.region = { ...region, protect: { flags: region.protect.flags } }
    this.low = region.vaStart
    this.high = region.vaStart + region.lenBytes
  }
  get flags(): number {
    return this.region.protect.flags
  }
  /** Is the page at `va` fresh memory, not what the region says? */
  owns(va: u64): boolean {
    const { vaStart, lenBytes } = this.region
    return (this.flags & FRESH) !== 0 || va < vaStart || va >= vaStart + lenBytes
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

function findRegion(p: NkAspacePaging, va: u64): RegionNode | undefined {
  for (const node of listForEachEntry(p.regions)) if (va >= node.low && va < node.high) return node
  return undefined
}
function overlaps(p: NkAspacePaging, low: u64, high: u64): boolean {
  for (const node of listForEachEntry(p.regions)) if (low < node.high && node.low < high) return true
  return false
}
/** Our copy of exactly this region. A region that has grown is still named as it was added. */
function findIdentical(p: NkAspacePaging, region: NkAspaceRegion): RegionNode | undefined {
  for (const node of listForEachEntry(p.regions))
    if (node.region.vaStart === region.vaStart)
      return node.region.paStart === region.paStart && sameButPlace(node.region, region) ? node : undefined
  return undefined
}
const sameButPlace = (a: NkAspaceRegion, b: NkAspaceRegion): boolean =>
  a.vaStart === b.vaStart &&
  a.lenBytes === b.lenBytes &&
  a.protect.flags === b.protect.flags &&
  a.file === b.file &&
  a.maxBytes === b.maxBytes
const isCanonical = (low: u64, high: u64): boolean =>
  low >= 0n && (high <= HOLE_START || (low >= HOLE_END && high <= ADDRESS_END))
function isSane(region: NkAspaceRegion): boolean {
  const { vaStart, paStart, lenBytes, protect, file } = region
  const { flags } = protect
  const fresh = (flags & FRESH) !== 0
  const oneSource = (flags & FRESH) !== FRESH && ((flags & NK_ASPACE_FILE) !== 0) === (file !== undefined)
  const physical = fresh || (paStart % PAGE_SIZE_4KB === 0n && paStart + lenBytes <= PHYSICAL_END)
  const aligned = (vaStart | lenBytes) % PAGE_SIZE_4KB === 0n && lenBytes > 0n
  return aligned && isCanonical(vaStart, vaStart + lenBytes) && physical && oneSource
}

// Page table entries.

const accessOf = (flags: number): PhPfAccess => ({
  write: (flags & NK_ASPACE_WRITE) !== 0,
  user: (flags & NK_ASPACE_KERN) === 0,
  ifetch: (flags & NK_ASPACE_EXEC) !== 0,
})
const NO_ACCESS: PhPfAccess = { write: false, user: false, ifetch: false }
/** CPUID Fn8000_0001 EDX[26]: there are pages of 1 GB. */
const largestLevel = (): Level => (ring0.cpuid(0x8000_0001).edx & (1 << 26) ? 2 : 3)

/** The level of the largest page that may map `va` and is inside the region and alike in both addresses. */
function levelFor({ region }: RegionNode, va: u64): Level {
  const { vaStart, paStart, lenBytes } = region
  for (let level = largestLevel(); level < 4; level++) {
    const size = SIZE[level]!
    const start = va - (va % size)
    if ((vaStart - paStart) % size === 0n && start >= vaStart && start + size <= vaStart + lenBytes)
      return level
  }
  return 4
}
const indexAt = (va: u64, level: number): number => Number((va / SIZE[level]!) % 512n)
/**
 * Write the leaf for `va` at `level`, making the tables on the way. Where there is a table already, the page that goes
 * into it is smaller.
 *
 * @param paOf  the physical address for a virtual one
 * @returns     the size of the page, or 0 if there is no memory
 */
function drill(p: NkAspacePaging, va: u64, level: Level, paOf: (va: u64) => u64, flags: number): u64 {
  let table = Number(p.cr3 & PTE_ADDR)
  for (let depth = 1; ; depth++) {
    const at = table + indexAt(va, depth) * 8
    const entry = depth < 4 ? ring0.read64(at) : 0n
    const isTable = (entry & PTE_P) !== 0n && (entry & PTE_PS) === 0n
    if (depth >= level && !isTable) {
      const size = SIZE[depth]!
      const { write, user, ifetch } = accessOf(flags)
      const rights = (write ? PTE_W : 0n) | (user ? PTE_U : 0n) | (ifetch ? 0n : PTE_NX)
      ring0.write64(at, paOf(va - (va % size)) | PTE_P | (depth < 4 ? PTE_PS : 0n) | rights)
      return size
    }
    table = isTable ? Number(entry & PTE_ADDR) : addTable(at)
    if (table === 0) return 0n
  }
}
function addTable(at: number): number {
  const table = Number(malloc(PAGE_SIZE_4KB))
  if (table === 0) return 0
  ring0.fill(table, 0, 4096)
  ring0.write64(at, BigInt(table) | PTE_P | PTE_W | PTE_U)
  return table
}
/** Map the page at `va`, in one of the sizes. @returns its size, or 0 if there is no memory */
function mapPage(p: NkAspacePaging, node: RegionNode, va: u64): u64 {
  const { vaStart, paStart } = node.region
  if (!node.owns(va)) return drill(p, va, levelFor(node, va), (at) => paStart + (at - vaStart), node.flags)
  const frame = freshFrame(node, va)
  if (frame === 0n) return 0n
  const size = drill(p, va, 4, () => frame, node.flags)
  if (size === 0n) free(frame)
  return size
}
/** A page of memory: zeros, or what the file has there and zeros behind its end. */
function freshFrame({ region, flags }: RegionNode, va: u64): u64 {
  const frame = malloc(PAGE_SIZE_4KB)
  if (frame === 0n) return 0n
  ring0.fill(Number(frame), 0, 4096)
  const inFile = va >= region.vaStart && va < region.vaStart + region.lenBytes
  if (flags & NK_ASPACE_FILE && region.file && inFile)
    nkFsRead(region.file, va - region.vaStart, frame, PAGE_SIZE_4KB)
  return frame
}

interface Edited {
  /** Addresses of the pages whose entries have changed. */
  readonly pages: u64[]
  /** Fresh memory that nothing maps any more. */
  readonly frames: u64[]
}
/** Call `change` for each leaf of a region; what comes out not present is unmapped, and its memory to be freed if it is fresh. */
function editLeaves(
  p: NkAspacePaging,
  node: RegionNode,
  change: (entry: u64, va: u64, size: u64) => u64,
): Edited {
  const edited: Edited = { pages: [], frames: [] }
  for (let va = node.low; va < node.high; ) {
    const { result, level, entry } = pagingHelperWalk(p.cr3, va, NO_ACCESS)
    const size = SIZE[level]
    if (result === 0) {
      const before = ring0.read64(entry)
      const after = change(before, va, size)
      if (after !== before) edited.pages.push(va)
      if (!(after & PTE_P) && node.owns(va)) edited.frames.push(before & PTE_ADDR)
      ring0.write64(entry, after)
    }
    va += size - (va % size)
  }
  return edited
}
/** Map all that is not mapped. @returns -1 if there is no memory; what was mapped till then stays */
function mapMissing(p: NkAspacePaging, node: RegionNode): Status {
  const end = node.region.vaStart + node.region.lenBytes
  for (let va = node.region.vaStart; va < end; ) {
    const { result, level } = pagingHelperWalk(p.cr3, va, NO_ACCESS)
    const size = result === 0 ? SIZE[level] : mapPage(p, node, va)
    if (size === 0n) {
      ERROR(() => `no memory for region ${regionText(node.region)}`)
      return -1
    }
    va += size - (va % size)
  }
  return 0
}

/**
 * On every CPU that uses the address space, drop what has changed; then free the memory. Not with the lock held: a CPU that
 * waits for the lock with interrupts off would never answer.
 */
function settle(p: NkAspacePaging, { pages, frames }: Edited): void {
  const drop = (): void => {
    if (pages.length > INVLPG_LIMIT) tlbFlush()
    else for (const va of pages) invlpg(va)
  }
  // a CPU that begins to use the address space later loads CR3, and that flushes
  if (pages.length > 0)
    for (const cpu of cpus)
      if (cpu.curAspace === p.aspace)
        while (smpXcall(cpu.id, drop, null, true) !== 0)
          ring0.wait(`CPU ${cpu.id} to take another cross call`, () => cpu.xcall === null)
  for (const frame of frames) free(frame)
}
const NOTHING: Edited = { pages: [], frames: [] }
const isPinned = (node: RegionNode): boolean => (node.flags & NK_ASPACE_PIN) !== 0

// The interface.

/** An operation that edits entries with the lock held, and settles that without. */
function editing(p: NkAspacePaging, body: () => { status: Status; edited: Edited }): Status {
  const { status, edited } = locked(p, body)
  settle(p, edited)
  return status
}
const refused = { status: -1 as const, edited: NOTHING }

function addRegion(p: NkAspacePaging, region: NkAspaceRegion): Status {
  return editing(p, () => {
    DEBUG(() => `adding region ${regionText(region)} to address space ${p.name}`)
    if (!isSane(region) || overlaps(p, region.vaStart, region.vaStart + region.lenBytes)) return refused
    const node = new RegionNode(region)
    if (node.flags & NK_ASPACE_EAGER && mapMissing(p, node) !== 0)
      return { status: -1, edited: editLeaves(p, node, () => 0n) }
    listAddTail(node.link, p.regions)
    return { status: 0, edited: NOTHING }
  })
}

function removeRegion(p: NkAspacePaging, region: NkAspaceRegion): Status {
  return editing(p, () => {
    DEBUG(() => `removing region ${regionText(region)} from address space ${p.name}`)
    const node = findIdentical(p, region)
    if (!node || isPinned(node)) return refused
    listDel(node.link)
    return { status: 0, edited: editLeaves(p, node, () => 0n) }
  })
}

function protectRegion(p: NkAspacePaging, region: NkAspaceRegion, { flags }: NkAspaceProtection): Status {
  return editing(p, () => {
    DEBUG(() => `protecting region ${regionText(region)} of address space ${p.name} with ${hex(flags)}`)
    const node = findIdentical(p, region)
    if (!node || (flags ^ node.flags) & KIND) return refused
    const becomesEager = (flags & ~node.flags & NK_ASPACE_EAGER) !== 0
    if (becomesEager && mapMissing(p, node) !== 0) return refused
    node.region.protect = { flags }
    const access = accessOf(flags)
    const edited = editLeaves(p, node, (entry) => pagingHelperSetPermissions(entry, access))
    return { status: 0, edited }
  })
}

function moveRegion(p: NkAspacePaging, curRegion: NkAspaceRegion, newRegion: NkAspaceRegion): Status {
  return editing(p, () => {
    DEBUG(
      () => `moving region ${regionText(curRegion)} of address space ${p.name} to ${regionText(newRegion)}`,
    )
    const node = findIdentical(p, curRegion)
    if (!node || isPinned(node) || node.flags & FRESH) return refused
    if (!isSane(newRegion) || !sameButPlace(node.region, newRegion)) return refused
    const { paStart } = node.region
    const edited = redirect(p, node, newRegion.paStart)
    if (!(node.flags & NK_ASPACE_EAGER) || mapMissing(p, node) === 0) return { status: 0, edited }
    redirect(p, node, paStart) // what is not mapped now comes back by faults
    return { status: -1, edited }
  })
}
/** Point each leaf of a region to its new place. A large page that may not lie there is unmapped. */
function redirect(p: NkAspacePaging, node: RegionNode, paStart: u64): Edited {
  node.region.paStart = paStart
  return editLeaves(p, node, (entry, va, size) => {
    if (node.owns(va)) return entry
    const pa = paStart + (va - node.region.vaStart)
    return pa % size === 0n ? (entry & ~PTE_ADDR) | pa : 0n
  })
}

/** Is this what the region is for? */
function permits({ flags }: RegionNode, { write, user, ifetch }: PhPfError): boolean {
  if (user && flags & NK_ASPACE_KERN) return false
  if (write) return (flags & NK_ASPACE_WRITE) !== 0
  if (ifetch) return (flags & NK_ASPACE_EXEC) !== 0
  return (flags & NK_ASPACE_READ) !== 0
}
/** Make a region a page longer, if `page` lies right at its end and there is room. */
function grow(p: NkAspacePaging, page: u64, error: PhPfError): RegionNode | undefined {
  for (const node of listForEachEntry(p.regions)) {
    const up = (node.flags & NK_ASPACE_GROWS_UP) !== 0 && page === node.high
    const down = (node.flags & NK_ASPACE_GROWS_DOWN) !== 0 && page + PAGE_SIZE_4KB === node.low
    if (!(up || down) || !permits(node, error)) continue
    const [low, high] = up ? [node.low, node.high + PAGE_SIZE_4KB] : [page, node.high]
    if (!isCanonical(low, high) || high - low > (node.region.maxBytes ?? ADDRESS_END)) continue
    node.low = low
    node.high = high
    return node
  }
  return undefined
}

function exception(p: NkAspacePaging, excp: ExcpEntry, vec: number): Status {
  if (vec === GP_EXCP) panic(`general protection fault delivered to paging subsystem, rip=${hex(excp.rip)}`)
  if (vec !== PF_EXCP) panic(`unknown exception ${vec} delivered to paging subsystem`)
  return locked(p, () => {
    const page = readCr2() & ~(PAGE_SIZE_4KB - 1n)
    const error = phPfError(excp.errorCode)
    const node = findRegion(p, page) ?? grow(p, page, error)
    if (!node || error.rsvdAccess || !permits(node, error)) return -1
    // another CPU may have mapped it since, or this one's TLB had it as it used to be
    if (pagingHelperWalk(p.cr3, page, accessOf(node.flags)).result === 0) return 0
    return mapPage(p, node, page) === 0n ? -1 : 0
  })
}

function destroy(p: NkAspacePaging): Status {
  const { aspace } = p
  locked(p, () => {
    DEBUG(() => `destroying address space ${p.name}`)
    for (const node of listForEachEntry(p.regions))
      if (node.flags & KIND) for (const frame of editLeaves(p, node, () => 0n).frames) free(frame)
    pagingHelperFree(p.cr3, false)
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
    for (const { region, low, high } of listForEachEntry(p.regions))
      nkVcPrint(`   Region: ${regionText(region)}, now ${hex(low)} to ${hex(high)}\n`)
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
