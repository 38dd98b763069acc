"""Costs that a creator claims of a client's licensee, and the licensee's word on each.

===================== ==========================================================
GET, POST …/claims    all of them, with the SHA-256 of the evidence and why
POST …/claims/answer  ``{"claim": id, "accept": true}``: it is owed from then on;
                      or ``{"claim": id, "accept": false, "why": …}``
===================== ==========================================================

Nothing is owed that the licensee did not accept.
"""

from __future__ import annotations

import asyncio
from typing import Final

import uuid_utils
from aiohttp import web

from gateway.billing.cost_claims import Claim, accepted, claims_of, disputed
from gateway.billing.dues import payment_of
from gateway.billing.owing import Owing
from gateway.clock import Clock
from gateway.desk.bargains import Place
from gateway.desk.call import WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.fees import Keeping
from gateway.desk.metadata import PREFIX
from gateway.desk.negotiations import came_in
from gateway.desk.reading import JSON
from gateway.desk.replies import json_reply
from gateway.licenses.contract import NOTICE
from gateway.licenses.register import LicenseRegister
from gateway.problems import Problem, Refusal
from gateway.provenance.record import BookEntry

_TEXT: Final = {"type": "string"}
_ALL: Final = About(
    "Costs that the creator claims under the client's licenses.",
    gives={JSON: {"type": "object", "required": ["claims", "notice"]}},
    login=True,
)
_ANSWERS: Final = About(
    "Accept a claim, which is owed from then on, or dispute it.",
    takes={
        JSON: {
            "type": "object",
            "required": ["claim", "accept"],
            "properties": {"claim": _TEXT, "accept": {"type": "boolean"}, "why": _TEXT},
        }
    },
    gives={JSON: {"type": "object", "required": ["id", "state", "amount"]}},
    login=True,
)


class ClaimDesk:
    """Answers clients of the licensee, and nobody else."""

    def __init__(self, owing: Owing, register: LicenseRegister, journal: Keeping, clock: Clock) -> None:
        """Read *owing*, write answers into *journal*."""
        self._owing, self._register, self._journal, self._clock = owing, register, journal, clock
        self._answered: dict[str, BookEntry] = {}
        self._one = asyncio.Lock()

    def group(self, clients: Clients) -> Group:
        """Its addresses, for *clients*."""
        self._clients = clients
        about = {"GET": _ALL, "POST": _ALL}
        return {
            f"{PREFIX}/claims": Route(("GET", "HEAD", *WRITE), self._all, about=about),
            f"{PREFIX}/claims/answer": Route(WRITE, self._answer, about={"POST": _ANSWERS}),
        }

    async def _all(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, body = came
        if body:
            return Refusal(Problem.DOCUMENT_INVALID, "This address is read: it takes nothing but a login.")
        claims = await self._claims(place)
        return json_reply({"claims": [claim_document(each) for each in claims], "notice": NOTICE})

    async def _answer(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients, problem=Problem.DOCUMENT_INVALID)
        if isinstance(came, Refusal):
            return came
        place, body = came
        id, accept, why = body.get("claim"), body.get("accept"), body.get("why", "")
        if (
            body.keys() - {"claim", "accept", "why"}
            or not isinstance(accept, bool)
            or not isinstance(why, str)
        ):
            return Refusal(
                Problem.DOCUMENT_INVALID, "An answer holds claim, accept (true or false), and why."
            )
        async with self._one:
            found = next((each for each in await self._claims(place) if each.entry.id == id), None)
            if found is None:
                return Refusal(Problem.NOT_FOUND, "Nothing of that id is claimed of this licensee here.")
            made = await self._answered_by(found, place, accept=accept, why=why)
            if isinstance(made, Refusal):
                return made
            await self._journal.keep(made)
            self._answered[made.id] = made
            return json_reply(claim_document(claims_of([found.entry, made])[0]))

    async def _answered_by(
        self, claim: Claim, place: Place, *, accept: bool, why: str
    ) -> BookEntry | Refusal:
        id, now_us = str(uuid_utils.uuid7()), self._clock.now_us()
        if not accept:
            return disputed(claim, id, now_us, why, f"licensee {place.known.licensee.id}")
        license = await self._register.license(claim.entry.license)
        assert license is not None, "it was claimed under it"
        payment = payment_of(license.terms)
        return accepted(claim, id, now_us, payment.days, payment.calendar)

    async def _claims(self, place: Place) -> tuple[Claim, ...]:
        """Those of the licensee on this site, what was answered and is not folded yet counted."""
        held = await self._register.licenses_of(place.known.licensee.id)
        if not held:
            return ()
        # Book entries are those of the licensee, whichever of its licenses is asked about.
        entries = await self._owing.entries(held[0].id, deliveries=False)
        for each in {entry.id for entry in entries} & self._answered.keys():
            del self._answered[each]
        found = claims_of((*entries, *self._answered.values()))
        return tuple(each for each in found if each.entry.site == place.policy.site.id)


def claim_document(claim: Claim) -> dict[str, object]:
    """One claim for programs."""
    return {
        "id": claim.entry.id,
        "license": claim.entry.license,
        "about": claim.entry.reference,
        "amount": {"micros": claim.amount.micros, "currency": claim.amount.currency},
        "evidence": f"sha-256:{claim.evidence}",
        "why": claim.why,
        "at": claim.entry.time_us // 1_000_000,
        "state": str(claim.state),
        "answer": claim.answer,
    }
