"""What is given back of a bundle whose works were withdrawn: a part of its fee for each work, each once. Pure.

The agreed credit is `licenses.bundle.credit_for_withdrawn`: the fee by the item,
rounded once over all that left. So the nth work that leaves is worth what n works
are worth less what n-1 are. A work that was admitted again keeps its credit: the
buyer did without it.

The fee has parts, and each gives back its own share:

============================ ===================================================
part                         what is entered
============================ ===================================================
paid at signing              a reversal of the fee
waits for a milestone        a refund of a part of what waits: less is released
released for a milestone     a reversal of the release
not paid in or promised yet  nothing; the next look after it was
gone back                    nothing: nobody has paid it
============================ ===================================================

An entry's id follows from the license, the manifest, the path and the part, so
that nothing is credited twice, and never more is credited than still stands of
the part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from gateway.billing.agreed_milestones import Waits
from gateway.billing.credit_ids import credit_id
from gateway.billing.refunds import Standing
from gateway.licenses.bundle import Manifest, credit_for_withdrawn
from gateway.licenses.license import License
from gateway.licenses.pricing import due_at_signing
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.provenance.record import BookEntry, JournalEntry


def credit_of(license: License, made: Manifest, gone: Collection[str]) -> Money:
    """What the holder of *license* is owed back for the items at the paths *gone*, over all parts of its fee."""
    price = license.terms.compensation
    waiting = price.shares[:-1] if price.milestones else ()
    return sum(
        (credit_for_withdrawn(made, part, gone) for part in waiting),
        credit_for_withdrawn(made, due_at_signing(license.terms), gone),
    )


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


def credited_of_milestones(
    license: License, made: Manifest, gone: Collection[str], found: Iterable[Waits], entries: Sequence[JournalEntry], now_us: int
) -> tuple[BookEntry, ...]:  # fmt: skip
    """The entries that credit the items at *gone* out of what waits for milestones, or waited: those of the term at *now_us*.

    *found* are the milestones of *license* as they stand by *entries*, the book entries of its licensee.
    """
    begun = [each for each in found if each.begins * 1_000_000 <= now_us]
    term = max((each.begins for each in begun), default=0)
    return tuple(
        entry
        for each in begun
        if each.begins == term
        for entry in _of_milestone(license, made, gone, each, entries, now_us)
    )


def _of_milestone(
    license: License, made: Manifest, gone: Collection[str], found: Waits, entries: Sequence[JournalEntry], now_us: int
) -> Iterator[BookEntry]:  # fmt: skip
    milestone = found.milestone
    kind, reference, left = _stands(found, entries)
    there = {each.id for each in entries}
    paths = {each.path: credit_id(license, made.hash, each.path, milestone.name) for each in made.items}
    count = sum(id in there for id in paths.values())
    for path in sorted(path for path in gone if paths[path] not in there):
        part = min(_of(made, milestone.amount, count + 1) - _of(made, milestone.amount, count), left)
        count += 1
        if not part:
            continue
        left -= part
        yield BookEntry(
            id=paths[path],
            time_us=now_us,
            kind_of=kind,
            site=license.site,
            licensee=license.licensee,
            amount_micros=part.micros,
            currency=part.currency,
            license=license.id,
            reference=reference,
            memo=f"{path} was withdrawn from the bundle {made.name}; of {milestone.name}",
            by="office",
        )


def _stands(found: Waits, entries: Sequence[JournalEntry]) -> tuple[str, str, Money]:
    """The kind of entry that takes something back from a milestone, what it refers to, and how much there is."""
    at = found.standing
    if at.left:
        return "refund", at.entry, at.left
    books = [each for each in entries if isinstance(each, BookEntry)]
    for each in books:
        if at.entry and each.kind_of == "release" and each.reference == at.entry:
            gone = sum(
                one.amount_micros for one in books if one.kind_of == "reversal" and one.reference == each.id
            )
            return "reversal", each.id, Money(max(each.amount_micros - gone, 0), each.currency)
    return "", "", Money(0, found.milestone.amount.currency)


def _of(made: Manifest, price: Money, items: int) -> Money:
    return credit_for_withdrawn(made, price, [each.path for each in made.items[:items]])
