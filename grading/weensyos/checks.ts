// What is true of a correct kernel, step by step. Each check reads the machine (os.ts); what it is worth stands in
// rubric.ts, and mutants.ts proves that it can fail. The first check of a step that earns points is its core: a
// kernel without that step cannot pass it, and the others of the step need it.

import type { Check } from '@pagewalk/grader'
import {
  boots,
  consoleOpen,
  kernelAccessStopped,
  kernelAddressesRefused,
  kernelMemoryProtected,
  systemCallsAnswered,
} from './checks/step1.ts'
import {
  foreignAccessStopped,
  ownPageTables,
  processesIsolated,
  processMemoryWorks,
  softReboot,
} from './checks/step2.ts'
import {
  heapPagesRecorded,
  heapPagesUsable,
  mappedAddressKept,
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
  forkCopiesEveryPage,
  forkCopiesMemory,
  forkCopiesRegisters,
  forkMakesFour,
  forkPagesRecorded,
  forkReturnsTwice,
  forkSharesNothingWritable,
  forkSlotsRunOut,
  forkWithoutMemory,
  softRebootFork,
} from './checks/step5.ts'
import { codeReadOnly, codeShared, codeWriteStopped, sharedPagesCounted } from './checks/step6.ts'
import { exitAnyOrder, exitFrees, forkRollsBack, memoryComesBack, pagesConserved } from './checks/step7.ts'

export const checks: readonly Check[] = [
  boots,
  systemCallsAnswered,
  kernelMemoryProtected,
  consoleOpen,
  kernelAddressesRefused,
  kernelAccessStopped,
  ownPageTables,
  processesIsolated,
  processMemoryWorks,
  foreignAccessStopped,
  softReboot,
  pageAllocAnyPage,
  heapPagesRecorded,
  heapPagesUsable,
  pageAllocReturnsZero,
  oddAddressesRefused,
  mappedAddressKept,
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
  forkCopiesEveryPage,
  softRebootFork,
  codeReadOnly,
  codeWriteStopped,
  codeShared,
  sharedPagesCounted,
  exitFrees,
  exitAnyOrder,
  memoryComesBack,
  pagesConserved,
  forkRollsBack,
]
