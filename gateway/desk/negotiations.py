"""The addresses of negotiations, below ``/.licet/negotiations``.

========================= =====================================================
POST …                    begin: offer, facts, proposal; 201, `Location`, `ETag`
GET …                     one's own, newest first
GET …/ID                  everything about it; `If-None-Match`, and with
                          ``?wait=SECONDS`` (at most 25) as soon as it changes
POST …/ID                 the same, for a client that logs in by the body
POST …/ID/proposals       another proposal, or the facts that were asked for
POST …/ID/acceptance      the hash of what is on the table, and the very words
                          that the negotiation tells
POST …/ID/verification    the agreement is what was accepted
POST …/ID/termination     an end
========================= =====================================================

The states are the Dataspace Protocol's (2025-1). Whoever changes something says
in ``If-Match`` (RFC 9110, section 13.1.1) which version it read: without it 428,
with another one 409 and the current one. A POST may carry an
``Idempotency-Key``. A client logs in as `desk.clients` has it: by the header,
or by members of the JSON body named as the parameters of a form are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web

from gateway.desk.agreeing import lacking, read_assent
from gateway.desk.bargains import Bargains, Place
from gateway.desk.call import READ, WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.negotiation_documents import brief, negotiation_document
from gateway.desk.negotiation_schemas import ABOUT
from gateway.desk.once import Once
from gateway.desk.reading import JSON, LARGEST_BODY, read_body, read_json
from gateway.desk.replies import json_reply, nothing
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.proposals import read_message
from gateway.problems import Problem, Refusal

_log = structlog.get_logger("licet.desk")
NEGOTIATIONS: Final = f"{PREFIX}/negotiations"
#: The most seconds that a reader waits for a change.
LONGEST_WAIT: Final = 25
#: Requests of one client that may wait at once; more are answered as things stand.
_MOST_WAITING: Final = 8
_LOGIN: Final = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
_LONGEST_REASON: Final = 300

Body = Mapping[str, object]
_Said = Callable[[Place, str, str, Body], Awaitable[Negotiation | Refusal]]


async def came_in(
    call: Call,
    clients: Clients,
    *,
    largest: int = LARGEST_BODY,
    problem: Problem = Problem.PROPOSAL_INVALID,
    media_type: str = JSON,
) -> tuple[Place, Body] | Refusal:
    """Who sent *call*, and its JSON body without what logs in; {} where it has none to read.

    A body is of *media_type*, at most *largest* bytes; one that is no JSON object is refused as *problem*.
    """
    request, issuer = call.request, issuer_of(call.origin)
    body: Body = {}
    told = "Authorization" in request.headers
    known = (
        await clients.authenticate(request, call.address, issuer=issuer)
        if told or request.method != "POST"
        else None
    )
    if isinstance(known, Refusal):
        return known
    if request.method == "POST":
        octets = await read_body(request, (media_type,), largest=largest)
        if isinstance(octets, Refusal):
            return octets
        read = read_json(octets, problem)
        if isinstance(read, Refusal):
            return read
        form = {name: (value,) for name in _LOGIN if isinstance(value := read.get(name), str) and value}
        if known is None:
            known = await clients.authenticate(request, call.address, form, issuer=issuer)
            if isinstance(known, Refusal):
                return known
        elif form:
            return Refusal(Problem.FORM_INVALID, "Credentials are sent in one way only, and each once.")
        body = {name: value for name, value in read.items() if name not in _LOGIN}
    assert known is not None
    return Place(known, call.policy, call.origin, call.address), body


class NegotiationDesk:
    """Answers what is under ``/.licet/negotiations``, the contracts aside."""

    def __init__(self, clients: Clients, bargains: Bargains, once: Once | None = None) -> None:
        """Recognize by *clients*, act by *bargains*, and do what carries a key once."""
        self._clients, self._bargains, self._once = clients, bargains, once
        self._waiting: Counter[str] = Counter()

    def group(self) -> Group:
        """Its addresses."""
        return {
            NEGOTIATIONS: Route((*READ[:2], *WRITE), self._all, about=ABOUT["all"]),
            f"{NEGOTIATIONS}/*": Route((*READ[:2], *WRITE), self._one, about=ABOUT["one"]),
            f"{NEGOTIATIONS}/*/proposals": self._at(self._propose, ABOUT["proposals"]),
            f"{NEGOTIATIONS}/*/acceptance": self._at(self._accept, ABOUT["acceptance"]),
            f"{NEGOTIATIONS}/*/verification": self._at(self._verify, ABOUT["verification"]),
            f"{NEGOTIATIONS}/*/termination": self._at(self._end, ABOUT["termination"]),
        }

    async def _all(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, body = came
        if call.request.method != "POST":
            found = await self._bargains.store.of(place.known.licensee.id, place.policy.site.id)
            listed = [brief(each, place.origin) for each in reversed(found)]
            return json_reply({"negotiations": listed})

        async def begun() -> web.Response | Refusal:
            message = read_message(body)
            if isinstance(message, Refusal):
                return message
            made = await self._bargains.begin(place, message)
            if isinstance(made, Refusal):
                return made
            at = f"{issuer_of(place.origin)}/negotiations/{made.id}"
            return told(made, place, status=201, headers={"Location": at})

        return await self._only_once(call, place, body, begun)

    async def _one(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, body = came
        if body:
            return _unread(next(iter(body)), "is unknown; this address is read")
        wait = call.request.query.get("wait", "0")
        if not (wait.isascii() and wait.isdigit() and len(wait) <= 3 and int(wait) <= LONGEST_WAIT):
            return _unread("wait", f"is not a whole number from 0 to {LONGEST_WAIT}")
        seen = version_in(call, "If-None-Match")
        client = place.known.client.id
        patient = int(wait) and seen and self._waiting[client] < _MOST_WAITING
        self._waiting[client] += 1
        try:
            found = await self._bargains.changed(place, call.rest, seen, int(wait) if patient else 0)
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # forgets whoever waits for nothing
        if found is None:
            return Refusal(Problem.NOT_FOUND, "This licensee has no negotiation of that id here.")
        if found.version == seen:
            return nothing(304, {"ETag": _etag(found)})
        return told(found, place)

    def _at(self, said: _Said, about: Mapping[str, About]) -> Route:
        async def act(call: Call) -> web.Response | Refusal:
            came = await came_in(call, self._clients)
            if isinstance(came, Refusal):
                return came
            place, body = came
            version = version_in(call, "If-Match")
            if not version:
                return Refusal(Problem.PRECONDITION_REQUIRED)

            async def done() -> web.Response | Refusal:
                made = await said(place, call.rest, version, body)
                return made if isinstance(made, Refusal) else told(made, place)

            return await self._only_once(call, place, {"version": version, "body": body}, done)

        return Route(WRITE, act, about=about)

    async def _propose(self, place: Place, id: str, version: str, body: Body) -> Negotiation | Refusal:
        message = read_message(body)
        if isinstance(message, Refusal):
            return message
        return await self._bargains.propose(place, id, version, message)

    async def _accept(self, place: Place, id: str, version: str, body: Body) -> Negotiation | Refusal:
        assent = read_assent(body)
        if isinstance(assent, Refusal):
            return assent
        return await self._bargains.accept(place, id, version, assent)

    async def _verify(self, place: Place, id: str, version: str, body: Body) -> Negotiation | Refusal:
        terms = body.get("terms_hash")
        if not isinstance(terms, str) or len(body) != 1:
            return _unread("terms_hash", "is missing, or stands beside something else")
        return await self._bargains.verify(place, id, version, terms)

    async def _end(self, place: Place, id: str, version: str, body: Body) -> Negotiation | Refusal:
        why = body.get("why", "The buyer ended it.")
        if body.keys() - {"why"} or not isinstance(why, str):
            return _unread("why", "is no text, or stands beside something else")
        if not why.isprintable() or not 0 < len(why) <= _LONGEST_REASON:
            return _unread("why", f"is not a line of at most {_LONGEST_REASON} characters")
        return await self._bargains.end(place, id, version, why)

    async def _only_once(
        self, call: Call, place: Place, wanted: Body, act: Callable[[], Awaitable[web.Response | Refusal]]
    ) -> web.Response | Refusal:
        if self._once is None:
            return await act()
        return await self._once.answer(
            call.request, place.known.client.id, {"at": place.origin, "wanted": dict(wanted)}, act
        )


def told(
    found: Negotiation, place: Place, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The answer that tells where a negotiation stands, with its version as the ETag."""
    _log.info("a negotiation was told", id=found.id, state=str(found.state), client=place.known.client.id)
    body = negotiation_document(
        found,
        name=place.known.licensee.name,
        origin=place.origin,
        lacking=lacking(found, place.known, place.policy, place.origin),
    )
    return json_reply(body, status=status, headers={"ETag": _etag(found), **(headers or {})})


def _etag(found: Negotiation) -> str:
    return f'"{found.version}"'


def version_in(call: Call, name: str) -> str:
    """The one strong entity tag in the field *name*, or ""; a list or a star names no version."""
    shown = call.request.headers.getall(name, [])
    text = shown[0].strip() if len(shown) == 1 else ""
    text = text.removeprefix("W/") if name == "If-None-Match" else text
    plain = len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    return text[1:-1] if plain else ""


def _unread(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the message, {member} {why}.", facts=(("member", member),))
