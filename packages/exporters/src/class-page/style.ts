// What the page of a class has beside the style of all pages.

import { BASE_STYLE } from '@pagewalk/grader'

export const CLASS_STYLE: string = `${BASE_STYLE}
:root{--bar:#0b57b8;--part:#e0a400}
@media (prefers-color-scheme:dark){:root{--bar:#8ab8ff;--part:#f0c060}}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.5rem 0}
svg{display:block}
.bars{width:100%;max-width:34rem;margin:.5rem 0;font:.75rem system-ui,sans-serif}
.bars text{fill:var(--ink)}.bars .label{text-anchor:end;fill:var(--soft)}.bars rect{fill:var(--bar)}.bars line{stroke:var(--line)}
.strip{width:100%;max-width:24rem;height:.45rem;margin-top:.2rem}
.strip .passed{fill:var(--good)}.strip .partial{fill:var(--part)}.strip .failed{fill:var(--bad)}.strip .blocked{fill:var(--soft)}.strip .waits{fill:var(--line)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));gap:.2rem 1rem}
.facts dd{font-size:1.25rem}
th.number,td.number{text-align:right;white-space:nowrap;padding-right:1rem}
.counts th+td,.counts td,.counts thead th+th{width:3.4rem;text-align:right;padding-left:.2rem}
.counts .step th,.counts .step td{font-weight:600;padding-top:1rem}
.none{color:var(--soft)}
.mistakes li{margin:.4rem 0}.mistakes ul{padding-left:1.1rem}
.who{color:var(--soft);font-size:.875rem}
@media (max-width:34rem){.counts{font-size:.875rem}.counts thead th{font-size:.65rem}.counts .claim{display:none}.counts th+td,.counts td,.counts thead th+th{width:2.5rem;padding-right:0}}
@media print{body{max-width:none}tr,li,.bars{break-inside:avoid}nav{display:none}}
`
