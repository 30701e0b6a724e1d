// The program loader: from an image in the kernel's memory into a process's address space. Handout: k-loader.c.

import { PTE_P, PTE_U, PTE_W, type u64 } from '@pagewalk/machine/x86-64'
import { assert as assertIn, consolePrintf } from './console.ts'
import { type PagetableAllocator, type Status, setPagetable, virtualMemoryMap } from './hardware.ts'
import { CPOS, PAGEADDRESS, PAGENUMBER, RAMIMAGES } from './layout.ts'
import { kernelPagetable, type Proc } from './proc.ts'
import { ring0 } from './ring0.ts'

const ELF_MAGIC = 0x464c_457f
const ELF_PTYPE_LOAD = 1
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

/**
 * `program_load(p, programnumber, allocator)`
 *
 * Load program `programNumber` into process `p`: each page of its segments goes to the physical page of the same address,
 * which must be free, and is mapped with P, W and U in `p.pagetable`. Sets rip.
 *
 * @param programNumber  0 to 3 the allocators, 4 p-fork, 5 p-forkexit
 * @param allocator      as for virtualMemoryMap
 * @returns              0, or -1 if a page is taken or a page table could not be made
 */
export function programLoad(p: Proc, programNumber: number, allocator: PagetableAllocator | null): Status {
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
    const segment = new DataView(ring0.readBytes(programHeaders + i * 56, 56).buffer)
    if (segment.getUint32(0, true) !== ELF_PTYPE_LOAD) continue
    const from = begin + Number(segment.getBigUint64(8, true))
    const va = segment.getBigUint64(16, true)
    const [fileSize, memorySize] = [segment.getBigUint64(32, true), segment.getBigUint64(40, true)]
    assert(from + Number(fileSize) <= end, 'ph->p_offset + ph->p_filesz <= size')
    if (loadSegment(p, from, va, fileSize, memorySize, allocator) < 0) return -1
  }
  p.registers.rip = header.getBigUint64(24, true)
  return 0
}

/** `program_load_segment(p, ph, src, allocator)`: one segment. Copies through the process's own mappings. */
function loadSegment(
  p: Proc,
  from: number,
  va: u64,
  fileSize: u64,
  memorySize: u64,
  allocator: PagetableAllocator | null,
): Status {
  for (let addr = PAGEADDRESS(PAGENUMBER(va)); addr < va + memorySize; addr += 4096n) {
    if (
      assignPhysicalPage(addr, p.pid) < 0 ||
      virtualMemoryMap(p.pagetable, addr, addr, 4096n, PTE_P | PTE_W | PTE_U, allocator) < 0
    ) {
      consolePrintf(
        CPOS(22, 0),
        0xc000,
        "program_load_segment(pid %d): can't assign address %p\n",
        p.pid,
        addr,
      )
      return -1
    }
  }
  setPagetable(p.pagetable)
  ring0.copy(va, from, Number(fileSize))
  ring0.fill(va + fileSize, 0, Number(memorySize - fileSize))
  setPagetable(kernelPagetable)
  return 0
}
