"""The life of a license after it was made: renewed, amended, suspended, ended. Pure.

A license is never changed in place. What follows it has its id, so that the
number of the contract and its address stay, and the next version number:

=========== ============================ ===================================
change      term                         what is due at once
=========== ============================ ===================================
amendment   from now on, to the end that what the new terms owe at signing
            was agreed before            above what the old ones did
renewal     from the end of the last     all that the new terms owe at
            version on, a whole term     signing
=========== ============================ ===================================

An amendment cuts the version before it off in the second in which it begins, and
a renewal begins where the version before it ends: of one license there is never
a moment with two versions in force. What changes goes through a negotiation like
any deal, with the same evidence of acceptance.

At the end all rights revert; nothing of a license stands afterwards, and who
wants to go on agrees anew. A license cannot be transferred. A suspension
(`licenses.suspension`) takes nothing from its holder but the use; what is
revoked is over for good. Duties are planned by the term: a renewal brings its own,
an amendment keeps those that were planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from gateway.licenses.license import License
from gateway.licenses.offers import months_after
from gateway.licenses.pricing import due_at_signing
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms
from gateway.tokens.claims import Budget

DAY: Final = 86_400
#: How long before its end a holder is told of it, at most: half of a short term is enough.
NOTICE_SECONDS: Final = 30 * DAY


class Change(StrEnum):
    """What a negotiation about a license comes to."""

    AMENDMENT = "amendment"
    RENEWAL = "renewal"


class Phase(StrEnum):
    """Where one version stands. COMING: agreed, and its term has not begun. REPLACED: by an amendment."""

    COMING = "coming"
    IN_FORCE = "in force"
    SUSPENDED = "suspended"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REVOKED = "revoked"


def in_force(versions: Sequence[License], now: int) -> License | None:
    """The one of a license's *versions* whose term covers *now*, or None."""
    return next((each for each in versions if each.live_at(now)), None)


def current(versions: Sequence[License], now: int) -> License | None:
    """The version in force, else the last one whose term began, else the first."""
    begun = [each for each in versions if each.starts_at <= now]
    return in_force(versions, now) or (begun[-1] if begun else next(iter(versions), None))


def phase(
    version: License, versions: Sequence[License], now: int, *, revoked: bool, suspended: bool
) -> Phase:
    """Where *version*, one of *versions*, stands at *now*."""
    if now >= version.ends_at:
        later = [each for each in versions if each.version == version.version + 1]
        return Phase.REPLACED if later else Phase.EXPIRED
    if revoked:
        return Phase.REVOKED
    if now < version.starts_at:
        return Phase.COMING
    return Phase.SUSPENDED if suspended else Phase.IN_FORCE


def changeable(versions: Sequence[License], now: int, *, revoked: bool) -> License | Refusal:
    """The version that an amendment or a renewal would follow at *now*, or why nothing can follow."""
    last = versions[-1] if versions else None
    if last is None or revoked or now >= last.ends_at:
        why = "was revoked" if revoked else "has ended, and its rights have reverted"
        return Refusal(Problem.LICENSE_OVER, f"The license {why}; what follows is agreed anew.")
    if now < last.starts_at:
        return Refusal(
            Problem.NEGOTIATION_WAITS,
            "The next term of this license is agreed already; it can be changed once it has begun.",
            facts=(("starts_at", str(last.starts_at)),),
        )
    return last


def amended(last: License, terms: LicenseTerms, *, policy: str, now: int) -> License | Refusal:
    """The version that *terms* come to when both agree to them at *now*, in the place of *last*.

    *policy* is the digest of the policy in force. The end stays, and so does the
    budget, of which is spent what was spent. Refuses terms that change nothing,
    or that change the term: for a longer one there is a renewal.
    """
    if terms.hash == last.terms.hash:
        return _unchanged("proposal", "changes nothing of the license")
    if terms.term != last.terms.term:
        return _unchanged("proposal.term", "is another one; an amendment keeps the end, a renewal moves it")
    mine, theirs = last.terms.compensation, terms.compensation
    if mine.milestones or theirs.milestones:
        kept = ("upfront", "milestones", "holder")
        if any(getattr(mine, name) != getattr(theirs, name) for name in kept):
            return _unchanged(
                "proposal.compensation",
                "changes milestones, or the fee that they are parts of; a renewal may",
            )
    if now < last.starts_at or now >= last.ends_at:
        return Refusal(Problem.LICENSE_OVER, "The license is not in force.")
    return replace(last, version=last.version + 1, offer="", terms=terms, policy=policy, starts_at=now)


def renewed(last: License, terms: LicenseTerms, *, policy: str, most_fetches: int = 0) -> License:
    """The version of a further term after *last*, on *terms*.

    Spending is counted by license, so a limit of fetches grows by *most_fetches*,
    the limit of a term; 0 is none.
    """
    fetches, micros = last.budget.fetches, last.budget.micros
    return replace(
        last,
        version=last.version + 1,
        offer="",
        terms=terms,
        policy=policy,
        starts_at=last.ends_at,
        ends_at=months_after(last.ends_at, terms.term.months),
        # What was set aside for one term does not pay for two.
        budget=Budget(micros, None if fetches is None or not most_fetches else fetches + most_fetches),
    )


def due(last: License, new: License) -> Money:
    """What is owed the moment *new* follows *last*; nothing is paid back."""
    owed = due_at_signing(new.terms)
    if new.starts_at >= last.ends_at:
        return owed
    return Money(max(0, owed.micros - due_at_signing(last.terms).micros), owed.currency)


def follows(last: License, new: License) -> bool:
    """Whether *new* may be kept as the version after *last*: of the same license, the next number, and no gap."""
    one = (last.id, last.licensee, last.site, last.version + 1)
    return (
        one == (new.id, new.licensee, new.site, new.version)
        and last.starts_at <= new.starts_at <= last.ends_at
        and new.starts_at < new.ends_at
    )


def cut(last: License, new: License) -> License:
    """*last* as it stands once *new* follows it: it ends where that begins, or before."""
    return replace(last, ends_at=min(last.ends_at, new.starts_at))


def warned_from(license: License) -> int:
    """The second from which the holder is told that *license* ends: 30 days before, or half of a short term."""
    term = license.ends_at - license.starts_at
    return license.ends_at - min(NOTICE_SECONDS, term // 2)


def transferred() -> Refusal:
    """The answer to whoever wants to hand a license to somebody else."""
    return Refusal(
        Problem.LICENSE_NOT_TRANSFERABLE,
        "A license is granted to one licensee. Whoever else wants the rights agrees on a license of its own.",
    )


def _unchanged(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the message, {member} {why}.", facts=(("member", member),))
