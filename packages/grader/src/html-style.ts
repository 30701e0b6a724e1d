// The style of pages for people. Light or dark as the reader's system is; the maps are a lab's screen, so always dark.

/** Letters of a map by owner, as bright on black as text must be; a shared page's are duller. */
const MAP_COLOURS: Readonly<Record<string, readonly [own: string, shared: string]>> = {
  k: ['#ff77ff', '#c77fc7'],
  p1: ['#ff6b6b', '#d08080'],
  p2: ['#55ff55', '#6fb56f'],
  p3: ['#8f9dff', '#8d94c4'],
  p4: ['#ffff55', '#b9b968'],
  p5: ['#ffffff', '#b0b0b0'],
  o: ['#b8b8b8', '#a0a0a0'],
}
const cells = Object.entries(MAP_COLOURS)
  .map(
    ([name, [own, shared]]) =>
      `.${name}{color:${own}}.${name}.shared{color:${shared}}.${name}.user{background:${own};color:#000}.${name}.user.shared{background:${shared};color:#000}`,
  )
  .join('\n')

/** Of every page. */
export const BASE_STYLE: string = `
:root{color-scheme:light dark;--ink:#1b1b1b;--paper:#fff;--soft:#595959;--line:#c9c9c9;--good:#0a6b2d;--bad:#b3141e;--half:#7a5200;--mark:#ffe27a;--link:#0b57b8}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--paper:#161616;--soft:#a8a8a8;--line:#444;--good:#5fd38a;--bad:#ff8a8a;--half:#f0c060;--mark:#6b5500;--link:#8ab8ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;color:var(--ink);background:var(--paper);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.25rem;margin-top:2rem}h3,h4{font-size:1.1rem}
a{color:var(--link)}
table{width:100%;border-collapse:collapse;margin:1rem 0}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .5rem .3rem 0;border-top:1px solid var(--line)}
thead th{color:var(--soft);font-weight:400;font-size:.875rem}
tbody th{font-weight:400}
td,thead th{overflow-wrap:normal}
.points{white-space:nowrap;text-align:right}
.claim{display:block;color:var(--soft);font-size:.875rem}
.pass{color:var(--good)}.fail,.error{color:var(--bad)}.fail,.error{font-weight:600}.blocked{color:var(--half)}
dl{margin:.5rem 0}dt{color:var(--soft);font-size:.875rem}dd{margin:0 0 .5rem}
figure{margin:1rem 0}figcaption{font-weight:600}figure p{margin:.3rem 0}
`
export const STYLE: string = `${BASE_STYLE}
section h3,section h4{margin:0}
article+article{border-top:2px solid var(--line);margin-top:3rem}
.step .points,.step thead th:last-child{width:4.5rem;text-align:right}
.step td:nth-child(2),.step thead th:nth-child(2){width:5rem}
section{border:1px solid var(--line);border-radius:.4rem;padding:.8rem;margin:1rem 0}
.scroll{overflow-x:auto;background:#000;border-radius:.3rem}
.map{margin:0;padding:.6rem;width:max-content;color:#b8b8b8;background:#000;font:.8125rem/1.35 ui-monospace,monospace;overflow-wrap:normal}
.address{color:#fff}
mark{background:var(--mark);color:inherit}
.map mark{background:none;outline:2px solid #ffb000;outline-offset:1px;font-weight:700}
.shared{text-decoration:underline dotted}
.ranges,.tables{list-style:none;margin:.3rem 0;padding:0;font:.8125rem/1.5 ui-monospace,monospace}
.tables .tables{padding-left:.8rem;border-left:1px solid var(--line)}
.tables p,details p{margin:.2rem 0}
details{margin:.3rem 0}summary{cursor:pointer}
pre.error{white-space:pre-wrap}
${cells}
@media print{section{break-inside:avoid}}
`
