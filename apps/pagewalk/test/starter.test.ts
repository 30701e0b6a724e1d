import type * as real from '@pagewalk/machine'
import { expectTypeOf, test } from 'vitest'
import type * as told from '../starter/machine.d.ts'

test('the machine is what the student’s folder says of it', () => {
  expectTypeOf<real.Machine>().toExtend<told.Machine>()
  expectTypeOf<real.Ring0>().toExtend<told.Ring0>()
  expectTypeOf<Pick<real.Ring0, keyof told.Ring0>>().toEqualTypeOf<Pick<told.Ring0, keyof told.Ring0>>()
  expectTypeOf<real.StartState>().toEqualTypeOf<told.StartState>()
})
