"""What a licensee's account was charged and credited, entry by entry: a storage port, newest first.

Pages go on behind a key and never count, so the first page of a long account
takes as long as that of a short one. Only what passed under a license and what
moved money or says that it will is told: refused fetches are in nobody's account.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_charges.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry


@dataclass(frozen=True, slots=True)
class ChargeFilter:
    """Which entries are meant: of *site* or of none, of *license* where one is named, from *since_us* to before *until_us*.

    With *charged* only those that cost something, however little.
    """

    site: str
    license: str = ""
    since_us: int = 0
    until_us: int = 1 << 62
    charged: bool = False


@dataclass(frozen=True, slots=True)
class ChargeKey:
    """Where a page goes on: behind the entry of that time and place."""

    time_us: int
    seq: int


@dataclass(frozen=True, slots=True)
class ChargePage:
    """Entries newest first, and where the next page goes on; None where there is none."""

    rows: tuple[tuple[int, JournalEntry], ...]
    next: ChargeKey | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What was taken under one license and what is set aside for it: micro-units of its currency, and fetches."""

    spent_micros: int = 0
    spent_fetches: int = 0
    held_micros: int = 0
    held_fetches: int = 0


class Charges(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def page(
        self, licensee: str, filter: ChargeFilter, after: ChargeKey | None, most: int
    ) -> ChargePage:
        """At most *most* entries of *licensee* that *filter* means, older than *after*."""
        ...

    async def one(self, licensee: str, id: str) -> JournalEntry | None:
        """The entry of that id, if it is of *licensee* and stands in its account."""
        ...

    async def used(self, licensee: str) -> Mapping[tuple[str, str], Used]:
        """What was taken and is set aside, by license and currency, for everything that *licensee* has purses or spent of."""
        ...


#: The members of a row, in the order of a file.
NAMES: Final = (
    "id", "time", "kind", "license", "work", "host", "path", "status", "bytes", "amount", "currency", "micros",
    "reason", "reference", "memo", "rule", "policy", "terms", "crawler",
)  # fmt: skip
#: Book entries that take from the account or fall due for it; the others add to it or move nothing.
CHARGING: Final = frozenset({"fee", "due", "promise", "tax", "round_up"})


def stands_in_account(entry: JournalEntry) -> bool:
    """Whether *entry* is of somebody's account."""
    return entry.kind == "book" or (isinstance(entry, FetchRecord) and entry.is_paid)


def amount_of(entry: JournalEntry) -> Money | None:
    """What *entry* is about; None for what is about no money."""
    if isinstance(entry, FetchRecord):
        return Money(entry.charged_micros, entry.currency) if entry.currency else None
    if isinstance(entry, BookEntry) and entry.currency != "XXX":
        return Money(entry.amount_micros, entry.currency)
    return None


def costs(entry: JournalEntry) -> bool:
    """Whether *entry* charges something."""
    amount = amount_of(entry)
    fetched = isinstance(entry, FetchRecord)
    return bool(amount) and (fetched or (isinstance(entry, BookEntry) and entry.kind_of in CHARGING))


def row_of(entry: JournalEntry, time: str) -> Mapping[str, object]:
    """*entry* as a row of `NAMES`; *time* is its time as text. Nothing of it is about a person."""
    amount = amount_of(entry)
    told: dict[str, object] = dict.fromkeys(NAMES, "")
    told |= {"id": entry.id, "time": time, "micros": amount.micros if amount else 0}
    if amount is not None:
        told |= {"amount": amount.amount, "currency": amount.currency}
    if isinstance(entry, FetchRecord):
        told |= {
            "kind": "fetch", "license": entry.license, "work": entry.work, "host": entry.host, "path": entry.path,
            "status": entry.status, "bytes": entry.bytes_sent, "reason": entry.charge_reason, "rule": entry.rule,
            "policy": entry.policy, "terms": entry.terms, "crawler": entry.crawler,
        }  # fmt: skip
    elif isinstance(entry, BookEntry):
        told |= {
            "kind": entry.kind_of, "license": entry.license, "reference": entry.reference, "memo": entry.memo,
        }  # fmt: skip
    return told
