// Names of submissions as names of files. A folder may have been named by somebody with other ideas.

/** Letters, digits and a few signs: what every file system takes for a name and none for a path. */
export function fileName(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}._ -]/gu, '_').replace(/^[. ]+|[. ]+$/g, '')
  const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(safe) ? '_' : ''
  return `${device}${safe.slice(0, 80).toWellFormed()}` || 'submission'
}
/**
 * A file name for each of `names`, of which no file system takes two for the same: a number tells them apart.
 *
 * @param ending  such as '.html'
 * @param taken   file names that are none of theirs
 */
export function fileNames(
  names: readonly string[],
  ending: string,
  taken: readonly string[] = [],
): Map<string, string> {
  const used = new Set(taken.map(folded))
  return new Map(
    names.map((name) => {
      const base = fileName(name)
      let file = `${base}${ending}`
      for (let n = 2; used.has(folded(file)); n++) file = `${base}-${n}${ending}`
      used.add(folded(file))
      return [name, file]
    }),
  )
}
const folded = (file: string): string => file.normalize('NFKC').toLowerCase()
