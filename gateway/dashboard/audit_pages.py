"""The operator's audits: what was asked for, who looks at what, what was found, and how many were used up.

================================== ============================================
``/audits``                        every audit, page by page: those that are not
                                   over first, each part the newest first
``/audits/new?license=ID``         ask for one; POST does
``/audits/ID``                     one audit, with the forms of its next step
``/audits/ID/name|bind|findings``  POST: the auditor, the promise, what was found
``/audits/ID/close|cancel``        POST: the end of it
================================== ============================================

Every form names the version that was read; where another one stands by now,
nothing is done and the page is shown anew with what was typed. How often and how
far back an audit may look is the agreement's, and is said before it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.exports import amounts
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, Keyed, add_table, moment
from gateway.licenses.audit_cases import (
    LONGEST,
    AuditCase,
    AuditScope,
    Finding,
    Step,
    auditor_named,
    bound,
    canceled,
    closed,
    found,
    requested,
)
from gateway.licenses.contract import NOTICE
from gateway.licenses.duties import Audits
from gateway.licenses.duty_book import DutyBook
from gateway.licenses.duty_events import audit_event
from gateway.licenses.license import License
from gateway.licenses.obligations import DAY, Kind, day
from gateway.licenses.offers import months_after
from gateway.money import Money, MoneyError
from gateway.problems import Problem, Refusal

_MOST: Final = 500
_PLACE: Final = re.compile(r"([01])\.([0-9]{1,12})\.([!-~]{1,64})", re.ASCII)
_WORDS: Final[Mapping[Step, str]] = {
    Step.REQUESTED: "asked for",
    Step.NAMED: "auditor named",
    Step.BOUND: "auditor bound",
    Step.SCOPED: "scope agreed",
    Step.FOUND: "findings",
    Step.CLOSED: "closed",
    Step.CANCELED: "given up",
}
_NEXT: Final[Mapping[Step, str]] = {
    Step.REQUESTED: "Name an independent auditor.",
    Step.NAMED: "Enter the auditor's promise of confidentiality.",
    Step.BOUND: "The licensee agrees to what is looked at, at the license desk.",
    Step.SCOPED: "Enter what the auditor found.",
    Step.FOUND: "Close it; what was underpaid stands as a correction.",
    Step.CLOSED: "It is over.",
    Step.CANCELED: "It is over.",
}
_SAID: Final[Mapping[str, str]] = {
    "requested": "Asked for. The licensee is told.",
    "name": "The auditor is named. Both sides are told.",
    "bind": "The promise is entered. The licensee can agree to the scope now.",
    "findings": "The findings are entered. Both sides are told.",
    "close": "Closed. Nothing changes any more.",
    "cancel": "Given up.",
}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audit as the list shows it. *used* of *allowed* in the twelve months up to now count for its license."""

    case: AuditCase
    licensee: str
    used: int
    allowed: int

    @property
    def word(self) -> str:
        """How far it has come, for people."""
        return _WORDS[self.case.step]

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return not self.case.over


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was typed and could not be done."""

    act: str = ""
    trouble: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


def used_by(cases: Sequence[AuditCase], now: int) -> int:
    """How many of *cases*, all of one license, count in the twelve months up to *now*."""
    return sum(
        each.counts and each.requested_at <= now < months_after(each.requested_at, 12) for each in cases
    )


def key_of(case: AuditCase) -> str:
    """The ``after`` of the page behind *case*; it holds where the list went on, whatever becomes of the audit."""
    return ".".join(map(str, case.place))


def place_in(after: str) -> tuple[int, int, str] | None:
    """The place that *after* names; None where it is none.

    >>> place_in("1.1795000000.au_7"), place_in("au_7")
    ((1, 1795000000, 'au_7'), None)
    """
    found = _PLACE.fullmatch(after)
    return (int(found[1]), int(found[2]), found[3]) if found else None


_CELLS: Final[Cells] = {
    "id": lambda row: row.case.id,
    "asked_for": lambda row: moment(row.case.requested_at),
    "state": lambda row: str(row.case.step),
    "licensee": lambda row: row.licensee,
    "why": lambda row: row.case.why,
    "underpaid": lambda row: amounts([row.case.correction.amount] if row.case.correction else []),
    "used": lambda row: row.used,
    "allowed": lambda row: row.allowed,
    "license": lambda row: row.case.license,
}

_FINDING_CELLS: Final[Cells] = {
    "about": lambda row: row.item,
    "finding": lambda row: row.said,
    "due": lambda row: str(row.due) if row.due else "",
    "underpaid": lambda row: str(row.underpaid) if row.underpaid else "",
}


class AuditPages:
    """Draws the pages of audits and does what their forms say."""

    def __init__(self, book: DutyBook, audits: Audits, frame: Frame, clock: Clock) -> None:
        """Keep in *audits*; licenses and reports are those of *book*; draw in *frame*."""
        self._book, self._audits, self._frame, self._clock = book, audits, frame, clock
        self._rows = Keyed(self._behind, lambda row: key_of(row.case))

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/audits", self._list)
        add_table(router, "/audits", _CELLS, self._rows)
        router.add_get("/audits/new", self._new)
        router.add_post("/audits/new", self._request)
        router.add_get("/audits/{id}", self._one)
        add_table(router, "/audits/{id}/findings", _FINDING_CELLS, self._found_in)
        for name, act in (
            ("name", self._name), ("bind", self._bind), ("findings", self._findings),
            ("close", self._close), ("cancel", self._cancel),
        ):  # fmt: skip
            router.add_post(f"/audits/{{id}}/{name}", self._acted(name, act))

    async def _behind(self, _request: web.Request, after: str, most: int) -> list[AuditRow] | None:
        place = place_in(after) if after else None
        if after and place is None:
            return None
        return [await self._row(each) for each in await self._audits.listed(most, place)]

    async def _found_in(self, request: web.Request) -> tuple[Finding, ...]:
        return (await self._found(request)).findings

    async def _list(self, request: web.Request) -> web.StreamResponse:
        rows, view = await self._rows.page(request, _CELLS)
        context = {
            "view": view,
            "sorted": rows if view.order.name else [],
            "open": [] if view.order.name else [row for row in rows if row.open],
            "over": [] if view.order.name else [row for row in rows if not row.open],
            "licenses": await self._auditable(),
            "next": _NEXT,
        }
        return self._frame.render(request, "audits.html", context, status=400 if view.mistakes else 200)

    async def _new(self, request: web.Request) -> web.StreamResponse:
        return await self._form(request, await self._license(request.query.get("license", "")), _Sent())

    async def _request(self, request: web.Request) -> web.StreamResponse:
        typed = await self._frame.form_of(request)
        license = await self._license(typed.get("license", ""))
        before = await self._audits.of_license(license.id)
        made = await self._wanted(license, before, typed)
        if isinstance(made, AuditCase):
            kept = await self._audits.put("", made, seen=len(before), events=[audit_event(made, self._now())])
            if kept:
                return web.Response(status=303, headers={"Location": f"/audits/{made.id}?done=requested"})
            made = Refusal(Problem.AUDIT_REFUSED, "Another audit was asked for at this moment; look again.")
        return await self._form(request, license, _Sent("request", made.detail, typed), status=400)

    async def _wanted(
        self, license: License, before: Sequence[AuditCase], typed: Mapping[str, str]
    ) -> AuditCase | Refusal:
        now, begins, ends = self._now(), _day(typed.get("from", "")), _day(typed.get("to", ""))
        if begins is None or ends is None:
            return Refusal(Problem.AUDIT_REFUSED, "The days are such as 2026-10-01.")
        # Days are whole for people; the term may begin and the clock may stand within one.
        begins = max(begins, license.starts_at) if begins <= license.starts_at < begins + DAY else begins
        ends = min(ends + DAY, now, license.ends_at)
        items = tuple(typed.get("items", "").replace(",", " ").split())
        reports = [
            each.id for each in await self._book.duties.of_license(license.id) if each.kind is Kind.REPORT
        ]
        scope = AuditScope(items, begins, ends)
        return requested(license, before, _line(typed, "why"), scope, reports=reports, now=now)

    async def _form(
        self, request: web.Request, license: License, sent: _Sent, *, status: int = 200
    ) -> web.StreamResponse:
        now, audit = self._now(), license.terms.audit
        before = await self._audits.of_license(license.id)
        duties = [each for each in await self._book.duties.of_license(license.id) if each.kind is Kind.REPORT]
        opens = max(license.starts_at, months_after(now, -audit.audit_window_months))
        context = {
            "license": license,
            "licensee": await self._called(license.licensee),
            "used": used_by(before, now),
            "opens": opens,
            "closes": min(now, license.ends_at),
            "first": day(opens),
            "last": day(min(now, license.ends_at)),
            "reports": [each for each in duties if each.ends <= now],
            "sent": sent,
            "notice": NOTICE,
            "longest": LONGEST,
        }
        return self._frame.render(request, "audit_new.html", context, status=status)

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, await self._found(request), _Sent())

    async def _page(
        self, request: web.Request, case: AuditCase, sent: _Sent, *, status: int = 200
    ) -> web.StreamResponse:
        license = await self._book.register.license(case.license)
        context = {
            "row": await self._row(case),
            "case": case,
            "step": str(case.step),
            "next": _NEXT[case.step],
            "correction": case.correction,
            "currency": license.terms.compensation.currency if license else "",
            "sent": sent,
            "done": "" if sent.trouble else _SAID.get(request.query.get("done", ""), ""),
            "notice": NOTICE,
            "longest": LONGEST,
        }
        return self._frame.render(request, "audit.html", context, status=status)

    def _acted(
        self, name: str, act: Callable[[AuditCase, Mapping[str, str]], Awaitable[AuditCase | Refusal]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def acted(request: web.Request) -> web.StreamResponse:
            typed = await self._frame.form_of(request)
            case = await self._found(request)
            trouble, status = (
                "It changed after you opened the page. Nothing was done; what you typed is kept.",
                409,
            )
            if typed.get("version") == case.version:
                after = await act(case, typed)
                if isinstance(after, AuditCase):
                    told = [audit_event(after, self._now())]
                    if await self._audits.put(case.version, after, events=told):
                        return web.Response(
                            status=303, headers={"Location": f"/audits/{case.id}?done={name}"}
                        )
                else:
                    trouble, status = after.detail, 400
            sent = _Sent(name, trouble, typed)
            return await self._page(request, await self._found(request), sent, status=status)

        return acted

    async def _name(self, case: AuditCase, typed: Mapping[str, str]) -> AuditCase | Refusal:
        return auditor_named(case, _line(typed, "auditor"), _line(typed, "contact"), self._now())

    async def _bind(self, case: AuditCase, typed: Mapping[str, str]) -> AuditCase | Refusal:
        return bound(case, _line(typed, "undertaking"), self._now())

    async def _findings(self, case: AuditCase, typed: Mapping[str, str]) -> AuditCase | Refusal:
        license = await self._book.register.license(case.license)
        currency = license.terms.compensation.currency if license else ""
        listed = list[Finding]()
        for nth, item in enumerate(case.scope.items if case.scope else ()):
            said = _line(typed, f"said-{nth}")
            try:
                due, short = (
                    _amount(typed.get(f"{part}-{nth}", ""), currency) for part in ("due", "underpaid")
                )
            except MoneyError:
                return Refusal(Problem.AUDIT_REFUSED, f"Of {item}, an amount is a number such as 12.50.")
            if said.strip() or due or short:
                listed.append(Finding(item, said, due, short))
        return found(case, listed, currency, self._now())

    async def _close(self, case: AuditCase, _typed: Mapping[str, str]) -> AuditCase | Refusal:
        return closed(case, self._now())

    async def _cancel(self, case: AuditCase, _typed: Mapping[str, str]) -> AuditCase | Refusal:
        return canceled(case, self._now())

    async def _row(self, case: AuditCase) -> AuditRow:
        license = await self._book.register.license(case.license)
        allowed = license.terms.audit.audits_per_year if license else 0
        used = used_by(await self._audits.of_license(case.license), self._now())
        return AuditRow(case, await self._called(case.licensee), used, allowed)

    async def _auditable(self) -> list[tuple[str, str]]:
        """Every license whose agreement allows audits, with whose it is."""
        found = []
        for holder in await self._book.register.licensees():
            for each in await self._book.register.licenses_of(holder.id):
                if each.terms.audit.audits_per_year and (each.id, holder.name) not in found:
                    found.append((each.id, holder.name))
        return found[:_MOST]

    async def _called(self, id: str) -> str:
        licensee = await self._book.register.licensee(id)
        return licensee.name if licensee else id

    async def _license(self, id: str) -> License:
        license = await self._book.register.license(id)
        if license is None:
            raise web.HTTPNotFound
        return license

    async def _found(self, request: web.Request) -> AuditCase:
        found = await self._audits.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _line(typed: Mapping[str, str], name: str) -> str:
    # A browser sends the ends of lines as the two characters of HTTP.
    return typed.get(name, "").replace("\r\n", "\n")


def _day(text: str) -> int | None:
    try:
        read = date.fromisoformat(text)
    except ValueError:
        return None
    return int(datetime(read.year, read.month, read.day, tzinfo=UTC).timestamp())


def _amount(text: str, currency: str) -> Money | None:
    return Money.parse(text.strip(), currency) if text.strip() else None
