"""From a wish to a token: one order, in which money is never taken twice or in silence.

=========== ===============================================================
choose      the cheapest single offer that covers the wish, or a license
            already held
agree       the wish narrows it to a license; a live equal one whose budget
            allows one more fetch is that one
mint        the token is made first: nothing is owed for what cannot be had
pay         what is due at signing is set aside in the spend book, then a
            book entry under the license's id is durable in the journal
grant       the license rests in the register
=========== ===============================================================

Between mint and grant the new licenses of one site stand in line, and one that
an exclusive license shuts out (`licenses.exclusivity`) is refused before
anything is paid. What was negotiated goes the same way (`Sales.sign`), without
a choice to make.

The license's id follows from what is agreed (`licenses.offers.agreement_id`),
so a purchase that broke off anywhere and is asked for again is the same one: a
crash between journal and register leaves a fee whose license the next request
completes, and a fee that the books hold is never entered again. Purchases of
one licensee on one site stand in line, and one that began runs to its end
whether or not its caller waits; the desk runs in one process.

Whoever used a license up and asks again buys it again, with another id, another
fee and a whole budget. Until then every purchase of it is the one license.

A fee has a purse of its own (`spending.fee_of`), so it spends none of a
license's budget. It is empty once the books show the fee.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

import uuid_utils

from gateway.admission.spending import SpendBook
from gateway.clock import Clock
from gateway.desk.fees import Entered, Fees, Keeping, lacking
from gateway.desk.metadata import issuer_of, on_offer
from gateway.event import Event
from gateway.keys.signing_key import SigningKey
from gateway.licenses.deciding import shut_out
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import License
from gateway.licenses.lives import Lives
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
from gateway.money import Money
from gateway.policy.rules import Policy
from gateway.policy.ruling import sellable
from gateway.problems import Problem, Refusal
from gateway.terms.ages import lowered
from gateway.terms.license_terms import Basis, Offer
from gateway.tokens.claims import Budget, Claims
from gateway.tokens.minting import UnmintableToken, mint
from gateway.tokens.verification import LONGEST_LIFE_SECONDS

Balance = Callable[[str, str], Awaitable[Money]]
Released = Callable[[License], Awaitable[bool]]

_DEFAULT_LIFE = 3600
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
    *crawlers* are named in what it negotiates.
    """

    client: str
    licensee: str
    policy: Policy
    origin: str
    key: str = ""
    scoped: bool = False
    crawlers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sold:
    """A token and what it says. The repr hides the token."""

    token: str = field(repr=False)
    claims: Claims


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
    ) -> None:
        """Work on these stores.

        *entered* says whether the books hold the entry of an id, *released*
        whether tokens of a license that was negotiated may be had.
        """
        self._released = released
        self._register = register
        self._book = spend_book
        self._keys = keys
        self._clock = clock
        self._balance = balance
        self._entered = entered
        self._lines: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._sites: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: set[asyncio.Task[Any]] = set()
        self._fees = Fees(spend_book, journal, clock, entered)

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
                unfit = buyer.policy.withdrawn.unsold(new.terms) or self._minted(
                    new, _a_part(new), buyer, price
                )
                if isinstance(unfit, Refusal):
                    return unfit

                async def kept() -> License | Conflict | Refusal:
                    made = await lives.put_version(new, agreement, events=events)
                    return made or Refusal(
                        Problem.LICENSE_OVER, private=f"{agreement} may have been paid for"
                    )

                return await self._granted(new, due, agreement, kept)

        return await self._to_the_end(followed())

    async def begun(self, license_id: str) -> bool:
        """Whether a license of that id was made, or paid for."""
        return await self._register.license(license_id) is not None or await self._entered(license_id)

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
            unfit = gone or self._minted(draft, _a_part(draft), buyer, price)
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
                return await self._token_of(license, same or under(license, wanted), buyer)
            usable.remove(license)
            spent.append(license.id)
        nth = sum(same_agreement(license, draft) for license in held)
        return await self._new(replace(draft, id=agreement_id(draft, nth)), wanted, buyer, spent)

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
        self, license: License, wanted: Wanted, buyer: Buyer, spent: Collection[str]
    ) -> Sold | Refusal:
        price = license.terms.compensation.fetch_price
        sold = self._minted(license, _view(license, wanted), buyer, price)
        if isinstance(sold, Refusal):
            return sold
        granted = await self._broke(license, price) or await self._kept(license, spent)
        if isinstance(granted, Refusal):
            return granted
        if granted == license:
            return sold
        return self._minted(granted, _view(granted, wanted), buyer, await self._price(granted))

    async def _kept(self, license: License, spent: Collection[str]) -> License | Refusal:
        async def kept() -> License | Conflict:
            return await self._register.grant(license, spent=spent)

        return await self._granted(license, due_at_signing(license.terms), license.id, kept)

    async def _granted(
        self,
        license: License,
        due: Money,
        agreement: str,
        keep: Callable[[], Awaitable[License | Conflict | Refusal]],
    ) -> License | Refusal:
        """Take what is *due* for *license* and *keep* it, unless somebody's exclusive license shuts it out."""
        # Nothing is granted on this site between the look and the grant, so nobody pays for what is gone.
        async with self._sites.setdefault(license.site, asyncio.Lock()):
            taken = await self._register.in_the_way(license)
            if taken is not None:
                return shut_out(taken)
            unpaid = await self._fees.take(license, due, agreement)
            if unpaid is not None:
                return unpaid
            granted = await keep()
        if isinstance(granted, Conflict):
            return shut_out(granted, private=f"{agreement} may have been paid for: give back its fee")
        self._fees.granted(agreement)
        return granted

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
            scopes=scope.paths,
            excluded=scope.excluded,
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
            return Sold(mint(claims, self._keys.current), claims)
        except UnmintableToken as error:
            return Refusal(
                Problem.DETAILS_INVALID,
                "The offer does not fit into one token; ask for fewer locations.",
                private=str(error),
            )

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


def _view(license: License, wanted: Wanted) -> License:
    """What a token of a *license* just bought names: of a bundle, the part that is *wanted* of it."""
    narrowed = under(license, wanted) if license.terms.scope.bundle else license
    return license if isinstance(narrowed, Refusal) else narrowed


def _a_part(license: License) -> License:
    """*license* as far as a token has to hold it: a bundle is fetched by tokens for parts of it."""
    scope = license.terms.scope
    if scope.bundle is None:
        return license
    return replace(license, terms=replace(license.terms, scope=replace(scope, paths=scope.paths[:1])))


def for_sale(policy: Policy, wanted: Wanted, offers: tuple[Offer, ...] | None = None) -> Iterable[Offer]:
    """The offers, of *offers* or of all on offer, that sell the very form of each page named.

    A target that ends in a slash or holds a star names many pages; which of them
    an offer sells is then said by what it covers alone.
    """
    left = on_offer(policy) if offers is None else policy.withdrawn.offered(offers)
    for target in wanted.targets:
        path = target.pattern
        work = None if path.endswith("/") or "*" in path else policy.work_of(path)
        if work is not None:
            names = tuple(offer.id for offer in left)
            left = sellable(policy, names, work, work.rendition_of(path))
    return left
