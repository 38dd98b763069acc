"""The books as other programs read them: beancount and hledger, which then check our sums. Pure.

Each posting is one transaction of two legs; what our books call the debit, the
account that loses, gets the positive amount, as in their plus-and-minus form of
double entry. At the end every account is asserted to stand where our kept
balances say, to the micro-unit, so that a checker compares two sums that were
made apart. Dates are UTC.

Names are spelled in letters, digits and hyphens alone (``-5F`` for an
underscore), so that two accounts never become one; what the account is called
here stands beside its first mention. No text of a licensee goes into a file
other than as that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.billing.postings import Posting
from gateway.billing.reconcile import Books
from gateway.money import Money

_GROUPS: Final[Mapping[str, str]] = {
    "bank": "Assets",
    "escrow": "Liabilities",
    "milestone": "Liabilities",
    "author": "Liabilities",
    "prepaid": "Liabilities",
    "owed": "Assets",
    "earned": "Income",
    "fees": "Expenses",
    "tax": "Liabilities",
    "rounding": "Income",
    "loss": "Expenses",
}


class Form(StrEnum):
    """The format of an export."""

    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


@dataclass(frozen=True, slots=True)
class Journaled:
    """What an export is made of. *postings* are gone through several times, each time all of them."""

    balances: tuple[tuple[str, Money], ...]
    postings: Iterable[Posting]


def export(books: Books | Journaled, form: Form) -> Iterator[str]:
    """The lines of *books* in *form*, each with its end."""
    named = {account for account, _ in books.balances}
    currencies = {money.currency for _, money in books.balances}
    times: tuple[int, int] | None = None
    for each in books.postings:
        named |= {each.debit, each.credit}
        currencies.add(each.amount.currency)
        first, last = times or (each.time_us, each.time_us)
        times = min(first, each.time_us), max(last, each.time_us)
    first, last = times or (0, 0)
    accounts, after = sorted(named), _day(last) + timedelta(days=1)
    if form is Form.BEANCOUNT:
        yield from _beancount(books, accounts, _day(first), after)
    else:
        yield from _hledger(books, accounts, sorted(currencies), after)


def account_name(account: str) -> str:
    """The name of *account* in an export; different accounts have different names.

    >>> account_name("licensee:le_1:prepaid")
    'Liabilities:Licensee:X-le-5F1:Prepaid'
    """
    kind, _, rest = account.partition(":")
    if kind in {"licensee", "creator"}:
        name, _, what = rest.rpartition(":")
        return f"{_GROUPS.get(what, 'Equity')}:{kind.capitalize()}:X-{_spelled(name)}:{_word(what)}"
    return f"{_GROUPS.get(kind, 'Equity')}:{_word(kind)}:X-{_spelled(rest)}"


def _word(text: str) -> str:
    return text.capitalize() if text.isascii() and text.isalpha() else f"X-{_spelled(text)}"


def _spelled(text: str) -> str:
    """Letters and digits as they are, every other octet as a hyphen and two hex digits."""
    return "".join(
        chr(octet) if chr(octet).isascii() and chr(octet).isalnum() else f"-{octet:02X}"
        for octet in text.encode()
    )


def _beancount(books: Books | Journaled, accounts: list[str], first: date, after: date) -> Iterator[str]:
    yield 'option "title" "Licet"\n'
    for account in accounts:
        yield f"{first} open {account_name(account)}\n  called: {_quoted(account)}\n"
    for each in books.postings:
        amount = each.amount
        yield f'{_day(each.time_us)} * "{each.code}" {_quoted(each.entry_id)}\n'
        yield f"  {account_name(each.debit)}  {amount}\n  {account_name(each.credit)}  {-amount}\n"
    for account, money in books.balances:
        yield f"{after} balance {account_name(account)}  {(-money).amount} ~ 0 {money.currency}\n"


def _hledger(
    books: Books | Journaled, accounts: list[str], currencies: list[str], after: date
) -> Iterator[str]:
    for currency in currencies:
        yield f"commodity 1000.000000 {currency}\n"
    for account in accounts:
        yield f"account {account_name(account)}\n  ; called: {_quoted(account)}\n"
    for each in books.postings:
        yield _transaction(each)
    if books.balances:
        yield f"{after} * balances as they are kept\n"
    for account, money in books.balances:
        yield f"  {account_name(account)}  0 {money.currency} = {-money}\n"


def _transaction(each: Posting) -> str:
    head = f"{_day(each.time_us)} * {each.code}  ; entry: {_quoted(each.entry_id)}\n"
    return (
        f"{head}  {account_name(each.debit)}  {each.amount}\n  {account_name(each.credit)}  {-each.amount}\n"
    )


def _quoted(text: str) -> str:
    """*text* between quotation marks, on one line, without what could end them."""
    plain = "".join(
        char if char.isprintable() and char not in '"\\' else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    return f'"{plain}"'


def _day(time_us: int) -> date:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).date()
