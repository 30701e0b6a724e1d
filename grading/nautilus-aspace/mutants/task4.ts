// Mistakes in remove, protect, move and destroy, and TLB entries that are left.

import {
  DESTROY_FREE,
  DESTROY_UNREGISTER,
  edit,
  FLUSH,
  type Mistake,
  MOVE_EDIT,
  MOVE_FIND,
  MOVE_SAME,
  MOVE_SET,
  NOT_CURRENT,
  PROTECT_EDIT,
  PROTECT_FIND,
  PROTECT_SET,
  REMOVE_FIND,
  REMOVE_UNMAP,
  UNFIXABLE,
} from './kit.ts'

const UNFLUSHED_MOVE =
  '    editEntries(p, region, (entry, offset) => (entry & ~PTE_ADDR) | (paStart + offset))\n'
const UNFLUSHED_PROTECT =
  '    editEntries(p, node.region, (entry) => pagingHelperSetPermissions(entry, access))\n'
const UNFLUSHED_REMOVE = '    listDel(node.link)\n    editEntries(p, node.region, () => 0n)\n'
const one = (id: string, name: string, find: string, replace: string): Mistake => ({
  id,
  name,
  edits: [edit(find, replace)],
})

export const task4: readonly Mistake[] = [
  one('4.1', 'move does not flush', MOVE_EDIT, UNFLUSHED_MOVE),
  one('4.3', 'protect does not flush', PROTECT_EDIT, UNFLUSHED_PROTECT),
  one('D1', 'remove does not flush', REMOVE_UNMAP, UNFLUSHED_REMOVE),
  one('D2', 'nothing is ever flushed', FLUSH, ''),
  one('D3', 'only the first page is flushed', FLUSH, '  if (pages[0] !== undefined) invlpg(pages[0])\n'),
  one('D4', 'the last page is not flushed', FLUSH, '  for (const va of pages.slice(0, -1)) invlpg(va)\n'),
  one('D5', 'the first page is not flushed', FLUSH, '  for (const va of pages.slice(1)) invlpg(va)\n'),
  one(
    'D6',
    'every other page is flushed',
    FLUSH,
    '  for (const [i, va] of pages.entries()) if (i % 2 === 0) invlpg(va)\n',
  ),
  one(
    'D7',
    'only the first and the last page are flushed',
    FLUSH,
    '  for (const va of [...pages.slice(0, 1), ...pages.slice(-1)]) invlpg(va)\n',
  ),
  one('D8', 'at most 512 pages are flushed', FLUSH, '  for (const va of pages.slice(0, 512)) invlpg(va)\n'),
  one(
    'D9',
    'more than a few pages are not flushed at all',
    FLUSH,
    '  if (pages.length <= INVLPG_LIMIT) for (const va of pages) invlpg(va)\n',
  ),
  one(
    'D10',
    'flushed by page numbers instead of addresses',
    FLUSH,
    '  for (const va of pages) invlpg(va >> 12n)\n',
  ),
  one(
    'D11',
    'flushed by addresses cut to 32 bits',
    FLUSH,
    '  for (const va of pages) invlpg(va & 0xffff_ffffn)\n',
  ),
  one(
    'D12',
    'the high half is not flushed',
    FLUSH,
    '  for (const va of pages) if (va < 1n << 63n) invlpg(va)\n',
  ),
  one(
    'D13',
    'flushed only if the space is not the current one',
    NOT_CURRENT,
    '  if (getCpu().curAspace === p.aspace) return\n',
  ),
  one(
    '4.23',
    'flushed before the entries are edited',
    MOVE_EDIT,
    `    const there = editEntries(p, region, (entry) => entry)
    flushPages(p, there)
    if (getCpu().curAspace === p.aspace) for (const va of there) ring0.read8(va)
${UNFLUSHED_MOVE}`,
  ),
  one(
    '4.25',
    'the space is loaded to flush it, current or not',
    NOT_CURRENT + FLUSH,
    '  if (pages.length > 0) writeCr3(p.cr3)\n',
  ),
  one('4.5', 'remove leaves the entries', REMOVE_UNMAP, '    listDel(node.link)\n'),
  one(
    'D14',
    'remove leaves the last entry',
    REMOVE_UNMAP,
    REMOVE_UNMAP.replace(
      '() => 0n',
      '(entry, offset) => (offset + PAGE_SIZE_4KB < node.region.lenBytes ? 0n : entry)',
    ),
  ),
  one(
    'D15',
    'remove leaves the first entry',
    REMOVE_UNMAP,
    REMOVE_UNMAP.replace('() => 0n', '(entry, offset) => (offset > 0n ? 0n : entry)'),
  ),
  one(
    'D16',
    'remove takes only eager entries away',
    REMOVE_UNMAP,
    '    listDel(node.link)\n    if (node.region.protect.flags & NK_ASPACE_EAGER) flushPages(p, editEntries(p, node.region, () => 0n))\n',
  ),
  one(
    'D17',
    'remove takes only lazy entries away',
    REMOVE_UNMAP,
    '    listDel(node.link)\n    if (!(node.region.protect.flags & NK_ASPACE_EAGER)) flushPages(p, editEntries(p, node.region, () => 0n))\n',
  ),
  one(
    'D18',
    'remove clears P in the table’s upper entry',
    REMOVE_UNMAP,
    `${REMOVE_UNMAP}    const pd = pagingHelperWalk(p.cr3, node.region.vaStart, { write: true, user: true, ifetch: true })\n    const pdpt = Number(ring0.read64(Number(p.cr3) + Number((node.region.vaStart >> 39n) & 511n) * 8) & PTE_ADDR)\n    if (pd.level > 1) ring0.write64(pdpt + Number((node.region.vaStart >> 30n) & 511n) * 8, 0n)\n`,
  ),
  one(
    'D19',
    'remove takes the page behind the region, too',
    REMOVE_UNMAP,
    `${REMOVE_UNMAP}    flushPages(p, editEntries(p, { ...node.region, vaStart: node.region.vaStart + node.region.lenBytes, lenBytes: PAGE_SIZE_4KB }, () => 0n))\n`,
  ),
  one(
    'D20',
    'remove takes away rights instead of the pages',
    REMOVE_UNMAP,
    REMOVE_UNMAP.replace('() => 0n', '(entry) => pagingHelperSetPermissions(entry, NO_ACCESS)'),
  ),
  one('4.7', 'move leaves the entries', MOVE_EDIT, ''),
  one(
    '4.9',
    'move changes only eager regions’ entries',
    MOVE_EDIT,
    `    if (region.protect.flags & NK_ASPACE_EAGER)\n${MOVE_EDIT}`,
  ),
  one(
    'D21',
    'move changes only lazy regions’ entries',
    MOVE_EDIT,
    `    if (!(region.protect.flags & NK_ASPACE_EAGER))\n${MOVE_EDIT}`,
  ),
  one('D22', 'move does not change the region', MOVE_SET, ''),
  one(
    'D23',
    'move gives every page the first frame',
    MOVE_EDIT,
    MOVE_EDIT.replace('(paStart + offset)', 'paStart'),
  ),
  one(
    'D25',
    'move ors the new frame to the old one',
    MOVE_EDIT,
    MOVE_EDIT.replace('(entry & ~PTE_ADDR)', 'entry'),
  ),
  one(
    'D26',
    'move loses W',
    MOVE_EDIT,
    MOVE_EDIT.replace('(entry & ~PTE_ADDR)', '(entry & ~PTE_ADDR & ~2n)'),
  ),
  one('4.11', 'move accepts another address, length or other rights', MOVE_SAME, ''),
  one(
    'D27',
    'move accepts another length',
    MOVE_SAME,
    MOVE_SAME.replace(' || region.lenBytes !== lenBytes', ''),
  ),
  one(
    'D28',
    'move accepts another address',
    MOVE_SAME,
    MOVE_SAME.replace('region.vaStart !== vaStart || ', ''),
  ),
  one(
    'D29',
    'move accepts other rights',
    MOVE_SAME,
    MOVE_SAME.replace(' || region.protect.flags !== protect.flags', ''),
  ),
  one('4.13', 'protect does not change the region', PROTECT_SET, ''),
  one('D30', 'protect leaves the entries', PROTECT_EDIT, ''),
  one(
    '4.15',
    'protect only takes rights away',
    PROTECT_SET,
    '    node.region.protect = { flags: before.flags & flags }\n',
  ),
  one(
    'D31',
    'protect only gives rights',
    PROTECT_SET,
    '    node.region.protect = { flags: before.flags | flags }\n',
  ),
  {
    id: 'D32',
    name: 'protect keeps the caller’s object',
    edits: [
      edit(PROTECT_SET, '    node.region.protect = theirs\n'),
      edit(
        'region: NkAspaceRegion, { flags }: NkAspaceProtection): Status {',
        'region: NkAspaceRegion, theirs: NkAspaceProtection): Status {\n  const { flags } = theirs',
      ),
    ],
  },
  one(
    '4.17',
    'protect changes the rights of the upper entry',
    PROTECT_EDIT,
    `${PROTECT_EDIT}    const top = Number(p.cr3) + Number((node.region.vaStart >> 39n) & 511n) * 8\n    const below = Number(ring0.read64(top) & PTE_ADDR) + Number((node.region.vaStart >> 30n) & 511n) * 8\n    if (below > 4096) ring0.write64(below, pagingHelperSetPermissions(ring0.read64(below), access))\n    tlbFlush()\n`,
  ),
  one(
    'D33',
    'protect changes eager entries only',
    PROTECT_EDIT,
    `    if (flags & NK_ASPACE_EAGER)\n${PROTECT_EDIT}`,
  ),
  one(
    'D34',
    'protect changes lazy entries only',
    PROTECT_EDIT,
    `    if (!(flags & NK_ASPACE_EAGER))\n${PROTECT_EDIT}`,
  ),
  one(
    'D35',
    'protect changes the first page only',
    PROTECT_EDIT,
    PROTECT_EDIT.replace(
      '(entry) => pagingHelperSetPermissions(entry, access)',
      '(entry, offset) => (offset === 0n ? pagingHelperSetPermissions(entry, access) : entry)',
    ),
  ),
  one(
    'D36',
    'protect refuses pinned regions',
    PROTECT_FIND,
    '    if (!node || flags & EXTRA_CREDIT || node.region.protect.flags & NK_ASPACE_PIN) return -1\n',
  ),
  one(
    'D37',
    'protect changes the neighbour behind, too',
    PROTECT_EDIT,
    `${PROTECT_EDIT}    flushPages(p, editEntries(p, { ...node.region, vaStart: node.region.vaStart + node.region.lenBytes, lenBytes: PAGE_SIZE_4KB }, (entry) => pagingHelperSetPermissions(entry, access)))\n`,
  ),
  one(
    '4.19',
    'the pin is looked for in the caller’s struct, which need not be the same',
    REMOVE_FIND,
    `    const node = [...listForEachEntry(p.regions)].find((each) => each.region.vaStart === region.vaStart && each.region.lenBytes === region.lenBytes)\n    if (!node || region.protect.flags & NK_ASPACE_PIN) return -1\n`,
  ),
  one(
    'D38',
    'remove ignores the pin',
    REMOVE_FIND,
    REMOVE_FIND.replace(' || node.region.protect.flags & NK_ASPACE_PIN', ''),
  ),
  one(
    'D39',
    'move ignores the pin',
    MOVE_FIND,
    MOVE_FIND.replace(' || node.region.protect.flags & NK_ASPACE_PIN', ''),
  ),
  one(
    '4.21',
    'remove of an unknown region returns 0',
    REMOVE_FIND,
    '    const node = findIdentical(p, region)\n    if (!node) return 0\n    if (node.region.protect.flags & NK_ASPACE_PIN) return -1\n',
  ),
  one(
    'D40',
    'protect of an unknown region returns 0',
    PROTECT_FIND,
    '    if (!node) return 0\n    if (flags & EXTRA_CREDIT) return -1\n',
  ),
  one(
    'D41',
    'move of an unknown region returns 0',
    MOVE_FIND,
    '    const node = findIdentical(p, curRegion)\n    if (!node) return 0\n    if (node.region.protect.flags & NK_ASPACE_PIN) return -1\n',
  ),
  one(
    'D42',
    'remove returns -1 when all went well',
    `${REMOVE_UNMAP}    return 0\n`,
    `${REMOVE_UNMAP}    return -1\n`,
  ),
  one(
    'D43',
    'protect returns -1 when all went well',
    `${PROTECT_EDIT}    return 0\n`,
    `${PROTECT_EDIT}    return -1\n`,
  ),
  one(
    'D44',
    'move returns -1 when all went well',
    `${MOVE_EDIT}    return 0\n`,
    `${MOVE_EDIT}    return -1\n`,
  ),
  one('4.27', 'destroy frees nothing', DESTROY_FREE, ''),
  one('D45', 'destroy frees the PML4 alone', DESTROY_FREE, '    free(p.cr3)\n'),
  one('D46', 'destroy does not unregister', DESTROY_UNREGISTER, '  return aspace ? 0 : 0\n'),
  one('D47', 'destroy frees what the regions map', DESTROY_FREE, '    pagingHelperFree(p.cr3, true)\n'),
  one('4.29', 'destroy frees twice', DESTROY_FREE, `${DESTROY_FREE}    free(p.cr3)\n`),
  one(
    'D48',
    'destroy returns -1',
    DESTROY_UNREGISTER,
    '  if (aspace) nkAspaceUnregister(aspace)\n  return -1\n',
  ),
  one(
    'D50',
    'each fault takes a page that nobody frees',
    UNFIXABLE,
    `${UNFIXABLE}    pagingHelperCreate()\n`,
  ),
  {
    id: 'D51',
    name: 'remove writes through a null pointer',
    edits: [
      edit(REMOVE_UNMAP, `${REMOVE_UNMAP}    ring0.write64(0x10, 0n | BigInt(node.region.lenBytes))\n`),
    ],
  },
]
