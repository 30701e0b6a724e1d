// The program loader: from an image in the kernel's memory into a process's address space. Handout: k-loader.c.

import { PAGESIZE, PTE_P, PTE_U, PTE_W, type u64 } from '@pagewalk/machine/x86-64'
import { assert as assertIn, consolePrintf, memcpy, memset } from './console.ts'
import { type PagetableAllocator, type Status, setPagetable, virtualMemoryMap } from './hardware.ts'
import { CPOS, PAGEADDRESS, PAGENUMBER, RAMIMAGES } from './layout.ts'
import { kernelPagetable, type Proc } from './proc.ts'
import { ring0 } from './ring0.ts'

const ELF_MAGIC = 0x464c_457f
const ELF_PTYPE_LOAD = 1
const ELF_PFLAG_WRITE = 2
/** Room for the table of images: begin and end of each, and then the images. */
export const RAMIMAGE_SLOTS = 16

const assert: (holds: boolean, expression: string) => asserts holds = (holds, expression) =>
  assertIn(holds, expression, 'loader.ts')

/** `assign_physical_page`, which belongs to the student's file. */
type AssignPhysicalPage = (addr: u64, owner: number) => Status
let assignPhysicalPage: AssignPhysicalPage
export function loaderUses(assign: AssignPhysicalPage): void {
  assignPhysicalPage = assign
}

/** A part of a program image that belongs into memory. Handout: `elf_program`. */
export interface ProgramSegment {
  /** Where the process wants it. */
  readonly va: u64
  /** In bytes; what is behind `fileSize` is zeroes. */
  readonly memorySize: u64
  readonly fileSize: u64
  /** Where its bytes are: an address in the kernel's data. */
  readonly from: number
  /** Is the process meant to write there? Handout: `p_flags & ELF_PFLAG_WRITE`. */
  readonly writable: boolean
}
/** Puts one segment into a process's address space. @returns 0, or -1 if there was no room */
export type SegmentLoader = (p: Proc, segment: ProgramSegment, allocator: PagetableAllocator | null) => Status

/**
 * `program_load(p, programnumber, allocator)`
 *
 * Load program `programNumber` into process `p`, one segment after the other, and set rip to its entry.
 *
 * @param programNumber  0 to 3 the allocators, 4 p-fork, 5 p-forkexit
 * @param allocator      as for virtualMemoryMap
 * @param loadSegment    what puts a segment into memory; yours, if you have one
 * @returns              0, or -1 if `loadSegment` says so
 */
export function programLoad(
  p: Proc,
  programNumber: number,
  allocator: PagetableAllocator | null,
  loadSegment: SegmentLoader = programLoadSegment,
): Status {
  const begin = Number(ring0.read64(RAMIMAGES + programNumber * 16))
  const end = Number(ring0.read64(RAMIMAGES + programNumber * 16 + 8))
  assert(
    programNumber >= 0 && programNumber < RAMIMAGE_SLOTS && begin !== 0,
    'programnumber >= 0 && programnumber < nprograms',
  )
  const header = new DataView(ring0.readBytes(begin, 64).buffer)
  assert(header.getUint32(0, true) === ELF_MAGIC, 'eh->e_magic == ELF_MAGIC')
  const programHeaders = begin + Number(header.getBigUint64(32, true))
  for (let i = 0; i < header.getUint16(56, true); i++) {
    const ph = new DataView(ring0.readBytes(programHeaders + i * 56, 56).buffer)
    if (ph.getUint32(0, true) !== ELF_PTYPE_LOAD) continue
    const segment: ProgramSegment = {
      va: ph.getBigUint64(16, true),
      memorySize: ph.getBigUint64(40, true),
      fileSize: ph.getBigUint64(32, true),
      from: begin + Number(ph.getBigUint64(8, true)),
      writable: (ph.getUint32(4, true) & ELF_PFLAG_WRITE) !== 0,
    }
    assert(segment.from + Number(segment.fileSize) <= end, 'ph->p_offset + ph->p_filesz <= size')
    if (loadSegment(p, segment, allocator) < 0) return -1
  }
  p.registers.rip = header.getBigUint64(24, true)
  return 0
}

/**
 * `program_load_segment(p, ph, src, allocator)`
 *
 * Put `segment` into process `p`: each page goes to the physical page of the same address, which must be free, and is mapped
 * with P, W and U in `p.pagetable`. Copies through the process's own mappings.
 *
 * @returns  0, or -1 if a page is taken or a page table could not be made
 */
export function programLoadSegment(
  p: Proc,
  { va, memorySize, fileSize, from }: ProgramSegment,
  allocator: PagetableAllocator | null,
): Status {
  for (let addr = PAGEADDRESS(PAGENUMBER(va)); addr < va + memorySize; addr += PAGESIZE) {
    if (
      assignPhysicalPage(addr, p.pid) < 0 ||
      virtualMemoryMap(p.pagetable, addr, addr, PAGESIZE, PTE_P | PTE_W | PTE_U, allocator) < 0
    ) {
      const text = "program_load_segment(pid %d): can't assign address %p\n"
      consolePrintf(CPOS(22, 0), 0xc000, text, p.pid, addr)
      return -1
    }
  }
  setPagetable(p.pagetable)
  memcpy(va, BigInt(from), fileSize)
  memset(va + fileSize, 0, memorySize - fileSize)
  setPagetable(kernelPagetable)
  return 0
}
