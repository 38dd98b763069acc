"""What is given back of a bundle whose works were withdrawn: reversals of its fee, a part for each work, each once. Pure.

The agreed credit is `licenses.bundle.credit_for_withdrawn`: the price at signing
by the item, rounded once over all that left. So the nth work that leaves is
worth what n works are worth less what n-1 are. A work that was admitted again
keeps its credit: the buyer did without it. An entry's id follows from the
license, the manifest and the path, so that nothing is credited twice, and never
more is credited than still stands of the fee.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from gateway.billing.refunds import Standing
from gateway.canonical import canonical_bytes
from gateway.licenses.bundle import Manifest, credit_for_withdrawn
from gateway.licenses.license import License
from gateway.licenses.pricing import due_at_signing
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.provenance.record import BookEntry


def credit_id(license: License, manifest: str, path: str) -> str:
    """The id of the entry that credits the holder of *license* for the item at *path*."""
    named = canonical_bytes([license.id, manifest, path])
    return "cr_" + hashlib.sha256(named).hexdigest()[:32]


def withdrawn_from(license: License, made: Manifest, all: Iterable[Withdrawal]) -> tuple[str, ...]:
    """The paths of *made* that some of *all*, decided in the term of *license*, take from its uses.

    A hold of sales takes none, and what was withdrawn from one licensee alone is no fault of the bundle.
    """
    against = [
        each
        for each in all
        if each.site == license.site
        and not each.hold
        and not each.licensee
        and license.starts_at <= each.since < license.ends_at
        and each.stops(license.terms.purpose.uses)
    ]
    return tuple(
        each.path for each in made.items if any(one.reaches(each.path, each.work) for one in against)
    )


def fee_of(license: License, all: Iterable[Standing]) -> Standing | None:
    """The fee of *license* among what stands of its licensee's entries, or None where nothing of it does."""
    own = (license.id, f"{license.id}.")
    fees = (
        each for each in all if each.code == "fee" and (each.entry == own[0] or each.entry.startswith(own[1]))
    )
    return next((each for each in fees if each.left), None)


def credited(
    license: License,
    made: Manifest,
    gone: Collection[str],
    booked: Collection[str],
    fee: Standing,
    now_us: int,
) -> tuple[BookEntry, ...]:
    """The entries that credit the items at the paths *gone*, those at *booked* having been credited before."""
    price, count, left = due_at_signing(license.terms), len(booked), fee.left
    found = list[BookEntry]()
    for path in sorted(set(gone) - set(booked)):
        part = min(_of(made, price, count + 1) - _of(made, price, count), left)
        count += 1
        if not part:
            continue
        left -= part
        found.append(
            BookEntry(
                id=credit_id(license, made.hash, path),
                time_us=now_us,
                kind_of="reversal",
                site=license.site,
                licensee=license.licensee,
                amount_micros=part.micros,
                currency=part.currency,
                reference=fee.entry,
                memo=f"{path} was withdrawn from the bundle {made.name}",
                by="office",
            )
        )
    return tuple(found)


def _of(made: Manifest, price: Money, items: int) -> Money:
    return credit_for_withdrawn(made, price, [each.path for each in made.items[:items]])
