"""A `licenses.written.Writing` as a PDF, by typst (extra ``pdf``): the same writing gives the same octets.

It reaches the template as JSON data, so nothing that a crawler or a buyer chose
is read as markup.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib.util import find_spec
from typing import Final

import orjson

from gateway.dashboard.visible import visible
from gateway.licenses.written import Table, Writing

PDF: Final = "application/pdf"
_TEMPLATE: Final = """
#let writing = json(bytes(sys.inputs.writing))
#set document(title: writing.title, date: none)
#set page(
  paper: "a4",
  margin: if writing.compact { (x: 16mm, top: 14mm, bottom: 15mm) } else { (x: 22mm, y: 22mm) },
  footer: context [
    #set text(size: 7pt, fill: luma(90))
    #writing.notice
    #h(1fr) #counter(page).display("1 / 1", both: true)
  ],
)
#set text(lang: "en", hyphenate: false)
#set par(leading: 0.55em, spacing: 0.8em)
#show heading.where(level: 1): set text(size: 15pt)
#show heading: set block(above: 1.1em, below: 0.6em)
#let cells(shown) = {
  let right = shown.numbers
  if shown.caption != "" { text(fill: luma(90))[#shown.caption] }
  table(
    columns: shown.widths.map(width => width * 1fr),
    stroke: (x: none, y: 0.4pt + luma(190)),
    inset: (x: 3pt, y: 2.6pt),
    align: (column, row) => if right.contains(column) { std.right } else { std.left },
    table.header(..shown.columns.map(name => text(weight: "bold", fill: luma(60), name))),
    ..shown.rows.flatten()
  )
}
#let whole(size) = {
  set text(size: size)
  show heading.where(level: 2): set text(size: size + 2pt)
  [
    = #writing.title
    #text(weight: "bold")[#writing.notice]

    #writing.lead
    #for section in writing.sections [
      == #section.title
      #for sentence in section.sentences [#par(sentence)]
      #for shown in section.tables [#cells(shown)]
      #if section.letter != "" [
        #set text(font: "DejaVu Sans Mono", size: size - 1pt)
        #for line in section.letter.split("\\n") [#line #linebreak()]
      ]
    ]
  ]
}
// What is to be one page is set as large as it fits.
#if writing.compact {
  context {
    let sizes = (8.5pt, 8pt, 7.5pt, 7pt, 6.5pt, 6pt)
    let fitting = sizes.find(size => measure(whole(size), width: 178mm).height <= 264mm)
    whole(if fitting == none { sizes.last() } else { fitting })
  }
} else { whole(9.5pt) }
"""
#: A column is at least and at most so wide, in characters, before the page is shared out.
_NARROW: Final = 13
_WIDE: Final = 64
#: After so many characters without a space a word may be broken: a long path must not run into the next cell.
_UNBROKEN: Final = 12
_BREAK: Final = "\u200b"


def available() -> bool:
    """Whether PDFs can be made here."""
    return find_spec("typst") is not None


def writing_pdf(writing: Writing) -> bytes:
    """The PDF of *writing*. Takes some tenths of a second, so not on the event loop."""
    import typst

    plain = {
        "title": _breakable(visible(writing.title)),
        "lead": visible(writing.lead),
        "notice": writing.notice,
        "compact": writing.compact,
        "sections": [
            {
                "title": visible(each.title),
                "sentences": [visible(said) for said in each.sentences],
                "tables": [_plain(table) for table in each.tables],
                "letter": "\n".join(visible(line) for line in each.letter.rstrip("\n").split("\n")),
            }
            for each in writing.sections
        ],
    }
    made = typst.compile(
        _TEMPLATE.encode(), format="pdf", sys_inputs={"writing": orjson.dumps(plain).decode()}
    )
    assert isinstance(made, bytes)
    return made


def _plain(table: Table) -> dict[str, object]:
    rows = [[visible(cell) for cell in row] for row in table.rows]
    widths = [
        min(max(len(row[at]) for row in (table.columns, *rows)), _WIDE) for at in range(len(table.columns))
    ]
    return {
        **asdict(table),
        "caption": visible(table.caption),
        "columns": list(table.columns),
        "rows": [[_breakable(cell) for cell in row] for row in rows],
        "numbers": sorted(table.numbers),
        "widths": [max(width, _NARROW) for width in widths],
    }


def _breakable(cell: str) -> str:
    return " ".join(
        word if len(word) <= _UNBROKEN else _BREAK.join(word[at : at + 6] for at in range(0, len(word), 6))
        for word in cell.split(" ")
    )
