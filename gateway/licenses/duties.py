"""Where duties, the reports that met them and audits rest: two storage ports.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_duties.py` and `test_audits.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.event import Event
from gateway.licenses.audit_cases import AuditCase
from gateway.licenses.license import License
from gateway.licenses.obligations import Obligation, schedule
from gateway.licenses.transparency import TransparencyReport

#: How many licenses are planned in one go.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report that met the duty *duty* of *license* at second *at*."""

    duty: str
    license: str
    at: int
    report: TransparencyReport


class Part(StrEnum):
    """What a duty waits for: its licensee, the creator's word (`output_review.waits_until`), or nothing."""

    UNMET = "unmet"
    WAITING = "waiting"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many duties there are at one moment.

    *late*, *soon* and *later* are unmet, *waiting* wait for the creator's word;
    *licenses* are those of the named licenses that have a duty.
    """

    late: int
    soon: int
    later: int
    waiting: int
    licenses: int

    @property
    def unmet(self) -> int:
        """How many are still to be handed in."""
        return self.late + self.soon + self.later


class Duties(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def unplanned(self, most: int, *, licensee: str = "") -> tuple[License, ...]:
        """Licenses whose duties were not planned, of *licensee* if one is named, at most *most*.

        Licenses for one fetch and those that were revoked are left out. A renewal
        has duties of its own; an amendment keeps those of the term it is in.
        """
        ...

    async def plan(self, license: License, duties: Sequence[Obligation]) -> int:
        """Keep those of *duties* that are not there yet, and that *license* is planned; how many were kept."""
        ...

    async def get(self, id: str) -> Obligation | None:
        """The duty of that id."""
        ...

    async def of(self, licensee: str, site: str) -> tuple[Obligation, ...]:
        """Every duty of *licensee* on *site*, the earliest deadline first."""
        ...

    async def of_license(self, license: str) -> tuple[Obligation, ...]:
        """Every duty of *license*, the earliest deadline first."""
        ...

    async def unmet(self, until: int, most: int) -> tuple[Obligation, ...]:
        """Those still to be handed in whose deadline is at *until* or before, the earliest first, at most *most*.

        Duties of licenses that were revoked are left out: nobody is reminded of them.
        """
        ...

    async def everything(
        self, most: int, behind: tuple[int, str] | None = None, *, licensee: str = ""
    ) -> tuple[Obligation, ...]:
        """At most *most* duties by `Obligation.place`, of *licensee* if one is named, *behind* a place if one is given."""
        ...

    async def part(self, part: Part, now: int, most: int, *, licensee: str = "") -> tuple[Obligation, ...]:
        """At most *most* of one part at *now*, of *licensee* if one is named.

        The earliest deadline comes first; of those that are done the latest.
        """
        ...

    async def tally(
        self, now: int, soon: int, licenses: Collection[str] = (), *, licensee: str = ""
    ) -> Tally:
        """How many there are at *now*, of *licensee* if one is named; what is due until *soon* is soon."""
        ...

    async def holders(self) -> tuple[str, ...]:
        """The ids of the licensees that have a duty, in order."""
        ...

    async def put(
        self,
        old_version: str,
        new: Obligation,
        *,
        at: int,
        report: TransparencyReport | None = None,
        also: Sequence[Obligation] = (),
        events: Sequence[Event] = (),
    ) -> bool:
        """Keep *new* in place of the duty of its id whose `version` is *old_version*.

        With it, or not at all: *report* that met it, the duties *also* that come
        of it, *events*; and where *new* is met, the suspension whose cause it is
        is lifted at *at*. False, and nothing changed, where another version
        stands there.
        """
        ...

    async def suspend(self, duty: Obligation, said: str, at: int) -> bool:
        """Suspend the license of *duty*, whose id is the cause, and keep the event.

        False, and nothing changed, where *duty* is at another version by now, or
        its cause stands already.
        """
        ...

    async def tell(self, events: Sequence[Event]) -> None:
        """Keep *events*; one whose id is there already is the same one."""
        ...

    async def reports(self, license: str) -> tuple[KeptReport, ...]:
        """The reports of *license*, oldest first; of several for one duty all, the last of which counts."""
        ...


class Audits(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def put(
        self, old_version: str, new: AuditCase, *, seen: int = 0, events: Sequence[Event] = ()
    ) -> bool:
        """Keep *new* and *events* in place of the audit of its id whose `version` is *old_version*.

        "" is for one that is not there; it is kept only if *seen* audits of its
        license are, so that of concurrent requests no more are kept than were
        counted. False, and nothing changed, where it is otherwise.
        """
        ...

    async def get(self, id: str) -> AuditCase | None:
        """The audit of that id."""
        ...

    async def of(self, licensee: str, site: str) -> tuple[AuditCase, ...]:
        """Every audit of *licensee* on *site*, oldest first."""
        ...

    async def of_license(self, license: str) -> tuple[AuditCase, ...]:
        """Every audit of *license*, oldest first."""
        ...

    async def everything(self, most: int) -> tuple[AuditCase, ...]:
        """At most *most* audits, the newest first."""
        ...

    async def listed(self, most: int, behind: tuple[int, int, str] | None = None) -> tuple[AuditCase, ...]:
        """At most *most* audits by `AuditCase.place`, the greatest first, those *behind* a place where one is given."""
        ...


async def plan_what_is_not(duties: Duties, *, licensee: str = "") -> int:
    """Plan the duties of licenses that have none yet, of *licensee* if one is named; how many licenses.

    Whoever does it at the same time plans the same.
    """
    found = await duties.unplanned(_AT_ONCE, licensee=licensee)
    for license in found:
        await duties.plan(license, schedule(license))
    return len(found)
