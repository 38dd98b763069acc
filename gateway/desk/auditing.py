"""What auditors read, each within its scope: ``/.licet/audit``, and nothing else.

================================================== =============================
GET, Bearer ``/.licet/audit``                      what this auditor may see
GET, Bearer ``/.licet/audit/bundles/LICENSEE/MONTH``  that month as evidence (zip)
GET, Bearer ``/.licet/audit/receipts/ID``          what proves one record
================================================== =============================

The secret is the operator's to give (`licenses.auditors`). Whatever is asked
with a secret that is known is kept, who asked for what and what came of it,
before it is answered. An auditor of one site is answered at that site alone.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO, Final, cast

from aiohttp import web

from gateway.billing.statements import Period, PeriodError, StatementDisagrees
from gateway.clock import Clock
from gateway.desk.bundling import Log, NotBundled, Sources, write_bundle
from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.clients import Clients, bearer_of
from gateway.desk.log_files import PROOF, TEXT
from gateway.desk.metadata import PREFIX
from gateway.desk.replies import json_reply, octets_reply, streamed_reply
from gateway.licenses.auditors import Auditor, Auditors, Look, month_of
from gateway.licenses.enrollment import secret_hash
from gateway.problems import Problem, Refusal
from gateway.provenance.archive import ArchiveRefused
from gateway.provenance.receipts import Opened, as_tlog_proof, receipts

AUDIT: Final = f"{PREFIX}/audit"
GIVEN: Final = "given"
_ZIP: Final = "application/zip"
_PIECE: Final = 1 << 18
_SOON: Final = 2
_LONGEST: Final = 200
#: What writing a bundle may take, below what a request may take in all.
_SECONDS: Final = 45.0
_NO_STORE: Final = {"Cache-Control": "no-store"}
_UNKNOWN: Final = Refusal(Problem.AUDITOR_UNKNOWN, "The secret is missing or not ours.")
_TOO_LARGE: Final = Refusal(
    Problem.REQUEST_TIMEOUT, "The month is too large for this address; the operator can write it as a file."
)
_NOT_YOURS: Final = Refusal(Problem.AUDIT_OUT_OF_SCOPE, "It is not in the scope of this access.")


class AuditDesk:
    """Answers auditors; writes one bundle at a time."""

    def __init__(
        self,
        auditors: Auditors,
        sources: Callable[[], Sources],
        log: Callable[[], Log | None],
        clients: Clients,
        clock: Clock,
    ) -> None:
        """Know *auditors*, read what *sources* gives, prove by what *log* gives; wrong secrets count for *clients*' pace."""
        self._auditors, self._sources, self._log = auditors, sources, log
        self._clients, self._clock = clients, clock
        self._writing = asyncio.Lock()

    def group(self) -> Group:
        """Its addresses."""
        proof = {"application/json": {"type": "object"}, TEXT: {"type": "string"}}
        return {
            AUDIT: read_at(
                self._scope,
                About(
                    "What this auditor may see, and until when (Bearer: the auditor's secret).",
                    gives={"application/json": {"type": "object", "required": ["auditor", "scope"]}},
                ),
            ),
            f"{AUDIT}/bundles/*": read_at(
                self._bundle,
                About(
                    "A licensee's month as evidence, for an auditor whose scope has it.",
                    gives={_ZIP: {"type": "string", "format": "binary"}},
                    rest=("licensee_and_month", {"type": "string", "maxLength": _LONGEST}),
                ),
            ),
            f"{AUDIT}/receipts/*": read_at(
                self._receipt,
                About(
                    "What proves one record, for an auditor whose scope has it.",
                    gives=proof,
                    rest=("id", {"type": "string", "maxLength": _LONGEST}),
                ),
            ),
        }

    async def _scope(self, call: Call) -> web.StreamResponse | Refusal:
        auditor = await self._known(call, "scope")
        if isinstance(auditor, Refusal):
            return auditor
        await self._looked(auditor, "scope", GIVEN)
        return json_reply(
            {
                "auditor": auditor.id,
                "name": auditor.name,
                "scope": {
                    "licensee": auditor.licensee or None,
                    "site": auditor.site or None,
                    "first": auditor.first,
                    "last": auditor.last,
                },
                "expires_at": auditor.expires_at,
                "links": {
                    "bundle": f"{call.origin}{AUDIT}/bundles/{auditor.licensee or '{licensee}'}/{{month}}",
                    "receipt": f"{call.origin}{AUDIT}/receipts/{{id}}",
                    "log": f"{call.origin}{PREFIX}/log",
                    "key": f"{call.origin}{PREFIX}/log/key",
                },
            }
        )

    async def _bundle(self, call: Call) -> web.StreamResponse | Refusal:
        what = f"bundle {call.rest[:_LONGEST]}"
        auditor = await self._known(call, what)
        if isinstance(auditor, Refusal):
            return auditor
        licensee_id, _, month = call.rest.partition("/")
        try:
            period = Period.parse(month)
        except PeriodError as error:
            return await self._refused(auditor, what, Refusal(Problem.NOT_FOUND, f"Here {error}."))
        if not auditor.covers(licensee_id, auditor.site, period.name):
            return await self._refused(auditor, what, _NOT_YOURS)
        sources, log = self._sources(), self._log()
        licensee = await sources.register.licensee(licensee_id)
        if licensee is None or log is None:
            why = (
                "There is no such licensee." if licensee is None else "There is no public log at the moment."
            )
            return await self._refused(auditor, what, Refusal(Problem.NOT_FOUND, why, retry_after=_SOON))
        async with self._writing:
            # A connection that ends in between leaves nothing behind: the file has no name.
            with cast("BinaryIO", tempfile.TemporaryFile()) as file:
                try:
                    async with asyncio.timeout(_SECONDS):
                        await write_bundle(file, licensee, period, sources, log, site=auditor.site)
                except TimeoutError:
                    return await self._refused(auditor, what, _TOO_LARGE)
                except (NotBundled, ArchiveRefused, StatementDisagrees) as error:
                    refusal = Refusal(Problem.NOT_FOUND, str(error), retry_after=_SOON)
                    return await self._refused(auditor, what, refusal)
                await self._looked(auditor, what, GIVEN)
                file.seek(0)
                return await streamed_reply(call.request, _ZIP, _pieces(file))

    async def _receipt(self, call: Call) -> web.StreamResponse | Refusal:
        what = f"receipt {call.rest[:_LONGEST]}"
        auditor = await self._known(call, what)
        if isinstance(auditor, Refusal):
            return auditor
        opened, log = await self._sources().leaves.opened(call.rest.removesuffix(PROOF)), self._log()
        # What is outside is not told from what does not exist.
        if opened is None or not auditor.covers(opened.licensee, opened.site, month_of(opened.time_us)):
            return await self._refused(auditor, what, _NOT_YOURS)
        if log is None or opened.index >= log.signed.head.size:
            later = Refusal(Problem.NOT_FOUND, "The log's next head will have it.", retry_after=_SOON)
            return await self._refused(auditor, what, later)
        await self._looked(auditor, what, GIVEN)
        if call.rest.endswith(PROOF) or call.request.headers.get("Accept", "").startswith(TEXT):
            return octets_reply((await asyncio.to_thread(_as_text, opened, log)).encode(), TEXT, _NO_STORE)
        return json_reply(await asyncio.to_thread(_as_json, opened, log))

    async def _known(self, call: Call, what: str) -> Auditor | Refusal:
        """The auditor who asks, or why nobody is let in."""
        secret = bearer_of(call.request)
        auditor = await self._auditors.by_secret(secret_hash(secret)) if secret else None
        if auditor is None:
            return self._clients.turned_away(_UNKNOWN, call.address)
        why = auditor.ended(self._now())
        if why:
            return await self._refused(auditor, what, Refusal(Problem.AUDITOR_UNKNOWN, why))
        if auditor.site and auditor.site != call.policy.site.id:
            return await self._refused(auditor, what, _NOT_YOURS)
        return auditor

    async def _refused(self, auditor: Auditor, what: str, refusal: Refusal) -> Refusal:
        await self._looked(auditor, what, refusal.code)
        return refusal

    async def _looked(self, auditor: Auditor, what: str, came: str) -> None:
        await self._auditors.looked(Look(auditor.id, self._now(), what, came))

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece


def _as_json(opened: Opened, log: Log) -> dict[str, object]:
    return receipts([opened], log.key, log.signed.head.size, log.signed.note, log.nodes)


def _as_text(opened: Opened, log: Log) -> str:
    return as_tlog_proof(opened, log.signed.head.size, log.signed.note, log.nodes)
