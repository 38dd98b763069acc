"""The URL table of the license desk.

=========== ============================================ ====================
method      path                                         answers
=========== ============================================ ====================
GET         ``/.licet/``                                 how to buy, offers
GET         ``/.licet/offers``                           every offer, in full
GET         ``/.licet/jwks.json``                        key set (RFC 7517)
GET         ``/.licet/problems/CODE``                    what a refusal means
GET, Basic  ``/.licet/account``                          credit and licenses
POST        ``/.licet/register``                         client (RFC 7591)
POST, Basic ``/.licet/token``                            token (RFC 6749, OLP)
POST, Basic ``/.licet/introspect``                       RFC 7662, OLP
POST, Basic ``/.licet/revoke``                           RFC 7009
GET         ``/.well-known/oauth-authorization-server/.licet``  RFC 8414
GET         ``/.well-known/oauth-protected-resource``    RFC 9728
GET         ``/.well-known/http-message-signatures-directory``  our own keys
=========== ============================================ ====================

HEAD goes where GET goes. These paths shadow the origin's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from aiohttp import web

from gateway.admission.spending import SpendBook
from gateway.clock import Clock
from gateway.desk import olp, pages
from gateway.desk.clients import Clients, Known, may_buy, registered_document
from gateway.desk.held import Holdings
from gateway.desk.metadata import (
    PREFIX,
    RESOURCE_METADATA,
    SERVER_METADATA,
    desk_owns,
    index_document,
    offers_document,
    resource_metadata,
    server_metadata,
)
from gateway.desk.pacing import DeskPace
from gateway.desk.reading import FORM, JSON, read_body, read_form, read_json
from gateway.desk.replies import json_reply, nothing, oauth_reply, problem_reply
from gateway.desk.selling import Balance, Buyer, Entered, Keeping, Ring, Sales, Sold
from gateway.desk.wishes import read_wish
from gateway.keys.key_set import KeySet
from gateway.licenses.register import LicenseRegister
from gateway.paths import Ambiguous, canonical
from gateway.policy.rules import Policy
from gateway.problems import PROBLEMS, Problem, Refusal, StoreUnavailable
from gateway.tokens.verification import Verifier
from gateway.visitors.own_identity import OwnIdentity
from gateway.visitors.signature_agent import WELL_KNOWN

_log = structlog.get_logger("licet.desk")
_READ = ("GET", "HEAD", "OPTIONS")
_WRITE = ("POST", "OPTIONS")
_RESOURCE = frozenset({"resource"})


class Keys(Ring, Protocol):
    """What the desk needs of `keys.key_ring.KeyRing`."""

    @property
    def public(self) -> KeySet:
        """Every key that verifies now."""
        ...


@dataclass(frozen=True, slots=True)
class _Call:
    """One request to the desk, and where it is."""

    request: web.BaseRequest
    policy: Policy
    origin: str
    address: str

    @property
    def wants_page(self) -> bool:
        accepted = self.request.headers.get("Accept", "").lower()
        return "text/html" in accepted and "json" not in accepted


_Endpoint = Callable[[_Call], Awaitable[web.Response | Refusal]]


class Desk:
    """Answers everything below ``/.licet/`` and the well-known paths that belong to it."""

    def __init__(
        self,
        *,
        register: LicenseRegister,
        spend_book: SpendBook,
        journal: Keeping,
        keys: Keys,
        clock: Clock,
        balance: Balance,
        entered: Entered,
        pace: DeskPace | None = None,
        identity: OwnIdentity | None = None,
    ) -> None:
        """Work on the parts given.

        Args:
            register: licensees, clients, licenses, revocations.
            spend_book: sets the fee of a license aside until the books show it.
            journal: makes that entry durable.
            keys: the ring of purpose ``tokens``: signs, and is published.
            clock: what time it is.
            balance: licensee id and currency -> prepaid credit that is free to spend now.
            entered: entry id -> whether the books hold that entry (`billing.ledger.Ledger.has_entry`).
            pace: limits; the default of `DeskPace` if absent.
            identity: who this gateway is to others; without one there is no directory.
        """
        self._keys, self._clock, self._identity = keys, clock, identity
        self._clients = Clients(register, clock, pace or DeskPace())
        self._sales = Sales(register, spend_book, journal, keys, clock, balance, entered)
        self._holdings = Holdings(register, Verifier(lambda: keys.public), clock, balance)
        read: dict[str, _Endpoint] = {
            PREFIX: self._index,
            f"{PREFIX}/": self._index,
            f"{PREFIX}/offers": self._offers,
            f"{PREFIX}/jwks.json": self._jwks,
            f"{PREFIX}/account": self._account,
            SERVER_METADATA: self._server_metadata,
            RESOURCE_METADATA: self._resource_metadata,
            WELL_KNOWN: self._directory,
        }
        write: dict[str, _Endpoint] = {
            f"{PREFIX}/register": self._register,
            f"{PREFIX}/token": self._token,
            f"{PREFIX}/introspect": self._introspect,
            f"{PREFIX}/revoke": self._revoke,
        }
        self._protocol = frozenset(write)
        self._table = {path: (_READ, act) for path, act in read.items()} | {
            path: (_WRITE, act) for path, act in write.items()
        }

    def owns(self, path: str) -> bool:
        """Whether canonical *path* is the desk's and not the site's."""
        return desk_owns(path)

    async def __call__(
        self, request: web.BaseRequest, policy: Policy, origin: str, address: str
    ) -> web.StreamResponse:
        """Answer *request* for the site of *policy* at public *origin*; *address* is the client's.

        No request makes it raise; a store that is down is a 503.
        """
        path = canonical(request.rel_url.raw_path)
        if isinstance(path, Ambiguous):
            return problem_reply(Refusal(Problem.AMBIGUOUS_PATH, f"Of this path, {path.why}."), origin)
        methods, endpoint = self._found(path)
        if endpoint is None:
            return problem_reply(Refusal(Problem.NOT_FOUND), origin)
        if request.method == "OPTIONS":
            return nothing(204, {"Allow": ", ".join(methods)})
        if request.method not in methods:
            refused = problem_reply(Refusal(Problem.METHOD_NOT_ALLOWED, f"Use {methods[0]} here."), origin)
            refused.headers["Allow"] = ", ".join(methods)
            return refused
        try:
            answer = await endpoint(_Call(request, policy, origin, address))
        except StoreUnavailable as error:
            answer = Refusal(
                Problem.SPEND_BOOK_UNAVAILABLE, "The books cannot be read.", retry_after=5, private=str(error)
            )
        if not isinstance(answer, Refusal):
            return answer
        if answer.private:
            _log.info("refused at the desk", code=answer.code, detail=answer.detail, private=answer.private)
        return oauth_reply(answer, origin) if path in self._protocol else problem_reply(answer, origin)

    def _found(self, path: str) -> tuple[tuple[str, ...], _Endpoint | None]:
        if path.startswith(f"{PREFIX}/problems/"):
            problem = PROBLEMS.get(path.removeprefix(f"{PREFIX}/problems/"))
            return (_READ, _problem(problem)) if problem else ((), None)
        return self._table.get(path, ((), None))

    async def _index(self, call: _Call) -> web.Response | Refusal:
        if call.wants_page:
            return pages.index_page(call.policy, call.origin)
        return _negotiated(index_document(call.policy, call.origin), 300)

    async def _offers(self, call: _Call) -> web.Response | Refusal:
        return json_reply(offers_document(call.policy, call.origin), max_age=300)

    async def _jwks(self, _call: _Call) -> web.Response | Refusal:
        return json_reply(self._keys.public.jwks(), max_age=300)

    async def _directory(self, call: _Call) -> web.Response | Refusal:
        if self._identity is None:
            return Refusal(Problem.NOT_FOUND)
        found = self._identity.directory(call.origin, self._clock.now_us() // 1_000_000)
        return web.Response(
            body=found.body, headers={**found.headers, "Cache-Control": "public, max-age=3600"}
        )

    async def _server_metadata(self, call: _Call) -> web.Response | Refusal:
        return json_reply(server_metadata(call.policy, call.origin), max_age=300)

    async def _resource_metadata(self, call: _Call) -> web.Response | Refusal:
        return json_reply(resource_metadata(call.policy, call.origin), max_age=300)

    async def _account(self, call: _Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        return json_reply(await self._holdings.account(known, call.policy))

    async def _register(self, call: _Call) -> web.Response | Refusal:
        waiting = self._clients.waiting(call.address)
        if waiting is not None:
            return waiting
        body = await read_body(call.request, (JSON,))
        found = body if isinstance(body, Refusal) else read_json(body, Problem.METADATA_INVALID)
        if isinstance(found, Refusal):
            return found
        made = await self._clients.register(found)
        if isinstance(made, Refusal):
            return made
        _log.info("a client registered", client=made.client.id, licensee=made.licensee.id)
        return json_reply(registered_document(made), status=201)

    async def _token(self, call: _Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        form = await _form(call, known)
        if isinstance(form, Refusal):
            return form
        granted = _first(form, "grant_type")
        if not granted:
            return Refusal(Problem.FORM_INVALID, "The parameter grant_type is missing.")
        if granted != "client_credentials":
            return Refusal(Problem.GRANT_UNSUPPORTED, "The grant type is not client_credentials.")
        barred = may_buy(known)
        if barred is not None:
            return barred
        buyer = Buyer(known.client.id, known.licensee.id, call.policy, call.origin)
        if "license" in form:
            sold = await self._sell_olp(form, buyer)
        else:
            sold = await self._sell(form, buyer)
        return (
            sold if isinstance(sold, Refusal) else _sold(sold, "License" if "license" in form else "Bearer")
        )

    async def _sell(self, form: dict[str, tuple[str, ...]], buyer: Buyer) -> Sold | Refusal:
        wanted = read_wish(
            form.get("resource", ()),
            _first(form, "scope"),
            _first(form, "authorization_details"),
            buyer.origin,
        )
        return wanted if isinstance(wanted, Refusal) else await self._sales.sell(wanted, buyer)

    async def _sell_olp(self, form: dict[str, tuple[str, ...]], buyer: Buyer) -> Sold | Refusal:
        wish = olp.read_wish(
            _first(form, "license"),
            _first(form, "license_type"),
            form.get("resource", ()),
            buyer.policy,
            buyer.origin,
        )
        if isinstance(wish, Refusal):
            return wish
        return olp.spelled(await self._sales.sell(wish.wanted, buyer, wish.offers))

    async def _introspect(self, call: _Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        form = await _form(call, known, json_too=True)
        if isinstance(form, Refusal):
            return form
        if "token" not in form:
            return Refusal(Problem.FORM_INVALID, "The parameter token is missing.")
        body = await self._holdings.introspect(
            _first(form, "token"), _first(form, "resource"), known, call.origin
        )
        return json_reply(body)

    async def _revoke(self, call: _Call) -> web.Response | Refusal:
        known = await self._clients.authenticate(call.request, call.address)
        if isinstance(known, Refusal):
            return known
        form = await _form(call, known)
        if isinstance(form, Refusal):
            return form
        if "token" not in form:
            return Refusal(Problem.FORM_INVALID, "The parameter token is missing.")
        return await self._holdings.revoke(_first(form, "token"), known, call.origin) or nothing(200)


def _problem(problem: Problem) -> _Endpoint:
    async def tell(call: _Call) -> web.Response | Refusal:
        if call.wants_page:
            return pages.problem_page(problem)
        described = {
            "code": problem.code,
            "status": problem.status,
            "title": problem.title,
            "next_step": problem.next_step,
        }
        return _negotiated(described, 3600)

    return tell


async def _form(call: _Call, known: Known, *, json_too: bool = False) -> dict[str, tuple[str, ...]] | Refusal:
    """Read the parameters of an authenticated request; who it is from was said by Basic alone."""
    body = await read_body(call.request, (FORM, JSON) if json_too else (FORM,))
    if isinstance(body, Refusal):
        return body
    if call.request.content_type == JSON:
        members = read_json(body, Problem.FORM_INVALID)
        if isinstance(members, Refusal):
            return members
        form: dict[str, tuple[str, ...]] = {
            name: (value,) for name, value in members.items() if isinstance(value, str) and value
        }
    else:
        read = read_form(body, repeatable=_RESOURCE)
        if isinstance(read, Refusal):
            return read
        form = read
    if "client_secret" in form or "client_assertion" in form:
        return Refusal(Problem.FORM_INVALID, "Credentials are sent with HTTP Basic, and in one way only.")
    if form.get("client_id", (known.client.id,)) != (known.client.id,):
        return Refusal(Problem.FORM_INVALID, "The parameter client_id names another client than Basic does.")
    return form


def _first(form: dict[str, tuple[str, ...]], name: str) -> str:
    return form.get(name, ("",))[0]


def _sold(sold: Sold, token_type: str) -> web.Response:
    claims = sold.claims
    _log.info("a token was sold", license=claims.license, client=claims.client, token=claims.token_id)
    return json_reply(
        {
            "access_token": sold.token,
            "token_type": token_type,
            "expires_in": claims.expires_at - claims.issued_at,
            "scope": " ".join(sorted(claims.uses)),
            "authorization_details": [claims.detail()],
        }
    )


def _negotiated(body: object, max_age: int) -> web.Response:
    return json_reply(body, max_age=max_age, headers={"Vary": "Accept"})
