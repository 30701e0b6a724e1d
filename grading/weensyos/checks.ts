// What is true of a correct kernel, step by step. Each check reads the machine (os.ts); what it is worth stands in
// rubric.ts, and mutants.ts proves that it can fail. The first check of a step that earns points is its core: a
// kernel without that step cannot pass it, and the others of the step need it.

import type { Check } from '@pagewalk/grader'
import {
  boots,
  consoleOpen,
  kernelAddressesRefused,
  kernelMemoryProtected,
  systemCallsAnswered,
} from './checks/step1.ts'
import { ownPageTables, processesIsolated, processMemoryWorks } from './checks/step2.ts'
import {
  heapPagesRecorded,
  heapPagesUsable,
  memoryRunsOut,
  oddAddressesRefused,
  pageAllocAnyPage,
  pageAllocReturnsZero,
} from './checks/step3.ts'
import {
  heapsFillMemory,
  stackAligned,
  stackAtTop,
  stackPageRecorded,
  wholeAddressSpace,
} from './checks/step4.ts'
import {
  forkChildConsole,
  forkCopiesMemory,
  forkCopiesRegisters,
  forkMakesFour,
  forkPagesRecorded,
  forkReturnsTwice,
  forkSharesNothingWritable,
  forkSlotsRunOut,
  forkWithoutMemory,
} from './checks/step5.ts'

export const checks: readonly Check[] = [
  boots,
  systemCallsAnswered,
  kernelMemoryProtected,
  consoleOpen,
  kernelAddressesRefused,
  ownPageTables,
  processesIsolated,
  processMemoryWorks,
  pageAllocAnyPage,
  heapPagesRecorded,
  heapPagesUsable,
  pageAllocReturnsZero,
  oddAddressesRefused,
  memoryRunsOut,
  stackAtTop,
  stackAligned,
  stackPageRecorded,
  wholeAddressSpace,
  heapsFillMemory,
  forkReturnsTwice,
  forkCopiesMemory,
  forkSharesNothingWritable,
  forkMakesFour,
  forkCopiesRegisters,
  forkChildConsole,
  forkPagesRecorded,
  forkSlotsRunOut,
  forkWithoutMemory,
]
