"""From a wish to a token: one order, in which money is never taken twice or in silence.

=========== ========================================================choose      the cheapest single offer that covers the wish, or a license
            already held
agree       the wish narrows it to a license; a live equal one whose budget
            allows one more fetch is that one
mint        the token is made first: nothing is owed for what cannot be had
pay         what is due at signing is set aside in the spend book, then a
            book entry under the license's id is durable in the journal
grant       the license rests in the register
=========== ========================================================
Between mint and grant the new licenses of one site stand in line, and one that
an exclusive license shuts out (`licenses.exclusivity`) is refused before
anything is paid. What was negotiated goes the same way (`Sales.sign`), without
a choice to make.

The license's id follows from what is agreed (`licenses.offers.agreement_id`),
so a purchase that broke off anywhere and is asked for again is the same one. A
fee whose license was not granted when the process died is completed, or given
back, by the next one (`granting`), and never taken twice. Purchases of
one licensee on one site stand in line, and one that began runs to its end
whether or not its caller waits; the desk runs in one process.

Whoever used a license up and asks again buys it again, with another id, another
fee and a whole budget. Until then every purchase of it is the one license.

A fee has a purse of its own (`spending.fee_of`), so it spends none of a
license's budget. It is empty once the books show the fee.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

import uuid_utils

from gateway.admission.spending import SpendBook
from gateway.clock import Clock
from gateway.desk.bundles import annex_of
from gateway.desk.fees import Entered, Fees, Keeping, lacking
from gateway.desk.granting import Grants
from gateway.desk.metadata import issuer_of
from gateway.desk.on_sale import for_sale, named_bundle, viewed
from gateway.desk.one_round import Asking, OneRound, led_on
from gateway.event import Event
from gateway.keys.signing_key import SigningKey
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import License
from gateway.licenses.life_events import issued
from gateway.licenses.lives import Lives
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.offers import (
    Wanted,
    accept,
    agreement_id,
    choose,
    paid_for,
    same_agreement,
    under,
)
from gateway.licenses.pricing import due_at_signing
from gateway.licenses.register import LicenseRegister
from gateway.licenses.revocations import Revocations
from gateway.licenses.unfinished import Purchase, Unfinished
from gateway.money import Money
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.ages import lowered
from gateway.terms.license_terms import Basis, Offer
from gateway.tokens.claims import Budget, Claims
from gateway.tokens.minting import UnmintableToken, mint
from gateway.tokens.verification import LONGEST_LIFE_SECONDS

Balance = Callable[[str, str], Awaitable[Money]]
Released = Callable[[License], Awaitable[bool]]

_DEFAULT_LIFE = 3600
_TOO_WIDE = "The offer does not fit into one token; ask for fewer locations."
_BY_PERSON = "A person at the creator decides on every deal on this offer."
_T = TypeVar("_T")


class Ring(Protocol):
    """What the sale needs of `keys.key_ring.KeyRing`."""

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        ...


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, where: ids of the client and its licensee, and the public *origin* of the site.

    Its token is bound to *key*, a thumbprint, unless that is "", and tells its scope if it is *scoped*.
    *crawlers* are named in what it negotiates. *asking* is how a published offer is accepted (`one_round`).
    """

    client: str
    licensee: str
    policy: Policy
    origin: str
    key: str = ""
    scoped: bool = False
    crawlers: frozenset[str] = frozenset()
    asking: Asking | None = None


@dataclass(frozen=True, slots=True)
class Sold:
    """A token and what it says. The repr hides the token. *manifest* is where that of its bundle is, or ""."""

    token: str = field(repr=False)
    claims: Claims
    manifest: str = ""


class Sales:
    """Sells what a site offers. One object a process: it keeps a licensee's purchases in line."""

    def __init__(
        self,
        register: LicenseRegister,
        spend_book: SpendBook,
        journal: Keeping,
        keys: Ring,
        clock: Clock,
        balance: Balance,
        entered: Entered,
        released: Released | None = None,
        unfinished: Unfinished | None = None,
        lives: Lives | None = None,
        one_round: OneRound | None = None,
    ) -> None:
        """Work on these stores.

        *entered* says whether the books hold the entry of an id, *released*
        whether tokens of a license that was negotiated may be had.
        """
        self._released, self._one_round = released, one_round
        self._register = register
        self._book = spend_book
        self._keys = keys
        self._clock = clock
        self._balance = balance
        self._lines: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._running: set[asyncio.Task[Any]] = set()
        self._grants = Grants(register, Fees(spend_book, journal, clock, entered), clock, unfinished, lives)

    async def sell(
        self, wanted: Wanted, buyer: Buyer, offers: tuple[Offer, ...] | None = None
    ) -> Sold | Refusal:
        """Sell what is *wanted*, out of *offers* if given, else of all on offer.

        Raises `StoreUnavailable` when the register or the books cannot be
        reached; then nothing was taken, or the same request completes it.
        """
        return await self._to_the_end(self._in_line(wanted, buyer, offers))

    async def sign(self, offer: Offer, buyer: Buyer, license_id: str) -> License | Refusal:
        """Make the license *license_id* of what was negotiated, its terms those of *offer*, whose id is "".

        Asked again it gives the same license, and the fee is taken once. Who
        holds a live license that says the very same has that one. Raises as `sell`.
        """
        return await self._to_the_end(self._signed(offer, buyer, license_id))

    async def follow(
        self, lives: Lives, new: License, due: Money, agreement: str, buyer: Buyer, events: Sequence[Event]
    ) -> License | Refusal:
        """Make *new*, the next version of a license, of the *agreement* of that id, for what is *due* now.

        Asked again it gives the same version, and what is due is taken once. Raises as `sell`.
        """

        async def followed() -> License | Refusal:
            async with self._lines.setdefault((buyer.licensee, buyer.policy.site.id), asyncio.Lock()):
                made = await lives.made_by(agreement)
                if made is not None:
                    return made
                price = new.terms.compensation.fetch_price
                unfit = buyer.policy.withdrawn.unsold(new.terms) or self._minted(new, new, buyer, price)
                if isinstance(unfit, Refusal):
                    return unfit

                async def kept() -> License | Conflict | Refusal:
                    made = await lives.put_version(new, agreement, events=events)
                    return made or Refusal(
                        Problem.LICENSE_OVER, private=f"{agreement} may have been paid for"
                    )

                return await self._grants.make(Purchase(agreement, new, due), kept)

        return await self._to_the_end(followed())

    async def charge_uses(self, totals: Sequence[tuple[License, Money]], report: str) -> Refusal | None:
        """Charge uses that were reported: each sum under its license, all of one licensee on one site.

        Nothing is taken where credit does not reach for all. Asked again for the
        same *report* nothing is charged twice, and what broke off is completed.
        """
        return await self._to_the_end(self._uses_charged(totals, report))

    async def begun(self, license_id: str) -> bool:
        """Whether a license of that id was made, or paid for."""
        return await self._register.license(license_id) is not None or await self._grants.paid_for(license_id)

    async def finish(self) -> int:
        """Complete purchases that broke off before this process began, or give their fees back; how many there were."""
        return await self._grants.finish()

    async def _uses_charged(self, totals: Sequence[tuple[License, Money]], report: str) -> Refusal | None:
        first = totals[0][0]
        async with self._lines.setdefault((first.licensee, first.site), asyncio.Lock()):
            fees = [(license, due, f"{report}.{license.id}") for license, due in totals]
            left = [fee for fee in fees if not await self._grants.paid_for(fee[2])]
            for currency in {due.currency for _, due, _ in left}:
                total = sum((due for _, due, _ in left if due.currency == currency), Money(0, currency))
                if not await self._book.affords(first.licensee, total):
                    balance = await self._balance(first.licensee, currency)
                    return lacking(first, total, balance, "is due for the uses reported")
            for license, due, fee in left:
                unpaid = await self._grants.charge(license, due, fee, "uses that were reported")
                if unpaid is not None:
                    return unpaid
        return None

    async def _to_the_end(self, selling: Coroutine[Any, Any, _T]) -> _T:
        # A caller that goes away must not leave it open whether the fee is in the journal.
        sale = asyncio.create_task(selling)
        self._running.add(sale)
        sale.add_done_callback(self._running.discard)
        return await asyncio.shield(sale)

    async def _held(self, buyer: Buyer) -> tuple[list[License], list[License], Revocations]:
        """The licenses of the buyer on this site, those of them that are live, and what is revoked and suspended."""
        site = buyer.policy.site.id
        held = [each for each in await self._register.licenses_of(buyer.licensee) if each.site == site]
        revoked = await self._register.revocations()
        now = self._now()
        live = [each for each in held if each.live_at(now) and each.id not in revoked.licenses]
        return held, live, revoked

    async def _signed(self, offer: Offer, buyer: Buyer, license_id: str) -> License | Refusal:
        line = self._lines.setdefault((buyer.licensee, buyer.policy.site.id), asyncio.Lock())
        async with line:
            made = await self._register.license(license_id)
            if made is not None:
                return made
            wanted = await self._seated(Wanted(crawlers=buyer.crawlers), buyer, (offer,))
            draft = accept(
                offer,
                wanted,
                licensee=buyer.licensee,
                now=self._now(),
                license_id=license_id,
                negotiated=True,
            )
            if isinstance(draft, Refusal):
                return draft
            _, live, _ = await self._held(buyer)
            spent = list[str]()
            for same in live:
                if same_agreement(same, draft):
                    if not await self._exhausted(same):
                        return same
                    spent.append(same.id)
            price = draft.terms.compensation.fetch_price
            gone = buyer.policy.withdrawn.unsold(draft.terms)
            unfit = gone or self._minted(draft, draft, buyer, price)
            return unfit if isinstance(unfit, Refusal) else await self._kept(draft, spent)

    async def _in_line(
        self, wanted: Wanted, buyer: Buyer, offers: tuple[Offer, ...] | None
    ) -> Sold | Refusal:
        line = self._lines.setdefault((buyer.licensee, buyer.policy.site.id), asyncio.Lock())
        async with line:
            held, live, revoked = await self._held(buyer)
            if wanted.license:
                barred = revoked.suspension(*(each.id for each in live if each.id == wanted.license))
                return barred or await self._of_held(wanted, buyer, live)
            return await self._of_offer(wanted, buyer, offers, live, held, revoked)

    async def _of_held(self, wanted: Wanted, buyer: Buyer, live: list[License]) -> Sold | Refusal:
        for license in live:
            if license.id == wanted.license:
                if not license.offer and self._released and not await self._released(license):
                    return Refusal(Problem.NEGOTIATION_WAITS, "The agreement has to be verified first.")
                return await self._token_of(license, under(license, wanted), buyer)
        return Refusal(Problem.DETAILS_INVALID, "There is no live license of that id for this client here.")

    async def _of_offer(
        self, wanted: Wanted, buyer: Buyer, offers: tuple[Offer, ...] | None,
        live: list[License], held: list[License], revoked: Revocations,
    ) -> Sold | Refusal:  # fmt: skip
        now = self._now()
        offered = tuple(for_sale(buyer.policy, wanted, offers))
        wanted = await self._seated(wanted, buyer, offered)
        offer = choose(offered, wanted)
        if isinstance(offer, Refusal):
            return offer
        if offer.by_person:
            return led_on(Refusal(Problem.NEGOTIATION_WAITS, _BY_PERSON), buyer.origin)
        # Buying the same offer anew, a little narrower, is no way around a suspension.
        barred = revoked.suspension(*(each.id for each in live if each.offer == offer.id))
        if barred is not None:
            return barred
        draft = accept(offer, wanted, licensee=buyer.licensee, now=now, license_id="draft")
        if isinstance(draft, Refusal):
            return draft
        usable, spent = list(live), list[str]()
        while True:
            same = next((license for license in usable if same_agreement(license, draft)), None)
            license = same or paid_for(usable, offer, wanted, now)
            if license is None:
                break
            if not await self._exhausted(license):
                if self._one_round is not None and buyer.asking is not None and license.offer == offer.id:
                    await self._one_round.completed(license, offer, buyer.origin)
                return await self._token_of(license, same or under(license, wanted), buyer)
            usable.remove(license)
            spent.append(license.id)
        nth = sum(same_agreement(license, draft) for license in held)
        return await self._new(replace(draft, id=agreement_id(draft, nth)), offer, wanted, buyer, spent)

    async def _seated(self, wanted: Wanted, buyer: Buyer, offered: tuple[Offer, ...]) -> Wanted:
        """*wanted* with the place of the licensee, where one of *offered* looks at it."""
        if all(each.terms.territory.basis is not Basis.LICENSEE for each in offered):
            return wanted
        licensee = await self._register.licensee(buyer.licensee)
        return replace(wanted, seat=licensee.seat if licensee else "")

    async def _exhausted(self, license: License) -> bool:
        """Whether its budget allows no further fetch; without a budget the book need not be there to say so."""
        if license.budget == Budget():
            return False
        price = await self._price(license)
        return await self._book.exhausted(license.id, price, license.budget)

    async def _new(
        self, license: License, offer: Offer, wanted: Wanted, buyer: Buyer, spent: Collection[str]
    ) -> Sold | Refusal:
        price = license.terms.compensation.fetch_price
        sold = self._minted(license, viewed(license, wanted), buyer, price)
        if isinstance(sold, Refusal):
            return sold
        broke = await self._broke(license, price)
        if broke is not None:
            return broke
        talk = await self._accepted(license, offer, wanted, buyer)
        if isinstance(talk, Refusal):
            return talk
        granted = await self._kept(license, spent)
        if isinstance(granted, Refusal):
            return granted
        if talk is not None and self._one_round is not None and granted.id == license.id:
            await self._one_round.closed(talk, granted, buyer.origin)
        if granted == license:
            return sold
        return self._minted(granted, viewed(granted, wanted), buyer, await self._price(granted))

    async def _accepted(
        self, license: License, offer: Offer, wanted: Wanted, buyer: Buyer
    ) -> Negotiation | Refusal | None:
        """The negotiation of one round that a purchase of the published *offer* is, where it is large."""
        if self._one_round is None or buyer.asking is None:
            return None
        asking = replace(buyer.asking, party=dict(wanted.party))
        return await self._one_round.opened(license, offer, asking, buyer.policy, buyer.origin)

    async def _kept(self, license: License, spent: Collection[str]) -> License | Refusal:
        async def kept() -> License | Conflict:
            return await self._register.grant(license, spent=spent, events=issued(license, self._now()))

        due = due_at_signing(license.terms)
        return await self._grants.make(Purchase(license.id, license, due, tuple(spent)), kept)

    async def _token_of(self, license: License, view: License | Refusal, buyer: Buyer) -> Sold | Refusal:
        """A further token of a license that is held, which says what *view* says."""
        if isinstance(view, Refusal):
            return view
        price = await self._price(license)
        return await self._broke(license, price) or self._minted(license, view, buyer, price)

    async def _price(self, license: License) -> Money:
        """What each fetch costs under a token issued at this moment; without tiers the book need not be there."""
        price = license.terms.compensation
        if not price.tiers:
            return price.fetch_price
        return price.price_after(await self._book.charged(license.id, price.currency))

    def _minted(self, license: License, view: License, buyer: Buyer, price: Money) -> Sold | Refusal:
        scope = buyer.policy.withdrawn.granted(view.terms, license.licensee)
        if isinstance(scope, Refusal):
            return scope
        now, offer = self._now(), buyer.policy.by_offer.get(license.offer)
        bundle = named_bundle(license, view)
        seconds = offer.token_seconds if offer else _DEFAULT_LIFE
        claims = Claims(
            issuer=issuer_of(buyer.origin),
            audience=buyer.origin,
            client=buyer.client,
            token_id=str(uuid_utils.uuid7(nanoseconds=self._clock.now_us() * 1000)),
            issued_at=now,
            not_before=now,
            expires_at=min(now + min(seconds, LONGEST_LIFE_SECONDS), license.ends_at),
            license=license.id,
            licensee=license.licensee,
            scopes=() if bundle else scope.paths,
            excluded=scope.excluded,
            bundle=bundle,
            offer=license.offer,
            renditions=view.terms.scope.renditions,
            uses=view.terms.purpose.uses,
            territory=view.terms.territory.at_fetch,
            crawlers=view.crawlers,
            budget=view.budget,
            price=price,
            by_age=lowered(license.terms.compensation.by_age, price),
            window_hours=license.terms.compensation.window_hours,
            terms=license.terms.hash,
            policy=license.policy,
            key=buyer.key,
            scoped=buyer.scoped,
        )
        try:
            return Sold(mint(claims, self._keys.current), claims, annex_of(license, buyer.origin, bundle))
        except UnmintableToken as error:
            return Refusal(Problem.DETAILS_INVALID, _TOO_WIDE, private=str(error))

    async def _broke(self, license: License, price: Money) -> Refusal | None:
        """Refuse a token that could not pay for a single fetch at *price*; None where it could.

        Whoever pays at signing has a license for that, whatever is left for fetches.
        """
        if not price or due_at_signing(license.terms):
            return None
        if await self._book.affords(license.licensee, price):
            return None
        left = await self._balance(license.licensee, price.currency)
        return lacking(license, price, left, "is the price of one fetch")

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
