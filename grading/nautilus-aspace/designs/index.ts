// Solutions that differ from the reference and are right all the same: each must have full marks. What they do otherwise
// is in facts that the checks may not judge: the data structure, who flushes what, when an entry is made, how a fault that
// cannot be mended ends.

import { type Edit, edited } from '@pagewalk/grader'
import {
  FILL,
  FLUSH,
  INSERT,
  MOVE_EDIT,
  MOVE_SET,
  PROTECT_EDIT,
  REMOVE_UNMAP,
  UNFIXABLE,
} from '../mutants/kit.ts'

export interface Design {
  readonly name: string
  /** The reference's paging.ts -> this design's. */
  change(reference: string): string
}
const edit = (find: string, replace: string): Edit => ({ find, replace })
const design = (name: string, ...edits: readonly Edit[]): Design => ({
  name,
  change: (reference) => edited(reference, edits, name),
})

// The set of regions behind five small functions, so that a design can have another one.
const LIST = '  readonly regions: ListHead<RegionNode>\n'
const NEW_LIST = 'regions: new ListHead<RegionNode>(),'
const FIND = /function findRegion\([\s\S]*?\n}\nfunction overlaps\([\s\S]*?\n}\n/
const TAKE_OUT = '    listDel(node.link)\n'
const ALL = 'listForEachEntry(p.regions)'
const EXPORT = 'export const pagingImpl'

/** A class with add, remove, at(va), meets(region) and all() in the list's place. */
function withSet(name: string, className: string, source: string): Design {
  const found = `function findRegion(p: NkAspacePaging, va: u64): NkAspaceRegion | undefined {
  return p.regions.at(va)?.region
}
function overlaps(p: NkAspacePaging, region: NkAspaceRegion): boolean {
  return p.regions.meets(region)
}
`
  return {
    name,
    change(reference) {
      const edits = [
        edit(LIST, `  readonly regions: ${className}\n`),
        edit(NEW_LIST, `regions: new ${className}(),`),
        edit(TAKE_OUT, '    p.regions.remove(node)\n'),
        edit(INSERT, '    p.regions.add(node)\n'),
        edit(EXPORT, `${source}\n${EXPORT}`),
      ]
      return edited(reference, edits, name).replace(FIND, found).replaceAll(ALL, 'p.regions.all()')
    },
  }
}

const ARRAY = `class RegionArray {
  #nodes: RegionNode[] = []
  add(node: RegionNode): void {
    this.#nodes.unshift(node)
  }
  remove(node: RegionNode): void {
    this.#nodes = this.#nodes.filter((other) => other !== node)
  }
  at(va: u64): RegionNode | undefined {
    return this.#nodes.find(({ region }) => va >= region.vaStart && va - region.vaStart < region.lenBytes)
  }
  meets(region: NkAspaceRegion): boolean {
    return this.#nodes.some(({ region: r }) => r.vaStart < endOf(region) && region.vaStart < endOf(r))
  }
  all(): readonly RegionNode[] {
    return [...this.#nodes]
  }
}
`
const SORTED = `class SortedRegions {
  readonly #nodes: RegionNode[] = []
  /** How many begin at or before an address. */
  #upTo(va: u64): number {
    let [low, high] = [0, this.#nodes.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#nodes[middle]!.region.vaStart <= va) low = middle + 1
      else high = middle
    }
    return low
  }
  add(node: RegionNode): void {
    this.#nodes.splice(this.#upTo(node.region.vaStart), 0, node)
  }
  remove(node: RegionNode): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1)
  }
  at(va: u64): RegionNode | undefined {
    const node = this.#nodes[this.#upTo(va) - 1]
    return node && va < endOf(node.region) ? node : undefined
  }
  meets(region: NkAspaceRegion): boolean {
    const before = this.#nodes[this.#upTo(region.vaStart) - 1]
    const after = this.#nodes[this.#upTo(region.vaStart)]
    return (before !== undefined && endOf(before.region) > region.vaStart) || (after !== undefined && after.region.vaStart < endOf(region))
  }
  all(): readonly RegionNode[] {
    return this.#nodes
  }
}
`
const HASH = `class RegionPages {
  /** Page number -> the region that has it. */
  readonly #pages = new Map<bigint, RegionNode>()
  readonly #nodes = new Set<RegionNode>();
  *#of({ vaStart, lenBytes }: NkAspaceRegion): Generator<bigint> {
    for (let page = vaStart >> 12n; page < (vaStart + lenBytes) >> 12n; page++) yield page
  }
  add(node: RegionNode): void {
    this.#nodes.add(node)
    for (const page of this.#of(node.region)) this.#pages.set(page, node)
  }
  remove(node: RegionNode): void {
    this.#nodes.delete(node)
    for (const page of this.#of(node.region)) this.#pages.delete(page)
  }
  at(va: u64): RegionNode | undefined {
    return this.#pages.get(va >> 12n)
  }
  meets(region: NkAspaceRegion): boolean {
    for (const page of this.#of(region)) if (this.#pages.has(page)) return true
    return false
  }
  all(): Iterable<RegionNode> {
    return this.#nodes
  }
}
`
const TREE = `function* inOrder(at: TreeNode | undefined): Generator<RegionNode> {
  if (!at) return
  yield* inOrder(at.left)
  yield at.node
  yield* inOrder(at.right)
}
interface TreeNode {
  node: RegionNode
  left?: TreeNode | undefined
  right?: TreeNode | undefined
}
class RegionTree {
  #root: TreeNode | undefined
  add(node: RegionNode): void {
    const insert = (at: TreeNode | undefined): TreeNode => {
      if (!at) return { node }
      if (node.region.vaStart < at.node.region.vaStart) at.left = insert(at.left)
      else at.right = insert(at.right)
      return at
    }
    this.#root = insert(this.#root)
  }
  remove(node: RegionNode): void {
    const others = [...this.all()].filter((other) => other !== node)
    this.#root = undefined
    const middleFirst = (list: readonly RegionNode[]): void => {
      if (list.length === 0) return
      const middle = list.length >> 1
      this.add(list[middle]!)
      middleFirst(list.slice(0, middle))
      middleFirst(list.slice(middle + 1))
    }
    middleFirst(others)
  }
  at(va: u64): RegionNode | undefined {
    for (let at = this.#root; at; ) {
      const { region } = at.node
      if (va < region.vaStart) at = at.left
      else if (va < endOf(region)) return at.node
      else at = at.right
    }
    return undefined
  }
  meets(region: NkAspaceRegion): boolean {
    for (let at = this.#root; at; ) {
      if (endOf(region) <= at.node.region.vaStart) at = at.left
      else if (region.vaStart >= endOf(at.node.region)) at = at.right
      else return true
    }
    return false
  }
  all(): Generator<RegionNode> {
    return inOrder(this.#root)
  }
}
`

export const designs: readonly Design[] = [
  design(
    'list, newest first',
    edit(INSERT, '    listAdd(node.link, p.regions)\n'),
    edit('  listAddTail,\n', '  listAdd,\n'),
  ),
  withSet('array, newest first', 'RegionArray', ARRAY),
  withSet('sorted array with binary search', 'SortedRegions', SORTED),
  withSet('hash with an entry for each page', 'RegionPages', HASH),
  withSet('binary search tree', 'RegionTree', TREE),
  design('INVLPG for each page, however many', edit(FLUSH, '  for (const va of pages) invlpg(va)\n')),
  design('always a full flush', edit(FLUSH, '  if (pages.length > 0) tlbFlush()\n')),
  design(
    'a flush also where none is needed, of spaces that are not current, without loading them',
    edit('  if (getCpu().curAspace !== p.aspace) return // switchTo loads CR3, and that flushes\n', ''),
  ),
  design(
    'a flush by turning CR4.PGE on and off',
    edit(
      FLUSH,
      '  if (pages.length === 0) return\n  writeCr4(readCr4() ^ 0x80n)\n  writeCr4(readCr4() ^ 0x80n)\n',
    ),
  ),
  design(
    'a full flush after each add',
    edit(INSERT, `${INSERT}    if (getCpu().curAspace === p.aspace) tlbFlush()\n`),
  ),
  design(
    'move clears the entries of lazy regions: they fault again',
    edit(
      MOVE_EDIT,
      MOVE_EDIT.replace(
        '=> (entry & ~PTE_ADDR) | (paStart + offset)',
        '=> (region.protect.flags & NK_ASPACE_EAGER ? (entry & ~PTE_ADDR) | (paStart + offset) : 0n)',
      ),
    ),
  ),
  design(
    'protect clears the entries of lazy regions: they fault again',
    edit(
      PROTECT_EDIT,
      PROTECT_EDIT.replace(
        '=> pagingHelperSetPermissions(entry, access)',
        '=> (flags & NK_ASPACE_EAGER ? pagingHelperSetPermissions(entry, access) : 0n)',
      ),
    ),
  ),
  design(
    'protect and move by unmapping and mapping anew',
    edit(
      PROTECT_EDIT,
      '    flushPages(p, editEntries(p, node.region, () => 0n))\n    if (flags & NK_ASPACE_EAGER) mapAll(p, node.region)\n    void access\n',
    ),
    edit(
      MOVE_SET + MOVE_EDIT,
      '    flushPages(p, editEntries(p, region, () => 0n))\n    region.paStart = paStart\n    if (region.protect.flags & NK_ASPACE_EAGER) mapAll(p, region)\n',
    ),
    edit(
      "import { PTE_ADDR, type u64 } from '@pagewalk/machine/x86-64'",
      "import type { u64 } from '@pagewalk/machine/x86-64'",
    ),
  ),
  design(
    'a fault brings in sixteen pages',
    edit(
      FILL,
      `    const at = (virtaddr - region.vaStart) & ~(16n * PAGE_SIZE_4KB - 1n)
    for (let offset = at; offset < at + 16n * PAGE_SIZE_4KB && offset < region.lenBytes; offset += PAGE_SIZE_4KB)
      if (mapPage(p, region, offset) !== 0) return -1
    return 0
`,
    ),
  ),
  design(
    'panic in the handler instead of -1',
    edit(
      UNFIXABLE,
      '    if (!region || error.rsvdAccess || !permits(region, error)) panic(`page fault at ${hex(virtaddr)} cannot be mended`)\n',
    ),
  ),
  design(
    'a page is mapped first, rights are asked for at the second fault',
    edit(UNFIXABLE, '    if (!region || (error.present && !permits(region, error))) return -1\n'),
  ),
  design(
    'A and D are set at once',
    edit(
      FILL,
      `${FILL.replace('return', 'const status =')}    const { result, entry } = pagingHelperWalk(p.cr3, virtaddr, NO_ACCESS)\n    if (result === 0) ring0.write64(entry, ring0.read64(entry) | 0x60n)\n    return status\n`,
    ),
  ),
  design(
    'the last PML4 entry but one leads to the PML4 itself',
    edit(
      '  const p: NkAspacePaging = {\n',
      '  ring0.write64(Number(cr3) + 510 * 8, cr3 | 3n)\n  const p: NkAspacePaging = {\n',
    ),
    edit(
      '    pagingHelperFree(p.cr3, false) // what',
      '    ring0.write64(Number(p.cr3) + 510 * 8, 0n)\n    pagingHelperFree(p.cr3, false) // what',
    ),
  ),
  design(
    'no lock: interrupts off are enough on one CPU',
    edit(
      '  const flags = spinLockIrqSave(p.lock)\n  const result = body()\n  spinUnlockIrqRestore(p.lock, flags)\n  return result\n',
      '  void p\n  return body()\n',
    ),
    edit('  spinLockIrqSave,\n  spinUnlockIrqRestore,\n', ''),
  ),
  design(
    'INVLPG for every page of the region, mapped or not',
    edit(
      REMOVE_UNMAP,
      `    listDel(node.link)
    editEntries(p, node.region, () => 0n)
    if (getCpu().curAspace === p.aspace)
      for (let offset = 0n; offset < node.region.lenBytes; offset += PAGE_SIZE_4KB) invlpg(node.region.vaStart + offset)
`,
    ),
  ),
  design(
    'bit 7 (PAT) in the entries of the last level',
    edit(
      FILL,
      `${FILL.replace('return', 'const status =')}    const { result, entry } = pagingHelperWalk(p.cr3, virtaddr, NO_ACCESS)\n    if (result === 0) ring0.write64(entry, ring0.read64(entry) | 0x80n)\n    return status\n`,
    ),
  ),
  design(
    'move maps all pages of the region',
    edit(MOVE_EDIT, '    mapAll(p, region)\n    if (getCpu().curAspace === p.aspace) tlbFlush()\n'),
    edit(
      "import { PTE_ADDR, type u64 } from '@pagewalk/machine/x86-64'",
      "import type { u64 } from '@pagewalk/machine/x86-64'",
    ),
  ),
  design(
    'switchTo never touches CR4, switchFrom flushes',
    edit('  writeCr4((readCr4() & ~CR4_MASK) | p.cr4)\n', '  void [p.cr4, readCr4, writeCr4]\n'),
    edit('  switchFrom: () => 0,\n', '  switchFrom() {\n    tlbFlush()\n    return 0\n  },\n'),
  ),
]
