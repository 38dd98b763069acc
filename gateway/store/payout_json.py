"""A payout as a row of text."""

from __future__ import annotations

from dataclasses import asdict

import orjson

from gateway.billing.payouts import Paid, Payee, Payout
from gateway.money import Money


def write_payout(payout: Payout) -> str:
    """The text of *payout*."""
    return orjson.dumps(asdict(payout)).decode()


def read_payout(text: str) -> Payout:
    """The payout that `write_payout` wrote."""
    row = orjson.loads(text)
    amount = Money(row["amount"]["micros"], row["amount"]["currency"])
    return Payout(**{**row, "payee": Payee(**row["payee"]), "amount": amount, "state": Paid(row["state"])})
