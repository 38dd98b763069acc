"""The milestones that a license brings with it, and what of them happens by itself in time. Pure.

What nobody holds is promised from the start of the term; who holds money says
so when it came (`escrow.funded`). What the journal shows is met by the journal;
what is met and not objected to in time is released; what was not met in its time
goes back. These entries have ids and times that follow from the license and the
journal, so that whoever writes them again writes the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.billing.credit_ids import credited_paths
from gateway.billing.escrow import (
    Act,
    Milestone,
    Proof,
    Stamp,
    Standing,
    State,
    funded,
    ingested,
    lapsed,
    met,
    released,
    standing,
)
from gateway.billing.spans import Span, spans
from gateway.canonical import canonical_bytes
from gateway.licenses.license import License
from gateway.licenses.offers import months_after
from gateway.licenses.payment_words import items_of
from gateway.problems import Refusal
from gateway.provenance.record import BookEntry, JournalEntry
from gateway.terms.holding import Holder, Keeps

#: Who enters what happens by itself.
BY: Final = "terms"


@dataclass(frozen=True, slots=True)
class Waits:
    """One milestone of a license, where it stands, and from when it can stand: the start of its term."""

    milestone: Milestone
    standing: Standing
    begins: int


def milestones_of(versions: Sequence[License]) -> tuple[tuple[Milestone, int], ...]:
    """Every milestone of one license with the second at which its term begins; those of a renewal have names of their own."""
    found = list[tuple[Milestone, int]]()
    for nth, span in enumerate(each for each in spans(versions) if each.before is None):
        found += [(each, span.begins) for each in _of_term(span, nth)]
    return tuple(found)


def waiting(versions: Sequence[License], entries: Sequence[JournalEntry]) -> tuple[Waits, ...]:
    """Where each milestone of a license stands by the journal's *entries*.

    One that waits for every work of a bundle waits for those that were not withdrawn and credited since.
    """
    there = {each.id for each in entries if isinstance(each, BookEntry)}
    return tuple(
        Waits(made, standing(made, entries), begins)
        for milestone, begins in milestones_of(versions)
        for made in (_reachable(milestone, versions[0], there),)
    )


def _reachable(milestone: Milestone, license: License, there: Collection[str]) -> Milestone:
    bundle = license.terms.scope.bundle
    if milestone.proof is not Proof.JOURNAL or bundle is None:
        return milestone
    gone = credited_paths(license, milestone.name, there)
    left = min(milestone.items, bundle.items - len(gone))
    # A bundle of which everything was withdrawn is taken in by nobody: its milestone lapses.
    return replace(milestone, gone=gone, items=left) if gone and left else milestone


def by_itself(
    found: Waits, entries: Sequence[JournalEntry], now: int, *, over_at: int = 0
) -> tuple[BookEntry, ...]:
    """What happens to a milestone at *now* without anybody's word: the next entry, or none.

    *entries* hold the deliveries where the milestone is shown by the journal. What is only
    promised is promised no more once the license was revoked, at second *over_at*, 0 for never.
    """
    milestone, at = found.milestone, found.standing
    act: Act | None = None
    if at.state is State.PLANNED and milestone.holder.keeps is Keeps.NOBODY:
        if found.begins <= now and (not over_at or found.begins < over_at):
            act = funded(milestone, at, _stamp(milestone, "promise", found.begins))
    elif at.state is State.WAITING:
        when = ingested(milestone, entries) if milestone.proof is Proof.JOURNAL else None
        if when is not None and when < milestone.until:
            said = f"{milestone.items} items by the journal"
            act = met(milestone, at, _stamp(milestone, "met", when), Proof.JOURNAL, said, entries)
        elif now >= milestone.until:
            act = lapsed(milestone, at, _stamp(milestone, "lapsed", milestone.until))
    elif at.state is State.MET and now >= at.met_at + milestone.objection:
        act = released(milestone, at, _stamp(milestone, "released", at.met_at + milestone.objection))
    return () if act is None or isinstance(act, Refusal) else act


def looks_at_deliveries(found: Iterable[Waits]) -> tuple[Milestone, ...]:
    """The milestones that wait for what the journal shows."""
    return tuple(
        each.milestone
        for each in found
        if each.milestone.proof is Proof.JOURNAL and each.standing.state is State.WAITING
    )


def _of_term(span: Span, nth: int) -> Iterable[Milestone]:
    license, price = span.first, span.first.terms.compensation
    for each, amount in zip(price.milestones, price.shares, strict=False):
        until = months_after(span.starts_at, each.months) if each.months else span.ends_at
        if amount:
            yield Milestone(
                license.id, license.licensee, license.site, f"{each.name} {nth + 1}" if nth else each.name, amount,
                Holder.read(price.holder), Proof(each.shown_by), min(until, span.ends_at),
                items_of(each, license.terms),
            )  # fmt: skip


def _stamp(milestone: Milestone, what: str, at: int) -> Stamp:
    named = hashlib.sha256(canonical_bytes([milestone.license, milestone.name, what])).hexdigest()
    return Stamp((f"ms_{named[:32]}",), at * 1_000_000, BY)
