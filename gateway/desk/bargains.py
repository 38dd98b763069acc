"""What happens in a negotiation: one act after the other, each kept before it is told.

An act is made on the version that its maker read; of two made on one version
one is kept. The acts of one licensee on one site stand in line, so that the
engine always sees everything that licensee ever bid: whoever negotiates twice
at once learns no more than whoever does so once. The desk runs in one process.

Acceptance is kept before anything is sold, and the license's id follows from
the negotiation and the terms, so an acceptance that broke off anywhere is
completed by the same request, and the fee is taken once.

A client that is quarantined is held to small deals: answers (tier 3), nothing
owed but by what is fetched, and nobody shut out.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from weakref import WeakValueDictionary

import uuid_utils

from gateway.clock import Clock
from gateway.desk.agreeing import Assent, sealed, signed_by
from gateway.desk.changing import Changing, stands
from gateway.desk.clients import Known, may_buy
from gateway.desk.in_person import InPerson
from gateway.desk.metadata import on_offer
from gateway.desk.one_round import OneRound
from gateway.desk.pacing import Limits, own_limit
from gateway.desk.selling import Buyer as Purchaser
from gateway.desk.selling import Ring, Sales
from gateway.licenses.bargaining import Answer, Buyer, Proposal, answer
from gateway.licenses.contract import Clause
from gateway.licenses.deciding import draft_of, license_id, outdated, shut_out
from gateway.licenses.license import License, Standing
from gateway.licenses.life import Change, due
from gateway.licenses.life_events import followed
from gateway.licenses.lives import Lives
from gateway.licenses.negotiation import (
    Negotiation,
    Side,
    State,
    acceptance_of,
    accepted,
    agreed_as,
    bids_of,
    proposed,
    terminated,
    verified,
)
from gateway.licenses.negotiation_events import events_of
from gateway.licenses.negotiations import Negotiations
from gateway.licenses.position import Position, committed
from gateway.licenses.proposals import Message, read_terms
from gateway.licenses.register import LicenseRegister
from gateway.licenses.unfinished import Unfinished
from gateway.licenses.withdrawal import refusal_of
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms, Offer

#: Negotiations of one licensee on one site that may be open at once.
MOST_OPEN: Final = 20
#: Entries of one transcript, after which only an end can follow.
LONGEST_TRANSCRIPT: Final = 200
_HOUR: Final = 3600
_WITHDRAWN: Final = "The offer is no longer published as it was."

Act = Callable[[Negotiation], Awaitable[Negotiation | Refusal]]


@dataclass(frozen=True, slots=True)
class Bargaining:
    """What the desk negotiates with.

    *position* gives the secret position for an offer of a site; without *lives* no
    license changes; *in_person* is what the pages for people work on, without which there are none;
    *unfinished* is where purchases stand between fee and license.
    """

    negotiations: Negotiations
    position: Callable[[str, Offer], Position]
    clauses: tuple[Clause, ...] = ()
    lives: Lives | None = None
    in_person: InPerson | None = None
    unfinished: Unfinished | None = None

    def sold_with(
        self, keys: Ring, clock: Clock
    ) -> tuple[Callable[[License], Awaitable[bool]], Unfinished | None, Lives | None, OneRound]:
        """What `Sales` takes besides: published offers that are bought at the token endpoint meet the same engine."""
        one_round = OneRound(self.negotiations, self.position, self.clauses, keys, clock)
        return self.released, self.unfinished, self.lives, one_round

    async def released(self, license: License) -> bool:
        """Whether tokens of *license* may be had: its buyer verified the agreement."""
        found = agreed_as(await self.negotiations.agreed_on(license.id), license.version)
        return found is None or found.state is State.FINALIZED


@dataclass(frozen=True, slots=True)
class Place:
    """Who speaks, and where: the client, the *policy* of the site, its public *origin*, the client's *address*.

    A person on a page of ours *talks* about every deal before anybody knows who
    it is, and signs none but small ones; *proof* says how it is known, "" for
    the login of the client.
    """

    known: Known
    policy: Policy
    origin: str
    address: str
    talks: bool = False
    proof: str = ""

    @property
    def purchaser(self) -> Purchaser:
        """The same for a sale."""
        named = frozenset({self.known.crawler} if self.known.crawler else ())
        return Purchaser(
            self.known.client.id, self.known.licensee.id, self.policy, self.origin, crawlers=named
        )


class Bargains:
    """Makes every act of every negotiation. One object a process."""

    def __init__(
        self,
        bargaining: Bargaining,
        register: LicenseRegister,
        sales: Sales,
        clock: Clock,
        keys: Ring,
        limits: Limits = own_limit,
    ) -> None:
        """Work on these, and sign agreements by *keys*; of *limits* is that of new negotiations of one licensee, 20 at once and two a minute."""
        self.store = bargaining.negotiations
        self._position, self._clauses = bargaining.position, bargaining.clauses
        self._register, self._sales, self._clock, self._keys = register, sales, clock, keys
        lives = bargaining.lives
        self._changing = Changing(bargaining.negotiations, lives, register) if lives else None
        self._pace = limits("negotiations", 1 / 30, MOST_OPEN)
        self._lines: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._changes: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    async def begin(self, place: Place, message: Message) -> Negotiation | Refusal:
        """Open a negotiation with *message*, and answer it."""
        offer = next((each for each in on_offer(place.policy) if each.id == message.offer), None)
        if offer is None:
            names = ", ".join(each.id for each in on_offer(place.policy))
            return Refusal(
                Problem.PROPOSAL_INVALID,
                f"Of the message, offer names none of what is on offer: {names or 'nothing'}.",
                facts=(("member", "offer"),),
            )
        return await self._begun(self._blank(place, offer), place, message)

    async def begin_change(
        self, place: Place, license_id: str, change: Change, message: Message
    ) -> Negotiation | Refusal:
        """Open a negotiation about a license of this licensee with *message*, and answer it."""
        found = await self._register.license(license_id)
        mine = found and (found.licensee, found.site) == (place.known.licensee.id, place.policy.site.id)
        if not mine or self._changing is None:
            return Refusal(Problem.NOT_FOUND, "This licensee holds no license of that id here.")
        blank = await self._changing.opened(
            license_id,
            change,
            on_offer(place.policy),
            id=self._new_id(),
            client=place.known.client.id,
            now=self._now(),
        )
        return blank if isinstance(blank, Refusal) else await self._begun(blank, place, message)

    def _blank(self, place: Place, offer: Offer) -> Negotiation:
        return Negotiation(self._new_id(), offer, place.known.licensee.id, place.known.client.id, self._now())

    def _new_id(self) -> str:
        return f"ne_{uuid_utils.uuid7(nanoseconds=self._clock.now_us() * 1000).hex}"

    async def _begun(self, blank: Negotiation, place: Place, message: Message) -> Negotiation | Refusal:
        licensee = place.known.licensee.id
        gone = place.policy.withdrawn.from_licensee(licensee, blank.offer.uses)
        if gone is not None:
            return refusal_of(gone)
        wait = self._pace.wait(licensee, self._clock.now_us())
        if wait:
            return Refusal(
                Problem.TOO_FAST, "There are too many new negotiations of this licensee.", retry_after=wait
            )
        async with self._line(place):
            begun = await self.store.of(licensee, blank.offer.site)
            still = [each for each in begun if _is_open(each, self._now())]
            same = next((each for each in still if blank.about and each.about == blank.about), None)
            if same is not None:
                why = f"This license is negotiated about in {same.id}: go on there, or end it."
                return Refusal(Problem.NEGOTIATION_WAITS, why, facts=(("negotiation", same.id),))
            if len(still) >= MOST_OPEN:
                return Refusal(
                    Problem.TOO_FAST,
                    f"At most {MOST_OPEN} negotiations of one licensee are open at once; end some.",
                    retry_after=60,
                )
            return await self._kept(blank, await self._answered(blank, place, message))

    async def propose(self, place: Place, id: str, version: str, message: Message) -> Negotiation | Refusal:
        """Answer another proposal in the negotiation *id*, made on *version*."""

        async def act(before: Negotiation) -> Negotiation | Refusal:
            if message.offer not in {"", before.offer.id}:
                return Refusal(
                    Problem.PROPOSAL_INVALID,
                    "Of the message, offer is another one; begin another negotiation for it.",
                    facts=(("member", "offer"),),
                )
            return await self._answered(before, place, message)

        async with self._line(place):
            return await self._acted(place, id, version, act)

    async def accept(self, place: Place, id: str, version: str, assent: Assent) -> Negotiation | Refusal:
        """Accept what is on the table, and make the license of it."""

        async def act(before: Negotiation) -> Negotiation | Refusal:
            barred = _too_large(place.known, before.offer.tier, before.table) if before.table else None
            if barred is not None:
                return barred
            if acceptance_of(before, version, assent.terms_hash):
                return await self._in_time(before)
            if not before.state.is_over and not stands(place.policy, before):
                return terminated(before, Side.GATEWAY, _WITHDRAWN, now=self._now())
            limit = self._position(before.offer.site, before.offer).person_above
            signed = signed_by(assent, before, place.known, place.policy, place.origin, limit)
            if isinstance(signed, Refusal):
                return signed
            at = {"address": place.address, "at": self._now(), "salt": secrets.token_hex(16)}
            if place.proof:
                at["key"] = place.proof
            return accepted(before, assent.terms_hash, assent.text, now=self._now(), signed={**signed, **at})

        async with self._line(place):
            found = await self._acted(place, id, version, act, again=assent.terms_hash)
            if isinstance(found, Refusal) or found.state is not State.ACCEPTED:
                return found
            return await self._signed(found, place)

    async def verify(self, place: Place, id: str, version: str, terms_hash: str) -> Negotiation | Refusal:
        """Hear that the buyer found the agreement to be what it accepted; tokens may be had from then on."""

        async def act(before: Negotiation) -> Negotiation | Refusal:
            return verified(before, terms_hash, now=self._now())

        async with self._line(place):
            return await self._acted(place, id, version, act)

    async def end(self, place: Place, id: str, version: str, why: str) -> Negotiation | Refusal:
        """End it in the buyer's name; not once something was paid for."""

        async def act(before: Negotiation) -> Negotiation | Refusal:
            if before.table and await self._paid_for(before):
                return Refusal(
                    Problem.NEGOTIATION_WAITS,
                    "Its fee was taken: send the acceptance again, which completes it.",
                    facts=(("state", str(before.state)),),
                )
            return terminated(before, Side.BUYER, why, now=self._now())

        async with self._line(place):
            return await self._acted(place, id, version, act)

    async def read(self, place: Place, id: str) -> Negotiation | None:
        """The negotiation *id*, if it is of this licensee on this site."""
        found = await self.store.get(id)
        mine = found and (found.licensee, found.offer.site) == (place.known.licensee.id, place.policy.site.id)
        return found if mine else None

    async def changed(self, place: Place, id: str, version: str, seconds: float) -> Negotiation | None:
        """The negotiation as soon as it is not at *version* any more, or as it is after *seconds*."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            event = self._changes.setdefault(id, asyncio.Event())
            found = await self.read(place, id)
            left = until - loop.time()
            if found is None or found.version != version or left <= 0:
                return found
            # A person at the creator may act in another process, which sets no event here.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, 1.0)):
                    await event.wait()

    def _line(self, place: Place) -> asyncio.Lock:
        return self._lines.setdefault((place.known.licensee.id, place.policy.site.id), asyncio.Lock())

    async def _acted(
        self, place: Place, id: str, version: str, act: Act, *, again: str = ""
    ) -> Negotiation | Refusal:
        """Do *act* in line. *again* is the hash of terms whose acceptance at *version* may have been heard before."""
        before = await self.read(place, id)
        if before is None:
            return Refusal(Problem.NOT_FOUND, "This licensee has no negotiation of that id here.")
        if version != before.version and not (again and acceptance_of(before, version, again)):
            return outdated(before)
        after = await act(before)
        return after if after is before else await self._kept(before, after)

    async def _in_time(self, before: Negotiation) -> Negotiation | Refusal:
        """An acceptance that was heard before: it stands as long as its terms did, unless it was paid for."""
        late = before.state is State.ACCEPTED and self._now() >= before.expires_at
        if not late or await self._paid_for(before):
            return before
        why = "It was accepted, and not paid for while the terms stood."
        return terminated(before, Side.GATEWAY, why, now=self._now())

    async def _paid_for(self, before: Negotiation) -> bool:
        """Whether what comes of it was made, or paid for."""
        agreement = license_id(before)
        made = await self._changing.lives.made_by(agreement) if before.about and self._changing else None
        return made is not None or await self._sales.begun(agreement)

    async def _kept(self, before: Negotiation, after: Negotiation | Refusal) -> Negotiation | Refusal:
        if isinstance(after, Refusal):
            return after
        if not await self.store.put(before.version, after, events=events_of(before, after)):
            return outdated(await self.store.get(before.id) or before)
        event = self._changes.pop(after.id, None)
        if event is not None:
            event.set()
        return after

    async def _answered(self, before: Negotiation, place: Place, message: Message) -> Negotiation | Refusal:
        offer, now = before.offer, self._now()
        if len(before.transcript) >= LONGEST_TRANSCRIPT:
            why = "Much was said here, and no agreement was found."
            return terminated(before, Side.GATEWAY, why, now=now)
        if before.transcript and not stands(place.policy, before):
            return terminated(before, Side.GATEWAY, _WITHDRAWN, now=now)
        position = self._position(offer.site, offer)
        read = await self._read_terms(before, message, position, now)
        if isinstance(read, Refusal):
            return read
        terms, known = read
        barred = _too_large(place.known, offer.tier, terms)
        silenced = place.known.licensee.standing is Standing.SUSPENDED
        if barred is not None and (silenced or not place.talks):
            return barred
        others = await self.store.of(place.known.licensee.id, offer.site)
        buyer = Buyer(place.known.licensee.name, bids_of(others, offer.id))
        stated = frozenset({**before.facts, **message.facts})
        given: Answer | Refusal = known or answer(offer, position, buyer, Proposal(terms, stated))
        if self._changing and before.about and not isinstance(given, Refusal):
            given = await self._changing.answered(before, given, now)
        if isinstance(given, Refusal):
            return given
        after = proposed(
            before, terms, message.facts, given, now=now, patience=position.patience_hours * _HOUR
        )
        if isinstance(after, Refusal) or after.table is None:
            return after
        gone = place.policy.withdrawn.unsold(after.table)
        if gone is not None:
            return gone
        draft = await self._draft(after, after.table, now)
        if isinstance(draft, Refusal):
            return draft
        taken = await self._register.in_the_way(draft)
        return shut_out(taken) if taken else after

    async def _read_terms(
        self, before: Negotiation, message: Message, position: Position, now: int
    ) -> tuple[LicenseTerms, Answer | None] | Refusal:
        """What *message* proposes, and the answer to it; None where the engine has to give one."""
        if self._changing and before.about:
            return await self._changing.read(before, message, position, now)
        terms = read_terms(message, before.offer.terms, before.proposal)
        return terms if isinstance(terms, Refusal) else (terms, None)

    async def _draft(self, before: Negotiation, terms: LicenseTerms, now: int) -> License | Refusal:
        """The license, or the version of one, that *terms* come to if they are agreed to at *now*."""
        if self._changing and before.about:
            return await self._changing.next_version(before, terms, now)
        return draft_of(before, terms, now)

    async def _made(self, before: Negotiation, place: Place) -> License | Refusal:
        """The license that was agreed on, or the version of one, paid for and kept."""
        assert before.table is not None
        agreement, now = license_id(before), self._now()
        if not (self._changing and before.about):
            return await self._sales.sign(
                replace(before.offer, id="", terms=before.table), place.purchaser, agreement
            )
        made = await self._changing.lives.made_by(agreement)
        if made is not None:
            return made
        held = await self._changing.held(before.about, now)
        new = await self._changing.next_version(before, before.table, now)
        if isinstance(held, Refusal) or isinstance(new, Refusal):
            return held if isinstance(held, Refusal) else new
        events, owed = [followed(held, new, now)], due(held, new)
        return await self._sales.follow(self._changing.lives, new, owed, agreement, place.purchaser, events)

    async def _signed(self, before: Negotiation, place: Place) -> Negotiation | Refusal:
        made = await self._made(before, place)
        if isinstance(made, Refusal):
            if made.problem is Problem.EXCLUSIVE_TAKEN:
                why = "Somebody else holds some of these rights by now, and one of the two is exclusive."
                await self._kept(before, terminated(before, Side.GATEWAY, why, now=self._now()))
            return made
        replaces = await self._changing.replaced(made) if self._changing else ""
        after = sealed(before, made, place.origin, self._clauses, self._keys.current, self._now(), replaces)
        return await self._kept(before, after)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _is_open(negotiation: Negotiation, now: int) -> bool:
    """Whether somebody may still have to answer; terms that lapsed wait for nobody."""
    lapsed = negotiation.table is not None and now >= negotiation.expires_at
    return negotiation.state in {State.REQUESTED, State.OFFERED, State.ACCEPTED} and not lapsed


def _too_large(known: Known, tier: int, terms: LicenseTerms) -> Refusal | None:
    """Why this client may not have such a deal, or None."""
    barred = may_buy(known)
    if barred is None or known.licensee.standing is Standing.SUSPENDED:
        return barred
    small = tier == 3 and not committed(terms) and not terms.exclusivity.exclusive
    if small:
        return None
    return replace(
        barred,
        detail=f"The licensee {known.licensee.id} waits for approval or credit; until then it may agree on "
        "offers of tier 3 alone, with nothing owed but by what is fetched.",
    )
