"""What waits for the operator, each with the page that ends it: the first screen's answer to "what should I change".

Only what somebody can do something about stands here, and nothing that has no
page. Each line is asked for by whoever may see its page; a store that does not
answer leaves its line out, and the page that the line leads to says so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.billing.line_disputes import Disputed
from gateway.dashboard.filters import Decision
from gateway.dashboard.hook_pages import BY_OPERATOR
from gateway.dashboard.rooms import Rooms
from gateway.licenses.negotiations import Sought, Stand
from gateway.money import Money
from gateway.outbox.endpoints import Reach
from gateway.problems import StoreUnavailable
from gateway.visitors.person_reports import OPEN

#: How many of each kind are looked at; more are "200 and more".
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line: how *many* there are, what they are in words, and where to go on."""

    many: int
    said: str
    path: str

    @property
    def number(self) -> str:
        """How many, as it is read.

        >>> Waiting(200, "duties are late", "/duties").number
        '200 and more'
        """
        return f"{_MOST} and more" if self.many >= _MOST else str(self.many)


async def waiting(rooms: Rooms, now: int, may: Callable[[str], bool]) -> tuple[Waiting, ...]:
    """What waits at *now*, the dearest delay first; *may* says whether the reader may see a page."""
    asked: tuple[tuple[str, str, str, Callable[[Rooms, int], Awaitable[int]]], ...] = (
        ("/deals?stand=waiting", "negotiation waits for your word", "negotiations wait for your word", _deals),
        ("/consent#waiting", "objection waits for a decision", "objections wait for a decision", _objections),
        ("/billing#disputes", "line of an invoice is in dispute", "lines of invoices are in dispute", _disputes),
        ("/refused", "person says we were mistaken", "people say we were mistaken", _people),
        ("/duties", "duty of a licensee is late", "duties of licensees are late", _duties),
        ("/webhooks", "webhook does not get through", "webhooks do not get through", _hooks),
    )  # fmt: skip
    found = []
    for path, one, several, ask in asked:
        if not may(path.partition("?")[0].partition("#")[0]):
            continue
        try:
            many = await ask(rooms, now)
        except StoreUnavailable:
            continue
        if many:
            found.append(Waiting(many, one if many == 1 else several, path))
    return tuple(found)


def loose(decisions: Mapping[Decision, int], modes: Mapping[str, str]) -> Waiting | None:
    """What was served against the rules in the period, where *modes* of sites let it; None where they bind."""
    many = decisions[Decision.OPEN]
    soft = sorted(site for site, mode in modes.items() if mode in {"observe", "offer"})
    if not many or not soft:
        return None
    said = "fetches" if many != 1 else "fetch"
    return Waiting(
        many, f"{said} would be paid or refused if the rules bound at {', '.join(soft)}", "/setup#modes"
    )


async def owed(rooms: Rooms, may: Callable[[str], bool]) -> tuple[Money, ...] | None:
    """What is open on invoices, by currency; None where nothing is billed here, or the reader may not see it."""
    if rooms.bills is None or rooms.bills.office is None or not may("/billing"):
        return None
    sums: dict[str, Money] = {}
    try:
        for licensee in await rooms.bills.names():
            for each in await rooms.bills.office.standings(licensee):
                sums[each.open.currency] = (
                    sums.get(each.open.currency, Money(0, each.open.currency)) + each.open
                )
    except StoreUnavailable:
        return None
    return tuple(each for _, each in sorted(sums.items()) if each)


async def _deals(rooms: Rooms, _now: int) -> int:
    if rooms.deals is None:
        return 0
    return len(await rooms.deals.negotiations.search(Sought(Stand.WAITING), most=_MOST))


async def _objections(rooms: Rooms, _now: int) -> int:
    if rooms.consents is None:
        return 0
    return sum(not each.state.is_over for each in await rooms.consents.hearing.store.all(_MOST))


async def _disputes(rooms: Rooms, _now: int) -> int:
    if rooms.bills is None or rooms.bills.office is None:
        return 0
    found = await rooms.bills.office.disputes.of("", _MOST)
    return sum(each.state is Disputed.OPEN for each in found)


async def _people(rooms: Rooms, _now: int) -> int:
    if rooms.people is None:
        return 0
    return sum(each.state == OPEN for each in await rooms.people.reports.all(_MOST))


async def _duties(rooms: Rooms, now: int) -> int:
    if rooms.duties is None:
        return 0
    return len(await rooms.duties.duties.unmet(now, _MOST))


async def _hooks(rooms: Rooms, _now: int) -> int:
    if rooms.hooks is None:
        return 0
    found = await rooms.hooks.endpoints.all()
    # What the operator switched off waits for nobody.
    return sum(
        bool(each.tries) if each.reach is Reach.ON else each.why not in {"", BY_OPERATOR} for each in found
    )
