"""The front of one process: who asks, what the rules say, and the listener before them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from gateway.admission.credentials import Credentials
from gateway.admission.pace import Pace
from gateway.admission.spending import SpendBook
from gateway.admission.till import PaidUnit, Till
from gateway.app.addresses import bound
from gateway.app.identification import Identification
from gateway.app.listening import check_listening, locations_of, look_again, take_up, url_of
from gateway.app.nonce_secret import nonces_of, secret_at
from gateway.app.observing import Observing
from gateway.app.publisher import Publisher
from gateway.app.spreading import Spreading
from gateway.ask import Ask
from gateway.clock import Clock
from gateway.config import Config
from gateway.desk.metadata import desk_owns
from gateway.egress import Get
from gateway.evidence import Evidence, Need, Needs
from gateway.front.auth import secret_text
from gateway.front.auth_door import AuthDoor
from gateway.front.desk_way import DeskWay
from gateway.front.gate import Gate
from gateway.front.listener import Listener
from gateway.front.notices import SiteNotices
from gateway.front.settling import PRICING
from gateway.front.witness import Witness
from gateway.keys.key_set import KeySet
from gateway.languages import Phrase
from gateway.licenses.accounts import Account
from gateway.licenses.revocations import RevocationFeed
from gateway.origin.delivery import OriginAnswer
from gateway.origin.forwarding import HttpOrigin, OriginLimits
from gateway.origin.small import fetch_small
from gateway.policy.reload import PolicyShelf
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.provenance.audience import Audience, referring_service
from gateway.provenance.journal import Journal
from gateway.rails.known_accounts import KnownAccounts
from gateway.rails.price_headers import PriceHeaders
from gateway.rails.rail import Rail, Source
from gateway.rails.signed_payers import SignedPayers
from gateway.rails.unverified import AT_ONCE, PER_SECOND, Unverified
from gateway.rails.x402_credit import CreditByX402
from gateway.rails.x402_rail import X402, Settler
from gateway.tokens.verification import Verifier
from gateway.visitors.catalog import Catalog
from gateway.visitors.client_address import TrustedProxies
from gateway.visitors.conduct import MOST
from gateway.visitors.networks import Networks
from gateway.visitors.own_identity import OwnIdentity
from gateway.visitors.replays import Replays

#: Seconds that the desk may take to answer: more than its door allows it.
_DESK = 70.0
#: Seconds after which, and before twice of which, credit set aside for an idle license goes back.
REST_SECONDS = 3.0


def caller_secret(config: Config) -> str:
    """The secret by which the site's own proxy is known; raises `ConfigurationError` as `secret_at` does."""
    return secret_text(secret_at(config.auth_secret))


def _pace(config: Config, spreading: Spreading | None) -> Pace:
    if spreading is not None:
        return spreading.license_pace(config)
    return Pace(config.pacing.license_per_second, config.pacing.license_burst)


def _payment_pace(spreading: Spreading | None) -> Pace:
    return spreading.payment_pace() if spreading is not None else Pace(PER_SECOND, AT_ONCE)


class Front:
    """Gate and listener, made of parts that may be here or at the office."""

    def __init__(
        self,
        config: Config,
        shelf: PolicyShelf,
        *,
        clock: Clock,
        keys: Callable[[], KeySet],
        feed: RevocationFeed,
        book: SpendBook,
        journal: Journal,
        people: Audience,
        paid: tuple[PaidUnit, ...] = (),
        settled: Callable[[], Awaitable[None]] | None = None,
        networks: Networks | None = None,
        accounts: Callable[[str], Awaitable[Account | None]],
        settler: Settler,
        get: Get,
        origin_identity: OwnIdentity,
        tell_used: Callable[[str, int], None] | None = None,
        desk: Path,
        spreading: Spreading | None = None,
        idle: Callable[[str, int], None] = lambda _licensee, _units: None,
    ) -> None:
        """Plug the parts together; nothing listens yet.

        *keys* gives the public keys of now, *paid* the units paid for in the
        window so far, *settled* and *idle* are for the `Till`; *accounts* finds who pays for an agent (`Accounts.by_agent`), *settler* has money moved on a chain; *get* fetches what strangers make
        us fetch; *origin_identity* signs what goes to servers that ask for it; *tell_used* tells other
        workers of a signature that paid; *desk* is the socket of the desk's door; *spreading* shares pace and marks. *networks* stand in for the
        shipped ones; fetched copies replace either. Raises `ConfigurationError` where the settings of the listener, of DNS or of pinned keys cannot be used.
        """
        self.auth_at = ("", 0)
        self._config, self._clock = config, clock
        marks = self._marks = spreading.marks if spreading else None
        self._replays = Replays(tell=tell_used, shared=marks)
        self._certificates = check_listening(config)
        self.locations = locations_of(config)
        catalog = Catalog.shipped()
        self.published = Publisher(catalog)
        self.observing = Observing(config, catalog)
        times = config.origin
        self._origin = HttpOrigin(
            OriginLimits(connect=times.connect, first_byte=times.first_byte, idle=times.idle),
            proxied=times.proxy_protocol,
        )
        self._way = HttpOrigin(OriginLimits(first_byte=_DESK, idle=_DESK))
        notices = SiteNotices(self.published, partial(fetch_small, proxied=times.proxy_protocol), clock)
        pace = _pace(config, spreading)
        self.till = Till(book, journal.writer, pace, remembered=paid, settled=settled, marks=marks, idle=idle)
        asn_of = self.locations.asn_of
        self.identification = Identification(config, clock, catalog, get, networks=networks, asn_of=asn_of)
        self._credentials = self._reading(keys, feed)
        rails = self._rails(KnownAccounts(accounts, clock), settler, _payment_pace(spreading))
        gate = Gate(
            policy_of=shelf.of_site,
            identify=self.identification.identifier.identify,
            notices=notices,
            credentials=self._credentials,
            till=self.till,
            origin=_SigningOrigin(self._origin, shelf, origin_identity),
            journal=self.observing.journal(journal),
            people=self.observing.people(_PeopleCount(people)),
            published=self.published,
            sources=self._sources(notices, rails),
            rails=rails,
            replayed=self._replayed,
            clock=clock,
            witness=self._witness(notices),
        )
        self.listener, self._auth = self._doors(gate, shelf, f"unix:{desk}")

    def _reading(self, keys: Callable[[], KeySet], feed: RevocationFeed) -> Credentials:
        return Credentials(
            Verifier(keys),
            feed,
            self._clock,
            signer=self.identification.signatures.proven,
            nonces=nonces_of(self._config.keys.parent),
            must=self._config.clients.dpop_nonces,
        )

    def _rails(self, known: KnownAccounts, settler: Settler, unverified: Pace) -> tuple[Rail, ...]:
        finding = self.identification.signatures.finding
        credit = CreditByX402(SignedPayers(finding, known))
        return PriceHeaders(finding, known), X402(settler, credit, Unverified(unverified))

    def _doors(self, gate: Gate, shelf: PolicyShelf, desk: str) -> tuple[Listener, AuthDoor | None]:
        """The public listener, and that for the site's own proxy."""
        config, trust = self._config, self._config.trust
        both: dict[str, Any] = {
            "hosts": shelf.of_host,
            "desk": DeskWay(self._way, desk),
            "desk_owns": desk_owns,
            "trusted": TrustedProxies.read(trust.proxies),
            "country_header": trust.country_header,
            "place_of": self.locations.place_of if trust.country_database else None,
            "clock": self._clock,
        }
        tls = self._certificates.context if self._certificates else None
        public = Listener(gate, **both, tls=tls, proxied=config.listen.proxy_protocol)
        return public, AuthDoor(gate, secret=caller_secret(config), **both) if config.listen.auth else None

    def _sources(self, notices: SiteNotices, rails: tuple[Rail, ...]) -> dict[str, Source]:
        return {
            "lease": self.till.lease,
            "own-file": notices.own_file,
            "used": self._used_elsewhere,
            **self.identification.sources,
            **paying(rails),
        }

    def _witness(self, notices: SiteNotices) -> Witness:
        pacing = self._config.pacing
        pace = Pace(pacing.network_per_second, pacing.network_burst, keys=MOST)
        return Witness(self.identification.conduct, pace, notices.robots_served)

    async def rest(self) -> None:
        """Give back what was set aside for idle licenses, and forget conduct whose hour is over."""
        await self.till.rest()
        self.identification.conduct.forget(self._clock.now_us() // 1_000_000)

    async def flush(self) -> None:
        """Let out what has gathered of the access log."""
        self.observing.flush()

    async def open(self, sock: socket.socket | None = None, auth: socket.socket | None = None) -> str:
        """Listen where the settings say, or on *sock*, and on *auth* for the site's own proxy.

        Returns the public URL, or raises `ConfigurationError`.
        """
        listen = self._config.listen
        if self._auth is not None and auth is not None:
            await self._auth.start(sock=auth)
        elif self._auth is not None:
            self.auth_at = await bound(self._auth.start, *listen.auth_at, "listen.auth")
        if sock is not None:
            host, port = await self.listener.start(sock=sock)
        else:
            host, port = await bound(self.listener.start, listen.host, listen.port, "listen.port")
        return url_of(self._config, host, port)

    async def renew(self, *, asked: bool = False) -> None:
        """Take up certificates and location files that changed, or when *asked* read all certificates again."""
        now = self._clock.now_us() // 1_000_000
        take_up(self._certificates, now, asked=asked)
        look_again(self.locations, now)

    async def close(self, seconds: float) -> None:
        """Drain for at most *seconds*, end every connection, return what credit was set aside for none."""
        await self.listener.drain(seconds)
        await self.listener.stop()
        if self._auth is not None:
            # Last: what the proxy still has to ask is answered until nothing more comes in public.
            await self._auth.drain(min(seconds, 3.0))
            await self._auth.stop()
        await self._origin.close()
        await self._way.close()
        await self.identification.close()
        await asyncio.to_thread(self.observing.close)
        # Where the book is gone with its process, the keeper of the book closes the purses of this writer itself.
        with contextlib.suppress(StoreUnavailable):
            await self.till.close()

    def learn_used(self, mark: str, until: int) -> None:
        """Hear that a signature paid at another worker (`visitors.replays`)."""
        self._replays.learn(mark, until, self._clock.now_us() // 1_000_000)

    def _replayed(self, ask: Ask, evidence: Evidence) -> Refusal | Needs | None:
        """Why *ask*, which costs money, is not served by a signature or a proof that has paid before."""
        shown: list[tuple[str, int, Refusal]] = []
        proof = self._credentials.proof(ask)
        if proof is not None:
            shown.append((proof.mark, proof.until, _PROOF_USED))
        marked = self.identification.signatures.mark(ask)
        if marked is not None:
            shown.append((*marked, _SIGNATURE_USED))
        wants = []
        for mark, until, used in shown:
            if self._replays.used_before(mark, ask.id, until, ask.asked_at):
                return used
            match evidence.get("used", mark):
                case None if self._marks is not None:
                    wants.append(Need("used", mark, (ask.id, until - ask.asked_at)))
                case True:
                    return used
                case Refusal() as refusal:
                    return refusal
        return Needs(tuple(wants)) if wants else None

    async def _used_elsewhere(self, need: Need) -> bool:
        """The source of evidence kind ``used``."""
        request, seconds = cast("tuple[str, int]", need.about)
        return await self._replays.used_elsewhere(need.key, request, seconds)


_PROOF_USED: Final = Refusal(
    Problem.TOKEN_UNPROVEN, Phrase("The DPoP proof came with a request before this one.")
)
_SIGNATURE_USED: Final = Refusal(
    Problem.SIGNATURE_REPLAYED, Phrase("This signature came with a request that was paid for.")
)


def paying(rails: tuple[Rail, ...]) -> dict[str, Source]:
    """Where the evidence comes from that *rails* need, by its kind."""
    return {kind: source for rail in rails for kind, source in rail.sources.items()}


class _SigningOrigin:
    """The creators' servers, with a signature on what goes to those whose site asks for it."""

    def __init__(self, origin: HttpOrigin, shelf: PolicyShelf, identity: OwnIdentity) -> None:
        self._origin, self._shelf, self._identity = origin, shelf, identity

    def open(
        self, ask: Ask, upstream: str, body: AsyncIterator[bytes] | None, *, ours: int, upgrade: bool
    ) -> Coroutine[object, object, OriginAnswer | Refusal]:
        policy = self._shelf.of_site(ask.site)
        signs = policy is not None and policy.site.sign_requests
        told = tuple(self._identity.origin_headers(ask)) if signs else ()
        if policy is not None and policy.payments.origin_prices:
            told = (*told, *PRICING.items())
        return self._origin.open(ask, upstream, body, ours=ours, upgrade=upgrade, told=told)


class _PeopleCount:
    """Turns an ask into the totals that may be kept of a person's visit."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def count(self, ask: Ask, status: int) -> None:
        referring = referring_service(ask.header("referer"))
        self._audience.count(ask.site, ask.path, status, referring, ask.asked_at_us)
