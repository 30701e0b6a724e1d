// Pages for people: HTML that escapes what is put into it, and the frame of a page that loads and runs nothing.

import { createHash } from 'node:crypto'

/** Text that is HTML already. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
export type Part = Html | string | number | readonly Part[]
/** A template of HTML. What is put into it is escaped, unless it comes from such a template itself. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(strings.map((text, i) => `${i === 0 ? '' : htmlOf(parts[i - 1]!)}${text}`).join(''))
function htmlOf(part: Part): string {
  if (part instanceof Html) return part.text
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part))
  return part.map(htmlOf).join('')
}
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** Spaces stay as they are: they may be pages of a map. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]!)
export const NOTHING: Html = html``

/**
 * A whole page. Its policy allows this style and nothing else: no script, no picture or font from elsewhere.
 *
 * @param style  CSS of our own
 */
export function pageHtml(title: string, style: string, main: Part): string {
  const hash = createHash('sha256').update(style).digest('base64')
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
<main>
${main}
</main>
</body>
</html>
`.text
}
