// Mistakes in the extra credit.

import { edit, type Mistake } from './kit.ts'

const one = (id: string, name: string, find: string, replace: string): Mistake => ({
  id,
  name,
  extra: true,
  edits: [edit(find, replace)],
})
const ZEROED = '  ring0.fill(Number(frame), 0, 4096)\n  const inFile'
const EVERY_CPU = '      if (cpu.curAspace === p.aspace)\n'
const LEVEL =
  '    if ((vaStart - paStart) % size === 0n && start >= vaStart && start + size <= vaStart + lenBytes)\n'
const READ = '    nkFsRead(region.file, va - region.vaStart, frame, PAGE_SIZE_4KB)\n'
const LIMIT =
  '    if (!isCanonical(low, high) || high - low > (node.region.maxBytes ?? ADDRESS_END)) continue\n'

export const extra: readonly Mistake[] = [
  one('E1', 'grown pages are not zeroed', ZEROED, '  const inFile'),
  one(
    'E2',
    'grown pages come from behind the region’s frames',
    '  return (this.flags & FRESH) !== 0 || va < vaStart || va >= vaStart + lenBytes',
    '  return (this.flags & FRESH) !== 0 && va >= vaStart && va < vaStart + lenBytes',
  ),
  one('E3', 'no limit to growth', LIMIT, '    if (!isCanonical(low, high)) continue\n'),
  one(
    'E4',
    'growth in both directions',
    'const down = (node.flags & NK_ASPACE_GROWS_DOWN) !== 0 &&',
    'const down = (node.flags & GROWS) !== 0 &&',
  ),
  one(
    'E5',
    'growth over a gap of a page',
    'page === node.high',
    'page >= node.high && page <= node.high + PAGE_SIZE_4KB',
  ),
  one('E6', 'growing up is off by one page', 'page === node.high', 'page === node.high + PAGE_SIZE_4KB'),
  one(
    'E7',
    'regions do not grow down',
    'const down = (node.flags & NK_ASPACE_GROWS_DOWN) !== 0 &&',
    'const down = false &&',
  ),
  one(
    'E8',
    'growth does not end at a neighbour',
    'const up = (node.flags & NK_ASPACE_GROWS_UP) !== 0 && page === node.high',
    'const up = (node.flags & NK_ASPACE_GROWS_UP) !== 0 && page >= node.high && page < node.low + 6n * PAGE_SIZE_4KB',
  ),
  one(
    'E9',
    'grown pages are not freed by destroy',
    '      if (node.flags & KIND) for (const frame of editLeaves(p, node, () => 0n).frames) free(frame)\n',
    '      if (node.flags & FRESH) for (const frame of editLeaves(p, node, () => 0n).frames) free(frame)\n',
  ),
  one(
    'E10',
    'nobody else is told',
    EVERY_CPU,
    '      if (cpu.curAspace === p.aspace && cpu.id === ring0.cpu)\n',
  ),
  one('E11', 'everybody is told', EVERY_CPU, '      if (cpu.enabled)\n'),
  one(
    'E12',
    'nobody is waited for',
    'smpXcall(cpu.id, drop, null, true)',
    'smpXcall(cpu.id, drop, null, false)',
  ),
  one(
    'E13',
    'only the first page is told',
    '    else for (const va of pages) invlpg(va)\n',
    '    else for (const va of pages.slice(0, 1)) invlpg(va)\n',
  ),
  one(
    'E14',
    'a busy CPU is not told',
    '        while (smpXcall(cpu.id, drop, null, true) !== 0)\n          ring0.wait(`CPU ${cpu.id} to take another cross call`, () => cpu.xcall === null)\n',
    '        if (cpu.interruptCount % 2 === 0) smpXcall(cpu.id, drop, null, true)\n',
  ),
  one('E16', 'no large pages', LEVEL, '    if (size === 0n)\n'),
  one(
    'E17',
    'only the virtual address decides',
    LEVEL,
    '    if (vaStart % size === 0n && start >= vaStart && start + size <= vaStart + lenBytes)\n',
  ),
  one(
    'E18',
    'large pages reach beyond the region',
    LEVEL,
    '    if ((vaStart - paStart) % size === 0n && start >= vaStart)\n',
  ),
  one(
    'E19',
    'no 1 GiB pages',
    '  for (let level = largestLevel(); level < 4; level++) {\n',
    '  for (let level = 3 as Level; level < 4; level++) {\n',
  ),
  one(
    'E20',
    'no 2 MiB pages',
    LEVEL,
    '    if (level !== 3 && (vaStart - paStart) % size === 0n && start >= vaStart && start + size <= vaStart + lenBytes)\n',
  ),
  one(
    'E21',
    'large pages only for eager regions',
    LEVEL,
    `    if (!(this_flags & NK_ASPACE_EAGER)) return 4\n${LEVEL}`.replace(
      'this_flags',
      'region.protect.flags',
    ),
  ),
  one('E22', 'a large page’s frame keeps the low bits', 'paOf(va - (va % size)) | PTE_P', 'paOf(va) | PTE_P'),
  one(
    'E23',
    'every page of a file is the first one',
    READ,
    '    nkFsRead(region.file, 0n, frame, PAGE_SIZE_4KB)\n',
  ),
  one(
    'E24',
    'the tail of a file is not zeroed',
    ZEROED,
    '  if (!(flags & NK_ASPACE_FILE)) ring0.fill(Number(frame), 0, 4096)\n  const inFile',
  ),
  one(
    'E25',
    'the whole file is read at each fault',
    READ,
    `    for (let page = 0n; page < region.file.size; page += PAGE_SIZE_4KB) nkFsRead(region.file, page, frame, PAGE_SIZE_4KB)\n${READ}`,
  ),
  one('E26', 'a page is read twice', READ, READ + READ),
  one(
    'E27',
    'files may be moved',
    '    if (!node || isPinned(node) || node.flags & FRESH) return refused\n',
    '    if (!node || isPinned(node)) return refused\n',
  ),
  one(
    'E28',
    'memory of removed files is not freed',
    '  for (const frame of frames) free(frame)\n}\nconst NOTHING',
    '  void frames\n}\nconst NOTHING',
  ),
  one(
    'E29',
    'a file’s page is one off',
    READ,
    '    nkFsRead(region.file, va - region.vaStart + PAGE_SIZE_4KB, frame, PAGE_SIZE_4KB)\n',
  ),
  one(
    'E30',
    'two mappings of a file share pages',
    'function freshFrame({ region, flags }: RegionNode, va: u64): u64 {\n  const frame = malloc(PAGE_SIZE_4KB)\n  if (frame === 0n) return 0n\n',
    'const shared = new Map<string, u64>()\nfunction freshFrame({ region, flags }: RegionNode, va: u64): u64 {\n  const key = `${region.file?.name} ${va & 0xf_ffffn}`\n  const known = shared.get(key)\n  if (known !== undefined && region.file) return known\n  const frame = malloc(PAGE_SIZE_4KB)\n  if (frame === 0n) return 0n\n  shared.set(key, frame)\n',
  ),
  one(
    'E32',
    'large pages keep their rights in protect',
    '(entry) => pagingHelperSetPermissions(entry, access)',
    '(entry, _va, size) => (size > PAGE_SIZE_4KB ? entry : pagingHelperSetPermissions(entry, access))',
  ),
  one(
    'E33',
    'large pages stay when their region is removed',
    '    listDel(node.link)\n    return { status: 0, edited: editLeaves(p, node, () => 0n) }\n',
    '    listDel(node.link)\n    return { status: 0, edited: editLeaves(p, node, (entry, _va, size) => (size > PAGE_SIZE_4KB ? entry : 0n)) }\n',
  ),
  one(
    'E34',
    'a large page moves to a frame that is one small page off',
    '    return pa % size === 0n ? (entry & ~PTE_ADDR) | pa : 0n\n',
    '    return (entry & ~PTE_ADDR) | (size > PAGE_SIZE_4KB ? pa + size : pa)\n',
  ),
]
