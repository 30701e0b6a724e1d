// The page of a class, for a browser or a printer: no scripts, nothing loaded from elsewhere, readable on a phone.

import { type Html, html, pageHtml } from '@pagewalk/grader'
import { oneLine } from '../text.ts'
import type { LabClass } from './member.ts'
import { countWord, type Section, sectionsOf } from './sections.ts'
import { CLASS_STYLE } from './style.ts'

/**
 * The same classes are the same bytes.
 *
 * @param name  of the class, such as the book's
 */
export function classPage(name: string, classes: readonly LabClass[]): string {
  const title = oneLine(name)
  const labs = classes.map((lab, at) => ({
    lab: { ...lab, title: oneLine(lab.title) },
    id: `l${at + 1}`,
    sections: sectionsOf(lab, `l${at + 1}`),
  }))
  const level = labs.length === 1 ? 2 : 3
  return pageHtml(title, CLASS_STYLE, [
    html`<header><h1>${title}</h1>
${labs.map(({ lab, sections }) => contents(lab, sections))}</header>
`,
    labs.map(({ lab, id, sections }) =>
      level === 2
        ? sections.map((section) => sectionHtml(section, level))
        : html`<article aria-labelledby="${id}"><h2 id="${id}">${lab.title}</h2>
${sections.map((section) => sectionHtml(section, level))}</article>
`,
    ),
  ])
}
const contents = ({ title, members }: LabClass, sections: readonly Section[]): Html =>
  html`<nav aria-label="Sections, ${title}"><p>${title}, ${countWord(members)}</p>
<ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>\n`)}</ul></nav>
`
const sectionHtml = ({ id, title, body }: Section, level: number): Html =>
  html`<section id="${id}" aria-labelledby="${id}-h"><h${level} id="${id}-h">${title}</h${level}>
${body}</section>
`
