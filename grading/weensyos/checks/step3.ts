// Step 3: any physical page behind a virtual one.

import { type Check, fail, pass } from '@pagewalk/grader'
import type { Mapping } from '@pagewalk/machine'
import { asked, cast, requested } from '../cast.ts'
import { INT_SYS_PAGE_ALLOC, STACK_PAGE } from '../layout.ts'
import { hex, list } from '../os.ts'
import {
  answered,
  heapByteTrouble,
  isRefused,
  os,
  patternTrouble,
  recordTrouble,
  refused,
  request,
} from '../troubles.ts'

export const pageAllocAnyPage: Check = {
  id: 'page-alloc-any-page',
  claim: 'page_alloc finds a free physical page, whatever its number: virtual and physical addresses differ.',
  needs: ['own-page-tables'],
  run(evidence) {
    const requests = os(evidence, 'requests')
    const { pid } = cast(evidence, 'requests', 'p-requests')
    const space = requests.space(pid)
    const [va] = requested(evidence, 'requests')[2]!
    const call = space && request(requests, space.cr3, va)
    if (space && call?.result !== undefined && call.result >= 0 && requests.leaf(space, va)?.user) return pass
    return fail({
      expected: `process ${pid} gets a page for ${hex(va)} though that physical page holds another’s code`,
      observed: `${answered(call)}; ${space ? requests.walk(space, va) : requests.ending}`,
      hint: 'Must the physical page have the same number as the virtual one? Where do you see which ones are free?',
    })
  },
}

export const heapPagesRecorded: Check = {
  id: 'heap-pages-recorded',
  claim: 'pageinfo and the page tables agree: each page has its user as its owner, and none is lost.',
  needs: ['page-alloc-any-page'],
  run(evidence) {
    const notStack = (leaf: Mapping): boolean => leaf.va !== STACK_PAGE
    for (const scenario of ['allocators', 'requests'] as const) {
      const trouble = recordTrouble(os(evidence, scenario), notStack)
      if (trouble !== undefined) return fail(trouble)
    }
    return pass
  },
}

export const heapPagesUsable: Check = {
  id: 'heap-pages-usable',
  claim: 'A page given by page_alloc can be read and written, and keeps what its process wrote.',
  needs: ['page-alloc-any-page'],
  run(evidence) {
    const requests = os(evidence, 'requests')
    const space = requests.space(cast(evidence, 'requests', 'p-requests').pid)
    const wrong = space && patternTrouble(requests, space, requested(evidence, 'requests'))
    const trouble = wrong ?? heapByteTrouble(os(evidence, 'allocators'))
    if (trouble === undefined) return pass
    return fail({
      expected: 'each page that page_alloc gave is mapped P W U and holds what its process wrote',
      ...trouble,
      hint: 'Can two virtual pages have got the same physical one? Which rights does a heap page need?',
    })
  },
}

export const pageAllocReturnsZero: Check = {
  id: 'page-alloc-returns-zero',
  claim: 'page_alloc returns 0 when it gives a page.',
  needs: ['page-alloc-any-page'],
  run(evidence) {
    const requests = os(evidence, 'requests')
    const odd = requests.calls.find((call) => call.vector === INT_SYS_PAGE_ALLOC && (call.result ?? 0) > 0)
    if (odd === undefined) return pass
    return fail({
      expected: '0 in rax',
      observed: `page_alloc(${hex(odd.argument)}) returned ${hex(odd.rax ?? 0n)}`,
      hint: 'What does the handout say page_alloc returns?',
    })
  },
}

export const oddAddressesRefused: Check = {
  id: 'odd-addresses-refused',
  claim: 'page_alloc refuses unaligned addresses and those beyond the virtual address space with -1.',
  needs: ['page-alloc-any-page'],
  run(evidence) {
    return (
      refused(os(evidence, 'odd-addresses'), asked(evidence, 'odd-addresses'), {
        expected: 'page_alloc returns -1 for an address that is no page of the virtual address space',
        hint: 'Which addresses would virtualMemoryMap not take? Who should notice, the kernel or its assertion?',
      }) ?? pass
    )
  },
}

export const memoryRunsOut: Check = {
  id: 'memory-runs-out',
  claim: 'page_alloc gives away the last free page, then returns -1, and the processes go on.',
  needs: ['page-alloc-any-page'],
  run(evidence) {
    const greedy = os(evidence, 'greedy')
    const expected = 'every page in use, further requests answered -1, all four processes alive'
    const hint = 'Where does your search for a free page begin and end? What follows when it finds none?'
    if (!greedy.finished || greedy.faults.length > 0) return fail({ expected, observed: greedy.ending, hint })
    const never = greedy.spaces.find(
      (space) => !greedy.callsOf(space.cr3, INT_SYS_PAGE_ALLOC).some(isRefused),
    )
    if (never) return fail({ expected, observed: `${greedy.name(never.cr3)} was never refused`, hint })
    const unused = greedy.unused().map((pn) => hex(pn * 4096))
    if (unused.length === 0) return pass
    const shows = greedy.showPages(greedy.unused())
    return fail({ expected, observed: `unused at the end: physical pages ${list(unused)}`, hint, shows })
  },
}

export const mappedAddressKept: Check = {
  id: 'mapped-address-kept',
  claim: 'page_alloc for an address that has a page loses none: it is refused, or there is a fresh page.',
  needs: ['heap-pages-recorded'],
  run(evidence) {
    const run = os(evidence, 'mapped-address')
    const space = run.space(cast(evidence, 'mapped-address', 'p-requests').pid)
    const pages = requested(evidence, 'mapped-address')
    const [va] = pages.at(-1)!
    const expected = `the second page_alloc(${hex(va)}) returns -1, or 0 and a page that works`
    const hint = 'Which page was there before, and who would ever free it?'
    const calls = space ? run.callsOf(space.cr3, INT_SYS_PAGE_ALLOC) : []
    const second = calls.filter(({ argument }) => argument === va)[1]
    if (!space || second?.result === undefined)
      return fail({ expected, observed: `${answered(second)}; ${run.ending}`, hint })
    const trouble = patternTrouble(run, space, pages) ?? recordTrouble(run, (leaf) => leaf.va === va)
    return trouble === undefined ? pass : fail({ ...trouble, expected, hint })
  },
}
