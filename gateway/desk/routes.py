"""The URL table of the license desk.

=========== ============================================ ====================
method      path                                         answers
=========== ============================================ ====================
GET         ``/.licet/``                                 how to buy, offers
GET         ``/.licet/offers``                           every offer, in full
GET         ``/.licet/offers/NAME.jsonld``               one, as ODRL has it
GET         ``/.licet/bundles/NAME``                     manifest of a bundle
GET         ``/.licet/comp``, ``/.licet/comp/NAME``      packages of IAB CoMP
GET         ``/.licet/jwks.json``                        key set (RFC 7517)
GET         ``/.licet/authorization-details-types``      JSON Schema of a request
GET         ``/.licet/problems/CODE``                    what a refusal means
GET         ``/.licet/openapi.json``                     OpenAPI 3.1 of all this
GET, POST   ``/.licet/account``                          credit and licenses of a client
GET         ``/.licet/payments/ID``                      what came of a payment
POST        ``/.licet/register``                         client (RFC 7591)
GET, Bearer ``/.licet/register/CLIENT``                  its metadata (RFC 7592)
PUT, DELETE ``/.licet/register/CLIENT``                  change it, end it
POST        ``/.licet/register/CLIENT/secret``           another secret
POST,client ``/.licet/token``                            token (RFC 6749, OLP)
POST,client ``/.licet/introspect``                       RFC 7662, OLP
POST,client ``/.licet/revoke``                           RFC 7009
GET, POST   ``/.licet/tollbit/dev/v2/…``                 the same in TollBit's words (`desk.tollbit`)
POST,client ``/.licet/key``                              key of a file (EMS)
GET, POST, client ``/.licet/negotiations``               one's own; another one
GET, POST, client ``/.licet/negotiations/ID``, and ``/proposals``, ``/acceptance``,
            ``/verification``, ``/termination``, ``/contract`` below it
GET, client ``/.licet/contracts/LICENSE``                what was agreed
GET, POST, client ``/.licet/licenses/ID``                its versions; ``/renewal``, ``/amendment``
GET, POST   ``/.licet/negotiate``, and below it          the same for people
GET, POST, client ``/.licet/duties``, ``/.licet/reports``, ``/.licet/audits``
            and below them: what is to be handed in (`desk.duties`)
GET, Bearer ``/.licet/audit``, and below it              what an auditor may see
GET, client ``/.licet/statements``, ``/.licet/invoices``, ``/.licet/disputes``
            and below them: one's own account (`desk.billing`, `desk.invoices`)
GET, client ``/.licet/events``                           what happened to one's own
GET, POST, client ``/.licet/webhooks``                   where that is sent
GET, DELETE, client ``/.licet/webhooks/ID``, and ``/verification``, ``/secret``, ``/ping``
GET         ``/.well-known/oauth-authorization-server/.licet``  RFC 8414
GET         ``/.well-known/oauth-protected-resource``    RFC 9728
GET         ``/.well-known/http-message-signatures-directory``  our own keys
=========== ============================================ ====================

A client logs in as `desk.clients` has it. HEAD goes where GET goes. These paths shadow the origin's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import structlog
from aiohttp import web

from gateway.admission.spending import SpendBook
from gateway.clock import Clock
from gateway.desk.agreements import Agreements
from gateway.desk.bargains import Bargaining, Bargains
from gateway.desk.binding import Bindings
from gateway.desk.buying import BuyerPages
from gateway.desk.call import Call, Group, Route
from gateway.desk.clients import Admittance, Clients
from gateway.desk.contracts import Contracts
from gateway.desk.ems import EmsKeys
from gateway.desk.fees import Entered, Keeping
from gateway.desk.held import Holdings
from gateway.desk.license_life import LicenseDesk
from gateway.desk.metadata import desk_owns
from gateway.desk.negotiations import NegotiationDesk
from gateway.desk.once import Once
from gateway.desk.openapi import OpenApi
from gateway.desk.pacing import DeskPace
from gateway.desk.public_documents import Keys, PublicDocuments
from gateway.desk.registration import Registration
from gateway.desk.replies import nothing, oauth_reply, problem_reply
from gateway.desk.selling import Balance, Sales
from gateway.desk.token_endpoints import TokenEndpoints
from gateway.desk.tollbit import TollbitDesk
from gateway.keys.content_keys import ContentKeys
from gateway.languages import chosen, speak, wanted
from gateway.licenses.register import LicenseRegister
from gateway.paths import Ambiguous, canonical
from gateway.policy.earlier import EarlierPolicies
from gateway.policy.published import publish
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.terms.license_terms import PublishedTerms
from gateway.tokens.verification import Verifier
from gateway.visitors.own_identity import OwnIdentity
from gateway.visitors.visitor import Crawler

_log = structlog.get_logger("licet.desk")


class Desk:
    """Answers everything below ``/.licet/`` and the well-known paths that belong to it. *sales* sells for all."""

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
        earlier: EarlierPolicies | None = None,
        content_keys: ContentKeys | None = None,
        admittance: Admittance | None = None,
        groups: Iterable[Group | Callable[[Clients], Group]] = (),
        once: Once | None = None,
        crawler: Callable[[str], Crawler | None] = lambda _: None,
        claimed: Callable[[str], Crawler | None] = lambda _: None,
        bargaining: Bargaining | None = None,
        published: Callable[[Policy, str], PublishedTerms] = lambda policy, origin: publish(
            policy, origin, {}
        ),
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
            earlier: what was on offer before and may still be asked for by OLP.
            content_keys: of encrypted files; without them there is no key endpoint.
            admittance: how clients come in; anybody and without a nonce if absent.
            groups: further addresses, or what makes them of the desk's clients.
            once: remembers purchases that carry an idempotency key.
            crawler: knows by name the crawlers that a license may be for.
            claimed: knows by its User-Agent which crawler somebody says it is.
            bargaining: what is negotiated with; without it nothing is.
            published: what all formats say of a policy at an origin.
        """
        admittance = admittance or Admittance()
        pace = pace or DeskPace()
        clients = Clients(register, clock, pace, admittance)
        more = bargaining.sold_with(keys, clock) if bargaining else ()
        self.sales = Sales(register, spend_book, journal, keys, clock, balance, entered, *more)
        holdings = Holdings(register, Verifier(lambda: keys.public), clock, balance, earlier)
        table: dict[str, Route] = {}
        bindings = Bindings(clients.keys, clock, admittance)
        for group in (
            PublicDocuments(keys, clock, identity, published).group(),
            Registration(clients, holdings).group(),
            TokenEndpoints(clients, self.sales, holdings, bindings, once).group(),
            TollbitDesk(clients, self.sales, register, once, claimed, clock).group(),
            Agreements(clients, register).group(),
            EmsKeys(clients, holdings, content_keys, clock, crawler, bindings).group()
            if content_keys
            else {},
            self._negotiating(bargaining, register, clients, clock, keys, pace, once) if bargaining else {},
            *(group(clients) if callable(group) else group for group in groups),
        ):
            table.update(group)
        self._lay_out(table)

    def _lay_out(self, table: dict[str, Route]) -> None:
        table.update(OpenApi(table).group())
        #: Every address, its description included.
        self.table: Mapping[str, Route] = table
        self._table = {path: route for path, route in table.items() if "/*" not in path}
        self._around = [(path.split("*"), route) for path, route in table.items() if "/*/" in path]
        self._below = {path[:-1]: route for path, route in table.items() if path.endswith("/*")}

    def _negotiating(
        self,
        bargaining: Bargaining,
        register: LicenseRegister,
        clients: Clients,
        clock: Clock,
        keys: Keys,
        pace: DeskPace,
        once: Once | None,
    ) -> Group:
        self.bargains = Bargains(bargaining, register, self.sales, clock, keys, pace.limits)
        lives = bargaining.lives
        contracts = Contracts(clients, self.bargains, bargaining.clauses, clock, lives)
        group = {**NegotiationDesk(clients, self.bargains, once).group(), **contracts.group()}
        if bargaining.in_person is not None:
            pages = BuyerPages(clients, self.bargains, bargaining.in_person, bargaining.clauses, clock)
            group |= pages.group()
        if lives:
            agreement = Agreements(clients, register).agreement
            desk = LicenseDesk(clients, self.bargains, register, lives, clock, agreement, once)
            group.update(desk.group())
        return group

    def owns(self, path: str) -> bool:
        """Whether canonical *path* is the desk's and not the site's."""
        return desk_owns(path)

    async def __call__(
        self, request: web.BaseRequest, policy: Policy, origin: str, address: str
    ) -> web.StreamResponse:
        """Answer *request* for the site of *policy* at public *origin*; *address* is the client's.

        No request makes it raise; a store that is down is a 503.
        """
        code = wanted(request.headers.get("Accept-Language", ""), request.rel_url.query.get("lang", ""))
        speak(code, request.rel_url.raw_query_string)
        path = canonical(request.rel_url.raw_path)
        if isinstance(path, Ambiguous):
            return problem_reply(Refusal(Problem.AMBIGUOUS_PATH, f"Of this path, {path.why}."), origin)
        route, rest = self._found(path)
        if route is None:
            return problem_reply(Refusal(Problem.NOT_FOUND), origin)
        if request.method == "OPTIONS":
            return nothing(204, {"Allow": ", ".join(route.methods)})
        if request.method not in route.methods:
            used = f"Use {route.methods[0]} here."
            refused = problem_reply(Refusal(Problem.METHOD_NOT_ALLOWED, used), origin)
            refused.headers["Allow"] = ", ".join(route.methods)
            return refused
        try:
            answer = await route.act(Call(request, policy, origin, address, rest))
        except StoreUnavailable as error:
            answer = Refusal(
                Problem.SPEND_BOOK_UNAVAILABLE, "The books cannot be read.", retry_after=5, private=str(error)
            )
        if not isinstance(answer, Refusal):
            return _in_language(answer)
        if answer.private:
            _log.info("refused at the desk", code=answer.code, detail=answer.detail, private=answer.private)
        return oauth_reply(answer, origin) if route.oauth else problem_reply(answer, origin)

    def _found(self, path: str) -> tuple[Route | None, str]:
        route = self._table.get(path)
        if route is not None:
            return route, ""
        for (before, after), route in self._around:
            rest = path.removeprefix(before).removesuffix(after)
            if path == before + rest + after and rest and "/" not in rest:
                return route, rest
        for above, below in self._below.items():
            if path.startswith(above) and path != above:
                return below, path.removeprefix(above)
        return None, ""


def _in_language(answer: web.StreamResponse) -> web.StreamResponse:
    """*answer*; where it leads on to a public page, that one speaks the language that was chosen here."""
    to, code = answer.headers.get("Location", ""), chosen()
    if code and 300 <= answer.status < 400 and "/.licet/" in to and "lang=" not in to:
        path, mark, place = to.partition("#")
        answer.headers["Location"] = f"{path}{'&' if '?' in path else '?'}lang={code}{mark}{place}"
    return answer
