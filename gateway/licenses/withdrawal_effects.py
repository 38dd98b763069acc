"""What a withdrawal does to the licenses that run: what each loses, promised, and is credited. Pure.

The contract says that what was paid for the rest of the term of a withdrawn work
is credited (``policies/clauses/16-withdrawal.toml``). Of a license that falls away
whole that is the part of what was due at signing that the rest of its term bears,
rounded down to the micro-unit; of one that keeps something it is at most that, and
how much of it the withdrawn part bears is for the two parties to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.licenses.license import License
from gateway.licenses.pricing import due_at_signing
from gateway.licenses.withdrawal import Withdrawal, Withdrawn
from gateway.money import Money
from gateway.paths import PathScope

#: Said wherever an amount of these is.
CAUTION: Final = "Starting point, needs counsel; not legal advice."


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of one license that runs.

    *whole* says that nothing is left of it; *credit* is what the rest of its term
    was paid for, at most that where something is left.
    """

    license: License
    whole: bool
    credit: Money

    @property
    def promises(self) -> tuple[str, ...]:
        """What its contract says about a withdrawal, a sentence each."""
        kept = self.license.terms.retention
        days = kept.remediation_plan_days
        again = " and, where feasible, out of models that are trained again" if kept.retrain else ""
        return (
            f"Out of answers and of future training within {kept.withdrawal_notice_days} days{again}.",
            f"A plan within {days} days, then an attestation that it was carried out."
            if days
            else "No plan was agreed.",
            "What was paid for the rest of the term of a withdrawn work is credited.",
        )


def effects(
    withdrawal: Withdrawal,
    licenses: Iterable[License],
    owned: tuple[tuple[str, tuple[PathScope, ...]], ...],
    now: int,
) -> tuple[Effect, ...]:
    """The licenses of *licenses* that *withdrawal* touches, by licensee; *owned* are the paths of the policy's works.

    A hold touches none, and neither does what has ended.
    """
    if withdrawal.hold:
        return ()
    alone = Withdrawn((withdrawal,), owned)
    found = []
    for license in licenses:
        terms = license.terms
        if (
            license.site != withdrawal.site
            or now >= license.ends_at
            or not withdrawal.stops(terms.purpose.uses)
        ):
            continue
        mine = withdrawal.licensee == license.licensee
        if not mine and (withdrawal.licensee or alone.barring(terms) is None):
            continue
        whole = mine or alone.left_of(terms, holds=False) is None
        found.append(Effect(license, whole, unused(license, now)))
    return tuple(sorted(found, key=lambda each: (each.license.licensee, each.license.id)))


def unused(license: License, now: int) -> Money:
    """The part of what was due at signing that the rest of its term bears; of a subscription, that of one period."""
    due = due_at_signing(license.terms)
    lasts = license.ends_at - license.starts_at
    rest = max(0, license.ends_at - max(now, license.starts_at))
    return Money(due.micros * rest // lasts, due.currency) if lasts > 0 else Money(0, due.currency)
