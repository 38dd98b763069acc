"""A licensee's invoices and credit notes at their permanent addresses, and the lines it disputes.

============================== =================================================
GET, client /.licet/invoices   its documents, and how they stand now
GET, client …/ID               one, as page, JSON or PDF (see `desk.billing`)
POST, client …/ID/disputes     dispute a line of it: a form of its page, or JSON
GET, client /.licet/disputes   its disputes
GET, client …/ID               one
============================== =================================================

What was issued never changes; how it stands is said beside it. The JSON of a
document is its canonical one, number and state around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from aiohttp import web

from gateway.billing.billing_office import BillingOffice
from gateway.billing.dunning import Standing
from gateway.billing.invoice_paper import invoice_paper
from gateway.billing.invoices import CREDIT_NOTE, Document
from gateway.billing.line_disputes import (
    LONGEST_EVIDENCE,
    LONGEST_REASON,
    Dispute,
    as_document,
)
from gateway.desk.billing import PRIVATE, asked_as, shown
from gateway.desk.call import READ, WRITE, About, Call, Group, Route, read_at
from gateway.desk.clients import Clients, Known
from gateway.desk.form_tokens import FormTokens
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.reading import FORM, JSON, read_members
from gateway.desk.replies import form_page, json_reply, page
from gateway.languages import tr
from gateway.paper import FORM_SECURITY, link, pairs, table
from gateway.problems import Problem, Refusal

INVOICES: Final = f"{PREFIX}/invoices"
DISPUTES: Final = f"{PREFIX}/disputes"
_MOST: Final = 1_000
_TEXT: Final = {"type": "string"}
_DISPUTE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["line", "reason"],
    "properties": {
        "line": {"type": ["integer", "string"]},
        "amount": {**_TEXT, "description": "of the line, such as 1.50; its whole rest where it is left out"},
        "reason": {**_TEXT, "minLength": 1, "maxLength": LONGEST_REASON},
        "evidence": {
            **_TEXT,
            "maxLength": LONGEST_EVIDENCE,
            "description": "ids of records, addresses, figures",
        },
    },
}


class InvoiceDesk:
    """Shows licensees what they are billed, and takes in what they dispute."""

    def __init__(self, clients: Clients, office: BillingOffice, forms: FormTokens) -> None:
        """Act by *office*; *forms* marks the forms of its pages."""
        self._clients, self._office, self._forms = clients, office, forms

    def group(self) -> Group:
        """Its addresses."""
        any_: dict[str, Any] = {JSON: {"type": "object"}, "text/html": {}}
        id_ = ("id", _TEXT)
        disputed = About(
            "Dispute a line of a document, with a reason and evidence; the sum is outside dunning until it is answered.",
            takes={JSON: _DISPUTE, FORM: _DISPUTE}, gives=any_, status=201, login=True, rest=id_,
        )  # fmt: skip
        listed = About("One's own documents, the newest first, and how they stand.", gives=any_, login=True)
        one = About("One document as it was issued, and how it stands now.", gives={**any_, "application/pdf": {}}, login=True, rest=id_)  # fmt: skip
        return {
            INVOICES: read_at(self._all, listed),
            f"{INVOICES}/*": read_at(self._one, one),
            f"{INVOICES}/*/disputes": Route(WRITE, self._dispute, about={"POST": disputed}),
            DISPUTES: read_at(self._disputes, About("One's own disputes, the open ones first.", gives=any_, login=True)),
            f"{DISPUTES}/*": Route(READ, self._one_dispute, about={"GET": About("One dispute.", gives=any_, login=True, rest=id_)}),
        }  # fmt: skip

    async def _all(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        documents = await self._mine(known)
        stands = {each.document.id: each for each in await self._office.standings(known.licensee.id)}
        rows = [told(each, stands.get(each.id), call.origin) for each in documents]
        if not call.wants_page:
            return json_reply({"invoices": rows, "mode": self._office.rules.mode})
        head = (tr("Number"), tr("Kind"), tr("Period"), tr("Due"), tr("State"), tr("Total"), tr("Open"))
        names = ("kind", "period", "due_on", "state", "total", "open")
        words = {"kind", "state"}
        cells = [
            (
                link(f"{INVOICES}/{row['id']}", str(row["number"])),
                *(tr(str(row[name])) if name in words else str(row[name]) for name in names),
            )
            for row in rows
        ]
        body = (
            table(tr("Documents"), head, cells, right=2, cards=True)
            if rows
            else f"<p>{tr('Nothing was billed yet.')}</p>\n"
        )
        return page(self._title(tr("Invoices")), body, headers=PRIVATE)

    async def _one(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        name, media_type = asked_as(call)
        found = await self._own(known, name)
        if found is None:
            return _none()
        return await self._drawn(call, found, media_type, known, {}, "")

    async def _drawn(
        self, call: Call, found: Document, media_type: str, known: Known, given: Mapping[str, object], wrong: str
    ) -> web.StreamResponse | Refusal:  # fmt: skip
        standing = await self._office.standing(found)
        if media_type == JSON:
            return json_reply({**told(found, standing, call.origin), "document": found.told})
        if media_type == "text/csv":
            return Refusal(Problem.NOT_FOUND, "A document is a page, JSON or a PDF.")
        state = f"{standing.state}, {standing.open} open" if standing else ""
        links = ", ".join(
            f'<a href="{INVOICES}/{found.id}.{each}">{each.upper()}</a>' for each in ("json", "pdf")
        )
        disputes = [
            each
            for each in await self._office.disputes.of(known.licensee.id, _MOST)
            if each.document == found.id
        ]
        more = _disputes(disputes) if disputes else ""
        if found.kind != CREDIT_NOTE:
            more += _form(found, given, self._forms.of(known.licensee.id), wrong)
        # The document that is saved is the one that was issued: its state is not printed on it.
        answer = await shown(
            invoice_paper(found, state if media_type != "application/pdf" else ""), media_type, links, more
        )
        if isinstance(answer, web.Response) and media_type != "application/pdf":
            answer.headers["Content-Security-Policy"] = FORM_SECURITY
            answer.headers["Referrer-Policy"] = "same-origin"
            answer.set_status(400 if wrong else 200)
        return answer

    async def _dispute(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        by_form, members = call.request.content_type == FORM, await read_members(call.request)
        if isinstance(members, Refusal):
            return members
        sent = dict(members)
        if by_form and not self._forms.is_of(known.licensee.id, str(sent.pop("form", ""))):
            return Refusal(
                Problem.PROPOSAL_INVALID, "The form is not of this page, or too old; load the page again."
            )
        if by_form and sent.get("amount") == "":
            del sent["amount"]
        made = await self._office.dispute(known.licensee.id, call.rest, sent)
        if isinstance(made, Refusal):
            found = await self._own(known, call.rest)
            if by_form and found is not None:
                return await self._drawn(call, found, "text/html", known, sent, made.detail)
            return made
        at = f"{issuer_of(call.origin)}/disputes/{made.id}"
        if by_form:
            return form_page(
                self._title(tr("Your dispute has arrived")),
                _dispute_body(made),
                status=201,
                headers={"Location": at},
            )
        return json_reply(as_document(made), status=201, headers={"Location": at})

    async def _disputes(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        found = await self._office.disputes.of(known.licensee.id, _MOST)
        if not call.wants_page:
            return json_reply({"disputes": [as_document(each) for each in found]})
        return page(
            self._title(tr("Disputes")),
            _disputes(found) if found else f"<p>{tr('There are none.')}</p>\n",
            headers=PRIVATE,
        )

    async def _one_dispute(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        found = await self._office.disputes.get(call.rest)
        if found is None or found.licensee != known.licensee.id:
            return Refusal(Problem.NOT_FOUND, "This licensee has no dispute of that id here.")
        if call.wants_page:
            return page(self._title(tr("Dispute")), _dispute_body(found), headers=PRIVATE)
        return json_reply(as_document(found))

    async def _mine(self, known: Known) -> list[Document]:
        return [
            each for each in await self._office.issuer.documents.of(known.licensee.id, _MOST) if each.number
        ]

    async def _own(self, known: Known, id: str) -> Document | None:
        found = await self._office.issuer.documents.get(id)
        return found if found and found.number and found.licensee == known.licensee.id else None

    async def _known(self, call: Call) -> Known | Refusal:
        return await self._clients.authenticate(call.request, call.address, issuer=issuer_of(call.origin))

    def _title(self, text: str) -> str:
        return f"TEST: {text}" if self._office.rules.test else text


def told(document: Document, standing: Standing | None, origin: str) -> dict[str, object]:
    """One document and how it stands, as JSON."""
    return {
        "id": document.id, "number": document.label, "kind": document.kind, "period": document.period,
        "refers": document.refers, "issued_at": document.at, "due_on": document.told["due_on"],
        "total": str(document.total), "state": str(standing.state) if standing else "",
        "open": str(standing.open) if standing else "", "disputed": str(standing.disputed) if standing else "",
        "digest": document.digest, "url": f"{origin}{INVOICES}/{document.id}",
    }  # fmt: skip


def _disputes(disputes: tuple[Dispute, ...] | list[Dispute]) -> str:
    items = "".join(
        f'<li><a href="{DISPUTES}/{each.id}">{tr("Line")} {each.line}, {escape(str(each.amount))}</a>: {tr(str(each.state))}</li>\n'
        for each in disputes
    )
    return f"<h2>{tr('Disputed')}</h2>\n<ul>\n{items}</ul>\n"


def _dispute_body(dispute: Dispute) -> str:
    told_ = as_document(dispute)
    rows = [
        (label, tr(str(told_[name])) if name == "state" else str(told_[name]))
        for label, name in (
            (tr("Dispute"), "dispute"), (tr("Line"), "line"), (tr("State"), "state"), (tr("Your reason"), "reason"),
            (tr("Your evidence"), "evidence"), (tr("Answer"), "answer"),
        )
        if told_[name] != ""
    ]  # fmt: skip
    rows.insert(2, (tr("Amount"), str(dispute.amount)))
    rows.append((tr("Answer due"), _day(dispute.answer_by)))
    note = (
        f'<p><a href="{INVOICES}/{dispute.credit_note}">{tr("The credit note")}</a></p>\n'
        if dispute.credit_note
        else ""
    )
    back = f'<p><a href="{INVOICES}/{escape(dispute.document)}">{tr("The document")}</a></p>\n'
    return pairs(tr("The dispute"), rows) + note + back


def _form(found: Document, given: Mapping[str, object], mark: str, wrong: str) -> str:
    value = {name: escape(str(given.get(name, ""))) for name in ("line", "amount", "reason", "evidence")}
    alert = (
        f'<p class="wrong" role="alert"><strong>{escape(wrong)}</strong> {tr("Nothing was lost.")}</p>\n'
        if wrong
        else ""
    )
    return (
        f"<h2>{tr('Dispute a line')}</h2>\n<p>{tr('Say which line is wrong and why. Until it is answered the sum is not dunned.')}</p>\n"
        f'{alert}<form method="post" action="{INVOICES}/{found.id}/disputes">\n'
        f'<input type="hidden" name="form" value="{mark}">\n'
        f'<label for="line">{tr("Line")}</label>\n<input type="text" id="line" name="line" inputmode="numeric" required value="{value["line"]}">\n'
        f'<label for="amount">{tr("Amount in {currency}; empty for all of the line").format(currency=escape(found.to_pay.currency))}</label>\n'
        f'<input type="text" id="amount" name="amount" inputmode="decimal" value="{value["amount"]}">\n'
        f'<label for="reason">{tr("What is wrong")}</label>\n<textarea id="reason" name="reason" required maxlength="{LONGEST_REASON}">{value["reason"]}</textarea>\n'
        f'<label for="evidence">{tr("Evidence: ids of records, addresses, figures")}</label>\n'
        f'<textarea id="evidence" name="evidence" maxlength="{LONGEST_EVIDENCE}">{value["evidence"]}</textarea>\n'
        f"<button>{tr('Dispute it')}</button>\n</form>\n"
    )


def _day(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _none() -> Refusal:
    return Refusal(Problem.NOT_FOUND, "This licensee has no document of that id here.")
