// Mistakes in lazy construction.

import { edit, FILL, FOUND, MAP_PAGE, type Mistake, UNFIXABLE } from './kit.ts'

export const task3: readonly Mistake[] = [
  {
    id: '3.1',
    name: 'the handler says that it has mended it, and has not',
    edits: [edit(FILL, '    return 0\n')],
  },
  {
    id: '3.3',
    name: 'every lazy page is the region’s first frame',
    edits: [edit(MAP_PAGE, 'pagingHelperDrill(p.cr3, vaStart + offset, paStart, accessOf(protect.flags))')],
  },
  {
    id: '3.5',
    name: 'the region’s first page is mapped, not the one that faulted',
    edits: [edit(FILL, '    return mapPage(p, region, 0n)\n')],
  },
  {
    id: 'C1',
    name: 'the frame is one too far',
    edits: [edit(MAP_PAGE, MAP_PAGE.replace('paStart + offset', 'paStart + offset + PAGE_SIZE_4KB'))],
  },
  {
    id: 'C2',
    name: 'the frame is the virtual address without its upper half',
    edits: [edit(MAP_PAGE, MAP_PAGE.replace('paStart + offset', '(vaStart + offset) & 0xffff_ffffn'))],
  },
  {
    id: '3.9',
    name: 'lazy pages are always writable',
    edits: [
      edit(
        MAP_PAGE,
        MAP_PAGE.replace('accessOf(protect.flags)', 'accessOf(protect.flags | NK_ASPACE_WRITE)'),
      ),
    ],
  },
  {
    id: 'C3',
    name: 'lazy pages are always executable',
    edits: [
      edit(MAP_PAGE, MAP_PAGE.replace('accessOf(protect.flags)', 'accessOf(protect.flags | NK_ASPACE_EXEC)')),
    ],
  },
  {
    id: 'C4',
    name: 'lazy pages are never writable',
    edits: [
      edit(
        MAP_PAGE,
        MAP_PAGE.replace('accessOf(protect.flags)', 'accessOf(protect.flags & ~NK_ASPACE_WRITE)'),
      ),
    ],
  },
  {
    id: 'C5',
    name: 'lazy pages are never executable',
    edits: [
      edit(
        MAP_PAGE,
        MAP_PAGE.replace('accessOf(protect.flags)', 'accessOf(protect.flags & ~NK_ASPACE_EXEC)'),
      ),
    ],
  },
  {
    id: 'C6',
    name: 'no right is asked for',
    edits: [edit(UNFIXABLE, '    if (!region || error.rsvdAccess) return -1\n')],
  },
  {
    id: 'C7',
    name: 'no right is asked for, and the page gets what the access wants',
    edits: [
      edit(
        UNFIXABLE,
        '    if (!region || error.rsvdAccess) return -1\n    if (error.write) return pagingHelperDrill(p.cr3, virtaddr, region.paStart + virtaddr - region.vaStart, { write: true, user: false, ifetch: true })\n',
      ),
    ],
  },
  {
    id: 'C8',
    name: 'WRITE is not asked for',
    edits: [edit('  if (write) return (flags & NK_ASPACE_WRITE) !== 0\n', '  if (write) return true\n')],
  },
  {
    id: 'C9',
    name: 'EXEC is not asked for',
    edits: [edit('  if (ifetch) return (flags & NK_ASPACE_EXEC) !== 0\n', '  if (ifetch) return true\n')],
  },
  {
    id: '3.11',
    name: 'the rights must be those of the error exactly',
    edits: [
      edit(
        '  if (write) return (flags & NK_ASPACE_WRITE) !== 0\n',
        '  if (write !== ((flags & NK_ASPACE_WRITE) !== 0)) return false\n  if (write) return true\n',
      ),
    ],
  },
  {
    id: 'C10',
    name: 'WRITE alone is asked for, whatever the access',
    edits: [
      edit(
        '  if (write) return (flags & NK_ASPACE_WRITE) !== 0\n',
        '  return (flags & NK_ASPACE_WRITE) !== 0\n',
      ),
    ],
  },
  {
    id: '3.13',
    name: 'one fault maps the whole region',
    edits: [edit(FILL, '    return mapAll(p, region)\n')],
  },
  {
    id: 'C11',
    name: 'lazy regions are built at once',
    edits: [edit('node.region.protect.flags & NK_ASPACE_EAGER && mapAll', 'mapAll')],
  },
  {
    id: 'C12',
    name: 'eager and lazy changed over, but for low memory',
    edits: [
      edit(
        'node.region.protect.flags & NK_ASPACE_EAGER && mapAll',
        '(region.vaStart === 0n) !== ((node.region.protect.flags & NK_ASPACE_EAGER) === 0) && mapAll',
      ),
    ],
  },
  {
    id: '3.15',
    name: 'the fault edits the entry of the first level',
    edits: [
      edit(
        FILL,
        '    const { entry } = { entry: p.cr3 + ((virtaddr >> 39n) & 0x1ffn) * 8n }\n    ring0.write64(entry, ring0.read64(entry) | 1n)\n    return 0\n',
      ),
    ],
  },
  {
    id: '3.17',
    name: 'the lock is taken twice',
    edits: [
      edit(
        FILL,
        '    return locked(p, () => mapPage(p, region, (virtaddr - region.vaStart) & ~(PAGE_SIZE_4KB - 1n)))\n',
      ),
    ],
  },
  {
    id: '3.19',
    name: 'the handler reads the page that faulted',
    edits: [edit(UNFIXABLE, `    ring0.read8(virtaddr)\n${UNFIXABLE}`)],
  },
  {
    id: '3.21',
    name: 'faults are served in the page tables of the first space',
    edits: [
      edit(MAP_PAGE, MAP_PAGE.replace('p.cr3', '(firstCr3 ??= p.cr3)')),
      edit('// The interface.\n', 'let firstCr3: u64 | undefined\n\n// The interface.\n'),
    ],
  },
  {
    id: 'C13',
    name: 'what no region covers is mapped to itself',
    edits: [
      edit(
        UNFIXABLE,
        `    if (!region) return pagingHelperDrill(p.cr3, virtaddr, virtaddr & 0x3ff_ffffn, { write: true, user: false, ifetch: true })\n${UNFIXABLE}`,
      ),
    ],
  },
  {
    id: 'C14',
    name: 'a fault that no region covers is said to be mended',
    edits: [edit(UNFIXABLE, `    if (!region) return 0\n${UNFIXABLE}`)],
  },
  {
    id: 'C15',
    name: 'the faulting instruction is skipped if no region covers it',
    edits: [
      edit(
        UNFIXABLE,
        `    if (!region) {\n      excp.rip = excp.rip + 3n\n      return 0\n    }\n${UNFIXABLE}`,
      ),
    ],
  },
  {
    id: 'C16',
    name: 'every fault is a panic',
    edits: [edit(UNFIXABLE, `    if (region) panic('a page fault')\n${UNFIXABLE}`)],
  },
  {
    id: 'C17',
    name: 'lazy regions in the high half are not found',
    edits: [edit(FOUND, 'if (va < 1n << 63n && va >= region.vaStart && va < endOf(region)) return region')],
  },
  {
    id: 'C18',
    name: 'a fault in the first page of a region is not served',
    edits: [edit(FOUND, 'if (va > region.vaStart + PAGE_SIZE_4KB && va < endOf(region)) return region')],
  },
  {
    id: 'C19',
    name: 'a general protection fault is said to be mended',
    edits: [
      edit(
        '  if (vec === GP_EXCP) panic(`general protection fault delivered to paging subsystem, rip=${hex(excp.rip)}`)\n',
        '  if (vec === GP_EXCP) {\n    excp.rip = excp.rip + 3n\n    return 0\n  }\n',
      ),
    ],
  },
  {
    id: 'C20',
    name: 'CR2 is cut to 47 bits',
    edits: [edit('    const virtaddr = readCr2()\n', '    const virtaddr = readCr2() & 0x7fff_ffff_ffffn\n')],
  },
  {
    id: 'C21',
    name: 'CR2 is cut to 32 bits',
    edits: [edit('    const virtaddr = readCr2()\n', '    const virtaddr = readCr2() & 0xffff_ffffn\n')],
  },
  {
    id: 'C23',
    name: 'the handler maps two pages, the second one wrongly',
    edits: [
      edit(
        FILL,
        `    const at = (virtaddr - region.vaStart) & ~(PAGE_SIZE_4KB - 1n)\n    if (at + PAGE_SIZE_4KB < region.lenBytes) pagingHelperDrill(p.cr3, region.vaStart + at + PAGE_SIZE_4KB, region.paStart + at, accessOf(region.protect.flags))\n${FILL}`,
      ),
    ],
  },
]
