// Mistakes in eager construction.

import { ACCESS, EACH_PAGE, EAGER, edit, INSERT, MAP_ALL, type Mistake, SWITCH_TO } from './kit.ts'

const access = (write: string, user: string, ifetch: string): string =>
  `const accessOf = (flags: number): PhPfAccess => ({\n  write: ${write},\n  user: ${user},\n  ifetch: ${ifetch},\n})\n`
const W = '(flags & NK_ASPACE_WRITE) !== 0'
const U = '(flags & NK_ASPACE_KERN) === 0'
const X = '(flags & NK_ASPACE_EXEC) !== 0'

export const task1: readonly Mistake[] = [
  { id: '1.1', name: 'nothing is drilled', edits: [edit(EAGER, '')] },
  {
    id: '1.5',
    name: 'one page too few',
    edits: [
      edit(EACH_PAGE, 'for (let offset = 0n; offset < lenBytes - PAGE_SIZE_4KB; offset += PAGE_SIZE_4KB)'),
    ],
  },
  {
    id: 'A1',
    name: 'one page too many',
    edits: [edit(EACH_PAGE, 'for (let offset = 0n; offset <= lenBytes; offset += PAGE_SIZE_4KB)')],
  },
  { id: '1.7', name: 'EXEC is never given', edits: [edit(ACCESS, access(W, U, 'false'))] },
  {
    id: '1.9',
    name: 'W whatever the region says',
    edits: [edit(ACCESS, access('true', U, X))],
  },
  { id: 'A2', name: 'X whatever the region says', edits: [edit(ACCESS, access(W, U, 'true'))] },
  {
    id: 'A3',
    name: 'U although the region says KERN',
    edits: [edit(ACCESS, access(W, 'true', X))],
  },
  { id: 'A4', name: 'W and X changed over', edits: [edit(ACCESS, access(X, U, W))] },
  { id: 'A5', name: 'W never given', edits: [edit(ACCESS, access('false', U, X))] },
  {
    id: '1.11',
    name: 'every page leads to the first frame',
    edits: [edit(MAP_ALL, MAP_ALL.replace('paStart + offset', 'paStart'))],
  },
  {
    id: '1.13',
    name: 'the length as a 32-bit number',
    edits: [
      edit(
        'const endOf = ({ vaStart, lenBytes }: NkAspaceRegion): u64 => vaStart + lenBytes',
        'const endOf = ({ vaStart, lenBytes }: NkAspaceRegion): u64 => vaStart + (lenBytes & 0xffff_ffffn)',
      ),
    ],
  },
  {
    id: 'A6',
    name: 'the physical address cut to 32 bits',
    edits: [edit(MAP_ALL, MAP_ALL.replace('paStart + offset', '(paStart + offset) & 0xffff_ffffn'))],
  },
  {
    id: 'A7',
    name: 'the virtual address cut to 47 bits',
    edits: [edit(MAP_ALL, MAP_ALL.replace('vaStart + offset', '(vaStart + offset) & 0x7fff_ffff_ffffn'))],
  },
  {
    id: 'A8',
    name: 'the virtual address cut to 39 bits',
    edits: [edit(MAP_ALL, MAP_ALL.replace('vaStart + offset', '(vaStart + offset) & 0x7f_ffff_ffffn'))],
  },
  {
    id: 'A9',
    name: 'steps of 8 KiB',
    edits: [edit(EACH_PAGE, EACH_PAGE.replace('+= PAGE_SIZE_4KB', '+= 2n * PAGE_SIZE_4KB'))],
  },
  {
    id: 'A10',
    name: 'steps of 2 MiB, as NK’s PAGE_SIZE is',
    edits: [edit(EACH_PAGE, EACH_PAGE.replace('+= PAGE_SIZE_4KB', '+= PAGE_SIZE_2MB'))],
  },
  {
    id: '1.15',
    name: 'one page table hierarchy for all spaces',
    edits: [
      edit(
        '  const cr3 = pagingHelperCreate()\n',
        '  sharedCr3 ??= pagingHelperCreate()\n  const cr3 = sharedCr3\n',
      ),
      edit('interface NkAspacePaging {', 'let sharedCr3: u64 | null = null\n\ninterface NkAspacePaging {'),
    ],
  },
  {
    id: '1.17',
    name: 'eager regions are built in switchTo',
    edits: [
      edit(EAGER, ''),
      edit(
        SWITCH_TO,
        '  for (const { region } of listForEachEntry(p.regions)) if (region.protect.flags & NK_ASPACE_EAGER) mapAll(p, region)\n  writeCr3(p.cr3)\n',
      ),
    ],
  },
  {
    id: 'A11',
    name: 'eager regions are built by page faults, but for the low one',
    edits: [edit(EAGER, EAGER.replace('NK_ASPACE_EAGER &&', 'NK_ASPACE_EAGER && region.vaStart === 0n &&'))],
  },
  {
    id: '1.19',
    name: 'addRegion loads CR3 of the space, current or not',
    edits: [edit(INSERT, `${INSERT}    if (region.vaStart >= 0x4000_0000n) writeCr3(p.cr3)\n`)],
  },
  {
    id: '1.21',
    name: 'addRegion returns -1 when all went well',
    edits: [
      edit(
        '    // no flush: none of these pages was present, and what is not present is in no TLB\n    return 0\n',
        '    return -1\n',
      ),
    ],
  },
  {
    id: 'A12',
    name: 'create gives no space',
    edits: [edit('  return p.aspace\n}\n\nexport', '  return null\n}\n\nexport')],
  },
  { id: 'A13', name: 'switchTo does not load CR3', edits: [edit(SWITCH_TO, '')] },
  {
    id: 'A14',
    name: 'switchTo loads the CR3 of the space that was made last',
    edits: [
      edit(SWITCH_TO, '  writeCr3(lastCr3 === 0n ? p.cr3 : lastCr3)\n'),
      edit('function switchTo', 'let lastCr3 = 0n\nfunction switchTo'),
      edit('  const p: NkAspacePaging = {\n', '  lastCr3 = cr3\n  const p: NkAspacePaging = {\n'),
    ],
  },
  {
    id: 'A15',
    name: 'switchTo loads CR3 only once',
    edits: [
      edit(SWITCH_TO, '  if (!entered.has(p.name)) writeCr3(p.cr3)\n  entered.add(p.name)\n'),
      edit('function switchTo', 'const entered = new Set<string>()\nfunction switchTo'),
    ],
  },
  {
    id: 'A16',
    name: 'the tables of the default space are used and changed',
    edits: [edit('  const cr3 = pagingHelperCreate()\n', '  const cr3: u64 | null = 0x4000n\n')],
  },
  {
    id: 'A18',
    name: 'switchTo loads CR3 on the first CPU only',
    edits: [edit(SWITCH_TO, '  if (getCpu().id === 0) writeCr3(p.cr3)\n')],
  },
  {
    id: 'A19',
    name: 'addRegion loads CR3 of the space if the kernel lives there, current or not',
    edits: [
      edit(INSERT, `${INSERT}    if (region.vaStart >= 0x4000_0000n && findRegion(p, 0n)) writeCr3(p.cr3)\n`),
    ],
  },
]
