// The base address space: the one that the kernel booted with, as an address space like any other. Handout: base.c.
//
// It is the worked example of an implementation: small, because nothing in it ever changes. It has one region, physical memory
// at its own addresses, and refuses to have others, to be destroyed, or to be made twice.

import type { u64 } from '@pagewalk/machine/x86-64'
import {
  NK_ASPACE_EAGER,
  NK_ASPACE_EXEC,
  NK_ASPACE_HOOK_GPF,
  NK_ASPACE_HOOK_PF,
  NK_ASPACE_KERN,
  NK_ASPACE_PIN,
  NK_ASPACE_READ,
  NK_ASPACE_WRITE,
  type NkAspaceCharacteristics,
  type NkAspaceImpl,
  type NkAspaceInterface,
  type NkAspaceRegion,
  nkAspaceRegister,
  nkAspaceRegisterImpl,
} from './aspace.ts'
import { writeCr3 } from './exception.ts'
import { MEMSIZE } from './layout.ts'
import { nkPagingDefaultCr3, nkPagingDefaultCr4, PAGE_SIZE_1GB, PAGE_SIZE_2MB } from './paging-helpers.ts'
import { panic } from './panic.ts'
import { hex, hex16, printers } from './print.ts'
import { ring0 } from './ring0.ts'
import { getCpu, type Status } from './smp.ts'
import { nkVcPrint } from './vc.ts'

const { ERROR, DEBUG } = printers('aspace-base')

/** The state of the base address space: what each function below gets as `p`. */
interface NkAspaceBase {
  readonly chars: NkAspaceCharacteristics
  readonly cr3: u64
  readonly cr4: u64
  readonly theRegion: NkAspaceRegion
}

const base: NkAspaceInterface<NkAspaceBase> = {
  destroy: () => refuse('the base address space cannot be destroyed'),

  addThread: () => 0,
  removeThread: () => 0,

  addRegion: () => refuse('regions cannot be added to the base address space'),
  removeRegion: () => refuse('the region of the base address space cannot be removed'),
  protectRegion: () => refuse('the region of the base address space cannot be protected'),
  moveRegion: () => refuse('the region of the base address space cannot be moved'),

  switchFrom() {
    DEBUG(() => `switching out of the base address space on CPU ${getCpu().id}`)
    return 0
  },
  switchTo(p) {
    DEBUG(() => `switching to the base address space on CPU ${getCpu().id}`)
    writeCr3(p.cr3)
    return 0
  },

  exception(_p, excp, vec) {
    return panic(`exception ${vec} at ${hex(excp.rip)} in the base address space, where everything is mapped`)
  },

  print(p, detailed) {
    const { granularity, alignment } = p.chars
    const { vaStart, lenBytes, paStart, protect } = p.theRegion
    nkVcPrint(`base Base Address Space [granularity ${hex(granularity)} alignment ${hex(alignment)}]\n`)
    nkVcPrint(`   Region: ${hex16(vaStart)} - ${hex16(vaStart + lenBytes)} => ${hex16(paStart)}`)
    nkVcPrint(detailed ? ` (prot=${protect.flags.toString(16)})\n` : '\n')
    nkVcPrint(`   CR3:    ${hex16(p.cr3)}  CR4m: ${hex16(p.cr4)}\n`)
    return 0
  },
}
function refuse(why: string): Status {
  ERROR(why)
  return -1
}

const baseImpl: NkAspaceImpl = {
  implName: 'base',
  getCharacteristics(chars) {
    Object.assign(chars, characteristics())
    return 0
  },
  create() {
    ERROR('there is only one base address space')
    return null
  },
}
/** The page size that the boot tables are made of: 1 GB where the CPU has it. AMD64 Vol. 3, CPUID Fn8000_0001_EDX. */
function characteristics(): NkAspaceCharacteristics {
  const bootPage = ring0.cpuid(0x8000_0001).edx & (1 << 26) ? PAGE_SIZE_1GB : PAGE_SIZE_2MB
  return { granularity: bootPage, alignment: bootPage }
}

/** `nk_aspace_base_init()`: register the implementation, and the address space; at boot, right after nkAspaceInit. */
export function nkAspaceBaseInit(): void {
  const flags =
    NK_ASPACE_READ | NK_ASPACE_WRITE | NK_ASPACE_EXEC | NK_ASPACE_PIN | NK_ASPACE_KERN | NK_ASPACE_EAGER
  const state: NkAspaceBase = {
    chars: characteristics(),
    cr3: nkPagingDefaultCr3(),
    cr4: nkPagingDefaultCr4() & 0xb0n,
    theRegion: { vaStart: 0n, paStart: 0n, lenBytes: MEMSIZE, protect: { flags } },
  }
  nkAspaceRegisterImpl(baseImpl)
  nkAspaceRegister('base', NK_ASPACE_HOOK_PF | NK_ASPACE_HOOK_GPF, base, state)
}
