"""The operator's calendar of duties: what is late, what waits for a word, what comes; and the page of one.

========================================  =====================================
``/duties``                               the calendar, what is late first;
                                          ``?licensee=ID`` of one licensee,
                                          ``?sort=`` one list, page by page
``/duties/ID``                            one duty, with its forms
``/duties/ID/evidence/SHA256``            a document, to be saved and not shown
``/duties/ID/accept|reject|excuse|veto``  POST: the creator's word on it
========================================  =====================================

Every form names the version that was read; where another one stands by now,
nothing is done and the page is shown anew with what was typed. What a licensee
handed in is hostile: it is saved as a file of no type, and never drawn.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, Keyed, add_table, moment, read_table
from gateway.licenses.contract import NOTICE
from gateway.licenses.duties import Part, Tally, plan_what_is_not
from gateway.licenses.duty_book import DutyBook, Judged
from gateway.licenses.obligations import DAY, LONGEST_WHY, Evidence, Kind, Obligation, State
from gateway.licenses.output_review import review_by, reviewed
from gateway.problems import Problem, Refusal

#: How many of each part stand in the calendar, and how many that are done.
MOST_SHOWN: Final = 500
_DONE_SHOWN: Final = 50
_PLACE: Final = re.compile(r"([0-9]{1,12})\.([!-~]{1,128})", re.ASCII)
#: The licenses that were suspended when a request came, by id; one answer says the same of each throughout.
_SUSPENDED: Final[web.RequestKey[dict[str, str]]] = web.RequestKey("licet.duties.suspended", dict)
_SOON: Final = 30 * DAY
_NEAR: Final = 183 * DAY
_ENDINGS: Final = {"application/json": "json", "application/pdf": "pdf", "text/plain": "txt"}
#: Each kind as people read it.
KINDS: Final[Mapping[Kind, str]] = {
    Kind.REPORT: "Transparency report",
    Kind.OUTPUT_SAMPLES: "Samples of output",
    Kind.ATTRIBUTION: "Attribution",
    Kind.INSURANCE: "Proof of insurance",
    Kind.MODEL_CARD: "Model card",
    Kind.ANSWER: "Answer to a veto",
}
_WORDS: Final[Mapping[State, str]] = {
    State.OPEN: "open",
    State.OVERDUE: "overdue",
    State.DELIVERED: "handed in",
    State.ACCEPTED: "accepted",
    State.REJECTED: "sent back",
    State.VETOED: "vetoed",
    State.EXCUSED: "waived",
}
#: What an act came to, by the word in the address that a browser is sent to.
_SAID: Final[Mapping[str, str]] = {
    "accept": "Accepted. Nothing more is asked for this duty.",
    "reject": "Sent back. The licensee reads your reason and has 14 days at least.",
    "excuse": "Waived. A license that it suspended holds again.",
    "veto": "Vetoed. The licensee has 30 days to say what it does about it.",
}


@dataclass(frozen=True, slots=True)
class DutyRow:
    """One duty as the calendar lists it. *suspends* says that its license is suspended for it."""

    duty: Obligation
    state: State
    licensee: str
    suspends: bool

    @property
    def kind(self) -> str:
        """What it is, for people."""
        return KINDS[self.duty.kind]

    @property
    def word(self) -> str:
        """Where it stands, for people."""
        return _WORDS[self.state]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The rows of each part of the page; the later ones by month, and after half a year by year."""

    late: tuple[DutyRow, ...]
    waiting: tuple[DutyRow, ...]
    soon: tuple[DutyRow, ...]
    later: tuple[tuple[str, tuple[DutyRow, ...]], ...]
    done: tuple[DutyRow, ...]
    many: bool


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was typed and could not be done."""

    act: str = ""
    why: str = ""
    samples: str = ""
    trouble: str = ""


def calendar_of(rows: Iterable[DutyRow], now: int, *, many: bool = False) -> Calendar:
    """Put *rows*, the earliest deadline first, where they belong at *now*. Each stands in one place."""
    parts: dict[str, list[DutyRow]] = {"late": [], "waiting": [], "soon": [], "later": [], "done": []}
    for row in rows:
        if row.state is State.OVERDUE:
            parts["late"].append(row)
        elif row.state is State.DELIVERED:
            parts["waiting"].append(row)
        elif not row.duty.unmet:
            parts["done"].append(row)
        else:
            parts["soon" if row.duty.deadline <= now + _SOON else "later"].append(row)
    months = groupby(parts["later"], key=lambda row: _when(row.duty.deadline, now))
    return Calendar(
        tuple(parts["late"]),
        tuple(parts["waiting"]),
        tuple(parts["soon"]),
        tuple((month, tuple(found)) for month, found in months),
        tuple(reversed(parts["done"]))[:_DONE_SHOWN],
        many,
    )


def key_of(duty: Obligation) -> str:
    """The ``after`` of the page behind *duty*; it holds where the list went on, whatever becomes of the duty."""
    return f"{duty.deadline}.{duty.id}"


def place_in(after: str) -> tuple[int, str] | None:
    """The place that *after* names; None where it is none.

    >>> place_in("1795000000.du_7"), place_in("du_7")
    ((1795000000, 'du_7'), None)
    """
    found = _PLACE.fullmatch(after)
    return (int(found[1]), found[2]) if found else None


def _when(deadline: int, now: int) -> str:
    """The month of *deadline*, or its year where that is far away."""
    at = datetime.fromtimestamp(deadline, UTC)
    return f"{at:%B %Y}" if deadline < now + _NEAR else f"Later, in {at:%Y}"


_CELLS: Final[Cells] = {
    "id": lambda row: row.duty.id,
    "until": lambda row: moment(row.duty.deadline),
    "state": lambda row: str(row.state),
    "licensee": lambda row: row.duty.licensee,
    "name": lambda row: row.licensee,
    "kind": lambda row: str(row.duty.kind),
    "asked": lambda row: row.duty.asked,
    "license": lambda row: row.duty.license,
    "suspends": lambda row: "yes" if row.suspends else "no",
}

_DOCUMENT_CELLS: Final[Cells] = {
    "when": lambda row: moment(row.at),
    "document": lambda row: row.name or row.media_type,
    "media_type": lambda row: row.media_type,
    "holds_until": lambda row: moment(row.holds_until),
    "bytes": lambda row: row.size,
    "sha256": lambda row: row.sha256,
}
_DUE_CELLS: Final[Cells] = {
    "part": lambda row: row.part,
    "due": lambda row: str(row.amount),
    "from": lambda row: row.basis,
}


class DutyPages:
    """Draws the pages of duties and does what their forms say."""

    def __init__(self, book: DutyBook, frame: Frame, clock: Clock) -> None:
        """Act by *book*; draw in *frame*."""
        self._book, self._frame, self._clock = book, frame, clock
        self._rows = Keyed(self._behind, lambda row: key_of(row.duty))

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/duties", self._list)
        add_table(router, "/duties", _CELLS, self._rows)
        router.add_get("/duties/{id}", self._one)
        add_table(router, "/duties/{id}/documents", _DOCUMENT_CELLS, self._documents)
        add_table(router, "/duties/{id}/due", _DUE_CELLS, self._due)
        router.add_get("/duties/{id}/evidence/{sha256}", self._evidence)
        for name, act in (
            ("accept", self._accept), ("reject", self._reject), ("excuse", self._excuse), ("veto", self._veto),
        ):  # fmt: skip
            router.add_post(f"/duties/{{id}}/{name}", self._judged(name, act))

    async def _behind(self, request: web.Request, after: str, most: int) -> list[DutyRow] | None:
        place = place_in(after) if after else None
        if after and place is None:
            return None
        if not after:
            await self._planned()
        wanted = request.query.get("licensee", "")
        return await self._told(request, await self._book.duties.everything(most, place, licensee=wanted))

    async def _planned(self) -> None:
        while await plan_what_is_not(self._book.duties):
            pass

    async def _told(self, request: web.Request, found: Sequence[Obligation]) -> list[DutyRow]:
        ids = {each.licensee for each in found}
        known = {id: await self._book.register.licensee(id) for id in ids}
        names = {id: licensee.name for id, licensee in known.items() if licensee}
        suspended = await self._suspended(request)
        return [self._row(each, names, suspended, self._now()) for each in found]

    async def _suspended(self, request: web.Request) -> Mapping[str, str]:
        found = request.get(_SUSPENDED)
        if found is None:
            found = request[_SUSPENDED] = dict((await self._book.register.revocations()).suspended)
        return found

    async def _list(self, request: web.Request) -> web.StreamResponse:
        now, wanted = self._now(), request.query.get("licensee", "")
        await self._planned()
        view = read_table(request, _CELLS)
        flat = bool(view.order.name or view.after or view.mistakes)
        shown, view = await self._rows.page(request, _CELLS) if flat else ([], view)
        tally = await self._book.duties.tally(
            now, now + _SOON, await self._suspended(request), licensee=wanted
        )
        names = {each.id: each.name for each in await self._book.register.licensees()}
        context = {
            "view": replace(view, kept=(("licensee", wanted),) if wanted else ()),
            "sorted": shown,
            "flat": flat,
            "calendar": None if flat else await self._calendar(request, tally, now, wanted),
            "empty": not await self._book.duties.everything(1, licensee=wanted),
            "tally": tally,
            "holders": sorted((names.get(id, id), id) for id in await self._book.duties.holders()),
            "wanted": wanted,
            "now_us": now * 1_000_000,
        }
        return self._frame.render(request, "duties.html", context, status=400 if view.mistakes else 200)

    async def _calendar(self, request: web.Request, tally: Tally, now: int, wanted: str) -> Calendar:
        """The calendar of *wanted*, or of everybody: at most `MOST_SHOWN` of a part."""
        found: list[Obligation] = []
        for part, most in ((Part.UNMET, MOST_SHOWN), (Part.WAITING, MOST_SHOWN), (Part.DONE, _DONE_SHOWN)):
            rows = await self._book.duties.part(part, now, most, licensee=wanted)
            found += reversed(rows) if part is Part.DONE else rows
        many = max(tally.unmet, tally.waiting) > MOST_SHOWN
        return calendar_of(await self._told(request, found), now, many=many)

    async def _documents(self, request: web.Request) -> list[Evidence]:
        return [*reversed((await self._found(request)).evidence)]

    async def _due(self, request: web.Request) -> Iterable[Any]:
        return (await self._reported(await self._found(request))).amounts

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, await self._found(request))

    async def _evidence(self, request: web.Request) -> web.StreamResponse:
        duty, sha256 = await self._found(request), request.match_info["sha256"]
        known = next((each for each in duty.evidence if each.sha256 == sha256), None)
        octets = await self._book.shelf.read(sha256) if known else None
        if known is None or octets is None:
            raise web.HTTPNotFound
        name = f"{duty.kind}-{sha256[:12]}.{_ENDINGS.get(known.media_type, 'bin')}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Type": "application/octet-stream",
        }
        return web.Response(body=octets, headers=headers)

    def _judged(
        self, name: str, act: Callable[[str, Mapping[str, str]], Awaitable[Obligation | Refusal]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def judge(request: web.Request) -> web.StreamResponse:
            typed = await self._frame.form_of(request)
            duty = await self._found(request)
            made = await act(duty.id, typed)
            if not isinstance(made, Refusal):
                return web.Response(status=303, headers={"Location": f"/duties/{duty.id}?done={name}"})
            trouble = f"{made.problem.title}. {made.detail}"
            if made.problem is Problem.VERSION_OUTDATED:
                trouble = "It changed after you opened the page. Nothing was done; what you typed is kept."
            sent = _Sent(name, typed.get("why", ""), typed.get("samples", ""), trouble)
            status = 400 if made.problem is Problem.DOCUMENT_INVALID else 409
            return await self._page(request, await self._found(request), sent, status=status)

        return judge

    async def _accept(self, id: str, typed: Mapping[str, str]) -> Obligation | Refusal:
        return await self._book.accept(id, self._now(), version=typed.get("version") or "none")

    async def _reject(self, id: str, typed: Mapping[str, str]) -> Obligation | Refusal:
        why, version = _line(typed), typed.get("version") or "none"
        return await self._book.reject(id, why, self._now(), version=version)

    async def _excuse(self, id: str, typed: Mapping[str, str]) -> Obligation | Refusal:
        why, version = _line(typed), typed.get("version") or "none"
        return await self._book.excuse(id, why, self._now(), version=version)

    async def _veto(self, id: str, typed: Mapping[str, str]) -> Obligation | Refusal:
        words = typed.get("samples", "").replace(",", " ").split()
        if not all(each.isascii() and each.isdigit() and len(each) <= 4 for each in words):
            return Refusal(Problem.DOCUMENT_INVALID, "The samples are numbers such as 1, 3.")
        version = typed.get("version") or "none"
        return await self._book.veto(
            id, [int(each) for each in words], _line(typed), self._now(), version=version
        )

    async def _page(
        self, request: web.Request, duty: Obligation, sent: _Sent | None = None, *, status: int = 200
    ) -> web.StreamResponse:
        now = self._now()
        licensee = await self._book.register.licensee(duty.licensee)
        suspended = dict((await self._book.register.revocations()).suspended)
        names = {licensee.id: licensee.name} if licensee else {}
        judged = await self._reported(duty)
        context = {
            "row": self._row(duty, names, suspended, now),
            "duty": duty,
            "said": suspended.get(duty.license, ""),
            "amounts": judged.amounts,
            "outside": judged.outside,
            "doubts": judged.doubts,
            "is_samples": duty.kind is Kind.OUTPUT_SAMPLES,
            "review_by": review_by(duty),
            "sent": sent or _Sent(),
            "done": _SAID.get(request.query.get("done", ""), "") if sent is None else "",
            "notice": NOTICE,
            "longest": LONGEST_WHY,
        }
        return self._frame.render(request, "duty.html", context, status=status)

    async def _reported(self, duty: Obligation) -> Judged:
        kept = [each for each in await self._book.duties.reports(duty.license) if each.duty == duty.id]
        license = await self._book.register.license(duty.license)
        if not kept or license is None:
            return Judged()
        return await self._book.judged(kept[-1].report, license)

    def _row(
        self, duty: Obligation, names: Mapping[str, str], suspended: Mapping[str, str], now: int
    ) -> DutyRow:
        name = names.get(duty.licensee, duty.licensee)
        return DutyRow(duty, reviewed(duty, now), name, duty.unmet and duty.license in suspended)

    async def _found(self, request: web.Request) -> Obligation:
        found = await self._book.duties.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _line(typed: Mapping[str, str]) -> str:
    # A browser sends the ends of lines as the two characters of HTTP.
    return typed.get("why", "").replace("\r\n", "\n")
