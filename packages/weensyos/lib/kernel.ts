// Everything that a kernel uses, in one door. Handout: kernel.h.

export {
  PAGESIZE,
  PTE_A,
  PTE_ADDR,
  PTE_D,
  PTE_P,
  PTE_PS,
  PTE_U,
  PTE_W,
  type u64,
} from '@pagewalk/machine/x86-64'
export { checkVirtualMemory } from './check.ts'
export {
  assert,
  consoleClear,
  consolePrintf,
  errorPrintf,
  logPrintf,
  memcpy,
  memset,
  panic,
} from './console.ts'
export {
  checkKeyboard,
  consoleShowCursor,
  exceptionReturn,
  hardwareInit,
  isKernelMemory,
  type PagetableAllocator,
  physicalMemoryIsreserved,
  poweroff,
  processInit,
  type Status,
  scheduleAgain,
  setPagetable,
  timerInit,
  type Vamapping,
  virtualMemoryLookup,
  virtualMemoryMap,
} from './hardware.ts'
export * from './layout.ts'
export { type ProgramSegment, programLoad, programLoadSegment, type SegmentLoader } from './loader.ts'
export { memshowPhysical, memshowVirtual, memshowVirtualAnimate } from './memshow.ts'
export {
  current,
  KernelInt,
  kernelPagetable,
  type PhysicalPageinfo,
  type Proc,
  pageinfo,
  pagetableAt,
  processes,
  setCurrent,
  ticks,
  type X8664Pagetable,
  type X8664Registers,
} from './proc.ts'
export { ring0 } from './ring0.ts'
