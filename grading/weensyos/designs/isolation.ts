// Steps 1 and 2 done otherwise: what is closed and how, and how a process comes to its tables.

import {
  CONSOLE_OPEN,
  edit,
  imports,
  KERNEL_CLOSED,
  KERNEL_LOOKUP,
  KERNEL_LOOP,
  KERNEL_MAPPED,
  NEW_PAGETABLE_DONE,
  ROOT_ZEROED,
} from '../mutants/kit.ts'
import { type Design, patch } from './design.ts'

const EACH_OF_KERNEL = `  ${KERNEL_LOOP}
    const { pa, perm } = ${KERNEL_LOOKUP}
${KERNEL_MAPPED}  }
`
const NEW_ROOT = '  const pagetable = pagesFor(pid)()\n  if (!pagetable) return null\n'

export const isolation: readonly Design[] = [
  patch(
    'D1.3 page by page, with an if',
    edit(
      KERNEL_CLOSED + CONSOLE_OPEN,
      `  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {
    const rights = va === CONSOLE_ADDR ? PTE_P | PTE_W | PTE_U : PTE_P | PTE_W
    virtualMemoryMap(kernelPagetable, va, va, PAGESIZE, rights, null)
  }
`,
    ),
  ),
  patch(
    'D1.5 all of physical memory closed',
    edit(KERNEL_CLOSED, KERNEL_CLOSED.replace('PROC_START_ADDR', 'MEMSIZE_PHYSICAL')),
  ),
  patch(
    'D1.7 page 0 unmapped',
    edit(CONSOLE_OPEN, `${CONSOLE_OPEN}  virtualMemoryMap(kernelPagetable, 0n, 0n, PAGESIZE, 0, null)\n`),
  ),
  patch(
    'M1.13 one page too many closed',
    edit(KERNEL_CLOSED, KERNEL_CLOSED.replace('PROC_START_ADDR', 'PROC_START_ADDR + PAGESIZE')),
  ),
  patch(
    'D2.1 both last-level tables made at once',
    edit(
      NEW_PAGETABLE_DONE,
      `  if (virtualMemoryMap(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, 0n, PAGESIZE, PTE_P, pagesFor(pid)) < 0) return null
  virtualMemoryMap(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, 0n, PAGESIZE, 0, null)
${NEW_PAGETABLE_DONE}`,
    ),
  ),
  patch(
    'D2.1 mapped for each process as for the kernel',
    edit(
      EACH_OF_KERNEL,
      `  const tables = pagesFor(pid)
  const open = PTE_P | PTE_W | PTE_U
  if (virtualMemoryMap(pagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, tables) < 0) return null
  virtualMemoryMap(pagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, open, tables)
`,
    ),
  ),
  patch(
    'D2.1 tables chained by hand, entries copied',
    imports('PAGEINDEX', 'PTE_ADDR'),
    edit(
      NEW_ROOT + ROOT_ZEROED + EACH_OF_KERNEL,
      `  const tables: X8664Pagetable[] = []
  for (let level = 0; level < 4; level++) {
    const page = allocatePage(pid)
    if (page === null) return null
    memset(page, 0, PAGESIZE)
    if (level > 0) tables[level - 1]!.entry[0] = page | PTE_P | PTE_W | PTE_U
    tables[level] = pagetableAt(page)
  }
  let kernels = kernelPagetable
  for (let level = 0; level < 3; level++) kernels = pagetableAt(kernels.entry[0]! & PTE_ADDR)
  for (let i = 0; i < PAGEINDEX(PROC_START_ADDR, 3); i++) tables[3]!.entry[i] = kernels.entry[i]!
  const pagetable = tables[0]!
`,
    ),
  ),
  patch(
    'M2.13 only the kernel itself and the console mapped',
    edit(
      EACH_OF_KERNEL,
      EACH_OF_KERNEL.replace(
        '{\n',
        '{\n    if ((va < 0x40000n || va >= 0x80000n) && va !== CONSOLE_ADDR) continue\n',
      ),
    ),
  ),
  patch(
    'stricter: a process sees the kernel’s pages only, its code without W',
    imports('START_DATA'),
    edit(
      EACH_OF_KERNEL,
      `  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {
    if (!isKernelMemory(va)) continue
    const rights = va < ROUNDDOWN(START_DATA, PAGESIZE) ? PTE_P : PTE_P | PTE_W
    if (virtualMemoryMap(pagetable, va, va, PAGESIZE, rights, pagesFor(pid)) < 0) return null
  }
  virtualMemoryMap(pagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
`,
    ),
  ),
]
