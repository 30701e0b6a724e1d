// Everything that paging.ts and shell.ts use, in one door.

export * from './aspace.ts'
export { registerShellCommand, runShell, type ShellCommand } from './commands.ts'
export * from './exception.ts'
export { type FileImage, fsNames, type NkFile, nkFsOpen, nkFsRead } from './fs.ts'
export { free, type KmemStats, kmemStats, malloc } from './kmem.ts'
export * from './layout.ts'
export * from './list.ts'
export * from './paging-helpers.ts'
export { assert, panic } from './panic.ts'
export { hex, hex16, type Message, nkPrintk, type Printers, printers } from './print.ts'
export { ring0 } from './ring0.ts'
export { nkSchedReap, nkThreadStart } from './sched.ts'
export { cpus, getCpu, myCpuId, type NkCpu, nkGetNumCpus, type Status, smpXcall } from './smp.ts'
export * from './spinlock.ts'
export {
  callMachine,
  getCurThread,
  jumpTo,
  memcmp,
  memcpy,
  memset,
  NK_THR_EXITED,
  NK_THR_INIT,
  NK_THR_RUNNING,
  NK_THR_SUSPENDED,
  NK_THR_WAITING,
  type NkThread,
  nkJoin,
  nkSetThreadName,
  nkSleep,
  nkYield,
  readByte,
  type Thread,
  type ThreadRequest,
  threads,
  writeByte,
} from './thread.ts'
export {
  nkBindVc,
  nkCreateVc,
  nkDestroyVc,
  nkSwitchToNextVc,
  nkSwitchToVc,
  nkVcClear,
  nkVcGetchar,
  nkVcPrint,
  type Vc,
} from './vc.ts'
