"""Handing in a transparency report in a browser: a table or JSON, every mistake at its place, the price before it is sent.

===================================== =============================================
GET, client /.licet/reports/new       the reports that are to be handed in; with
                                      ``?duty=ID`` the form for one
POST, client /.licet/reports/new      a form of that page: ``check`` shows what it
                                      makes due, ``send`` hands it in
GET, client /.licet/reports/blank     ``?duty=ID``: a table (CSV) to fill in
===================================== =============================================

No script is needed. What was typed or chosen stays on the page whatever is wrong
with it: the text that was checked is the one that is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email import policy as email_policy
from email.parser import BytesParser
from html import escape
from typing import Any, Final

import orjson
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.call import READ, WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients, Known
from gateway.desk.form_tokens import FormTokens
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.reading import JSON, read_body
from gateway.desk.replies import form_page, octets_reply
from gateway.licenses.duties import plan_what_is_not
from gateway.licenses.duty_book import DutyBook, Judged
from gateway.licenses.evidence_shelf import LARGEST
from gateway.licenses.license import License
from gateway.licenses.obligations import Evidence, Kind, Obligation, State, day, too_early
from gateway.licenses.report_table import COLUMNS, Mistake, blank_table, read_table
from gateway.licenses.transparency import TransparencyReport, read_report
from gateway.paper import table
from gateway.problems import Problem, Refusal

NEW: Final = f"{PREFIX}/reports/new"
BLANK: Final = f"{PREFIX}/reports/blank"
_MULTIPART: Final = "multipart/form-data"
_FIELDS: Final = frozenset({"form", "duty", "version", "act", "checked", "text", "file"})
#: The text and the file, each in full, and what a form has around them.
_LARGEST_FORM: Final = 2 * LARGEST + 64 * 1024
_PARTS: Final = {"revenue_share": "Share of revenue", "inferences": "Answers"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks, about which duty of which license."""

    known: Known
    duty: Obligation
    license: License


@dataclass(frozen=True, slots=True)
class _Read:
    """What came of a text: the report, or every mistake in it."""

    report: TransparencyReport | None
    mistakes: tuple[Mistake, ...] = ()


class ReportPages:
    """Draws the form, and hands in what it sends."""

    def __init__(self, book: DutyBook, clients: Clients, forms: FormTokens, clock: Clock) -> None:
        """Act by *book* for *clients*; *forms* marks the forms."""
        self._book, self._clients, self._forms, self._clock = book, clients, forms, clock

    def group(self) -> Group:
        """Its addresses."""
        asks = {"duty": {"type": "string"}}
        html: dict[str, Any] = {"text/html": {}}
        shown = About(
            "The form for a transparency report: a table or JSON.", asks=asks, gives=html, login=True
        )
        sent = About(
            "Check a transparency report, or hand it in, by the form of this page.",
            takes={_MULTIPART: {"type": "object"}}, gives=html, status=200, login=True,
        )  # fmt: skip
        blank = About("A table to fill in for a report.", asks=asks, gives={"text/csv": {}}, login=True)
        return {
            NEW: Route(("GET", "HEAD", *WRITE), self._answer, about={"GET": shown, "POST": sent}),
            BLANK: Route(READ, self._blank, about={"GET": blank}),
        }

    async def _answer(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        if call.request.method == "POST":
            return await self._sent(call, known)
        id = call.request.query.get("duty", "")
        if not id:
            return await self._list(call, known)
        asked = await self._asked(call, known, id)
        return asked if isinstance(asked, Refusal) else self._page(asked, "", ())

    async def _list(self, call: Call, known: Known) -> web.StreamResponse:
        licensee, now = known.licensee.id, self._now()
        await plan_what_is_not(self._book.duties, licensee=licensee)
        duties = await self._book.duties.of(licensee, call.policy.site.id)
        open_ = [each for each in duties if each.kind is Kind.REPORT and each.unmet]
        ready = [each for each in open_ if too_early(each, now) is None]
        items = "".join(
            f'<li><a href="{NEW}?duty={escape(each.id)}">{day(each.begins)} to {day(each.ends - 1)}</a>, license'
            f" {escape(each.license)}: by {day(each.deadline)}"
            f"{', <strong>overdue</strong>' if each.state_at(now) is State.OVERDUE else ''}</li>\n"
            for each in ready
        )
        later = next((each for each in open_ if each not in ready), None)
        soon = f"<p>The next period ends on {day(later.ends)}.</p>\n" if later else ""
        body = (
            f"<p>Which period is it about?</p>\n<ul>\n{items}</ul>\n"
            if ready
            else "<p>No report is to be handed in now.</p>\n"
        )
        return form_page("Transparency reports", body + soon)

    async def _sent(self, call: Call, known: Known) -> web.StreamResponse | Refusal:
        octets = await read_body(call.request, (_MULTIPART,), largest=_LARGEST_FORM)
        if isinstance(octets, Refusal):
            return octets
        form = _form_in(octets, call.request.headers.get("Content-Type", ""))
        if form is None:
            return Refusal(Problem.FORM_INVALID, "This is no form of this page.")
        asked = await self._asked(call, known, form.get("duty", ""))
        if isinstance(asked, Refusal):
            return asked
        # A file that is chosen is what is meant; what stood in the field was the one before.
        text = form.get("file") or form.get("text", "")
        if not self._forms.is_of(known.licensee.id, form.get("form", "")):
            # The gateway was started anew since, or another site sent it: nothing is done, and nothing is lost.
            old = Mistake(0, "", "The form was too old. Look at it once more, and send it again.")
            return self._page(asked, text, (old,), status=400)
        read = await self._read(text, asked)
        if read.report is None:
            return self._page(asked, text, read.mistakes, status=400)
        # Nobody sends what was changed since its price was shown.
        if form.get("act") != "send" or form.get("checked") != _mark(text):
            return self._page(asked, text, (), await self._preview(read.report, asked))
        return await self._hand_in(read.report, asked, form.get("version", ""), text)

    async def _read(self, text: str, asked: _Asked) -> _Read:
        duty, terms, now = asked.duty, asked.license.terms, self._now()
        rates = await self._book.rates()
        if not text.strip():
            return _Read(None, (Mistake(0, "", "Choose a file, or paste its text."),))
        if "\ufffd" in text:
            return _Read(
                None, (Mistake(0, "", "The text is not UTF-8: save it as CSV UTF-8, and send it again."),)
            )
        if text.lstrip("\ufeff \t\r\n").startswith("{"):
            body = _object(text)
            if isinstance(body, Mistake):
                return _Read(None, (body,))
            found = read_report(body, duty, terms, now, rates)
            if isinstance(found, Refusal):
                return _Read(None, tuple(Mistake(0, "", each) for each in _told(found)))
            return _Read(found)
        read = read_table(text, duty)
        found = read_report(read.body, duty, terms, now, rates)
        mistakes = read.placed(_told(found) if isinstance(found, Refusal) else ())
        return _Read(None, mistakes) if mistakes or isinstance(found, Refusal) else _Read(found)

    async def _preview(self, report: TransparencyReport, asked: _Asked) -> str:
        judged = await self._book.judged(report, asked.license)
        return (
            "<h2>What it makes due</h2>\n"
            + _due(judged)
            + _doubts(judged)
            + "<p>Nothing is sent yet. Read it once more, then send it below; what you send is what was checked.</p>\n"
        )

    async def _hand_in(
        self, report: TransparencyReport, asked: _Asked, version: str, text: str
    ) -> web.StreamResponse | Refusal:
        now = self._now()
        evidence = Evidence(report.sha256, JSON, len(report.document), now, "report.json")
        after = await self._book.hand_in(asked.duty, version, report.document, evidence, now, report=report)
        if isinstance(after, Refusal):
            why = " ".join(filter(None, (f"{after.problem.title}.", after.detail)))
            return self._page(asked, text, (Mistake(0, "", why),), status=after.problem.status)
        judged = await self._book.judged(report, asked.license)
        body = (
            f"<p>It was handed in for {day(after.begins)} to {day(after.ends - 1)}. The creator accepts it, or asks.</p>\n"
            f"<h2>What it makes due</h2>\n{_due(judged)}"
            f"<p>SHA-256 of the report: <code>{report.sha256}</code></p>\n"
            f'<p><a href="{NEW}">Other reports</a></p>\n'
        )
        return form_page("Your report has arrived", body, status=201)

    def _page(
        self, asked: _Asked, text: str, mistakes: Iterable[Mistake], preview: str = "", status: int = 200
    ) -> web.StreamResponse:
        duty = asked.duty
        wrong = "".join(f"<li>{escape(str(each))}</li>\n" for each in mistakes)
        alert = (
            f'<div class="wrong" role="alert"><p><strong>It was not taken.</strong> Nothing was lost: the text is below.</p>\n<ul>\n{wrong}</ul></div>\n'
            if wrong
            else ""
        )
        send = (
            f'<input type="hidden" name="checked" value="{_mark(text)}"><button name="act" value="send">Send it</button> '
            if preview
            else ""
        )
        chosen = "Another file, which takes the place of the text" if text else "The file: CSV or JSON"
        body = (
            f"<p>License {escape(duty.license)}, {day(duty.begins)} to {day(duty.ends - 1)}; by {day(duty.deadline)}.</p>\n"
            f"{alert}{preview}"
            f'<form method="post" action="{NEW}" enctype="{_MULTIPART}">\n'
            f'<input type="hidden" name="form" value="{self._forms.of(asked.known.licensee.id)}">\n'
            f'<input type="hidden" name="duty" value="{escape(duty.id)}">\n'
            f'<input type="hidden" name="version" value="{escape(duty.version)}">\n'
            f'<label for="file">{chosen}</label>\n<input type="file" id="file" name="file" accept=".csv,.json,text/csv,application/json">\n'
            f'<label for="text">Or its text</label>\n<textarea id="text" name="text" rows="12" spellcheck="false">\n{escape(text)}</textarea>\n'
            f'<p>{send}<button name="act" value="check">Check it</button></p>\n</form>\n'
            f'<h2>How the table is made</h2>\n<p>Take <a href="{BLANK}?duty={escape(duty.id)}">this table</a> as a beginning:'
            f" one row for each data set, model, answers of a model, product with its net revenue, and one for who answers for it."
            f" Its columns are {', '.join(COLUMNS)}. JSON is as at <code>{PREFIX}/reports</code>.</p>\n"
        )
        return form_page("Transparency report", body, status=status)

    async def _blank(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        asked = await self._asked(call, known, call.request.query.get("duty", ""))
        if isinstance(asked, Refusal):
            return asked
        octets = blank_table(asked.license.terms.compensation.currency).encode()
        headers = {"Content-Disposition": 'attachment; filename="report.csv"', "Cache-Control": "no-store"}
        return octets_reply(octets, "text/csv", headers)

    async def _asked(self, call: Call, known: Known, id: str) -> _Asked | Refusal:
        found = await self._book.duties.get(id) if id else None
        if found is None or (found.licensee, found.site) != (known.licensee.id, call.policy.site.id):
            return Refusal(Problem.NOT_FOUND, "This licensee has no duty of that id here.")
        if found.kind is not Kind.REPORT:
            return Refusal(Problem.DOCUMENT_INVALID, "This duty asks for another document than a report.")
        early = too_early(found, self._now())
        if early is not None:
            return early
        license = await self._book.register.license(found.license)
        assert license is not None, "a foreign key holds it"
        return _Asked(known, found, license)

    async def _known(self, call: Call) -> Known | Refusal:
        return await self._clients.authenticate(call.request, call.address, issuer=issuer_of(call.origin))

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _form_in(octets: bytes, content_type: str) -> Mapping[str, str] | None:
    """The fields of a form (RFC 7578), each once, as text; None for what is none. Nothing is ever raised."""
    if len(content_type) > 200 or not content_type.isprintable():
        return None
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode("utf-8", "surrogateescape")
    try:
        whole = BytesParser(policy=email_policy.HTTP).parsebytes(head + octets)
        found = dict[str, str]()
        for part in whole.iter_parts() if whole.is_multipart() else ():
            name = part.get_param("name", header="content-disposition")
            value = part.get_payload(decode=True)
            if (
                not isinstance(name, str)
                or name in found
                or name not in _FIELDS
                or not isinstance(value, bytes)
            ):
                return None
            found[name] = value.decode("utf-8", "replace")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return found or None


def _mark(text: str) -> str:
    """What tells *text* from another; a browser sends other ends of lines than it was given."""
    return hashlib.sha256("\n".join(text.splitlines()).encode("utf-8", "surrogatepass")).hexdigest()


def _object(text: str) -> Mapping[str, object] | Mistake:
    try:
        found: Any = orjson.loads(text.lstrip("\ufeff"))
    except orjson.JSONDecodeError as error:
        return Mistake(error.lineno, str(error.colno), f"is no JSON: {error.msg}")
    return found if isinstance(found, dict) else Mistake(0, "", "The JSON is no object.")


def _told(refusal: Refusal) -> tuple[str, ...]:
    mistakes = dict(refusal.facts).get("mistakes", "")
    return tuple(mistakes.split("\n")) if mistakes else (refusal.detail,)


def _due(judged: Judged) -> str:
    if not judged.amounts:
        return "<p>Nothing: its price has no part that depends on a report.</p>\n"
    rows = [(_PARTS.get(each.part, each.part), each.basis, str(each.amount)) for each in judged.amounts]
    return table("Due by this report", ("Part", "Computed from", "Amount"), rows, right=1)


def _doubts(judged: Judged) -> str:
    said = [*(f"{each} is outside of what the license covers." for each in judged.outside), *judged.doubts]
    if not said:
        return ""
    items = "".join(f"<li>{escape(each)}</li>\n" for each in said[:20])
    return f"<h2>The creator may ask about</h2>\n<ul>\n{items}</ul>\n"
