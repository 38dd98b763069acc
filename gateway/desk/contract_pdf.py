"""A contract as a PDF, by typst (extra ``pdf``): the same document gives the same octets.

The document reaches the template as JSON data, so nothing that a party wrote is
read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

import orjson

from gateway.desk.contract_page import evidence_rows

PDF: Final = "application/pdf"
_TEMPLATE: Final = """
#let document-data = json(bytes(sys.inputs.document))
#set document(title: document-data.heading, date: none)
#set page(
  paper: "a4",
  margin: (x: 25mm, y: 25mm),
  footer: context [
    #set text(size: 8pt, fill: luma(90))
    #document-data.notice
    #h(1fr) #counter(page).display("1 / 1", both: true)
  ],
)
#set text(size: 10pt, lang: "en", hyphenate: false)
#set par(leading: 0.65em)
#show heading: set block(above: 1.4em, below: 0.7em)
#let rows(listed) = table(
  columns: (44mm, 1fr),
  stroke: (x: none, y: 0.4pt + luma(190)),
  inset: (x: 0pt, y: 4pt),
  ..listed.map(row => (text(weight: "bold", row.at(0)), row.at(1))).flatten()
)
= #document-data.heading
#document-data.id, version #str(document-data.version), of #document-data.site.
#rows(document-data.facts)
#for section in document-data.sections [
  == #str(section.number). #section.title
  #for paragraph in section.text [#par(paragraph)]
]
== How it was agreed
#if document-data.evidence.len() == 0 [Nobody has accepted these terms; they bind nobody.] else [
  #rows(document-data.evidence)
]
#text(size: 8pt)[Hash of this document (RFC 8785, SHA-256): #document-data.digest]
"""


def available() -> bool:
    """Whether PDFs can be made here."""
    return find_spec("typst") is not None


def contract_pdf(document: Mapping[str, Any], digest: str) -> bytes:
    """The PDF of *document*, whose hash is *digest*. Takes some tenths of a second, so not on the event loop."""
    import typst

    evidence = document["evidence"]
    data = {
        **{name: document[name] for name in ("heading", "notice", "id", "version", "site", "sections")},
        "facts": [_breakable(row) for row in document["facts"]],
        "evidence": [_breakable(row) for row in evidence_rows(evidence)] if evidence else [],
        "digest": digest,
    }
    made = typst.compile(
        _TEMPLATE.encode(), format="pdf", sys_inputs={"document": orjson.dumps(data).decode()}
    )
    assert isinstance(made, bytes)
    return made


def _breakable(row: Any) -> list[str]:
    return [str(cell) for cell in row]
