"""From a wish to a token: one order, in which money is never taken twice or in silence.

=========== ===============================================================
choose      the cheapest single offer that covers the wish, or a license
            already held
agree       the wish narrows it to a license; a live equal one is that one
mint        the token is made first: nothing is owed for what cannot be had
pay         what is due at signing is held in the spend book under the
            license's id, then a book entry of that id is durable in the journal
grant       the license rests in the register
=========== ===============================================================

The license's id follows from what is agreed (`licenses.offers.agreement_id`),
so a purchase that broke off anywhere and is asked for again holds the same
credit and posts the same entry; a crash between the journal and the register
leaves a fee whose license the next request completes. Purchases of one licensee
on one site stand in line; the desk runs in one process.

The license's fee counts toward its budget in money and is no fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol
from weakref import WeakValueDictionary

import uuid_utils

from gateway.admission.spending import Charge, Short, SpendBook
from gateway.clock import Clock
from gateway.desk.metadata import issuer_of, on_offer
from gateway.keys.signing_key import SigningKey
from gateway.licenses.license import License
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
from gateway.money import Money
from gateway.policy.rules import Policy
from gateway.policy.ruling import sellable
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.provenance.record import BookEntry, JournalEntry
from gateway.terms.license_terms import Offer
from gateway.tokens.claims import Budget, Claims
from gateway.tokens.minting import UnmintableToken, mint
from gateway.tokens.verification import LONGEST_LIFE_SECONDS

Balance = Callable[[str, str], Awaitable[Money]]
Entered = Callable[[str], Awaitable[bool]]

_DEFAULT_LIFE = 3600


class Ring(Protocol):
    """What the sale needs of `keys.key_ring.KeyRing`."""

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        ...


class Keeping(Protocol):
    """What the sale needs of `provenance.journal.Journal`."""

    async def keep(self, entry: JournalEntry) -> None:
        """Return when *entry* is durable; raise `StoreUnavailable` if it cannot be made so."""
        ...


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, where: ids of the client and its licensee, and the public *origin* of the site."""

    client: str
    licensee: str
    policy: Policy
    origin: str


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
        entered: Entered | None = None,
    ) -> None:
        """Work on these stores; *entered* says whether the books hold the entry of an id.

        Without *entered* a fee whose purchase broke off is posted again under
        the same id, and the keeper's own rule, one posting an entry, is what
        keeps it single.
        """
        self._register = register
        self._book = spend_book
        self._journal = journal
        self._keys = keys
        self._clock = clock
        self._balance = balance
        self._entered = entered
        self._lines: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def sell(
        self, wanted: Wanted, buyer: Buyer, offers: tuple[Offer, ...] | None = None
    ) -> Sold | Refusal:
        """Sell what is *wanted*, out of *offers* if given, else of all on offer.

        Raises `StoreUnavailable` when the register or the books cannot be
        reached; then nothing was taken, or it will lapse, or the same request
        completes it.
        """
        line = self._lines.setdefault((buyer.licensee, buyer.policy.site.id), asyncio.Lock())
        async with line:
            held = tuple(
                license
                for license in await self._register.licenses_of(buyer.licensee)
                if license.site == buyer.policy.site.id
            )
            if wanted.license:
                return await self._of_held(wanted, buyer, held)
            return await self._of_offer(wanted, buyer, held, offers)

    async def _of_held(self, wanted: Wanted, buyer: Buyer, held: tuple[License, ...]) -> Sold | Refusal:
        now = self._now()
        for license in held:
            if license.id == wanted.license and license.live_at(now):
                return await self._token_of(license, wanted, buyer)
        return Refusal(Problem.DETAILS_INVALID, "There is no live license of that id for this client here.")

    async def _of_offer(
        self, wanted: Wanted, buyer: Buyer, held: tuple[License, ...], offers: tuple[Offer, ...] | None
    ) -> Sold | Refusal:
        now = self._now()
        offer = choose(for_sale(buyer.policy, wanted, offers), wanted)
        if isinstance(offer, Refusal):
            return offer
        paid = paid_for(held, offer, wanted, now)
        if paid is not None:
            return await self._token_of(paid, wanted, buyer)
        draft = accept(offer, wanted, licensee=buyer.licensee, now=now, license_id="draft")
        if isinstance(draft, Refusal):
            return draft
        equal = [license for license in held if same_agreement(license, draft)]
        for license in equal:
            if license.live_at(now):
                return await self._token_of(license, wanted, buyer)
        draft = replace(draft, id=agreement_id(draft, len(equal)))
        sold = self._minted(draft, draft, buyer, offer.token_seconds)
        if isinstance(sold, Refusal):
            return sold
        unpaid = await self._broke(draft) or await self._pay(draft)
        if unpaid is not None:
            return unpaid
        granted = await self._register.grant(draft)
        return sold if granted == draft else self._minted(granted, granted, buyer, offer.token_seconds)

    async def _token_of(self, license: License, wanted: Wanted, buyer: Buyer) -> Sold | Refusal:
        """A further token of a license that is held, no wider than what is wanted of it now."""
        revoked = (await self._register.revocations()).licenses
        if license.id in revoked:
            return Refusal(Problem.DETAILS_INVALID, f"The license {license.id} was revoked by the owner.")
        view = under(license, wanted)
        if isinstance(view, Refusal):
            return view
        offer = buyer.policy.by_offer.get(license.offer)
        return await self._broke(license) or self._minted(
            license, view, buyer, offer.token_seconds if offer else _DEFAULT_LIFE
        )

    def _minted(self, license: License, view: License, buyer: Buyer, seconds: int) -> Sold | Refusal:
        now = self._now()
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
            scopes=view.terms.scope.paths,
            renditions=view.terms.scope.renditions,
            uses=view.terms.purpose.uses,
            territory=view.terms.territory,
            crawlers=view.crawlers,
            budget=view.budget,
            price=license.terms.compensation.fetch_price,
            terms=license.terms.hash,
            policy=license.policy,
        )
        try:
            return Sold(mint(claims, self._keys.current), claims)
        except UnmintableToken as error:
            return Refusal(
                Problem.DETAILS_INVALID,
                "The offer does not fit into one token; ask for fewer locations.",
                private=str(error),
            )

    async def _pay(self, license: License) -> Refusal | None:
        """Take what is due at signing, or say how much is missing; None when it is paid or nothing is due."""
        due = due_at_signing(license.terms)
        if not due or (self._entered is not None and await self._entered(license.id)):
            return None
        charge = Charge(license.id, license.licensee, license.id, due, Budget(micros=license.budget.micros))
        lease = await self._book.lease(charge, self._now())
        if isinstance(lease, Short):
            return _lacking(license, due, lease.left, "is due at signing")
        entry = BookEntry(
            id=license.id,
            time_us=self._clock.now_us(),
            kind_of="fee",
            site=license.site,
            licensee=license.licensee,
            amount_micros=due.micros,
            currency=due.currency,
            license=license.id,
            memo=f"due at signing on the offer {license.offer}",
            by="desk",
        )
        try:
            await self._journal.keep(entry)
        except StoreUnavailable as error:
            await self._book.give_back(license.id)
            return Refusal(
                Problem.JOURNAL_UNAVAILABLE, "The fee cannot be recorded.", retry_after=10, private=str(error)
            )
        return None

    async def _broke(self, license: License) -> Refusal | None:
        """Refuse a token that could not pay for a single fetch; None where it could.

        Whoever pays at signing has a license for that, whatever is left for fetches.
        """
        price = license.terms.compensation.fetch_price
        if not price or due_at_signing(license.terms):
            return None
        left = await self._balance(license.licensee, price.currency)
        return None if left >= price else _lacking(license, price, left, "is the price of one fetch")

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def for_sale(policy: Policy, wanted: Wanted, offers: tuple[Offer, ...] | None = None) -> Iterable[Offer]:
    """The offers, of *offers* or of all on offer, that sell the very form of each page named.

    A target that ends in a slash or holds a star names many pages; which of them
    an offer sells is then said by what it covers alone.
    """
    left = on_offer(policy) if offers is None else offers
    for target in wanted.targets:
        path = target.pattern
        work = None if path.endswith("/") or "*" in path else policy.work_of(path)
        if work is not None:
            names = tuple(offer.id for offer in left)
            left = sellable(policy, names, work, work.rendition_of(path))
    return left


def _lacking(license: License, due: Money, left: Money, why: str) -> Refusal:
    return Refusal(
        Problem.CREDIT_SPENT,
        f"On the offer {license.offer}, {due} {why}; the prepaid credit left is {left}.",
        facts=(
            ("offer", license.offer),
            ("due", str(due)),
            ("balance", str(left)),
            ("missing", str(due - left)),
        ),
    )
