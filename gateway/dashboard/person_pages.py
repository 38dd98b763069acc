"""People who were taken for machines: their reports, and one click that exempts the reason or the network.

=============================  ===============================================
``/refused``                    every report, those that wait first; the weeks;
                               what is exempted now
``/refused/weeks.csv`` …       false positives by the week, as ``licet doctor``
                               counts them
``/refused/ID``                 one: what the log says, and what can be exempted
``/refused/ID/exempt``          POST: ``what`` is ``reason:CODE`` or ``network:CIDR``
``/refused/ID/dismiss``         POST
``/refused/undo``               POST: take back what is exempted
=============================  ===============================================

What is exempted stands in ``people.toml`` of the data folder, which is also
edited by hand: the pages show the lines that change before they change.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from aiohttp import web
from tomlkit.exceptions import TOMLKitError

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.rules_then import RulesThen, ToldRule
from gateway.dashboard.table_forms import Cells, Keyed, add_table, moment
from gateway.folders import replace_file
from gateway.problems import PROBLEMS, ConfigurationError
from gateway.visitors.exemptions import exemptable, read_exemptions, with_exempt, without_exempt
from gateway.visitors.person_reports import (
    DISMISSED,
    EXEMPTED,
    OPEN,
    WEEK,
    PersonReport,
    PersonReports,
    Refused,
    Sent,
    Week,
    weekly,
)
from gateway.visitors.reasons import sentence

#: Reports that are looked through where an exemption is taken back: more than anybody decides about.
_MOST: Final = 10_000
#: Weeks that are told, the running one last.
WEEKS: Final = 8
_DONE: Final[Mapping[str, str]] = {
    "exempted": "It is exempted. Every worker takes it up within some seconds.",
    "dismissed": "You did not agree. The report stays here.",
    "undone": "It counts again. Every worker takes that up within some seconds.",
}


@dataclass(frozen=True, slots=True)
class People:
    """What these pages act on: the reports, and the *file* of exemptions."""

    reports: PersonReports
    file: Path


_CELLS: Final[Cells] = {
    "id": lambda row: row.id,
    "sent": lambda row: moment(row.at),
    "state": lambda row: str(row.state),
    "path": lambda row: row.path,
    "note": lambda row: row.note,
}
_WEEK_CELLS: Final[Cells] = {
    "from": lambda row: moment(row.begins),
    "reported": lambda row: row.reported,
    "agreed": lambda row: row.agreed,
}


class PersonPages:
    """The owner's pages about people who were refused."""

    def __init__(
        self, people: People, frame: Frame, clock: Clock, access_log: AccessLog, then: RulesThen
    ) -> None:
        """Act on *people*, drawn in *frame*; *access_log* and *then* know which rule it was."""
        self._log, self._then = access_log, then
        self._people, self._frame, self._clock = people, frame, clock
        self._writing = asyncio.Lock()
        self._rows = Keyed(self._behind, _place)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/refused", self._all)
        add_table(router, "/refused", _CELLS, self._rows)
        add_table(router, "/refused/weeks", _WEEK_CELLS, self._weeks)
        router.add_post("/refused/undo", self._undo)
        router.add_get("/refused/{id}", self._one)
        router.add_post("/refused/{id}/exempt", self._exempt)
        router.add_post("/refused/{id}/dismiss", self._dismiss)

    async def _behind(self, _request: web.Request, after: str, most: int) -> Sequence[PersonReport] | None:
        behind = _sent(after)
        return None if after and behind is None else await self._people.reports.all(most, behind)

    async def _weeks(self, _request: web.Request) -> Sequence[Week]:
        now = self._now()
        return weekly(await self._people.reports.since(now - WEEKS * WEEK), now, WEEKS)

    async def _all(self, request: web.Request) -> web.StreamResponse:
        text = await asyncio.to_thread(self._text)
        reports, view = await self._rows.page(request, _CELLS)
        try:
            found, wrong = read_exemptions(text, self._people.file.name), ""
        except ConfigurationError as error:
            found, wrong = read_exemptions("", ""), str(error)
        exempted = [f"reason:{each}" for each in sorted(found.reasons)]
        exempted += [f"network:{each}" for each in found.networks]
        context = {
            "done": _DONE.get(request.query.get("done", ""), ""),
            "wrong": wrong,
            "reports": reports,
            "view": view,
            "weeks": await self._weeks(request),
            "exempted": [(each, told(each)) for each in exempted],
            "file": self._people.file.name,
        }
        return self._frame.render(request, "refused.html", context, status=400 if view.mistakes else 200)

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return await self._shown(request, await self._report(request))

    async def _shown(self, request: web.Request, report: PersonReport, wrong: str = "") -> web.StreamResponse:
        refused = await self._people.reports.refused(report.request)
        about = refused if refused is not None and is_about(report, refused) else None
        choices = []
        for each in choices_of(report, refused):
            try:
                change = await asyncio.to_thread(self._change, each, report)
            except TOMLKitError as error:
                wrong = wrong or _unreadable(error)
                break
            choices.append((each, told(each), change))
        context = {
            "report": report,
            "refused": about,
            "rule": await self._rule(report, about) if about else None,
            "refused_said": refused_words(about.problem) if about else "",
            "reasons": [(each, sentence(each)) for each in about.reasons] if about else [],
            "choices": choices,
            "wrong": wrong,
            "file": self._people.file.name,
        }
        return self._frame.render(request, "person.html", context, status=400 if wrong else 200)

    async def _rule(self, report: PersonReport, refused: Refused) -> ToldRule:
        """The rule that refused, in words."""
        record = await self._log.record(report.request)
        return self._then.told(report.site, record.policy if record else "", refused.rule)

    async def _exempt(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        report, what = await self._report(request), form.get("what", "")
        if what not in choices_of(report, await self._people.reports.refused(report.request)):
            return await self._shown(request, report, "Choose a reason or the network of this report.")
        wrong = await self._rewrite(lambda text: with_exempt(text, what, self._now(), report.id))
        if wrong:
            return await self._shown(request, report, wrong)
        await self._people.reports.decide(report.id, EXEMPTED, what, self._now())
        raise web.HTTPSeeOther("/refused?done=exempted")

    async def _dismiss(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        report = await self._report(request)
        await self._people.reports.decide(report.id, DISMISSED, "", self._now())
        raise web.HTTPSeeOther("/refused?done=dismissed")

    async def _undo(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        what = form.get("what", "")
        wrong = await self._rewrite(lambda text: without_exempt(text, what))
        if wrong:
            raise web.HTTPSeeOther("/refused")
        for each in await self._people.reports.all(_MOST):
            if each.exempted == what:
                await self._people.reports.decide(each.id, OPEN, "", 0)
        raise web.HTTPSeeOther("/refused?done=undone")

    async def _report(self, request: web.Request) -> PersonReport:
        found = await self._people.reports.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    def _text(self) -> str:
        try:
            return self._people.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _change(self, what: str, report: PersonReport) -> str:
        """The lines of the file that exempting *what* because of *report* changes."""
        before = self._text()
        after = with_exempt(before, what, self._now(), report.id)
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))

    async def _rewrite(self, edit: Callable[[str], str]) -> str:
        """Write the file anew, whole or not at all; what is wrong, "" for nothing."""
        async with self._writing:
            try:
                before = await asyncio.to_thread(self._text)
                after = edit(before)
                read_exemptions(after, self._people.file.name)
                await asyncio.to_thread(replace_file, self._people.file, after.encode())
            except (ConfigurationError, TOMLKitError) as error:
                return _unreadable(error)
            except OSError as error:
                return f"The file cannot be written: {error.strerror}."
        return ""

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _unreadable(error: Exception) -> str:
    return f"The file cannot be changed before it is mended by hand: {error}"


def is_about(report: PersonReport, refused: Refused) -> bool:
    """Whether the request was sent from the network of *report*: nobody exempts the reasons of somebody else's request."""
    try:
        return ip_address(refused.address) in ip_network(report.network)
    except ValueError:
        return False


def refused_words(problem: str) -> str:
    """The problem of a refusal as one sentence.

    >>> refused_words("license-required"), refused_words("")
    ('A license is needed for this use.', 'It was refused.')
    """
    found = PROBLEMS.get(problem)
    return f"{found.title}." if found else "It was refused."


def choices_of(report: PersonReport, refused: Refused | None) -> tuple[str, ...]:
    """What can be exempted because of *report*: reasons that the log tells of its request, and its network."""
    reasons = exemptable(refused.reasons) if refused is not None and is_about(report, refused) else ()
    network = (f"network:{report.network}",) if "/" in report.network else ()
    return (*(f"reason:{each}" for each in reasons), *network)


def told(what: str) -> str:
    """What an exemption says, as a sentence."""
    kind, _, value = what.partition(":")
    if kind == "network":
        return f"Browsers in the network {value}, whatever their headers say."
    return f"For everybody: {sentence(value)}"


def _place(report: PersonReport) -> str:
    """The key of a report in an address: what the list goes by."""
    return f"{'waits' if report.state == OPEN else 'decided'}.{report.at}.{report.id}"


def _sent(after: str) -> Sent | None:
    """The place that such a key names; None where it is none."""
    waits, at, id = (*after.split(".", 2), "", "")[:3]
    if waits not in {"waits", "decided"} or not (at.isascii() and at.isdecimal() and len(at) <= 18 and id):
        return None
    return waits == "waits", int(at), id
