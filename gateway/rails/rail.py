"""The port that every way to pay for one fetch implements, and what crosses it.

A rail is asked only where a page costs money and no license was shown. What it
reads becomes claims for the very offer that was quoted, so that entitlement,
charge, purse, unit and record go on as they do under a token:

========== ===========================================================
read       facts and evidence -> `Tender`, `Refusal`, `Needs` or None.
           Pure, and never waits. None is "not mine"; a refusal is
           "mine and bad" and never falls through to free
challenge  what a 402 says about this way to pay. Pure, and depends on
           its arguments alone: answers that are alike are made once
commit     once, between the origin's head and the first octet, where
           the origin answered 200 or 206. The one place that may wait
========== ===========================================================

Whoever pays by the fetch gets one fetch: no budget, no term, no crawler by
name. What else an offer asks for (a fee, a share, exclusivity, a seat) takes a
license from the desk; such offers are not sold here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.ask import Ask
from gateway.evidence import Evidence, Need, Needs
from gateway.licenses.license import BY_FETCH
from gateway.licenses.pricing import by_the_fetch, cheapest
from gateway.money import Money
from gateway.policy.rules import Policy, Ruling
from gateway.problems import Refusal
from gateway.terms.license_terms import Offer, PublishedTerms
from gateway.tokens.claims import Budget, Claims
from gateway.uses import covers
from gateway.visitors.visitor import Visitor

Source = Callable[[Need], Awaitable[object]]
Headers = tuple[tuple[str, str], ...]


class Asked(NamedTuple):
    """What a rail is asked about: the request, who it is from, and the *offer* that one fetch is sold on.

    *offer* is None where nothing here is sold by the fetch.
    """

    ask: Ask
    visitor: Visitor
    policy: Policy
    ruling: Ruling
    offer: Offer | None


@dataclass(frozen=True, slots=True)
class Tender:
    """What a request pays with.

    Attributes:
        rail: the name of the rail that read it.
        claims: the offer as if a token said it; their price is the most that may be charged.
        price: what is owed where the origin names no price of its own; it may be above the most
            only where the policy lets the origin name prices.
        settles: the rail moves the money itself, when it commits; no purse of ours is touched.
        credential_at: position in `ask.headers` of what must not reach the origin, or -1.
        payload: what the rail needs again when it commits.
    """

    rail: str
    claims: Claims
    price: Money
    settles: bool = False
    credential_at: int = -1
    payload: object = None

    @property
    def most(self) -> Money:
        """The most that may be charged."""
        return self.claims.price


class Quote(NamedTuple):
    """What a 402 is about: what is sold, at what *price*, and the absolute, bounded *url* that was asked for."""

    policy: Policy
    offer: Offer
    price: Money
    terms: PublishedTerms
    url: str


@dataclass(frozen=True, slots=True)
class Challenge:
    """How to pay by one rail, as a 402 tells it beside the others.

    *headers* are whole lines. The value of each of *encoded* is the base64 of
    its octets (the standard alphabet, padded). *members* stand in the JSON body.
    A line of more than two kilobytes is left out.
    """

    headers: Headers = ()
    encoded: tuple[tuple[str, bytes], ...] = ()
    members: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """The money is taken or will be; *headers* go onto the answer.

    *due*, where it is given, is what this fetch is charged instead: nothing, if another had the money.
    """

    headers: Headers = ()
    due: Money | None = None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """It is not, and why. *headers* go onto the refusal."""

    refusal: Refusal
    headers: Headers = ()


class Rail(Protocol):
    """One way to pay for one fetch."""

    @property
    def name(self) -> str:
        """What tenders of it are called."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """The request headers, in lower case, that pay: an answer varies by them, and without any it is not asked."""
        ...

    @property
    def sources(self) -> Mapping[str, Source]:
        """Where the evidence comes from that it needs, by kind (`gateway.evidence`)."""
        ...

    def read(self, asked: Asked, evidence: Evidence) -> Tender | Refusal | Needs | None:
        """What the request pays with, why that is no good, what is needed first, or None: not by this rail.

        Evidence that could not be fetched is a `Refusal`. A tender's claims are
        those of `claims_for`.
        """
        ...

    def challenge(self, refusal: Refusal, quote: Quote) -> Challenge | None:
        """How to pay what *quote* asks, after *refusal*; None where this rail is not for it."""
        ...

    async def commit(self, tender: Tender, due: Money, ask: Ask, status: int) -> Settled | Unsettled:
        """Take *due*, at most what the tender allows, for an answer of *status* 200 or 206.

        Zero where the unit was paid for in the window or the origin asks nothing.
        Never called twice for one request. What was settled and turns out not to
        be owed stays the payer's. A caller that goes away cancels it: what must
        not stop in the middle shields itself.
        """
        ...

    async def undelivered(self, tender: Tender) -> None:
        """Hear that the creator's server answered with an error or not at all; `commit` is not called then."""
        ...


def sold_by_fetch(offers: tuple[Offer, ...], visitor: Visitor) -> Offer | None:
    """The offer on which *visitor* can buy one fetch, or None: the cheapest that covers what it is known for.

    Of an automaton that nobody knows no use is known; it is quoted as
    everywhere, and granted what the offer grants.
    """
    crawler = visitor.crawler
    able = tuple(
        offer
        for offer in offers
        if not offer.by_person
        and by_the_fetch(offer.terms)
        and (crawler is None or covers(offer.uses, crawler.uses))
    )
    return cheapest(able, visitor.uses)


def by_its_answer(ruling: Ruling, offer: Offer) -> bool:
    """Whether *offer* may cost less once the creator's server has told how old the page is."""
    return bool(ruling.dated_by and offer.terms.compensation.by_age)


def claims_for(rail: str, asked: Asked, *, licensee: str, payment: str, most: Money) -> Claims:
    """The claims under which *licensee* fetches this once by *rail*, for at most *most*.

    *payment* names the payment, "" where nothing does. One payer has one
    license id for the same terms of a site. Raises `ValueError` where nothing
    is sold by the fetch.
    """
    ask, offer = asked.ask, asked.offer
    if offer is None:
        raise ValueError("nothing is sold by the fetch here")
    terms = offer.terms
    named = f"{rail}\0{licensee}\0{ask.site}\0{terms.hash}"
    return Claims(
        issuer=f"{ask.origin}/.licet",
        audience=ask.origin,
        client="",
        token_id=payment,
        issued_at=ask.asked_at,
        not_before=ask.asked_at,
        expires_at=ask.asked_at + 1,
        license=BY_FETCH + hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:32],
        licensee=licensee,
        scopes=terms.scope.paths,
        excluded=terms.scope.excluded,
        renditions=terms.scope.renditions,
        uses=terms.purpose.uses,
        territory=terms.territory.at_fetch,
        crawlers=frozenset(),
        budget=Budget(),
        price=most,
        terms=terms.hash,
        policy=offer.policy,
        offer=offer.id,
        window_hours=terms.compensation.window_hours,
    )


def tendered(rails: tuple[Rail, ...], asked: Asked, evidence: Evidence) -> Tender | Refusal | Needs | None:
    """What the first of *rails* says that has something to say; None where nothing is paid with."""
    for rail in rails:
        found = rail.read(asked, evidence)
        if found is not None:
            return found
    return None
