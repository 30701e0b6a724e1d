// STATUS.md: which questions have an answer. Whether it is a good one a person judges.

/** Headings of the questions in STATUS.md, and what each asks about. */
export const QUESTIONS: readonly { readonly heading: string; readonly about: string }[] = [
  { heading: '1', about: 'the data structure of the memory map, and its costs' },
  { heading: '2a', about: 'add_region with an overlap in virtual memory' },
  { heading: '2b', about: 'add_region with an overlap in physical memory' },
  { heading: '2c', about: 'move_region with an overlap in virtual memory' },
  { heading: '2d', about: 'protect_region of a region that is not there' },
  { heading: '2e', about: 'when the whole TLB must be flushed' },
  { heading: '2f', about: 'when a single page must be flushed' },
  { heading: '2g', about: 'delete_region of the region that contains rip' },
]
const MOST = 4000

/**
 * The answer under each question's heading: what is there beside quotations and comments, without blank lines.
 *
 * @returns heading -> text; '' where there is no answer
 */
export function answersIn(text: string): Map<string, string> {
  const sections = text
    .slice(0, 200_000)
    .split(/^##[ \t]+/m)
    .slice(1)
  const bodies = new Map(
    sections.map((section) => {
      const [heading = '', ...lines] = section.split('\n')
      return [(/^\s*(\w+)/.exec(heading)?.[1] ?? '').toLowerCase(), lines] as const
    }),
  )
  return new Map(QUESTIONS.map(({ heading }) => [heading, answerOf(bodies.get(heading) ?? [])]))
}
function answerOf(lines: readonly string[]): string {
  const own = lines
    .join('\n')
    .replace(/<!--[\s\S]*?(-->|$)/g, '')
    .split('\n')
  return own
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('>'))
    .join('\n')
    .slice(0, MOST)
}
/** An answer says something: a few words at least. */
export const isAnswer = (text: string): boolean => (text.match(/\p{L}{2,}/gu) ?? []).length >= 3
