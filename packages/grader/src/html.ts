// Grades as one page for a browser or a printer: no scripts, nothing loaded from elsewhere, readable on a phone. The maps
// look as on a lab's screen; what colours and boxes say is said in words too.

import type { Grade } from './grade.ts'
import { STYLE } from './html-style.ts'
import { isolationWords } from './levels.ts'
import { type Cell, type MemoryMap, markedWords, processOf, rangeWords } from './maps.ts'
import { type Html, html, NOTHING, type Part, pageHtml } from './markup.ts'
import type { Picture, SpacePicture } from './pictures.ts'
import { pointsWord, rounded, totalWords } from './points.ts'
import {
  blockedByCause,
  cellRuns,
  hasReason,
  pictureWords,
  plain,
  reasonParts,
  rowAddress,
  verdictWord,
} from './report.ts'
import type { Result, ResultCheck, ResultStep } from './result.ts'
import { hex } from './survey.ts'
import type { TreeEntry, TreeTable } from './table-tree.ts'

/** What a page says beside its grades. */
export interface Around {
  /** The page that the reader comes from. */
  readonly home?: { readonly href: string; readonly title: string }
  /** Sentences about each of the grades. */
  readonly notes?: readonly string[]
}
/** A whole page with the reports of these grades. */
export function reportHtml(grades: readonly Grade[], { home, notes = [] }: Around = {}): string {
  const [only] = grades
  const alone = grades.length === 1 && only !== undefined
  const title = alone ? titleOf(only.result) : `${grades.length} submissions`
  const parts = grades.map((grade, at) =>
    submission(grade, notes, { id: `s${at + 1}`, level: alone ? 1 : 2 }),
  )
  const back = home ? html`<nav><a href="${home.href}">${home.title}</a></nav>\n` : NOTHING
  return pageHtml(title, STYLE, [back, alone ? NOTHING : overview(title, grades), parts])
}
const titleOf = (result: Result): string => `${plain(result.submission.name)}: ${totalWords(result)}`

function overview(title: string, grades: readonly Grade[]): Html {
  const rows = grades.map(
    ({ result }, at) =>
      html`<tr><th scope="row"><a href="#s${at + 1}">${plain(result.submission.name)}</a></th><td>${result.lab}</td><td>${totalWords(result)}</td></tr>\n`,
  )
  return html`<header><h1>${title}</h1>
<table><caption>Submissions and their points</caption>
<thead><tr><th scope="col">submission</th><th scope="col">lab</th><th scope="col">points</th></tr></thead>
<tbody>
${rows}</tbody></table></header>`
}

/** Where a submission stands on the page: the beginning of its anchors, and the level of its heading. */
interface Place {
  readonly id: string
  readonly level: number
}
function submission(grade: Grade, notes: readonly string[], place: Place): Html {
  const { result, pictures, last, endings, changedLibrary, errors } = grade
  const told = result.steps.flatMap((step) => step.checks).filter(hasReason)
  const below = (title: string): Html => heading(place.level + 1, title)
  const drawn = [...pictures.values(), ...(last ? [last] : [])]
  return html`<article id="${place.id}">
${heading(place.level, titleOf(result))}
<p>Lab ${result.lab}, rubric ${result.rubric.version}, sandbox ${isolationWords(result.isolation)}.</p>
${notes.map((note) => html`<p>${plain(note)}</p>\n`)}${result.steps.map((step) => stepTable(step, place))}
${told.length > 0 ? below('Reasons') : NOTHING}
${told.map((check) => reason(check, place, pictures.get(check.id)))}
${grade.blocked.size > 0 ? html`${below('Not judged')}\n${blocked(grade)}` : NOTHING}
${endings.length > 0 ? html`${below('How runs ended')}\n<dl>${endingParts(endings)}</dl>` : NOTHING}
${last ? html`${below('The machine')}\n${pictureHtml(last)}` : NOTHING}
${drawn.length > 0 ? html`${below('How to read the maps')}\n${legend(drawn)}` : NOTHING}
${changedLibrary.length > 0 ? html`<p>${plain(changedLibrary.join(', '))} differ from the lab's; the lab's were used.</p>` : NOTHING}
${errors.map((stack) => html`<pre class="error">${stack}</pre>`)}
</article>
`
}
const heading = (level: number, content: Part): Html => html`<h${level}>${content}</h${level}>`
function stepTable({ id, title, score, maxScore, extra, checks }: ResultStep, place: Place): Html {
  const caption = `Step ${id}: ${title}${extra ? ' (extra credit)' : ''}, ${rounded(score)}/${rounded(maxScore)}`
  if (checks.length === 0) return html`<p>${caption}: not graded.</p>\n`
  return html`<table class="step"><caption>${caption}</caption>
<thead><tr><th scope="col">check</th><th scope="col">verdict</th><th scope="col">points</th></tr></thead>
<tbody>
${checks.map((check) => checkRow(check, place))}</tbody></table>
`
}
function checkRow(check: ResultCheck, place: Place): Html {
  const { id, claim, verdict, maxPoints } = check
  const name = hasReason(check) ? html`<a href="#${place.id}-${id}">${id}</a>` : html`${id}`
  const worth = maxPoints > 0 ? `${rounded(check.points)}/${rounded(maxPoints)}` : ''
  return html`<tr><th scope="row">${name}<span class="claim">${plain(claim)}</span></th><td class="${verdict}">${verdictWord(check)}${check.override ? ', decided' : ''}</td><td class="points">${worth}</td></tr>\n`
}
function reason(check: ResultCheck, place: Place, picture: Picture | undefined): Html {
  const { id, verdict, maxPoints } = check
  const worth =
    maxPoints > 0
      ? ` (${check.points > 0 ? `${rounded(check.points)} of ` : ''}${pointsWord(maxPoints)})`
      : ''
  return html`<section id="${place.id}-${id}">
${heading(place.level + 2, html`<span class="${verdict}">${verdict}</span> ${id}${worth}`)}
<dl>${reasonParts(check).map(([name, text]) => html`<dt>${name}</dt><dd>${plain(text)}</dd>\n`)}</dl>
${picture ? pictureHtml(picture) : NOTHING}
</section>
`
}
function blocked(grade: Grade): Html {
  const parts = blockedByCause(grade).map(
    ({ why, checks }) => html`<dt>${plain(why)}</dt><dd>${checks.join(', ')}</dd>\n`,
  )
  return html`<p>What these checks need is missing: no points, and no blame.</p>
<dl>${parts}</dl>`
}
const endingParts = (endings: Grade['endings']): Html[] =>
  [...Map.groupBy(endings, ({ words }) => words)].map(
    ([words, list]) =>
      html`<dt>${list.map(({ scenario }) => scenario).join(', ')}</dt><dd>${plain(words)}</dd>\n`,
  )

// Pictures

function pictureHtml(picture: Picture): Html {
  const { physical, spaces, tlbs, faults } = picture
  const where = pictureWords(picture)
  return html`${mapHtml('Physical memory', where, physical)}
${spaces.map((space) => spaceHtml(space, where))}
${tlbs.map(({ cpu, map }) => (map.ranges.length > 0 ? folded(`TLB of CPU ${cpu}`, map) : NOTHING))}
${faults.total > 0 ? faultsHtml(faults) : NOTHING}`
}
function spaceHtml({ name, cr3, map, regions, tables }: SpacePicture, where: string): Html {
  return html`${mapHtml(`Virtual address space: ${plain(name)} (CR3 ${cr3})`, where, map)}
${regions ? folded(`Regions of ${plain(name)}`, regions) : NOTHING}
<details${openFor(tables.entries)}><summary>Page tables of ${plain(name)}</summary>
${tableHtml(tables)}</details>`
}
type Markable = { readonly marked: boolean }
/** Details are open where something in them is marked. */
const openFor = (list: readonly Markable[]): Html =>
  list.some(({ marked }) => marked) ? html` open` : NOTHING
const folded = (title: string, map: MemoryMap): Html =>
  html`<details${openFor(map.ranges)}><summary>${title}</summary>
${rangeList(map)}</details>`
const markable = ({ marked }: Markable, words: string): Html =>
  marked ? html`<mark>${plain(words)}</mark> (marked)` : html`${plain(words)}`

const WORDS_SHOWN = 8
function mapHtml(title: string, where: string, map: MemoryMap): Html {
  const told = markedWords(map, WORDS_SHOWN)
  const body =
    map.rows.length > 0
      ? html`${told ? html`<p>Marked: ${plain(told)}</p>\n` : NOTHING}${rowsHtml(title, map)}`
      : rangeList(map)
  return html`<figure><figcaption>${title}, ${where}</figcaption>
${body}</figure>`
}
/** @param title  what a screen reader says when it comes to the map, which can be scrolled with the keyboard */
function rowsHtml(title: string, { rows }: MemoryMap): Html {
  const lines = rows.map(
    (row) => html`<span class="address">${rowAddress(row)}</span> ${cellRuns(row.cells).map(runHtml)}\n`,
  )
  return html`<div class="scroll" role="region" aria-label="${title}" tabindex="0"><pre class="map">${lines}</pre></div>`
}
function runHtml({ text, cell }: { text: string; cell: Cell }): Html {
  if (cell.letter === ' ' && !cell.marked) return html`${text}`
  const body = html`<span class="${cellClasses(cell)}">${text}</span>`
  return cell.marked ? html`<mark>${body}</mark>` : body
}
function cellClasses({ letter, user, shared }: Cell): string {
  const pid = processOf(letter)
  const owner = letter === 'K' ? 'k' : pid > 0 ? `p${((pid - 1) % 5) + 1}` : 'o'
  return [owner, user ? 'user' : '', shared ? 'shared' : ''].filter(Boolean).join(' ')
}
function rangeList({ ranges, omitted }: MemoryMap): Html {
  if (ranges.length === 0) return html`<p>Nothing.</p>`
  const items = ranges.map((range) => html`<li>${markable(range, rangeWords(range))}</li>\n`)
  const more = omitted > 0 ? html`<li>and ${omitted} more</li>\n` : NOTHING
  return html`<ul class="ranges">${items}${more}</ul>`
}

function tableHtml({ level, address, owner, entries, omitted }: TreeTable): Html {
  const more = omitted > 0 ? html`<li>and ${omitted} more entries</li>` : NOTHING
  return html`<p>${level} at ${address} (${owner})</p>
<ul class="tables">${entries.map((entry) => entryHtml(level, entry))}${more}</ul>`
}
function entryHtml(level: TreeTable['level'], entry: TreeEntry): Html {
  const { index, count, va, to, table } = entry
  const place = count > 1 ? `${level}[${index} to ${index + count - 1}]` : `${level}[${index}]`
  const leads = to === undefined ? '' : ` -> ${to}`
  const words = `${place} ${entry.entry} ${entry.rights}${leads}, for ${hex(va)}`
  if (!table) return html`<li>${markable(entry, words)}</li>\n`
  return html`<li><details${openFor([entry])}><summary>${words}</summary>
${tableHtml(table)}</details></li>\n`
}
function faultsHtml({ total: all, last }: Picture['faults']): Html {
  const which = last.length < all ? `, of which ${last.length} are told` : ''
  return html`<details${openFor(last)}><summary>Faults until then: ${all}${which}</summary>
<ul class="ranges">${last.map((fault) => html`<li>${markable(fault, fault.words)}</li>\n`)}</ul></details>`
}

/** What is said of letters only if there are any. */
function legend(pictures: readonly Picture[]): Html {
  const lettered = pictures.some(({ physical }) => physical.rows.length > 0)
  return html`<ul>
${lettered ? LETTERS : NOTHING}<li>Rights: P present, W writable, U for ring 3 too, X executable; in a table NX: not executable.</li>
</ul>`
}
const LETTERS = html`<li>A letter is a page of 4096 bytes, 64 in a row: K the kernel's, R reserved, . free, 1 to 9 and A to F a process's; blank: not mapped.</li>
<li>Reverse video: code in ring 3 may go there. Dotted underline: the page has more than one reference. A box: a page that the finding means.</li>
`
