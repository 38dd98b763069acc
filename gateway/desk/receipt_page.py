"""The page that checks a receipt: ``/.licet/receipt``, for anybody who has one, without a login.

======================= ======================================================
GET  /.licet/receipt    the form; with ``?id=`` and a login one's own receipt,
                        checked
POST /.licet/receipt    paste one (a form), upload one (multipart), or send it
                        as it is (JSON or text): each step, in words
======================= ======================================================

It is checked in the server, against the key of this gateway's own log; whoever
trusts nobody runs `licet receipt verify` with the key from elsewhere. What is
sent is kept nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from email import message_from_bytes, policy
from html import escape
from typing import Any, Final

import orjson
from aiohttp import web

from gateway.billing.account_forms import when
from gateway.billing.charges import row_of
from gateway.clock import Clock
from gateway.desk.account_page import trace_of
from gateway.desk.call import READ, WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.log_files import Kept, ReceiptDesk
from gateway.desk.metadata import PREFIX
from gateway.desk.pacing import Limits, network, own_limit
from gateway.desk.reading import FORM, JSON, read_body, read_form
from gateway.desk.replies import form_page, json_reply
from gateway.languages import later, tr, trn
from gateway.paper import link, pairs
from gateway.problems import Problem, Refusal
from gateway.provenance import receipt_steps
from gateway.provenance.receipt_steps import Checked, StepTaken, check
from gateway.provenance.record import BookEntry, FetchRecord

RECEIPT: Final = f"{PREFIX}/receipt"
LARGEST: Final = 1 << 20
_MULTIPART: Final = "multipart/form-data"
_TEXT: Final = "text/plain"
_FIELD: Final = "receipt"
#: Receipts whose facts the page shows.
_SHOWN: Final = 20
_NAMES: Final = {
    receipt_steps.FORM: later("What was given"),
    receipt_steps.SIGNATURE: later("Signature"),
    receipt_steps.DIGEST: later("Digest"),
    receipt_steps.INCLUSION: later("Inclusion"),
}
_LEAD: Final = later(
    "A receipt proves that one fetch, or one payment, stands in this site's public log."
    " Paste it, or choose its file; it is kept nowhere."
)
_ANSWER: Final[dict[str, Any]] = {
    JSON: {"type": "object", "required": ["good", "steps"]},
    "text/html": {},
}
_ABOUT: Final = {
    "GET": About("A form that checks a receipt; with an id and a login, one's own.", asks={"id": {"type": "string"}}, gives=_ANSWER),
    "POST": About(
        "Check a receipt or a bundle of them, step by step.",
        takes={JSON: {"type": "object"}, _TEXT: {"type": "string"}, FORM: {"type": "object"}, _MULTIPART: {"type": "object"}},
        gives=_ANSWER,
    ),
}  # fmt: skip


class ReceiptPage:
    """Checks receipts for whoever brings one."""

    def __init__(self, kept: Kept, clients: Clients, clock: Clock, limits: Limits = own_limit) -> None:
        """Check by the log of *kept*; of *limits* is that of each network, 30 at once and one in two seconds."""
        self._kept, self._clock = kept, clock
        self._own = ReceiptDesk(kept, clients)
        self._pace = limits("checks", 0.5, 30)

    def group(self) -> Group:
        """Its address."""
        return {RECEIPT: Route((*READ[:2], *WRITE), self._answer, about=_ABOUT)}

    async def _answer(self, call: Call) -> web.StreamResponse | Refusal:
        request = call.request
        if request.method == "POST":
            wait = self._pace.wait(network(call.address), self._clock.now_us())
            if wait:
                return Refusal(Problem.TOO_FAST, "Too many checks come from this network.", retry_after=wait)
            given = await _given(call)
            if isinstance(given, Refusal):
                return given
        elif request.rel_url.query.get("id"):
            own = await self._own.document(call, (request.rel_url.query["id"],))
            if isinstance(own, Refusal):
                return own
            given = orjson.dumps(own)
        else:
            return form_page(tr("Check a receipt"), _form(""), choice=True)
        log = self._kept.log
        if log is None:
            return Refusal(Problem.NOT_FOUND, "There is no public log at the moment.", retry_after=60)
        found = await asyncio.to_thread(check, given, log.key)
        if not call.wants_page:
            return json_reply(_document(found))
        title = tr("The receipt holds") if found.good else tr("Nothing is proven")
        text = given.decode("utf-8", "replace") if request.method == "POST" else ""
        return form_page(title, _result(found, log.key.vkey) + _form(text))


async def _given(call: Call) -> bytes | Refusal:
    """What was pasted, uploaded or sent."""
    kind = call.request.content_type
    body = await read_body(call.request, (JSON, _TEXT, FORM, _MULTIPART), largest=LARGEST)
    if isinstance(body, Refusal) or kind in {JSON, _TEXT}:
        return body
    if kind == FORM:
        form = read_form(body)
        return (
            form
            if isinstance(form, Refusal)
            else form.get(_FIELD, ("",))[0].strip().encode("utf-8", "replace")
        )
    return _uploaded(call.request.headers.get("Content-Type", ""), body)


def _uploaded(header: str, body: bytes) -> bytes:
    """The file or the text of a multipart form (RFC 7578), whichever holds something; b"" where neither does."""
    head = f"Content-Type: {header}\r\n\r\n".encode("utf-8", "replace")
    try:
        message = message_from_bytes(head + body, policy=policy.HTTP)
        parts = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    except (ValueError, LookupError, AttributeError, IndexError):
        return b""
    return next((part.strip() for part in parts if isinstance(part, bytes) and part.strip()), b"")


def _document(found: Checked) -> dict[str, object]:
    return {
        "good": found.good,
        "steps": [
            {"step": each.name, "receipt": None if each.receipt < 0 else each.receipt, "good": each.good, "fact": each.fact}
            for each in found.steps
        ],
        "records": [{"id": each.entry.id, "index": each.index, "log": each.checkpoint.origin} for each in found.proven],
    }  # fmt: skip


def _result(found: Checked, vkey: str) -> str:
    lead = (
        tr("Every step holds: what the receipt says stands in the public log, unchanged.")
        if found.good
        else tr("At least one step fails, so the receipt proves nothing here.")
    )
    rows = [(_named(each), said(each)) for each in _first(found.steps)]
    facts = "".join(
        pairs(tr("What it proves"), _facts(each.entry))
        for each in found.proven[:_SHOWN]
        if isinstance(each.entry, FetchRecord | BookEntry)
    )
    proves = f"<h2>{tr('What it proves')}</h2>\n{facts}" if facts else ""
    return (
        f'<p class="told{"" if found.good else " wrong"}" role="status">{lead}</p>\n'
        f"<h2>{tr('The steps')}</h2>\n{pairs(tr('The steps'), rows)}{proves}"
        f"<h2>{tr('Trust nobody')}</h2>\n<p>{tr('This page is ours. To check it without us, take the key from somebody else who kept it, and run:')}</p>\n"
        f"<pre><code>licet receipt verify receipt.json --key {escape(vkey)}</code></pre>\n"
    )


def _named(step: StepTaken) -> str:
    """Which step it is, of which receipt where there may be several, and whether it holds."""
    name = tr(_NAMES[step.name]) if step.receipt < 0 else f"{tr(_NAMES[step.name])} {step.receipt + 1}"
    return f"{name}: {tr('holds') if step.good else tr('fails')}"


def _first(steps: Iterable[StepTaken]) -> list[StepTaken]:
    """The steps that are shown: those that fail, and of the others those of the first receipts."""
    return [each for each in steps if not each.good or each.receipt < _SHOWN]


def said(step: StepTaken) -> str:
    """What *step* shows, as a sentence."""
    if not step.good and step.name != receipt_steps.INCLUSION:
        return tr("It was refused: {why}.").format(why=step.fact)
    match step.name:
        case receipt_steps.FORM:
            return trn(
                "{count} receipt can be read.", "{count} receipts can be read.", int(step.fact)
            ).format(count=step.fact)
        case receipt_steps.SIGNATURE:
            origin, _, size = step.fact.rpartition(", ")
            return tr(
                "The head of the log {log} with {size} entries is signed by the key of this site's log."
            ).format(log=origin, size=size)
        case receipt_steps.DIGEST:
            return tr(
                "The record as it stands in the receipt, with its salt, has the digest {digest}. Another record would have another one."
            ).format(digest=step.fact)
        case _:
            index, hops, root = step.fact.split(", ")
            if step.good:
                return tr(
                    "From that digest, as entry {index}, {hops} hashes lead to the root {root}, which is the signed one."
                ).format(index=index, hops=hops, root=root)
            return tr(
                "From that digest, as entry {index}, {hops} hashes do not lead to the signed root {root}."
            ).format(index=index, hops=hops, root=root)


def _facts(entry: FetchRecord | BookEntry) -> list[tuple[str, str]]:
    return trace_of(row_of(entry, when(entry.time_us)))


def _form(text: str) -> str:
    shown = text if len(text) <= LARGEST else ""
    return (
        f"<h2>{tr('Check one')}</h2>\n<p>{tr(_LEAD)}</p>\n"
        f'<form method="post" action="{RECEIPT}">\n<label for="{_FIELD}">{tr("The receipt, as JSON or .tlog-proof")}</label>\n'
        f'<textarea id="{_FIELD}" name="{_FIELD}" required spellcheck="false">{escape(shown)}</textarea>\n<button>{tr("Check it")}</button>\n</form>\n'
        f'<form method="post" action="{RECEIPT}" enctype="multipart/form-data">\n<label for="file">{tr("Or its file")}</label>\n'
        f'<input type="file" id="file" name="file" required>\n<button class="second">{tr("Check the file")}</button>\n</form>\n'
        f'<form method="get" action="{RECEIPT}">\n<label for="id">{tr("Or the id of one of your own records; you sign in for it")}</label>\n'
        f'<input type="text" id="id" name="id" required maxlength="200">\n<button class="second">{tr("Open it")}</button>\n</form>\n'
        f"<p>{link(f'{PREFIX}/log/key', tr('The key of the public log'))}</p>\n"
    )
