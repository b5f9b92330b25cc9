"""How the page looks: light, one column, whole figures on paper."""

from __future__ import annotations

CSS = """\
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem; background: #fff; color: #1c2024;
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem;
  border-bottom: 1px solid #d5dade; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; overflow-wrap: anywhere; }
h4 { font-size: .9rem; margin: .9rem 0 .3rem; color: #49525a; }
section:first-of-type { overflow-x: auto; }
table.figures { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.figures th, .figures td { padding: .16rem .9rem .16rem 0; text-align: right;
  vertical-align: baseline; white-space: nowrap; }
.figures thead th { max-width: 13rem; white-space: normal; overflow-wrap: anywhere;
  vertical-align: bottom; border-bottom: 1px solid #1c2024; }
.figures th[scope=row] { font-weight: normal; text-align: left; padding-left: .8rem; }
.figures th.group { text-align: left; padding-top: .8rem; color: #49525a; font-size: .85rem;
  border-bottom: 1px solid #e4e8eb; }
.figures tbody tr:hover td, .figures tbody tr:hover th[scope=row] { background: #f3f6f8; }
.error { color: #5b656e; }
.caption { color: #49525a; font-size: .85rem; max-width: 46rem; }
.swatch { display: inline-block; width: .75em; height: .75em; margin-right: .4em;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
figure { margin: 0; }
figure.plot img { max-width: 100%; height: auto; }
.grid { display: flex; flex-wrap: wrap; gap: .5rem; }
figure.molecule, figure.pair { border: 1px solid #e4e8eb; padding: .25rem; text-align: center; }
figure.molecule { max-width: 180px; }
figure.molecule figcaption, figure.pair figcaption { font-size: .72rem; color: #49525a;
  overflow-wrap: anywhere; line-height: 1.25; }
pre { background: #f3f6f8; padding: .5rem .7rem; font-size: .8rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
code { font-size: .75rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(9rem, 17rem) 1fr; gap: .15rem 1rem; margin: 0;
  font-size: .85rem; }
dt { font-weight: 600; }
dd { margin: 0; }
cite { color: #5b656e; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr, h2, h3, h4 { break-inside: avoid; }
  h2, h3, h4, .group { break-after: avoid; }
}
"""
