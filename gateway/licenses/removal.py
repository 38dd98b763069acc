"""What one licensee does about one withdrawal: acknowledge, plan, attest, each in its time. Pure.

============ =================================================================
issued       the licensee was told; what of it the journal says it has is listed
acknowledged it said that it knows
planned      it said how and by when it removes and mitigates
attested     it stated in writing that this is done
============ =================================================================

A plan may be sent at once, which acknowledges, and sent again until it is
attested. Whoever has not planned by `Removal.plan_due` is overdue; planning late
ends that. Where no plan was agreed (0 days), and for pages that were paid for one
by one, none is owed: the notice is what there is, and nobody is reminded. Nothing here can look into weights: what an attestation says is the
licensee's word, kept as it was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.event import Event, event
from gateway.licenses.license import BY_FETCH, License
from gateway.licenses.withdrawal import Withdrawal, Withdrawn, content_id
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.uses import Uses

#: Days for a plan where there is no license of the licensee that says whether one is owed.
PLAN_DAYS: Final = 30
#: How long before the due date it is reminded.
REMIND_SECONDS: Final = 7 * 86_400
LONGEST_TEXT: Final = 8000
#: Contents that a notice lists by digest at most; the rest is counted.
MOST_CONTENTS: Final = 2000


#: Every type of event that `told` gives.
TYPES: Final = (
    "withdrawal.issued", "withdrawal.acknowledged", "withdrawal.planned", "withdrawal.attested",
    "withdrawal.reminded", "withdrawal.overdue", "withdrawal.readmitted",
)  # fmt: skip


class RemovalState(StrEnum):
    """How far the licensee is."""

    ISSUED = "issued"
    ACKNOWLEDGED = "acknowledged"
    PLANNED = "planned"
    ATTESTED = "attested"


@dataclass(frozen=True, slots=True)
class Copy:
    """What the journal says that somebody fetched: *digest* is lower-case hex SHA-256 of what was sent, or ""."""

    licensee: str
    path: str
    work: str
    digest: str
    uses: Uses
    last_at: int


@dataclass(frozen=True, slots=True)
class Content:
    """One piece of content as a licensee is told of it: an opaque id, and the digest of what it was sent."""

    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: *act* is a state's name or ``reminded``, ``overdue``, ``readmitted``."""

    at: int
    act: str
    by: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """One licensee's part of one withdrawal.

    Attributes:
        withdrawal, site, licensee: ids.
        told_at: whole seconds; *plan_due* is when a plan is due, 0 where none is owed.
        contents: what the licensee fetched of it for the withdrawn uses, at most `MOST_CONTENTS`.
        fetched: how many pieces of content that were in all.
        steps: everything that happened, in order.
        version: 1 when it is told, one more with each change.
    """

    withdrawal: str
    site: str
    licensee: str
    told_at: int
    plan_due: int
    contents: tuple[Content, ...] = ()
    fetched: int = 0
    state: RemovalState = RemovalState.ISSUED
    steps: tuple[Step, ...] = ()
    version: int = 1

    def overdue(self, now: int) -> bool:
        """Whether no plan has come in time."""
        return 0 < self.plan_due <= now and self.state in {RemovalState.ISSUED, RemovalState.ACKNOWLEDGED}

    def text_of(self, state: RemovalState) -> str:
        """What was said last when it came to *state*, "" for nothing."""
        return next((step.text for step in reversed(self.steps) if step.act == state), "")

    def done(self, act: str) -> bool:
        """Whether *act* has happened."""
        return any(step.act == act for step in self.steps)


def begun(
    withdrawal: Withdrawal, licensee: str, copies: Iterable[Copy], licenses: Iterable[License], now: int
) -> Removal:
    """What *licensee* is told at *now*: of *copies*, those of its own; the deadline is the shortest of its *licenses*.

    Those that ended count too: what was made under them is still there.
    """
    days = _plan_days(licenses)
    found = {Content(content_id(withdrawal.site, each.path), each.digest): None for each in copies}
    return Removal(
        withdrawal.id,
        withdrawal.site,
        licensee,
        now,
        now + days * 86_400 if days else 0,
        tuple(found)[:MOST_CONTENTS],
        len(found),
        steps=(Step(now, RemovalState.ISSUED),),
    )


def concerned(
    withdrawal: Withdrawal,
    copies: Iterable[Copy],
    licenses: Iterable[License],
    owned: tuple[tuple[str, tuple[PathScope, ...]], ...],
    now: int,
) -> tuple[Removal, ...]:
    """What every licensee is told that fetched it for a withdrawn use, or holds a license over it that has not ended.

    *owned* are the paths of the policy's works, by id. A hold concerns nobody.
    """
    if withdrawal.hold:
        return ()
    fetched: dict[str, list[Copy]] = {}
    for copy in copies:
        reached = withdrawal.reaches(copy.path, copy.work) or (
            not withdrawal.licensee and bool(copy.digest) and copy.digest in withdrawal.digests
        )
        if (
            copy.licensee
            and (reached or withdrawal.licensee == copy.licensee)
            and withdrawal.stops(copy.uses)
        ):
            fetched.setdefault(copy.licensee, []).append(copy)
    held: dict[str, None] = {}
    bound: dict[str, list[License]] = {}
    alone = Withdrawn((withdrawal,), owned)
    for license in licenses:
        mine = withdrawal.licensee == license.licensee and withdrawal.stops(license.terms.purpose.uses)
        if license.site == withdrawal.site and (mine or alone.barring(license.terms)):
            bound.setdefault(license.licensee, []).append(license)
            if now < license.ends_at:
                held[license.licensee] = None
    everyone = {*fetched, *held, *filter(None, [withdrawal.licensee])}
    return tuple(
        begun(withdrawal, each, fetched.get(each, ()), bound.get(each, ()), now) for each in sorted(everyone)
    )


def _plan_days(licenses: Iterable[License]) -> int:
    """In how many days a plan is owed, 0 for none."""
    said = [
        0 if each.id.startswith(BY_FETCH) else each.terms.retention.remediation_plan_days for each in licenses
    ]
    return min(filter(None, said), default=0) if said else PLAN_DAYS


def acknowledged(removal: Removal, by: str, now: int) -> Removal:
    """The licensee knows; without effect where it said so before."""
    if removal.state is not RemovalState.ISSUED:
        return removal
    return _moved(removal, RemovalState.ACKNOWLEDGED, Step(now, RemovalState.ACKNOWLEDGED, by))


def planned(removal: Removal, text: str, by: str, now: int) -> Removal | Refusal:
    """The licensee told how and by when it removes and mitigates."""
    if removal.state is RemovalState.ATTESTED:
        return Refusal(Problem.REMOVAL_OUT_OF_ORDER, "The removal was attested; a plan comes before that.")
    return _moved(removal, RemovalState.PLANNED, Step(now, RemovalState.PLANNED, by, text))


def attested(removal: Removal, text: str, by: str, now: int) -> Removal | Refusal:
    """The licensee stated that its plan was carried out."""
    if removal.state is not RemovalState.PLANNED:
        return Refusal(
            Problem.REMOVAL_OUT_OF_ORDER,
            f"The removal is {removal.state}; an attestation comes after a plan, and once.",
            facts=(("state", str(removal.state)),),
        )
    return _moved(removal, RemovalState.ATTESTED, Step(now, RemovalState.ATTESTED, by, text))


def reminded(removal: Removal, now: int) -> Removal:
    """The same after a reminder that is due, or after the deadline; itself where nothing is."""
    if removal.overdue(now):
        return removal if removal.done("overdue") else _moved(removal, removal.state, Step(now, "overdue"))
    waits = removal.plan_due and removal.state in {RemovalState.ISSUED, RemovalState.ACKNOWLEDGED}
    if waits and now >= removal.plan_due - REMIND_SECONDS and not removal.done("reminded"):
        return _moved(removal, removal.state, Step(now, "reminded"))
    return removal


def told(removal: Removal, withdrawal: Withdrawal) -> Event:
    """The event of the last step of *removal*, for its licensee. It holds no digest: the feed does."""
    last = removal.steps[-1]
    body: dict[str, object] = {
        "withdrawal": withdrawal.id,
        "uses": sorted(withdrawal.uses),
        "since": withdrawal.since,
        "state": str(removal.state),
        "plan_due": removal.plan_due,
        "contents": removal.fetched,
        "bundle": withdrawal.bundle,
        "path": f"/.licet/withdrawals/{withdrawal.id}",
    }
    return event(
        f"withdrawal.{last.act}",
        at=last.at,
        site=removal.site,
        licensee=removal.licensee,
        subject=withdrawal.id,
        nth=f"{removal.licensee} {removal.version}",
        body=body,
    )


def lifted(removal: Removal, by: str, now: int) -> Removal:
    """The same after the withdrawal was lifted."""
    return _moved(removal, removal.state, Step(now, "readmitted", by))


def _moved(removal: Removal, state: RemovalState, step: Step) -> Removal:
    return replace(removal, state=state, steps=(*removal.steps, step), version=removal.version + 1)
