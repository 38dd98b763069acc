"""What is told of documents, payments and disputes. Pure.

========================= ====================================================
type                      told when
========================= ====================================================
``invoice.issued``        a document got its number
``invoice.credited``      a credit note for it got its number
``invoice.due``           its last day to be paid has come
``invoice.reminded``      it was to be paid some days ago
``invoice.overdue``       it was to be paid long ago
``invoice.suspended``     so long that the licenses on it are suspended
``invoice.paid``          nothing of it is to be paid any more
``invoice.written_off``   the operator gave up what was left of it
========================= ====================================================
"""

from __future__ import annotations

from typing import Final

from gateway.billing.invoices import Document
from gateway.event import Event, event

TYPES: Final = (
    "invoice.issued", "invoice.credited", "invoice.due", "invoice.reminded", "invoice.overdue", "invoice.suspended",
    "invoice.paid", "invoice.written_off",
)  # fmt: skip


def issued(document: Document) -> Event:
    """*document* was issued."""
    return told("issued", document, document.at)


def credited(note: Document, invoice: Document) -> Event:
    """*note* credits a part of *invoice*."""
    more = {"credit_note": note.id, "credit_note_number": note.label, "credited_micros": note.total.micros}
    return told("credited", invoice, note.at, note.id, **more)


def told(word: str, document: Document, at: int, nth: str = "", **more: object) -> Event:
    """``invoice.`` *word* of *document* at second *at*."""
    content = document.told
    return event(
        f"invoice.{word}",
        at=at,
        site="",
        subject=document.id,
        licensee=document.licensee,
        nth=nth,
        body={
            "document": document.id,
            "kind": document.kind,
            "number": document.label,
            "mode": content["mode"],
            "period": document.period,
            "currency": content["currency"],
            "total_micros": content["total_micros"],
            "to_pay_micros": content["to_pay_micros"],
            "due_on": content["due_on"],
            **more,
            "path": f"/.licet/invoices/{document.id}",
        },
    )
