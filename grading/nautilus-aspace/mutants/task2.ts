// Mistakes in the set of regions.

import { COPY, EAGER, edit, FOUND, INSANE, INSERT, type Mistake, NODE, OVERLAP, SAME } from './kit.ts'

export const task2: readonly Mistake[] = [
  {
    id: '2.1',
    name: 'the caller’s object is kept',
    edits: [
      edit(COPY, 'this.region = original'),
      edit(
        '  constructor({ vaStart, paStart, lenBytes, protect }: NkAspaceRegion) {',
        '  constructor(original: NkAspaceRegion) {',
      ),
    ],
  },
  {
    id: 'B1',
    name: 'the caller’s protect object is kept',
    edits: [edit(COPY, 'this.region = { vaStart, paStart, lenBytes, protect }')],
  },
  {
    id: '2.3',
    name: 'only equal starts overlap',
    edits: [edit(OVERLAP, 'if (region.vaStart === other.vaStart) return true')],
  },
  {
    id: 'B2',
    name: 'overlap only if the new start lies in an old region',
    edits: [
      edit(OVERLAP, 'if (region.vaStart >= other.vaStart && region.vaStart < endOf(other)) return true'),
    ],
  },
  {
    id: 'B3',
    name: 'overlap only if the new end lies in an old region',
    edits: [edit(OVERLAP, 'if (endOf(region) > other.vaStart && endOf(region) <= endOf(other)) return true')],
  },
  {
    id: 'B4',
    name: 'no overlap if the new region is around the old one',
    edits: [
      edit(
        OVERLAP,
        'if ((region.vaStart >= other.vaStart && region.vaStart < endOf(other)) || (endOf(region) > other.vaStart && endOf(region) <= endOf(other))) return true',
      ),
    ],
  },
  {
    id: '2.5',
    name: 'touching regions are refused',
    edits: [
      edit(OVERLAP, 'if (region.vaStart <= endOf(other) && other.vaStart <= endOf(region)) return true'),
    ],
  },
  {
    id: 'B5',
    name: 'a region that touches from below is refused',
    edits: [
      edit(OVERLAP, 'if (region.vaStart < endOf(other) && other.vaStart <= endOf(region)) return true'),
    ],
  },
  {
    id: '2.7',
    name: 'an overlap in physical memory is refused',
    edits: [
      edit(
        OVERLAP,
        'if ((region.paStart < other.paStart + other.lenBytes && other.paStart < region.paStart + region.lenBytes) || (region.vaStart < endOf(other) && other.vaStart < endOf(region))) return true',
      ),
    ],
  },
  {
    id: 'B6',
    name: 'no overlap is refused',
    edits: [edit(OVERLAP, 'if (region === other) return true')],
  },
  {
    id: 'B7',
    name: 'only the first region is compared',
    edits: [edit(OVERLAP, `${OVERLAP}\n    else break`)],
  },
  {
    id: 'B8',
    name: 'addresses are compared by their low 32 bits',
    edits: [
      edit(
        OVERLAP,
        'if ((region.vaStart & 0xffff_ffffn) < (other.vaStart & 0xffff_ffffn) + other.lenBytes && (other.vaStart & 0xffff_ffffn) < (region.vaStart & 0xffff_ffffn) + region.lenBytes) return true',
      ),
    ],
  },
  {
    id: 'B9',
    name: 'ends wrap at 2^64',
    edits: [
      edit(
        'const endOf = ({ vaStart, lenBytes }: NkAspaceRegion): u64 => vaStart + lenBytes',
        'const endOf = ({ vaStart, lenBytes }: NkAspaceRegion): u64 => BigInt.asUintN(64, vaStart + lenBytes)',
      ),
    ],
  },
  {
    id: 'B10',
    name: 'addresses are compared as signed numbers of 64 bits by their ends',
    edits: [
      edit(
        'const endOf = ({ vaStart, lenBytes }: NkAspaceRegion): u64 => vaStart + lenBytes',
        'const endOf = ({ vaStart, lenBytes }: NkAspaceRegion): u64 => BigInt.asIntN(64, vaStart) + lenBytes',
      ),
    ],
  },
  {
    id: '2.9',
    name: 'only the first page of a region is found',
    edits: [edit(FOUND, 'if (va >= region.vaStart && va < region.vaStart + PAGE_SIZE_4KB) return region')],
  },
  {
    id: 'B11',
    name: 'only the first byte of a region is found',
    edits: [edit(FOUND, 'if (va === region.vaStart) return region')],
  },
  {
    id: 'B12',
    name: 'the last page of a region is not found',
    edits: [edit(FOUND, 'if (va >= region.vaStart && va < endOf(region) - PAGE_SIZE_4KB) return region')],
  },
  {
    id: 'B13',
    name: 'the page behind a region is found, too',
    edits: [edit(FOUND, 'if (va >= region.vaStart && va <= endOf(region)) return region')],
  },
  {
    id: 'B14',
    name: 'an address below a region finds it',
    edits: [edit(FOUND, 'if (va < endOf(region)) return region')],
  },
  {
    id: 'B15',
    name: 'any address finds the last region',
    edits: [
      edit(
        '  return undefined\n}\nfunction overlaps',
        '  return p.regions.prev.entry?.region\n}\nfunction overlaps',
      ),
    ],
  },
  {
    id: '2.11',
    name: 'removing takes the next region out of the list',
    edits: [
      edit(
        '    listDel(node.link)\n',
        '    const victim = node.link.next.entry ? node.link.next : node.link\n    listDel(victim)\n',
      ),
    ],
  },
  {
    id: 'B16',
    name: 'removing forgets all regions behind',
    edits: [
      edit(
        '    listDel(node.link)\n',
        '    p.regions.prev = node.link.prev\n    node.link.prev.next = p.regions\n',
      ),
    ],
  },
  {
    id: 'B17',
    name: 'removing does not take the region out',
    edits: [edit('    listDel(node.link)\n', '')],
  },
  {
    id: '2.13',
    name: 'room for 16 regions',
    edits: [edit(INSANE, `${INSANE}    if ([...listForEachEntry(p.regions)].length >= 16) return -1\n`)],
  },
  {
    id: 'B18',
    name: 'room for 256 regions',
    edits: [edit(INSANE, `${INSANE}    if ([...listForEachEntry(p.regions)].length >= 256) return -1\n`)],
  },
  {
    id: '2.15',
    name: 'a refused region stays in the list',
    edits: [
      edit(INSANE + NODE, `    const refused = !isSane(region) || overlaps(p, region)\n${NODE}`),
      edit(INSERT, `${INSERT}    if (refused) return -1\n`),
      edit(EAGER, EAGER.replace('if (', 'if (!refused && ')),
    ],
  },
  {
    id: 'B19',
    name: 'a refused eager region stays mapped',
    edits: [
      edit(
        INSANE + NODE + EAGER,
        `${NODE}    if (region.vaStart >= PAGE_SIZE_1GB && node.region.protect.flags & NK_ASPACE_EAGER) mapAll(p, node.region)\n${INSANE}${EAGER}`,
      ),
    ],
  },
  {
    id: '2.17',
    name: 'what is not found is written through a null pointer',
    edits: [
      edit(
        '  return undefined\n}\n/** Pages that exist',
        '  ring0.write64(8, 1n)\n  return undefined\n}\n/** Pages that exist',
      ),
    ],
  },
  {
    id: '2.19',
    name: 'the region found last is found again after it is gone',
    edits: [
      edit(
        'function findRegion(p: NkAspacePaging, va: u64): NkAspaceRegion | undefined {\n',
        'let recent: NkAspaceRegion | undefined\nfunction findRegion(p: NkAspacePaging, va: u64): NkAspaceRegion | undefined {\n  if (recent && va >= recent.vaStart && va < endOf(recent)) return recent\n',
      ),
      edit(
        FOUND,
        'if (va >= region.vaStart && va < endOf(region)) {\n      recent = region\n      return region\n    }',
      ),
    ],
  },
  {
    id: 'B20',
    name: 'one set of regions for all spaces',
    edits: [
      edit('    regions: new ListHead<RegionNode>(),', '    regions: everything,'),
      edit('function create(', 'const everything = new ListHead<RegionNode>()\n\nfunction create('),
    ],
  },
  { id: 'B21', name: 'regions are identical if they begin alike', edits: [edit(SAME, 'true')] },
  {
    id: 'B22',
    name: 'the length is not compared',
    edits: [edit(SAME, 'region.paStart === paStart && region.protect.flags === protect.flags')],
  },
  {
    id: 'B23',
    name: 'the physical address is not compared',
    edits: [edit(SAME, 'region.lenBytes === lenBytes && region.protect.flags === protect.flags')],
  },
  {
    id: 'B24',
    name: 'the flags are not compared',
    edits: [edit(SAME, 'region.paStart === paStart && region.lenBytes === lenBytes')],
  },
  {
    id: 'B25',
    name: 'a region that contains the start counts as identical',
    edits: [
      edit(
        '    if (region.vaStart !== vaStart) continue\n',
        '    if (vaStart < region.vaStart || vaStart >= endOf(region)) continue\n',
      ),
      edit(SAME, 'true'),
    ],
  },
  {
    id: 'B26',
    name: 'regions of more than 64 pages are refused',
    edits: [edit(INSANE, `    if (region.vaStart > 0n && region.lenBytes > 0x4_0000n) return -1\n${INSANE}`)],
  },
  {
    id: 'B27',
    name: 'regions in the high half are refused',
    edits: [edit(INSANE, `    if (region.vaStart >= 1n << 63n) return -1\n${INSANE}`)],
  },
  {
    id: 'B28',
    name: 'a region that ends at 2^64 is refused',
    edits: [edit(INSANE, `    if (endOf(region) >= 1n << 64n) return -1\n${INSANE}`)],
  },
]
