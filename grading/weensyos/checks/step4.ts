// Step 4: overlapping address spaces.

import { type Check, fail, pass } from '@pagewalk/grader'
import { cast } from '../cast.ts'
import { MEMSIZE_VIRTUAL, STACK_PAGE } from '../layout.ts'
import { heapLeaves, hex, list } from '../os.ts'
import { HIGH_SEED } from '../scenarios.ts'
import { answered, os, overlap, ownerTrouble, patternTrouble, request } from '../troubles.ts'

export const stackAtTop: Check = {
  id: 'stack-at-top',
  claim: 'Each process starts with its stack in the last page of the virtual address space, 0x2FF000.',
  needs: ['own-page-tables'],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    for (const space of allocators.spaces) {
      const { rsp } = space.entry
      const leaf = allocators.leaf(space, STACK_PAGE)
      if (rsp > STACK_PAGE && rsp <= MEMSIZE_VIRTUAL && leaf?.user && leaf.writable) continue
      return fail({
        expected: 'rsp at 0x300000 when ring 3 is first entered, and the page below it mapped P W U',
        observed: `rsp is ${hex(rsp)}; ${allocators.walk(space, STACK_PAGE)}`,
        hint: 'Which virtual page lies below the end of the address space? Need its physical page have that number?',
        shows: allocators.show(space, STACK_PAGE),
      })
    }
    return pass
  },
}

export const stackAligned: Check = {
  id: 'stack-aligned',
  claim: 'The first stack pointer of a process is a multiple of 8.',
  needs: ['stack-at-top'],
  run(evidence) {
    const odd = os(evidence, 'allocators').spaces.find((space) => space.entry.rsp % 8n !== 0n)
    if (odd === undefined) return pass
    return fail({
      expected: 'rsp at 0x300000',
      observed: `process ${odd.pid} starts with rsp ${hex(odd.entry.rsp)}`,
      hint: 'A push first lowers rsp, then stores. Where must rsp stand before the first one?',
    })
  },
}

export const stackPageRecorded: Check = {
  id: 'stack-page-recorded',
  claim: "Each process's stack page is its own, in pageinfo as in its tables.",
  needs: ['stack-at-top'],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    const trouble = ownerTrouble(allocators, (leaf) => leaf.va === STACK_PAGE)
    return trouble === undefined ? pass : fail(trouble)
  },
}

export const wholeAddressSpace: Check = {
  id: 'whole-address-space',
  claim: 'page_alloc maps any page up to 0x300000, though physical memory ends at 0x200000.',
  needs: ['stack-at-top', 'page-alloc-any-page'],
  run(evidence) {
    const requests = os(evidence, 'requests')
    const { pid, parameters } = cast(evidence, 'requests', 'p-high')
    const high = parameters.slice(0, 3).map((va, i) => [va, HIGH_SEED + i] as const)
    const expected = `process ${pid} gets pages at ${list(high.map(([va]) => hex(va)))}`
    const hint = 'Which limit must a virtual address keep, and which a physical one?'
    const space = requests.space(pid)
    if (space === undefined) return fail({ expected, observed: requests.ending, hint })
    for (const [va] of high) {
      const call = request(requests, space.cr3, va)
      if (call?.result !== undefined && call.result >= 0) continue
      const observed = `${answered(call)}; ${requests.walk(space, va)}`
      return fail({ expected, observed, hint, shows: requests.show(space, va) })
    }
    const trouble = patternTrouble(requests, space, high)
    return trouble === undefined ? pass : fail({ expected, hint, ...trouble })
  },
}

export const heapsFillMemory: Check = {
  id: 'heaps-fill-memory',
  claim: 'The heaps grow past their first windows until memory is full, and the processes live on.',
  needs: ['stack-at-top', 'page-alloc-any-page'],
  run(evidence) {
    const filler = os(evidence, 'filler')
    const expected = 'heaps of more than 64 pages at overlapping addresses; a refused process goes on'
    const hint = 'What stopped the heap? What should page_alloc tell a process when there is no page?'
    if (!filler.finished || filler.faults.length > 0) return fail({ expected, observed: filler.ending, hint })
    const sizes = filler.spaces.map((space) => heapLeaves(space).length)
    if (sizes.some((size) => size > 64) && overlap(filler.spaces)) return pass
    return fail({ expected, observed: `the processes ended with ${sizes.join(', ')} pages`, hint })
  },
}
