"""The operator's pages of milestones: what of fees waits for something to happen, who holds it, where it stands.

===================================  ==========================================
``/milestones``                      all of them, what needs the operator first,
                                     or with ``sort=`` in one list, page by page
``/milestones/LICENSE/NAME``         one, with a form for each act it allows
``/milestones/LICENSE/NAME/ACT``     POST: ``funded``, ``met`` (``word``),
                                     ``dispute`` (``why``), ``settle``
                                     (``to_creator``), ``refund``
===================================  ==========================================

Where a milestone stands follows from the journal alone, so the list looks at each
license that has any, and keeps of what is over the last few. The acts are those
of the command `licet milestones`, by the same book. A form names the state that
was read; where it stands elsewhere by now, nothing is done. What a licensee wrote
is shown as text.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Final
from urllib.parse import quote

from aiohttp import web

from gateway.billing.agreed_milestones import Waits
from gateway.billing.escrow import Milestone, Proof, Standing, State
from gateway.billing.milestone_book import LONGEST_WORD, MilestoneBook
from gateway.billing.owing import Owing
from gateway.clock import Clock
from gateway.dashboard.exports import amounts
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, Keyed, add_table, moment, read_table
from gateway.licenses.contract import NOTICE
from gateway.licenses.register import LicenseRegister
from gateway.money import Money, MoneyError
from gateway.problems import Problem, Refusal
from gateway.terms.holding import Keeps

_WORDS: Final[Mapping[State, str]] = {
    State.PLANNED: "not paid in yet", State.WAITING: "waits", State.MET: "met", State.DISPUTED: "disputed",
    State.RELEASED: "released", State.REFUNDED: "given back", State.SHARED: "divided",
}  # fmt: skip
#: How many that are over the page shows; how many licenses are looked up at once.
OVER_SHOWN: Final = 50
_AT_ONCE: Final = 100
_LICENSE: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_OVER: Final = frozenset({State.RELEASED, State.REFUNDED, State.SHARED})
#: What only the operator's word moves on, by the state that it moves.
_WORD_OF: Final[Mapping[State, str]] = {
    State.PLANNED: "funded", State.WAITING: "met", State.DISPUTED: "settle",
}  # fmt: skip
#: What each of them is called on the way there.
_ASKED: Final[Mapping[str, str]] = {
    "funded": "Say that its holder has the money", "met": "Confirm that it is met", "settle": "Settle the dispute",
}  # fmt: skip
#: What an act came to, by the word in the address that a browser is sent to.
_SAID: Final[Mapping[str, str]] = {
    "funded": "The money is there; it waits for its milestone.",
    "met": "It is met. The licensee is told, and may object for seven days; if nobody does, the money is yours.",
    "dispute": "You objected. Nothing of it moves until the dispute is settled.",
    "settle": "The dispute is over.",
    "refund": "It goes back. Whoever holds the money has to be told so by you: Licet moves none.",
}
_BY: Final = "operator"


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
    def waits_for(self) -> str:
        """The act that waits for the operator's word, or ""."""
        act = _WORD_OF.get(self.standing.state, "")
        nobody = act == "funded" and self.milestone.holder.keeps is Keeps.NOBODY
        others = act == "met" and self.milestone.proof is not Proof.OPERATOR
        return "" if nobody or others else act

    @property
    def asked(self) -> str:
        """What the operator is asked to do, or ""."""
        return _ASKED.get(self.waits_for, "")

    @property
    def command(self) -> str:
        """The command that does it, or ""."""
        more = {"met": " --word …", "settle": " AMOUNT"}.get(self.waits_for, "")
        line = f"licet milestones {self.waits_for} {self.milestone.license} {self.milestone.name}{more}"
        return line if self.waits_for else ""

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"/milestones/{quote(self.milestone.license, safe='')}/{quote(self.milestone.name, safe='')}"

    def acts(self, now: int) -> tuple[str, ...]:
        """What the operator can do about it at second *now*."""
        state = self.standing.state
        objects = state is State.WAITING or (state is State.MET and now < self.object_until)
        returns = state in {State.WAITING, State.MET, State.DISPUTED}
        found = (self.waits_for, "dispute" if objects else "", "refund" if returns else "")
        return tuple(act for act in found if act)

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
        tuple(row for row in running if row.waits_for),
        tuple(row for row in running if not row.waits_for),
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


#: What a form says, done to the milestone of that license and name.
_Act = Callable[[MilestoneRow, Mapping[str, str]], Awaitable[Waits | Refusal]]


class MilestonePages:
    """Shows the milestones of every license, and does what their forms say."""

    def __init__(self, milestones: Milestones, frame: Frame, clock: Clock) -> None:
        """Read *milestones* and act by their book; *frame* draws the pages."""
        self._from, self._frame, self._clock = milestones, frame, clock
        self._rows = Keyed(self._behind, _key)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/milestones", self._list)
        add_table(router, "/milestones", _CELLS, self._rows)
        router.add_get("/milestones/{license}/{name}", self._one)
        acts: dict[str, _Act] = {
            "funded": self._fund, "met": self._meet, "dispute": self._dispute, "settle": self._settle,
            "refund": self._refund,
        }  # fmt: skip
        for name, act in acts.items():
            router.add_post(f"/milestones/{{license}}/{{name}}/{name}", self._done(name, act))

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

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return self._page(request, await self._found(request))

    def _done(self, name: str, act: _Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def do(request: web.Request) -> web.StreamResponse:
            typed = await self._frame.form_of(request)
            row = await self._found(request)
            if typed.get("state", str(row.standing.state)) != str(row.standing.state):
                trouble = "It changed after you opened the page. Nothing was done; what you typed is kept."
                return self._page(request, row, {**typed, "act": name}, trouble, status=409)
            made = await act(row, typed)
            if not isinstance(made, Refusal):
                raise web.HTTPSeeOther(f"{row.path}?done={name}")
            trouble = f"{made.problem.title}. {made.detail}"
            status = 400 if made.problem is Problem.DOCUMENT_INVALID else 409
            return self._page(
                request, await self._found(request), {**typed, "act": name}, trouble, status=status
            )

        return do

    async def _fund(self, row: MilestoneRow, _typed: Mapping[str, str]) -> Waits | Refusal:
        return await self._from.book.fund(row.milestone.license, row.milestone.name, _BY)

    async def _meet(self, row: MilestoneRow, typed: Mapping[str, str]) -> Waits | Refusal:
        word = typed.get("word", "")
        return await self._from.book.meet(
            row.milestone.license, row.milestone.name, _BY, Proof.OPERATOR, word
        )

    async def _dispute(self, row: MilestoneRow, typed: Mapping[str, str]) -> Waits | Refusal:
        why = typed.get("why", "")
        return await self._from.book.dispute(row.milestone.license, row.milestone.name, _BY, why)

    async def _settle(self, row: MilestoneRow, typed: Mapping[str, str]) -> Waits | Refusal:
        written = typed.get("to_creator", "").split()
        currency = row.milestone.amount.currency
        try:
            part = Money.read(" ".join(written if len(written) != 1 else [*written, currency]))
        except MoneyError as error:
            return Refusal(
                Problem.DOCUMENT_INVALID, f"What is yours is an amount such as 100 {currency}: {error}."
            )
        return await self._from.book.settle(row.milestone.license, row.milestone.name, _BY, part)

    async def _refund(self, row: MilestoneRow, _typed: Mapping[str, str]) -> Waits | Refusal:
        return await self._from.book.give_back(row.milestone.license, row.milestone.name, _BY)

    async def _found(self, request: web.Request) -> MilestoneRow:
        license, name = request.match_info["license"], request.match_info["name"]
        known = (await self._from.book.known(license)).milestones
        found = next((each for each in known if each.milestone.name == name), None)
        if found is None:
            raise web.HTTPNotFound
        holder = await self._from.register.licensee(found.milestone.licensee)
        return MilestoneRow(found.milestone, found.standing, holder.name if holder else "")

    def _page(
        self, request: web.Request, row: MilestoneRow, sent: Mapping[str, str] | None = None, trouble: str = "",
        *, status: int = 200,
    ) -> web.StreamResponse:  # fmt: skip
        context = {
            "row": row, "acts": row.acts(self._clock.now_us() // 1_000_000), "command": row.command,
            "shown_by": row.shown_by, "word": row.word, "object_until": row.object_until,
            "held": row.milestone.holder.sentence, "called": row.milestone.holder.told,
            "sent": {"act": "", **(sent or {})}, "trouble": trouble, "longest": LONGEST_WORD, "notice": NOTICE,
            "done": "" if trouble else _SAID.get(request.query.get("done", ""), ""),
        }  # fmt: skip
        return self._frame.render(request, "milestone.html", context, status=status)


def _key(row: MilestoneRow) -> str:
    return f"{row.milestone.license}.{row.milestone.name}"
