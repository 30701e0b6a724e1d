// Task 5: the reflection. A person reads it; here is only seen that there is something to read.

import { type Check, fail, pass } from '@pagewalk/grader'
import { answersIn, isAnswer } from '../status.ts'

export const task5: readonly Check[] = [
  {
    id: 'status-answered',
    claim: 'STATUS.md has an answer to each question of the handout.',
    needs: [],
    run(evidence) {
      const text = evidence.file('STATUS.md')
      const expected = 'STATUS.md has text of yours under each question’s heading'
      const hint = 'Which questions have you not come to yet?'
      if (text === undefined) return fail({ expected, observed: 'there is no STATUS.md', hint })
      const open = [...answersIn(text)].filter(([, answer]) => !isAnswer(answer)).map(([heading]) => heading)
      return open.length === 0
        ? pass
        : fail({ expected, observed: `no answer under ${open.join(', ')}`, hint })
    },
  },
  {
    id: 'status-read',
    claim: 'The answers are right for this implementation. (A person’s judgement.)',
    needs: ['status-answered'],
    run: () => pass,
  },
]
