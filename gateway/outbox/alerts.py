"""What the operator should hear of at once, as events: each case once a day, however often it is seen. Pure.

===================  =========================================================
``crawler.ignored``   a crawler came for what rules and robots.txt refuse it
``crawler.spoofed``   somebody used a crawler's name who is not it
``crawler.newcomer``  a name came by that the catalog does not know; told once
``budget.low``        four fifths of a license's budget are spent, then all but
                      a twentieth; told once each, to its licensee too
``list.stale``        lists of crawlers' addresses are too old to go by
``disk.low``          the disk is nearly full
===================  =========================================================

That a report is overdue is `licenses.duty_events`' ``duty.overdue``. An event
names no address and holds no header: what is personal stays in the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.event import Event, event
from gateway.visitors.product_token import signs

#: Every type, and when it is told.
EVENTS: Final[Mapping[str, str]] = {
    "crawler.ignored": "A crawler came for what the rules and robots.txt refuse it.",
    "crawler.spoofed": "Somebody used the name of a crawler that it is not.",
    "crawler.newcomer": "A name came by that the catalog does not know.",
    "budget.low": "Most of the budget of a license is spent.",
    "list.stale": "A list of a crawler's addresses is too old to go by.",
    "disk.low": "The disk of the data folder is nearly full.",
}
TYPES: Final = tuple(EVENTS)
#: Those that the licensee whom they concern hears as well.
TO_LICENSEES: Final = frozenset({"budget.low"})
_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
#: The JSON Schema (draft 2020-12) of what stands in ``data`` beside ``site`` and ``licensee``.
SCHEMAS: Final[Mapping[str, Mapping[str, Any]]] = {
    name: {"type": "object", "properties": dict(members), "required": list(members)}
    for name, members in {
        "crawler.ignored": {"crawler": _TEXT, "fetches": _WHOLE, "served": _WHOLE, "day": _TEXT},
        "crawler.spoofed": {"crawler": _TEXT, "fetches": _WHOLE, "served": _WHOLE, "day": _TEXT},
        "crawler.newcomer": {"name": _TEXT, "fetches": _WHOLE},
        "budget.low": {"license": _TEXT, "spent_percent": _WHOLE, "path": _TEXT},
        "list.stale": {
            "lists": {"type": "array", "items": _TEXT}, "count": _WHOLE, "days": _WHOLE, "day": _TEXT,
        },
        "disk.low": {"free_mb": _WHOLE, "day": _TEXT},
    }.items()
}  # fmt: skip
#: Lists that one event names.
_NAMED: Final = 20
#: At how many percent of a budget it is told.
BUDGET_STEPS: Final = (80, 95)
#: Names in a User-Agent that say what is read with, not who reads.
_READERS: Final = frozenset(
    {
        "mozilla", "compatible", "applewebkit", "khtml", "gecko", "chrome", "safari", "version", "mobile",
        "firefox", "edg", "opr", "http", "https", "headlesschrome",
    }
)  # fmt: skip
_NAME: Final = re.compile(r"(?<![A-Za-z0-9./_-])([A-Za-z][A-Za-z0-9_.-]{1,39})(?=/|;|$| \()", re.ASCII)


@dataclass(frozen=True, slots=True)
class Came:
    """Fetches alike: at *site*, by *crawler*, its *identity*, what the rules said, how many, and how many were served."""

    site: str
    crawler: str
    identity: str
    verdict: str
    fetches: int
    served: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """Fetches at *site* by a User-Agent that no name of the catalog is in."""

    site: str
    user_agent: str
    fetches: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What of the budget of a license is spent. Amounts are micro-units; None is no limit."""

    license: str
    licensee: str
    site: str
    budget_micros: int | None
    budget_fetches: int | None
    micros: int
    fetches: int

    @property
    def percent(self) -> int:
        """How much of it, rounded down: of money or of fetches, whichever is nearer to its end."""
        parts = ((self.micros, self.budget_micros), (self.fetches, self.budget_fetches))
        return max((100 * spent // most for spent, most in parts if most), default=0)


def of_crawlers(came: Iterable[Came], at: int) -> tuple[Event, ...]:
    """Who was refused and came all the same, and who was not who it said; *at* is whole seconds."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for each in came:
        spoofed = each.identity == "spoofed"
        if not each.crawler or not (spoofed or each.verdict == "refuse"):
            continue
        kind = "crawler.spoofed" if spoofed else "crawler.ignored"
        found = sums.setdefault((kind, each.site, each.crawler), [0, 0])
        found[0] += each.fetches
        found[1] += each.served
    day = day_of(at)
    return tuple(
        event(
            kind, at=at, site=site, subject=crawler[:80], nth=day,
            body={"crawler": crawler[:80], "fetches": fetches, "served": served, "day": day},
        )
        for (kind, site, crawler), (fetches, served) in sums.items()
    )  # fmt: skip


def of_newcomers(unknown: Iterable[Unknown], at: int) -> tuple[Event, ...]:
    """Names that came by and are in no catalog; a User-Agent without one tells of none."""
    sums: dict[tuple[str, str], int] = {}
    for each in unknown:
        name = name_in(each.user_agent)
        if name:
            sums[each.site, name] = sums.get((each.site, name), 0) + each.fetches
    return tuple(
        event("crawler.newcomer", at=at, site=site, subject=name, body={"name": name, "fetches": fetches})
        for (site, name), fetches in sums.items()
    )


def of_budgets(spent: Iterable[Spent], at: int) -> tuple[Event, ...]:
    """Licenses whose budget is nearly spent, at the highest step that each has reached."""
    found = []
    for each in spent:
        step = max((step for step in BUDGET_STEPS if each.percent >= step), default=0)
        if step:
            body = {
                "license": each.license,
                "spent_percent": min(each.percent, 100),
                "path": f"/.licet/licenses/{each.license}",
            }
            # A budget that grows has its steps again.
            nth = f"{step}.{each.budget_micros}.{each.budget_fetches}"
            found.append(
                event("budget.low", at=at, site=each.site, licensee=each.licensee, subject=each.license, nth=nth, body=body)
            )  # fmt: skip
    return tuple(found)


def of_lists(ages: Mapping[str, int], at: int) -> tuple[Event, ...]:
    """One event where any list is stale: which ones, by name with their age in days, the oldest first."""
    if not ages:
        return ()
    oldest = sorted(ages, key=lambda name: (-ages[name], name))
    day = day_of(at)
    body = {"lists": oldest[:_NAMED], "count": len(ages), "days": ages[oldest[0]], "day": day}
    return (event("list.stale", at=at, site="", subject=oldest[0], nth=day, body=body),)


def of_disk(free_bytes: int, least_bytes: int, at: int) -> tuple[Event, ...]:
    """One event where less than *least_bytes* are free."""
    if free_bytes >= least_bytes:
        return ()
    day = day_of(at)
    return (
        event("disk.low", at=at, site="", subject="disk", nth=day, body={"free_mb": free_bytes >> 20, "day": day}),
    )  # fmt: skip


def name_in(user_agent: str) -> str:
    """The name that a User-Agent gives itself, or ""; that of a library is none.

    >>> name_in("Mozilla/5.0 (compatible; HarborBot/2.0; +https://harbor.example/bot)")
    'HarborBot'
    >>> name_in("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0")
    ''
    """
    if "ua_library" in signs(user_agent).automated:
        return ""  # what somebody reads with is the name of nobody
    for found in _NAME.finditer(user_agent[:512]):
        name = found[1]
        after = user_agent[found.end() : found.end() + 1]
        if name.lower() not in _READERS and after == "/" and "://" not in name:
            return "" if name.lower() in {"linux", "windows"} else name
    return ""


def day_of(at: int) -> str:
    """The day of *at*, whole seconds, in UTC: ``2026-11-26``."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
