// The thread of a kernel.

import { workerData } from 'node:worker_threads'
import { Channel, type MachineOptions, RemoteMachine, Side } from '../../src/index.ts'
import { KERNELS, WAITING } from './kernels.ts'

export interface ThreadData {
  readonly name: string
  readonly options: MachineOptions
  readonly channel: SharedArrayBuffer
  readonly memory: SharedArrayBuffer
}
const { name, options, channel: buffer, memory }: ThreadData = workerData
const channel = new Channel(buffer, Side.kernel)
const machine = new RemoteMachine(channel, options, memory)
const kernel = KERNELS[name] ?? WAITING[name]
kernel?.(machine)
channel.answer = (op) => machine.answer(op)
channel.serve()
