"""Paying creators and authors out: planned, sent once, settled or given back. Pure.

========= ======================================================================
planned   its amount left the account of the creator, or of an author, for
          ``bank:paid-out``; nothing was sent
sending   it is on its way to the rail, which may or may not have heard of it
sent      the rail took it: a transfer's id, or the file that it stands in
paid      it arrived; what it cost is entered
failed    it did not, and the amount stands on that account again
reversed  it arrived and came back, and the amount stands there again
========= ======================================================================

Every entry follows from the payout, so that entering it twice is entering it
once; the rail is asked under the payout's own id, so that sending it twice is
sending it once. A payout in ``sending`` is looked up at the rail before anything
is sent again. Amounts are whole coins: what micro-units do not fit is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import orjson

from gateway.billing.minor_units import CurrencyError, coin, written
from gateway.billing.postings import authored, earned
from gateway.money import Money
from gateway.provenance.record import BookEntry

_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)
_ACCOUNT: Final = re.compile(r"acct_[A-Za-z0-9]{1,60}", re.ASCII)
LONGEST_NAME: Final = 70


class PayoutError(ValueError):
    """It cannot be paid out so; the sentence says why, to the operator."""


class Rail(StrEnum):
    """By what it is paid."""

    STRIPE = "stripe"
    SEPA = "sepa"


class Paid(StrEnum):
    """How far it is."""

    PLANNED = "planned"
    SENDING = "sending"
    SENT = "sent"
    PAID = "paid"
    FAILED = "failed"
    REVERSED = "reversed"

    @property
    def is_over(self) -> bool:
        """Whether nothing follows."""
        return self in {Paid.FAILED, Paid.REVERSED}


_NEXT: Final = {
    Paid.PLANNED: {Paid.SENDING, Paid.FAILED}, Paid.SENDING: {Paid.SENT, Paid.FAILED},
    Paid.SENT: {Paid.PAID, Paid.FAILED}, Paid.PAID: {Paid.REVERSED},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is paid and where to: an IBAN (and a BIC, which banks need no more), or a connected account of Stripe."""

    name: str
    iban: str = ""
    bic: str = ""
    account: str = ""

    @property
    def rail(self) -> Rail:
        """By which rail."""
        return Rail.STRIPE if self.account else Rail.SEPA


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout of what the creator of *site* earned, or one of its authors where *author* names it.

    *reference* is the transfer's id or that of the file, *fee* what it cost
    whose account it is besides. *version* is 1 when it is planned, one more with each change.
    """

    id: str
    site: str
    payee: Payee
    amount: Money
    at: int
    state: Paid = Paid.PLANNED
    reference: str = ""
    fee_micros: int = 0
    changed_at: int = 0
    why: str = ""
    version: int = 1
    author: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be paid to *author* of *site*, or to its creator where that is "", with nothing of it planned."""

    site: str
    author: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What stays owed, and *why*, as a sentence without its end."""

    owed: Standing
    why: str


def read_payee(name: str, *, iban: str = "", bic: str = "", account: str = "") -> Payee:
    """Read what an operator typed; raises `PayoutError` for what cannot be paid.

    >>> read_payee("Ada Example", iban="de89 3704 0044 0532 0130 00").iban
    'DE89370400440532013000'
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise PayoutError(f"a payee has a name of at most {LONGEST_NAME} printable characters")
    iban, bic = (each.replace(" ", "").upper() for each in (iban, bic))
    if bool(iban) == bool(account):
        raise PayoutError("a payee has an IBAN or a Stripe account")
    if account:
        if not _ACCOUNT.fullmatch(account):
            raise PayoutError(f"a connected account looks like acct_…, not {account!r}")
        return Payee(name, account=account)
    if not is_iban(iban):
        raise PayoutError(f"{iban} is no IBAN: its check digits or its form are wrong")
    if bic and not _BIC.fullmatch(bic):
        raise PayoutError(f"{bic} is no BIC")
    return Payee(name, iban, bic)


def masked(payee: Payee) -> str:
    """Where *payee* is paid to, for lists: its name and the end of its account.

    >>> masked(Payee("Ada Example", iban="DE89370400440532013000"))
    'Ada Example, IBAN …3000'
    """
    kind, number = ("Stripe", payee.account) if payee.account else ("IBAN", payee.iban)
    return f"{payee.name}, {kind} …{number[-4:]}"


def is_iban(text: str) -> bool:
    """Whether *text* has the form of an IBAN and its check digits hold (ISO 13616-1:2020, ISO 7064 MOD 97-10).

    >>> is_iban("GB82WEST12345698765432"), is_iban("GB82WEST12345698765431")
    (True, False)
    """
    if not _IBAN.fullmatch(text):
        return False
    digits = "".join(str(int(char, 36)) for char in text[4:] + text[:4])
    return int(digits) % 97 == 1 and 2 <= int(text[2:4]) <= 98


def planned(site: str, payee: Payee, amount: Money, at: int, nth: str, author: str = "") -> Payout:
    """A payout of *amount*, from the account of *author* if one is named; *nth* tells it from others. Raises `PayoutError`."""
    try:
        written(amount)
    except CurrencyError as error:
        raise PayoutError(str(error)) from None
    if amount.micros <= 0:
        raise PayoutError("a payout is more than nothing")
    if payee.rail is Rail.SEPA and amount.currency != "EUR":
        raise PayoutError(f"SEPA pays in EUR, not in {amount.currency}")
    named = f"{site}\x1f{payee}\x1f{amount}\x1f{nth}" + (f"\x1f{author}" if author else "")
    return Payout(
        f"po_{hashlib.sha256(named.encode()).hexdigest()[:30]}", site, payee, amount, at, changed_at=at, author=author
    )  # fmt: skip


def to_authors(
    owed: Iterable[Standing], payees: Mapping[tuple[str, str], Payee], at: int, nth: str
) -> tuple[tuple[Payout, ...], tuple[Unpaid, ...]]:
    """One payout for each author and currency, of all whole coins that are *owed*, and who stays unpaid and why.

    *payees* are by site and author. What is less than a coin stays on the account, and is nothing to be told.
    """
    made, left = list[Payout](), list[Unpaid]()
    for each in owed:
        payee = payees.get((each.site, each.author))
        try:
            unit = coin(each.amount.currency)
            amount = Money(each.amount.micros // unit * unit, each.amount.currency)
            if not each.author or amount.micros <= 0:
                continue
            if payee is None:
                raise PayoutError("nobody said where it is to be paid")
            made.append(planned(each.site, payee, amount, at, nth, each.author))
        except (PayoutError, CurrencyError) as error:
            left.append(Unpaid(each, str(error)))
    return tuple(made), tuple(left)


def moved(payout: Payout, state: Paid, now: int, *, reference: str = "", fee: Money | None = None, why: str = "") -> Payout:  # fmt: skip
    """*payout* in its next *state*; raises `PayoutError` where it cannot get there."""
    if state not in _NEXT.get(payout.state, set()):
        raise PayoutError(f"the payout {payout.id} is {payout.state} and cannot become {state}")
    if fee is not None and (fee.currency != payout.amount.currency or fee.micros < 0):
        raise PayoutError(f"a fee is an amount in {payout.amount.currency}, not {fee}")
    return replace(
        payout, state=state, changed_at=now, reference=reference or payout.reference, why=why or payout.why,
        fee_micros=fee.micros if fee is not None else payout.fee_micros, version=payout.version + 1,
    )  # fmt: skip


def entries_of(payout: Payout) -> tuple[BookEntry, ...]:
    """Everything that *payout* has entered in the journal by now; the same whenever it is asked for."""
    found = [_entry(payout, "payout", payout.id, payout.amount.micros, payout.at)]
    if payout.fee_micros and payout.state in {Paid.PAID, Paid.REVERSED}:
        # The fee is entered when it is known and stays where a payout came back later.
        found.append(_entry(payout, "payout_fee", f"{payout.id}-fee", payout.fee_micros, payout.at))
    if payout.state.is_over:
        back = _entry(payout, "reversal", f"{payout.id}-back", payout.amount.micros, payout.changed_at)
        found.append(replace(back, reference=payout.id))
    return tuple(found)


def _entry(payout: Payout, kind: str, id: str, micros: int, at: int) -> BookEntry:
    return BookEntry(
        id=id, time_us=at * 1_000_000, kind_of=kind, site=payout.site, licensee="", amount_micros=micros,
        currency=payout.amount.currency, reference=payout.id, memo=_memo(payout), by="payouts",
    )  # fmt: skip


def _memo(payout: Payout) -> str:
    """By which rail, and of an author whose account it leaves (`postings.paid_from`)."""
    rail = str(payout.payee.rail)
    if not payout.author:
        return rail
    return orjson.dumps({"author": payout.author, "rail": rail}, option=orjson.OPT_SORT_KEYS).decode()


def account_of(payout: Payout) -> str:
    """The account that *payout* leaves."""
    return authored(payout.site, payout.author) if payout.author else earned(payout.site)


def read_account(account: str) -> tuple[str, str] | None:
    """Site and author of an account of a creator (author "") or an author; None for any other."""
    kind, _, rest = account.partition(":")
    if kind == "creator":
        return rest.removesuffix(":earned"), ""
    site, _, author = rest.partition(":")
    return (site, author) if kind == "author" else None
