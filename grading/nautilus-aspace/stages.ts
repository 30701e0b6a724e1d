// The reference as it is after each task: complete to task n, and as handed out behind that.

import { edited } from '@pagewalk/grader'
import { INSANE, INSERT, REMOVE_UNMAP } from './mutants/kit.ts'

/** A function of paging.ts that still does nothing. */
function undone(source: string, name: string, parameters: string): string {
  const pattern = new RegExp(`function ${name}\\([\\s\\S]*?\\n}\\n`)
  if (!pattern.test(source)) throw new Error(`stages: there is no function ${name}`)
  return source.replace(pattern, `function ${name}(${parameters}): Status {\n  return 0\n}\n`)
}
const withoutChanges = (source: string): string =>
  ['protectRegion', 'moveRegion', 'destroy'].reduce(
    (text, name) => undone(text, name, '_p: NkAspacePaging'),
    source,
  )
const MENDS_NOTHING = `function exception(_p: NkAspacePaging, _excp: ExcpEntry, _vec: number): Status {
  return -1
}
`
const withoutFaults = (source: string): string =>
  source.replace(/function exception\([\s\S]*?\n}\n/, MENDS_NOTHING)
const withoutUnmapping = (source: string): string =>
  edited(source, [{ find: REMOVE_UNMAP, replace: '    listDel(node.link)\n' }], 'stage')
const withoutSet = (source: string): string =>
  undone(
    edited(
      source,
      [
        { find: INSANE, replace: '' },
        { find: INSERT, replace: '' },
      ],
      'stage 1',
    ),
    'removeRegion',
    '_p: NkAspacePaging',
  )

/** Index 0: complete to task 1. */
export const STAGES: readonly ((reference: string) => string)[] = [
  (source) => withoutSet(withoutFaults(withoutChanges(source))),
  (source) => withoutUnmapping(withoutFaults(withoutChanges(source))),
  (source) => withoutUnmapping(withoutChanges(source)),
  (source) => source,
]
