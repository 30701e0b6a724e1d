// The snapshot of this lab: address spaces with the regions that they were given.

import { playOnce } from '@pagewalk/grader'
import { expect, test } from 'vitest'
import { nautilus } from '../index.ts'
import { sampleFiles } from '../try-submissions.ts'
import { view } from '../view.ts'

test('a shell’s address space tells its regions, by what the student’s code has accepted', async () => {
  const files = new Map(Object.entries(sampleFiles('reference')))
  const submission = { name: 'reference', lab: nautilus, files, sha256: '', changedLibrary: [] }
  const run = await playOnce({ submission, config: nautilus.live.boot('root-shell') }, [
    { do: 'run', instructions: 100_000_000 },
  ])
  const shell = view(run.final).spaces.find(({ name }) => name === 'root-shell')
  expect(shell?.regions).toEqual([
    { va: '0x0', length: 64 << 20, pa: '0x0', rights: 'READ WRITE EXEC PIN KERN EAGER' },
    { va: '0xffff800000000000', length: 64 << 20, pa: '0x0', rights: 'READ WRITE EXEC PIN KERN' },
  ])
})
