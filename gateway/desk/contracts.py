"""Contracts for their parties: as JSON, as a page, as a PDF; the same facts in all three.

``/.licet/contracts/LICENSE`` is what was agreed, kept word for word when it was:
the version in force, or the one that ``?version=N`` names; the address stays.
``/.licet/negotiations/ID/contract`` is what is on the table, headed as proposed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from gateway import bundled
from gateway.canonical import canonical_bytes, canonical_digest
from gateway.clock import Clock
from gateway.desk.agreeing import proposed_contract
from gateway.desk.bargains import Bargains
from gateway.desk.call import Call, Group, read_at
from gateway.desk.clients import Clients
from gateway.desk.contract_page import contract_page
from gateway.desk.contract_pdf import PDF, available, contract_pdf
from gateway.desk.license_life import chosen
from gateway.desk.metadata import PREFIX
from gateway.desk.negotiation_schemas import ABOUT
from gateway.desk.negotiations import NEGOTIATIONS, came_in
from gateway.desk.replies import octets_reply, page
from gateway.licenses.contract import Clause, read_clause
from gateway.licenses.lives import Lives
from gateway.licenses.negotiation import agreed_as
from gateway.problems import Problem, Refusal

_PRIVATE: Final = {"Cache-Control": "no-store", "Vary": "Accept, Authorization"}


def shipped_clauses() -> tuple[Clause, ...]:
    """The clauses that this distribution has, in their order."""
    files = sorted(bundled.policies("clauses").glob("*.toml"))
    return tuple(read_clause(file.stem, file.read_text("utf-8")) for file in files)


class Contracts:
    """Answers clients of the licensee, and nobody else."""

    def __init__(
        self,
        clients: Clients,
        bargains: Bargains,
        clauses: Iterable[Clause],
        clock: Clock,
        lives: Lives | None = None,
    ) -> None:
        """Recognize by *clients*; read what was agreed by *bargains*, and draw what is proposed with *clauses*.

        *lives* tells which version of a license is in force.
        """
        self._clients, self._bargains, self._clauses = clients, bargains, tuple(clauses)
        self._clock, self._lives = clock, lives

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{NEGOTIATIONS}/*/contract": read_at(self._proposed, ABOUT["contract"]["GET"]),
            f"{PREFIX}/contracts/*": read_at(self._agreed, ABOUT["agreed"]["GET"]),
        }

    async def _agreed(self, call: Call) -> web.StreamResponse | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        version = await self._version(call)
        if isinstance(version, Refusal):
            return version
        found = agreed_as(await self._bargains.store.agreed_on(call.rest), version)
        if found is None or await self._bargains.read(place, found.id) is None or not found.contract:
            return Refusal(Problem.NOT_FOUND, "This licensee has no negotiated license of that id here.")
        # The proof of authorship is a document of its own: the contract's hash stays what was agreed.
        drawn = await _drawn(call, orjson.loads(found.contract))
        if not isinstance(drawn, Refusal):
            drawn.headers["Link"] = f'<{PREFIX}/contracts/{call.rest}/authorship>; rel="describedby"'
        return drawn

    async def _version(self, call: Call) -> int | Refusal:
        """Which version is asked for: the one in force, where the query names none."""
        if self._lives is None:
            return 1
        versions = await self._lives.versions(call.rest)
        found = chosen(versions, call.request.query.get("version", ""), self._clock.now_us() // 1_000_000)
        return found if isinstance(found, Refusal) else found.version

    async def _proposed(self, call: Call) -> web.StreamResponse | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        found = await self._bargains.read(place, call.rest)
        if found is None:
            return Refusal(Problem.NOT_FOUND, "This licensee has no negotiation of that id here.")
        if found.contract:
            return await _drawn(call, orjson.loads(found.contract))
        name = place.known.licensee.name
        document = proposed_contract(found, place.policy, name, place.origin, self._clauses)
        if document is None:
            return Refusal(
                Problem.NEGOTIATION_WAITS, "Nothing is on the table.", facts=(("state", str(found.state)),)
            )
        return await _drawn(call, document)


async def _drawn(call: Call, document: Mapping[str, Any]) -> web.StreamResponse | Refusal:
    digest = canonical_digest(document)
    headers = {**_PRIVATE, "ETag": f'"{digest}"'}
    if PDF in call.request.headers.get("Accept", "").lower():
        if not available():
            return Refusal(Problem.NOT_FOUND, "This gateway makes no PDF; ask for the page, and print it.")
        return octets_reply(await asyncio.to_thread(contract_pdf, document, digest), PDF, headers)
    if call.wants_page:
        return page(document["heading"], contract_page(document, digest), headers=headers)
    return octets_reply(canonical_bytes(document), "application/json", headers)
