"""A dispute as a row of text."""

from __future__ import annotations

import orjson

from gateway.billing.line_disputes import Dispute, Disputed, as_document
from gateway.money import Money


def write_dispute(dispute: Dispute) -> str:
    """The text of *dispute*."""
    return orjson.dumps({**as_document(dispute), "licensee": dispute.licensee}).decode()


def read_dispute(text: str) -> Dispute:
    """The dispute that `write_dispute` wrote."""
    row = orjson.loads(text)
    return Dispute(
        row["dispute"], row["document"], row["line"], row["licensee"], Money.parse(row["amount"], row["currency"]),
        row["reason"], row["evidence"], row["opened_at"], row["answer_by"], Disputed(row["state"]), row["decided_at"],
        row["answer"], row["credit_note"], row["version"],
    )  # fmt: skip
