"""People who were taken for machines and say so: their reports, what came of each, and how many a week.

A report names the request that was refused and the network that it came from,
and nothing else of who sent it. A storage port, implemented by `store.memory`
and `store.sqlite`; both pass `tests/conformance/test_person_reports.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.event import Event, event

#: The longest note of somebody who reports, in characters.
LONGEST_NOTE: Final = 500
#: Reports that may wait at once; more are turned away, so that nobody fills the inbox.
MOST_OPEN: Final = 500
WEEK: Final = 7 * 86_400
HOUR: Final = 3_600
#: The type of the event that somebody reported; see `reported`.
REPORTED: Final = "person.reported"
OPEN: Final = "open"
DISMISSED: Final = "dismissed"
EXEMPTED: Final = "exempted"


@dataclass(frozen=True, slots=True)
class PersonReport:
    """One report.

    Attributes:
        request: the number that the refusal told, which is the id of its record.
        path: what was asked for, without a query.
        network: where it was reported from, cut to a /24 or /64.
        state: ``open``, ``dismissed`` or ``exempted``.
        exempted: what was exempted because of it: ``reason:CODE`` or ``network:CIDR``.
    """

    id: str
    site: str
    at: int
    request: str
    path: str
    network: str
    note: str = ""
    state: str = OPEN
    exempted: str = ""
    decided_at: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """What the log says of the request that a report names, while it says it: *address* may be erased already."""

    problem: str
    rule: str
    visitor_class: str
    crawler: str
    address: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """The seven days from *begins*: how many people reported, and in how many cases the owner agreed."""

    begins: int
    reported: int
    agreed: int


#: The place of a report in the list: whether it waits, when it was sent, its id.
Sent = tuple[bool, int, str]


class PersonReports(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def add(self, report: PersonReport) -> bool:
        """Keep *report*, and tell it by the event `reported`; False where as many wait as may.

        One about the same request from the same network is kept, and told, once.
        """
        ...

    async def get(self, id: str) -> PersonReport | None:
        """The report of that id."""
        ...

    async def all(self, most: int, behind: Sent | None = None) -> tuple[PersonReport, ...]:
        """Reports, those that wait first, then the newest, at most *most*, *behind* a place where it is given."""
        ...

    async def since(self, at: int) -> tuple[PersonReport, ...]:
        """Every report from second *at* on, oldest first."""
        ...

    async def decide(self, id: str, state: str, exempted: str, at: int) -> bool:
        """Say what came of it, again if need be; False where there is none."""
        ...

    async def refused(self, request: str) -> Refused | None:
        """What the log says of that request; None where it knows none."""
        ...

    async def forget(self, before: int) -> int:
        """Erase reports from before second *before*; how many."""
        ...


def reported(report: PersonReport, *, first: bool) -> Event:
    """What the operator, and nobody else, is told of *report*: neither the network nor what was written.

    *first* says that it is the first one in its hour of the clock (UTC), whatever the site: a letter
    is written about that one alone.
    """
    body = {"report": report.id, "page": report.path, "request": report.request, "first_in_hour": first}
    return event(REPORTED, at=report.at, site=report.site, subject=report.id, body=body)


def weekly(reports: Iterable[PersonReport], now: int, weeks: int = 8) -> tuple[Week, ...]:
    """How many false positives each of the last *weeks* had, the running one last. Weeks are counted back from *now*."""
    found = [[0, 0] for _ in range(weeks)]
    for each in reports:
        back = (now - each.at) // WEEK
        if 0 <= back < weeks:
            found[weeks - 1 - back][0] += 1
            found[weeks - 1 - back][1] += each.state == EXEMPTED
    return tuple(
        Week(now - (weeks - nth) * WEEK, reported, agreed) for nth, (reported, agreed) in enumerate(found)
    )
