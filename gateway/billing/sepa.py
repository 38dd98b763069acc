"""SEPA credit transfers as a file for a bank: pain.001.001.09 (ISO 20022, 2019; EPC132-08, SCT C2PSP guidelines 2023). Pure.

One file holds one payment order of one debtor with one transfer for each payout,
in EUR, each with the payout's id as its end-to-end id. The same payouts give the
same octets, the message id among them, so that a bank that gets the file twice
knows it. Names are written in the Latin characters that banks take.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from lxml import etree

from gateway.billing.minor_units import written
from gateway.billing.payouts import Payout, PayoutError, Rail, is_iban
from gateway.money import Money

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_TAKEN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")


@dataclass(frozen=True, slots=True)
class Debtor:
    """Whose account pays."""

    name: str
    iban: str
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """One file: its message id and its octets."""

    id: str
    octets: bytes


def order(payouts: Sequence[Payout], debtor: Debtor, made_at: int, on: date) -> Order:
    """The file that pays *payouts* on the day *on*; raises `PayoutError` where a bank would not take it."""
    if not payouts:
        raise PayoutError("nothing is planned that SEPA could pay")
    if not debtor.name or not is_iban(debtor.iban):
        raise PayoutError("billing.name and billing.iban must say whose account pays")
    for each in payouts:
        if each.payee.rail is not Rail.SEPA or each.amount.currency != "EUR" or not is_iban(each.payee.iban):
            raise PayoutError(f"{each.id} is nothing that SEPA pays")
        if not 10_000 <= each.amount.micros < 10**15:
            raise PayoutError(f"SEPA pays from 0.01 to 999999999.99 EUR, not {each.amount}")
    ordered = sorted(payouts, key=lambda each: each.id)
    named = "\x1f".join((debtor.iban, on.isoformat(), *(each.id for each in ordered)))
    id = f"licet-{hashlib.sha256(named.encode()).hexdigest()[:28]}"
    total = written(Money(sum(each.amount.micros for each in ordered), "EUR"))
    nsmap: Any = {None: NAMESPACE}
    root = etree.Element(f"{{{NAMESPACE}}}Document", nsmap=nsmap)
    whole = _add(root, "CstmrCdtTrfInitn")
    head = _add(whole, "GrpHdr")
    _add(head, "MsgId", id)
    _add(head, "CreDtTm", datetime.fromtimestamp(made_at, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    _add(head, "NbOfTxs", str(len(ordered)))
    _add(head, "CtrlSum", total)
    _add(_add(head, "InitgPty"), "Nm", latin(debtor.name))
    part = _add(whole, "PmtInf")
    _add(part, "PmtInfId", id)
    _add(part, "PmtMtd", "TRF")
    _add(part, "NbOfTxs", str(len(ordered)))
    _add(part, "CtrlSum", total)
    _add(_add(_add(part, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(part, "ReqdExctnDt"), "Dt", on.isoformat())
    _add(_add(part, "Dbtr"), "Nm", latin(debtor.name))
    _add(_add(_add(part, "DbtrAcct"), "Id"), "IBAN", debtor.iban)
    _agent(_add(part, "DbtrAgt"), debtor.bic)
    _add(part, "ChrgBr", "SLEV")
    for each in ordered:
        _transfer(part, each)
    return Order(id, etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _transfer(part: etree._Element, payout: Payout) -> None:
    one = _add(part, "CdtTrfTxInf")
    _add(_add(one, "PmtId"), "EndToEndId", payout.id)
    amount = _add(_add(one, "Amt"), "InstdAmt", written(payout.amount))
    amount.set("Ccy", "EUR")
    if payout.payee.bic:
        _agent(_add(one, "CdtrAgt"), payout.payee.bic)
    _add(_add(one, "Cdtr"), "Nm", latin(payout.payee.name))
    _add(_add(_add(one, "CdtrAcct"), "Id"), "IBAN", payout.payee.iban)
    _add(_add(one, "RmtInf"), "Ustrd", latin(f"Licensing income of {payout.site}")[:140])


def _agent(agent: etree._Element, bic: str) -> None:
    institution = _add(agent, "FinInstnId")
    if bic:
        _add(institution, "BICFI", bic)
    else:
        _add(_add(institution, "Othr"), "Id", "NOTPROVIDED")


def latin(text: str) -> str:
    """*text* in the characters that every SEPA bank takes; others become their base letter or a dot.

    >>> latin("Café Zoë & Søn")
    'Cafe Zoe + S.n'
    """
    plain = unicodedata.normalize("NFKD", text.replace("&", "+"))
    kept = "".join(
        char if char in _TAKEN else "." for char in plain if not unicodedata.combining(char)
    ).strip(" /")
    return kept[:70] or "."


def _add(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text:
        child.text = text
    return child
