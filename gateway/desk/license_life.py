"""A license as its holder reads it, and what it asks to become of it, below ``/.licet/licenses``.

========================= =====================================================
GET …/ID                  where it stands, and every version; with ``?version=N``
                          that version with its terms. The address stays
POST …/ID/renewal         another term: facts alone; 201 and the negotiation
POST …/ID/amendment       other terms until the end: a proposal; 201 and the
                          negotiation
POST …/ID/transfer        refused
========================= =====================================================

Both go on in the negotiation that `Location` names, as any other does, and take
an ``Idempotency-Key``. ``…/ID.jsonld`` is answered by `desk.agreements`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from gateway.clock import Clock
from gateway.desk.bargains import Bargains, Place
from gateway.desk.call import READ, WRITE, About, Call, Endpoint, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.negotiation_schemas import NEGOTIATED, STATED
from gateway.desk.negotiations import came_in, told
from gateway.desk.once import Once
from gateway.desk.reading import JSON
from gateway.desk.replies import json_reply
from gateway.licenses.contract import NOTICE
from gateway.licenses.license import License
from gateway.licenses.life import Change, Phase, current, phase, transferred
from gateway.licenses.lives import Lives
from gateway.licenses.proposals import read_message
from gateway.licenses.register import LicenseRegister
from gateway.licenses.revocations import Revocations
from gateway.problems import Problem, Refusal

LICENSES: Final = f"{PREFIX}/licenses"
_NONE: Final = "This licensee holds no license of that id here."
_ID: Final = ("id", {"type": "string"})
_SHOWN: Final = About(
    "One license of the client's licensee: where it stands, its versions; as an ODRL 2.2 agreement with .jsonld.",
    asks={"version": {"type": "integer", "minimum": 1}},
    gives={JSON: {"type": "object", "required": ["license", "version", "state", "versions"]}},
    login=True,
    rest=("id", {"type": "string"}),
)
_RENEWS: Final = About(
    "Ask for another term of a license: the negotiation that it is agreed in.",
    takes={JSON: STATED["renewal"]},
    gives=NEGOTIATED,
    status=201,
    login=True,
    rest=_ID,
)
_AMENDS: Final = About(
    "Propose other terms of a license until its end: the negotiation that they are agreed in.",
    takes={JSON: STATED["amendment"]},
    gives=NEGOTIATED,
    status=201,
    login=True,
    rest=_ID,
)
_HANDS_ON: Final = About(
    "Always refused: a license cannot be transferred.",
    takes={JSON: {"type": "object"}},
    gives={JSON: {}},
    status=403,
    login=True,
    rest=_ID,
)


class LicenseDesk:
    """Answers clients of the licensee, and nobody else."""

    def __init__(
        self,
        clients: Clients,
        bargains: Bargains,
        register: LicenseRegister,
        lives: Lives,
        clock: Clock,
        agreement: Endpoint,
        once: Once | None = None,
    ) -> None:
        """Recognize by *clients*, negotiate by *bargains*; *agreement* answers for the same license as ODRL."""
        self._clients, self._bargains, self._once = clients, bargains, once
        self._register, self._lives, self._clock, self._agreement = register, lives, clock, agreement

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{LICENSES}/*": Route(READ, self._one, about={"GET": _SHOWN}),
            f"{LICENSES}/*/renewal": Route(WRITE, self._asked(Change.RENEWAL), about={"POST": _RENEWS}),
            f"{LICENSES}/*/amendment": Route(WRITE, self._asked(Change.AMENDMENT), about={"POST": _AMENDS}),
            f"{LICENSES}/*/transfer": Route(WRITE, self._transfer, about={"POST": _HANDS_ON}),
        }

    async def _one(self, call: Call) -> web.StreamResponse | Refusal:
        if call.rest.endswith(".jsonld"):
            return await self._agreement(call)
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        versions = await self._mine(place, call.rest)
        if isinstance(versions, Refusal):
            return versions
        revoked, now = await self._register.revocations(), self._clock.now_us() // 1_000_000
        found = chosen(versions, call.request.query.get("version", ""), now)
        if isinstance(found, Refusal):
            return found
        return json_reply(license_document(found, versions, revoked, now=now, origin=place.origin))

    async def _mine(self, place: Place, license_id: str) -> tuple[License, ...] | Refusal:
        versions = await self._lives.versions(license_id)
        mine = (place.known.licensee.id, place.policy.site.id)
        if not versions or (versions[0].licensee, versions[0].site) != mine:
            return Refusal(Problem.NOT_FOUND, _NONE)
        return versions

    def _asked(self, change: Change) -> Endpoint:
        async def act(call: Call) -> web.StreamResponse | Refusal:
            came = await came_in(call, self._clients)
            if isinstance(came, Refusal):
                return came
            place, body = came

            async def begun() -> web.Response | Refusal:
                message = read_message(body)
                if isinstance(message, Refusal):
                    return message
                if message.offer:
                    return Refusal(
                        Problem.PROPOSAL_INVALID,
                        "Of the message, offer is not asked here: it is that of the license.",
                        facts=(("member", "offer"),),
                    )
                made = await self._bargains.begin_change(place, call.rest, change, message)
                if isinstance(made, Refusal):
                    return made
                at = f"{issuer_of(place.origin)}/negotiations/{made.id}"
                return told(made, place, status=201, headers={"Location": at})

            return await self._only_once(call, place, body, begun)

        return act

    async def _only_once(
        self,
        call: Call,
        place: Place,
        body: Mapping[str, object],
        act: Callable[[], Awaitable[web.Response | Refusal]],
    ) -> web.Response | Refusal:
        if self._once is None:
            return await act()
        wanted = {"at": place.origin, "wanted": dict(body)}
        return await self._once.answer(call.request, place.known.client.id, wanted, act)

    async def _transfer(self, call: Call) -> web.StreamResponse | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        versions = await self._mine(came[0], call.rest)
        return versions if isinstance(versions, Refusal) else transferred()


def chosen(versions: tuple[License, ...], asked: str, now: int) -> License | Refusal:
    """The version whose number is *asked*, or the one in force at *now* where that is "" (`life.current`)."""
    if not asked:
        found = current(versions, now)
    else:
        plain = asked.isascii() and asked.isdigit() and len(asked) < 6
        found = next((each for each in versions if plain and each.version == int(asked)), None)
    return found or Refusal(Problem.NOT_FOUND, "The license has no version of that number.")


def license_document(
    chosen: License, versions: tuple[License, ...], revoked: Revocations, *, now: int, origin: str
) -> dict[str, Any]:
    """Everything about a license that its holder may know; of its *versions* the *chosen* one with its terms."""
    suspended = dict(revoked.suspended).get(chosen.id, "")

    def state(version: License) -> Phase:
        gone = version.id in revoked.licenses
        return phase(version, versions, now, revoked=gone, suspended=bool(suspended))

    base = f"{issuer_of(origin)}/licenses/{chosen.id}"
    contract = f"{issuer_of(origin)}/contracts/{chosen.id}"
    return {
        "license": chosen.id,
        "licensee": chosen.licensee,
        "site": chosen.site,
        "offer": chosen.offer,
        "version": chosen.version,
        "state": str(state(chosen)),
        "suspended": suspended,
        "starts_at": chosen.starts_at,
        "ends_at": chosen.ends_at,
        "terms_hash": chosen.terms.hash,
        "terms": chosen.terms.as_json(),
        "budget": {"micros": chosen.budget.micros, "fetches": chosen.budget.fetches},
        "crawlers": sorted(chosen.crawlers),
        "versions": [
            {
                "version": each.version,
                "state": str(state(each)),
                "starts_at": each.starts_at,
                "ends_at": each.ends_at,
                "terms_hash": each.terms.hash,
                "url": f"{base}?version={each.version}",
                "contract": f"{contract}?version={each.version}",
            }
            for each in versions
        ],
        "links": {
            "self": base,
            "contract": contract,
            "agreement": f"{base}.jsonld",
            "renewal": f"{base}/renewal",
            "amendment": f"{base}/amendment",
        },
        "notice": NOTICE,
    }
