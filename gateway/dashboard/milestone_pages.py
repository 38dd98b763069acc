"""The operator's page of milestones: what of fees waits for something to happen, who holds it, where it stands.

``/milestones`` lists them, what needs the operator first, or with ``sort=`` all
in one list, page by page. Where a milestone stands follows from the journal alone,
so the page looks at each license that has any, and keeps of what is over the last
few. Acts are commands (`licet milestones`), which the page names. What a licensee
wrote is shown as text.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

from aiohttp import web

from gateway.billing.escrow import Milestone, Proof, Standing, State
from gateway.billing.milestone_book import MilestoneBook
from gateway.billing.owing import Owing
from gateway.dashboard.exports import amounts
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, Keyed, add_table, moment, read_table
from gateway.licenses.contract import NOTICE
from gateway.licenses.register import LicenseRegister

_WORDS: Final[Mapping[State, str]] = {
    State.PLANNED: "not paid in yet", State.WAITING: "waits", State.MET: "met", State.DISPUTED: "disputed",
    State.RELEASED: "released", State.REFUNDED: "given back", State.SHARED: "divided",
}  # fmt: skip
#: How many that are over the page shows; how many licenses are looked up at once.
OVER_SHOWN: Final = 50
_AT_ONCE: Final = 100
_LICENSE: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_OVER: Final = frozenset({State.RELEASED, State.REFUNDED, State.SHARED})
#: Which command goes on from a state.
_COMMANDS: Final[Mapping[State, str]] = {
    State.PLANNED: "funded", State.WAITING: "met", State.DISPUTED: "settle",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MilestoneRow:
    """One milestone as the page lists it."""

    milestone: Milestone
    standing: Standing
    licensee: str

    @property
    def word(self) -> str:
        """Where it stands, for people."""
        return _WORDS[self.standing.state]

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.standing.state in _OVER

    @property
    def object_until(self) -> int:
        """Until when the licensee may object to what is met."""
        return self.standing.met_at + self.milestone.objection

    @property
    def command(self) -> str:
        """What the operator can enter next, or ""."""
        act = _COMMANDS.get(self.standing.state, "")
        if act == "met" and self.milestone.proof is not Proof.OPERATOR:
            return ""
        more = {"met": " --word …", "settle": " AMOUNT"}.get(act, "")
        return f"licet milestones {act} {self.milestone.license} {self.milestone.name}{more}" if act else ""

    @property
    def shown_by(self) -> str:
        """What shows that it is met, for people."""
        if self.milestone.proof is Proof.JOURNAL:
            return f"{self.milestone.items} works fetched, by the journal"
        return "a statement of the licensee" if self.milestone.proof is Proof.STATEMENT else "your word"


def parted(
    rows: Iterable[MilestoneRow],
) -> tuple[tuple[MilestoneRow, ...], tuple[MilestoneRow, ...], tuple[MilestoneRow, ...]]:
    """*rows* that need the operator, those that wait, and those that are over; the earliest to lapse first."""
    ordered = sorted(rows, key=_lapses)
    running = [row for row in ordered if not row.over]
    return (
        tuple(row for row in running if row.command),
        tuple(row for row in running if not row.command),
        tuple(row for row in ordered if row.over),
    )


def _lapses(row: MilestoneRow) -> tuple[int, str, str]:
    return row.milestone.until, row.milestone.license, row.milestone.name


@dataclass(frozen=True, slots=True)
class Milestones:
    """What the page reads."""

    owing: Owing
    book: MilestoneBook
    register: LicenseRegister


_CELLS: Final[Cells] = {
    "license": lambda row: row.milestone.license,
    "milestone": lambda row: row.milestone.name,
    "until": lambda row: moment(row.milestone.until),
    "state": lambda row: str(row.standing.state),
    "licensee": lambda row: row.milestone.licensee,
    "name": lambda row: row.licensee,
    "shown_by": lambda row: row.shown_by,
    "amount": lambda row: amounts([row.milestone.amount]),
    "released": lambda row: amounts([row.standing.released]),
    "refunded": lambda row: amounts([row.standing.refunded]),
    "holder": lambda row: row.milestone.holder.told,
}


class MilestonePages:
    """Shows the milestones of every license."""

    def __init__(self, milestones: Milestones, frame: Frame) -> None:
        """Read *milestones*; *frame* draws the page."""
        self._from, self._frame = milestones, frame
        self._rows = Keyed(self._behind, _key)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add its address."""
        router.add_get("/milestones", self._list)
        add_table(router, "/milestones", _CELLS, self._rows)

    async def _behind(self, _request: web.Request, after: str, most: int) -> list[MilestoneRow] | None:
        found: list[MilestoneRow] = []
        license, _, name = after.partition(".")
        if after:
            if not _LICENSE.fullmatch(license):
                return None
            own = await self._of(license)
            places = [nth for nth, row in enumerate(own) if row.milestone.name == name]
            if not places:
                return None
            found = own[places[0] + 1 :]
        async for row in self._each(license):
            if len(found) >= most:
                break
            found.append(row)
        return found[:most]

    async def _each(self, behind: str = "") -> AsyncIterator[MilestoneRow]:
        """Every milestone of the licenses behind that of an id, a license after the other."""
        while ids := await self._from.owing.with_milestones(_AT_ONCE, behind):
            for id in ids:
                for row in await self._of(id):
                    yield row
            behind = ids[-1]

    async def _of(self, id: str) -> list[MilestoneRow]:
        known = await self._from.book.known(id)
        held = known.held.versions
        licensee = await self._from.register.licensee(held[0].licensee) if held else None
        name = licensee.name if licensee else ""
        return [MilestoneRow(each.milestone, each.standing, name) for each in known.milestones]

    async def _list(self, request: web.Request) -> web.StreamResponse:
        view = read_table(request, _CELLS)
        flat = bool(view.order.name or view.after or view.mistakes)
        shown, view = await self._rows.page(request, _CELLS) if flat else ([], view)
        running: list[MilestoneRow] = []
        last: list[MilestoneRow] = []
        over = 0
        async for row in self._each():
            if row.over:
                over += 1
                last = nlargest(OVER_SHOWN, [*last, row], key=_lapses)
            else:
                running.append(row)
        yours, waiting, gone = parted([*running, *last])
        holders = tuple(
            dict.fromkeys(
                (each.milestone.holder.told, each.milestone.holder.sentence) for each in (*yours, *waiting)
            )
        )
        context = {
            "yours": yours, "waiting": waiting, "over": gone, "all_over": over, "holders": holders,
            "notice": NOTICE, "flat": flat, "sorted": shown, "view": view,
        }  # fmt: skip
        return self._frame.render(request, "milestones.html", context, status=400 if view.mistakes else 200)


def _key(row: MilestoneRow) -> str:
    return f"{row.milestone.license}.{row.milestone.name}"
