"""The operator's page of milestones: what of fees waits for something to happen, who holds it, where it stands.

``/milestones`` lists them, what needs the operator first, or with ``sort=`` all
in one list. Acts are commands
(`licet milestones`), which the page names. What a licensee wrote is shown as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.billing.agreed_milestones import Waits
from gateway.billing.escrow import Milestone, Proof, Standing, State
from gateway.billing.milestone_book import MilestoneBook
from gateway.billing.owing import Owing
from gateway.dashboard.exports import amounts
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, add_table, moment, read_table
from gateway.licenses.contract import NOTICE
from gateway.licenses.register import LicenseRegister

_WORDS: Final[Mapping[State, str]] = {
    State.PLANNED: "not paid in yet", State.WAITING: "waits", State.MET: "met", State.DISPUTED: "disputed",
    State.RELEASED: "released", State.REFUNDED: "given back", State.SHARED: "divided",
}  # fmt: skip
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
    ordered = sorted(rows, key=lambda row: (row.milestone.until, row.milestone.license, row.milestone.name))
    over = tuple(row for row in ordered if row.standing.state in _OVER)
    yours = tuple(row for row in ordered if row not in over and row.command)
    return yours, tuple(row for row in ordered if row not in over and row not in yours), over


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

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add its address."""
        router.add_get("/milestones", self._list)
        add_table(router, "/milestones", _CELLS, self._rows)

    async def _rows(self, _request: web.Request) -> list[MilestoneRow]:
        names = {each.id: each.name for each in await self._from.register.licensees()}
        found: list[Waits] = []
        for id in await self._from.owing.signs():
            found += (await self._from.book.known(id)).milestones
        return [
            MilestoneRow(each.milestone, each.standing, names.get(each.milestone.licensee, ""))
            for each in found
        ]

    async def _list(self, request: web.Request) -> web.StreamResponse:
        view, rows = read_table(request, _CELLS), await self._rows(request)
        yours, waiting, over = parted(rows)
        holders = tuple(
            dict.fromkeys(
                (each.milestone.holder.told, each.milestone.holder.sentence) for each in (*yours, *waiting)
            )
        )
        flat = bool(view.order.name or view.after or view.mistakes)
        shown, view = view.page(rows, _CELLS, _key) if flat else ([], view)
        context = {
            "yours": yours, "waiting": waiting, "over": over, "holders": holders, "notice": NOTICE,
            "flat": flat, "sorted": shown, "view": view,
        }  # fmt: skip
        return self._frame.render(request, "milestones.html", context, status=400 if view.mistakes else 200)


def _key(row: MilestoneRow) -> str:
    return f"{row.milestone.license}.{row.milestone.name}"
