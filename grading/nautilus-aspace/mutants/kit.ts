// How mutants are written: the reference with one mistake each. Which checks must see it stands in must-fail.ts.

import type { Edit } from '@pagewalk/grader'

export interface Mistake {
  /** As in the list of mistakes, or a letter and a number for our own. */
  readonly id: string
  readonly name: string
  /** Of paging.ts, unless `file` names another one. */
  readonly edits: readonly Edit[]
  readonly file?: 'paging.ts' | 'shell.ts' | 'STATUS.md'
  /** Of the solution with the extra credit. */
  readonly extra?: true
}
export const edit = (find: string, replace: string): Edit => ({ find, replace })

// Pieces of reference/paging.ts that several mutants change.
export const INSANE = '    if (!isSane(region) || overlaps(p, region)) return -1\n'
export const NODE = '    const node = new RegionNode(region)\n'
export const EAGER =
  '    if (node.region.protect.flags & NK_ASPACE_EAGER && mapAll(p, node.region) !== 0) return -1\n'
export const INSERT = '    listAddTail(node.link, p.regions)\n'
export const COPY = 'this.region = { vaStart, paStart, lenBytes, protect: { flags: protect.flags } }'
export const OVERLAP = 'if (region.vaStart < endOf(other) && other.vaStart < endOf(region)) return true'
export const FOUND = 'if (va >= region.vaStart && va < endOf(region)) return region'
export const SAME =
  'region.paStart === paStart && region.lenBytes === lenBytes && region.protect.flags === protect.flags'
export const MAP_PAGE =
  'pagingHelperDrill(p.cr3, vaStart + offset, paStart + offset, accessOf(protect.flags))'
export const MAP_ALL = 'if (pagingHelperDrill(p.cr3, vaStart + offset, paStart + offset, access) !== 0) {'
export const EACH_PAGE = 'for (let offset = 0n; offset < lenBytes; offset += PAGE_SIZE_4KB)'
export const NOT_CURRENT =
  '  if (getCpu().curAspace !== p.aspace) return // switchTo loads CR3, and that flushes\n'
export const FLUSH = `  if (pages.length > INVLPG_LIMIT) tlbFlush()
  else for (const va of pages) invlpg(va)
`
export const UNFIXABLE = '    if (!region || error.rsvdAccess || !permits(region, error)) return -1\n'
export const FILL = '    return mapPage(p, region, (virtaddr - region.vaStart) & ~(PAGE_SIZE_4KB - 1n))\n'
export const REMOVE_FIND = `    const node = findIdentical(p, region)
    if (!node || node.region.protect.flags & NK_ASPACE_PIN) return -1
`
export const REMOVE_UNMAP = `    listDel(node.link)
    flushPages(
      p,
      editEntries(p, node.region, () => 0n),
    )
`
export const PROTECT_FIND = '    if (!node || flags & EXTRA_CREDIT) return -1\n'
export const PROTECT_SET = '    node.region.protect = { flags }\n'
export const PROTECT_EDIT = `    flushPages(
      p,
      editEntries(p, node.region, (entry) => pagingHelperSetPermissions(entry, access)),
    )
`
export const MOVE_FIND = `    const node = findIdentical(p, curRegion)
    if (!node || node.region.protect.flags & NK_ASPACE_PIN || !isSane(newRegion)) return -1
`
export const MOVE_SAME = `    if (region.vaStart !== vaStart || region.lenBytes !== lenBytes || region.protect.flags !== protect.flags)
      return -1
`
export const MOVE_SET = '    region.paStart = paStart\n'
export const MOVE_EDIT = `    flushPages(
      p,
      editEntries(p, region, (entry, offset) => (entry & ~PTE_ADDR) | (paStart + offset)),
    )
`
export const DESTROY_FREE = '    pagingHelperFree(p.cr3, false) // what the regions map is not ours\n'
export const DESTROY_UNREGISTER = '  return aspace ? nkAspaceUnregister(aspace) : 0\n'
export const SWITCH_TO = '  writeCr3(p.cr3)\n'
export const ACCESS = `const accessOf = (flags: number): PhPfAccess => ({
  write: (flags & NK_ASPACE_WRITE) !== 0,
  user: (flags & NK_ASPACE_KERN) === 0,
  ifetch: (flags & NK_ASPACE_EXEC) !== 0,
})
`
