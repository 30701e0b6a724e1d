// Pictures of numbers, as SVG inside the page. What they show stands in words beside or in them.

import { type Html, html } from '@pagewalk/grader'
import { COUNTED, type Counts } from './counts.ts'
import type { Bar } from './distribution.ts'

// in units of the picture, which is as wide as a phone
const WIDTH = 360
const ROW = 22
const LABEL = 104
const BAR = { height: 15, width: 210 }

/** Bars from left to right, one below the other, each with its label and its number. @param id  the beginning of its ids */
export function barChart(id: string, title: string, bars: readonly Bar[]): Html {
  const most = Math.max(1, ...bars.map(({ count }) => count))
  const rows = bars.map(({ label, count }, i) => {
    const width = Math.round((BAR.width * count) / most)
    const y = i * ROW
    return html`<text x="${LABEL}" y="${y + 13}" class="label">${label}</text>
<rect x="${LABEL + 8}" y="${y + 1}" width="${count > 0 ? Math.max(2, width) : 0}" height="${BAR.height}"/>
<text x="${LABEL + 14 + width}" y="${y + 13}">${count}</text>
`
  })
  const words = bars.map(({ label, count }) => `${label}: ${count}`).join('; ')
  return html`<svg class="bars" viewBox="0 0 ${WIDTH} ${bars.length * ROW}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${words}</desc>
<line x1="${LABEL + 8}" y1="0" x2="${LABEL + 8}" y2="${bars.length * ROW}"/>
${rows}</svg>`
}

/** One bar in parts, for the row of a table that has the numbers. */
export function strip(counts: Counts): Html {
  const total = Math.max(
    1,
    COUNTED.reduce((sum, standing) => sum + counts[standing], 0),
  )
  let x = 0
  const parts = COUNTED.map((standing) => {
    const [from, width] = [x, (100 * counts[standing]) / total]
    x += width
    return width > 0
      ? html`<rect class="${standing}" x="${from.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="4"/>`
      : html``
  })
  return html`<svg class="strip" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">${parts}</svg>`
}
