"""Invoices, statements of account and credit notes as people read them. Pure."""

from __future__ import annotations

from typing import Any

from gateway.admission.owed import REASONS
from gateway.billing.account_forms import plain
from gateway.billing.invoices import BILL, CREDIT_NOTE, HEADINGS, Document
from gateway.billing.minor_units import shown
from gateway.billing.sheets import Paper, Sheet
from gateway.money import Money


def invoice_paper(document: Document, state: str = "") -> Paper:
    """*document* for page and PDF; *state* is how it stands now, which is no part of it."""
    told = document.told
    facts = [
        ("Number", document.label or "not numbered yet"),
        ("Issued", _day(document.at)),
        *((("Due", told["due_on"]),) if told["due_on"] else ()),
        *(
            (("Credits", told["refers_to"]), ("Reason", plain(told["why"])))
            if document.kind == CREDIT_NOTE
            else ()
        ),
        ("Period", f"{document.period} (UTC)"),
        ("From", _party(told["seller"]) or "not stated"),
        ("To", _party(told["buyer"])),
        *((("State", state),) if state else ()),
    ]
    title = f"{HEADINGS[document.kind]} {document.label}".strip()
    return Paper(
        title, tuple(facts), (_lines(told), _sums(document)), _notes(document), test=told["mode"] == "test"
    )


def _party(party: dict[str, str]) -> str:
    lines = [party["name"], *party["address"].split("\n")]
    if party["tax_id"]:
        lines.append(f"Tax id {party['tax_id']}")
    return "\n".join(plain(line) for line in lines if line)


def _lines(told: dict[str, Any]) -> Sheet:
    rows = tuple(
        (
            str(line["nth"]), plain(line["what"]), line["license"] or "-", plain(REASONS.get(line["reason"], line["reason"])) or "-",
            f"{line['count']:,}", shown(Money(line["micros"], told["currency"])),
        )
        for line in told["lines"]
    )  # fmt: skip
    return Sheet("Lines", ("Line", "What", "License", "Why", "Count", "Amount"), rows, 2)


def _sums(document: Document) -> Sheet:
    told = document.told

    def money(name: str) -> str:
        return shown(Money(told[f"{name}_micros"], told["currency"]))

    rows = [("Net", money("net"))]
    if told["tax"]:
        tax = told["tax"]
        rows.append((f"{plain(tax['text'])} ({tax['rate']})", shown(Money(tax["micros"], told["currency"]))))
    if told["rounding_micros"]:
        rows.append(("Rounding", money("rounding")))
    if document.kind == CREDIT_NOTE:
        rows.append(("Credited", money("total")))
    else:
        rows += [("Total", money("total")), ("Prepaid", money("prepaid")), ("To pay", money("to_pay"))]
    return Sheet("Sum", ("Sum", "Amount"), tuple(rows))


def _notes(document: Document) -> tuple[str, ...]:
    told = document.told
    notes = [
        f"Made of the account statement {told['statement']}.",
        f"Digest of this document {document.digest}.",
    ]
    if document.kind == BILL:
        notes.insert(
            0, "This is no tax invoice: the operator has stated no tax rule or no legal names for it."
        )
    return tuple(notes)


def _day(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
