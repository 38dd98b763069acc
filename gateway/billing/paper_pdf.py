"""A statement or an invoice as a PDF, by typst (extra ``pdf``): the same paper gives the same octets.

It reaches the template as JSON data, so nothing that anybody wrote is read as
markup. One of test mode is struck through with TEST on every page.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib.util import find_spec
from typing import Final

import orjson

from gateway.billing.sheets import TEST_NOTICE, Paper

PDF: Final = "application/pdf"
_TEMPLATE: Final = """
#let paper = json(bytes(sys.inputs.paper))
#set document(title: paper.heading, date: none)
#set page(
  paper: "a4",
  margin: (x: 20mm, top: 22mm, bottom: 22mm),
  background: if paper.test { rotate(-35deg, text(size: 110pt, weight: "bold", fill: rgb("#e6b8b8"))[TEST]) },
  footer: context [
    #set text(size: 7.5pt, fill: luma(90))
    #if paper.test [*#paper.warning*] else [#paper.heading]
    #h(1fr) #counter(page).display("1 / 1", both: true)
  ],
)
#set text(size: 9.5pt, lang: "en", hyphenate: false)
#set par(leading: 0.6em)
#show heading: set block(above: 1.5em, below: 0.7em)
#show heading.where(level: 2): set text(size: 10.5pt)
= #paper.heading
#if paper.test [#text(weight: "bold", fill: rgb("#a00000"))[#paper.warning]]
#table(
  columns: (36mm, 1fr),
  stroke: (x: none, y: 0.4pt + luma(200)),
  inset: (x: 0pt, y: 3.5pt),
  ..paper.facts.map(row => (text(weight: "bold", row.at(0)), row.at(1))).flatten()
)
// Within a text a long id may go on in the next line, so that it never runs over what stands beside it.
#let breaking(body) = {
  show regex("[0-9A-Za-z_-]{20,}"): it => it.text.clusters().chunks(6).map(part => part.join()).join(sym.zws)
  body
}
#for sheet in paper.sheets [
  == #sheet.caption
  #let many = sheet.columns.len()
  #let first = many - sheet.right
  #let longest(at) = calc.max(sheet.columns.at(at).len(), ..sheet.rows.map(row => row.at(at).len()))
  #let whole(at) = at >= first or longest(at) < 9 or longest(at) <= 40 and sheet.rows.all(row => not row.at(at).contains(" "))
  #let cell(at, told) = {
    let shown = text(size: if at < first and whole(at) and longest(at) > 20 { 7.5pt } else { 8.5pt }, told)
    if whole(at) { shown } else { breaking(shown) }
  }
  #table(
    columns: range(many).map(at => if whole(at) { auto } else { calc.min(longest(at), 40) * 1fr }),
    stroke: (x: none, y: 0.4pt + luma(200)),
    inset: (x: 3pt, y: 3.5pt),
    align: (column, row) => if column >= first { right } else { left },
    table.header(..sheet.columns.map(name => text(weight: "bold", size: 8.5pt, name))),
    ..sheet.rows.map(row => row.enumerate().map(((at, told)) => cell(at, told))).flatten()
  )
]
#for note in paper.notes [#par(text(size: 8.5pt, fill: luma(60), note))]
"""


def available() -> bool:
    """Whether PDFs can be made here."""
    return find_spec("typst") is not None


def paper_pdf(paper: Paper) -> bytes:
    """The PDF of *paper*. Takes some tenths of a second, so not on the event loop."""
    import typst

    told = orjson.dumps({**asdict(paper), "heading": paper.heading, "warning": TEST_NOTICE}).decode()
    made = typst.compile(_TEMPLATE.encode(), format="pdf", sys_inputs={"paper": told})
    assert isinstance(made, bytes)
    return made
