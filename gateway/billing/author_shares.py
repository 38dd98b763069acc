"""What of a creator's earnings is whose: divided among the authors that the works name. Pure.

Each posting on a site's account of earnings is divided once, by the shares that
the policy names when it is: what a fetch earned is its work's, what a license
earned otherwise (a fee, a due, a milestone) is of all works of its scope in equal
parts, and each work's part is its authors'. A work without authors keeps its part
for the creator. Every division adds up to the micro-unit (`billing.splits`).

One entry ``share`` divides everything of one currency up to a place in the
journal, which stands in its `reference`; its memo holds what each author gets,
below zero where more was undone since than earned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

from gateway.billing.splits import WHOLE, Share, Split, divided
from gateway.canonical import canonical_bytes
from gateway.money import Money
from gateway.provenance.record import BookEntry

#: Who enters it.
BY: Final = "authors"
#: The payee that stands for the creator: no author is called so.
_CREATOR: Final = "\n"


@dataclass(frozen=True, slots=True)
class Earned:
    """*micros* earned with *work*, or where that is "" under *license*; below zero for what was undone."""

    work: str
    license: str
    currency: str
    micros: int


class Earnings(Protocol):
    """A storage port onto the books. Each method is one moment, and raises `StoreUnavailable`."""

    async def undivided(self, site: str) -> tuple[int, tuple[Earned, ...]]:
        """The last place in the journal, and what *site* earned up to it in each currency after what is divided."""
        ...


def shares(
    earned: Iterable[Earned],
    authors: Mapping[str, Sequence[tuple[str, int]]],
    scopes: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, int]]:
    """By currency, what each author gets of *earned*, in micro-units; what stays the creator's is left out.

    *authors* are names and shares in millionths by work, *scopes* the works by license.
    """
    found = dict[str, dict[str, int]]()
    for each in earned:
        works = (each.work,) if each.work else tuple(scopes.get(each.license, ()))
        split = _split_of(works, authors)
        if split is None:
            continue
        sign = 1 if each.micros >= 0 else -1
        sums = found.setdefault(each.currency, {})
        for payee, part in divided(Money(abs(each.micros), each.currency), split):
            if payee != _CREATOR:
                sums[payee] = sums.get(payee, 0) + sign * part.micros
    return found


def entries_of(
    site: str, until: int, found: Mapping[str, Mapping[str, int]], time_us: int
) -> tuple[BookEntry, ...]:
    """The entries that divide *found* up to place *until*: at most one in each currency, so that each is whole or not there."""
    made = list[BookEntry]()
    for currency, sums in sorted(found.items()):
        parts = {name: micros for name, micros in sorted(sums.items()) if micros}
        if parts:
            named = hashlib.sha256(canonical_bytes([site, until, currency])).hexdigest()
            made.append(
                BookEntry(
                    id=f"sh_{named[:32]}", time_us=time_us, kind_of="share", site=site, licensee="",
                    amount_micros=sum(map(abs, parts.values())), currency=currency, reference=str(until),
                    memo=orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode(), by=BY,
                )
            )  # fmt: skip
    return tuple(made)


def _split_of(works: Sequence[str], authors: Mapping[str, Sequence[tuple[str, int]]]) -> Split | None:
    """How what is earned with *works* is divided; None where all of it is the creator's."""
    if not any(authors.get(work) for work in works):
        return None
    part, rest = divmod(WHOLE, len(works))
    return Split(
        tuple(
            Share(
                Split(tuple(Share(name, micros) for name, micros in authors[work]))
                if authors.get(work)
                else _CREATOR,
                part + (nth < rest),
            )
            for nth, work in enumerate(works)
        )
    )
