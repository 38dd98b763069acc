"""The rail x402: one fetch paid on a chain, through a facilitator that the creator chose.

The payment is verified before the creator's server is asked, settled once it
has answered 200 or 206, and never where nothing is owed. What is presented must
pay what is asked at this moment: an offer that changed since is asked anew.
Beside it an account here may be charged (`x402_credit`), in the same header.
Where the site's own server names prices, a payment of more than the offer's
price pays up to its own amount.

The answers, beside those of `settling`:

=== ==========================================================================
400 the header cannot be read
402 the payment is no good, with the reason and what is asked now
409 the payment is for another request
503 the outcome is not known, or nobody could be asked: nothing is billed anew,
    and the state stands at ``/.licet/payments/ID``
=== ==========================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Final, NamedTuple, Protocol

from gateway.ask import Ask
from gateway.evidence import Evidence, Need, Needs
from gateway.languages import Phrase
from gateway.money import Money
from gateway.policy.x402_terms import X402Terms
from gateway.problems import PROBLEMS, Problem, Refusal, StoreUnavailable
from gateway.rails.rail import (
    Asked,
    Challenge,
    Headers,
    Quote,
    Settled,
    Source,
    Tender,
    Unsettled,
    claims_for,
)
from gateway.rails.settlements import State
from gateway.rails.settling import RAIL, Checked, Payable, Taken, Unpaid
from gateway.rails.unverified import Unverified
from gateway.rails.x402 import (
    LAPSED,
    REQUIRED,
    SIGNATURE,
    Presented,
    Promised,
    Response,
    Unread,
    read_signature,
    required_octets,
    requirement,
    response_line,
    why_not,
)
from gateway.rails.x402_credit import Charged, CreditByX402, charged_line, credit_requirement

#: Where the state of a payment can be asked, below the origin.
PAYMENTS: Final = "/.licet/payments"
_HEADER: Final = SIGNATURE.lower()
_EVIDENCE: Final = "payment"


class Settler(Protocol):
    """What the rail needs of `settling.Settling`, here or at the office. Raises `StoreUnavailable`."""

    async def check(self, payable: Payable) -> Checked | Unpaid:
        """Whether the payment holds."""
        ...

    def settle(self, payable: Payable, record_id: str) -> Coroutine[object, object, Taken | Unpaid]:
        """Have the money moved, for the fetch *record_id*."""
        ...

    def known(self, payment: str) -> Coroutine[object, object, Checked | None]:
        """The payment of that id, if it is settled."""
        ...

    def skip(self, payable: Payable) -> Coroutine[object, object, None]:
        """Note that nothing was delivered to pay for."""
        ...


class _Brought(NamedTuple):
    payable: Payable
    checked: Checked


class X402:
    """`rail.Rail` over a `Settler`."""

    name: str = RAIL
    reads: tuple[str, ...] = (_HEADER,)

    def __init__(
        self, settler: Settler, credit: CreditByX402 | None = None, unverified: Unverified | None = None
    ) -> None:
        """Have *settler* ask the facilitator and move the money; *credit* charges accounts here.

        *unverified* says how many payments of a network it is asked about.
        """
        self._settler, self._credit, self._unverified = settler, credit, unverified

    @property
    def sources(self) -> Mapping[str, Source]:
        """Whether a payment holds."""
        return {_EVIDENCE: self._checked}

    def read(self, asked: Asked, evidence: Evidence) -> Tender | Refusal | Needs | None:
        """What the request pays with; see `Rail.read`."""
        ask, payments = asked.ask, asked.policy.payments
        terms, credit = payments.x402, self._credit if payments.x402_credit else None
        if asked.offer is None or not ask.has(_HEADER) or not (terms or credit):
            return None
        presented = _presented(ask)
        if isinstance(presented, Unread):
            return Refusal(Problem.PAYMENT_MALFORMED, f"Of {SIGNATURE}, {presented.why}.")
        if isinstance(presented, Promised):
            return credit.read(RAIL, presented, asked, evidence, _place(ask)) if credit else None
        return self._exact(presented, terms, asked, evidence) if terms else None

    def _exact(
        self, presented: Presented, terms: X402Terms, asked: Asked, evidence: Evidence
    ) -> Tender | Refusal | Needs | None:
        ask = asked.ask
        price = _price(presented, terms, asked)
        wanted = requirement(terms, price)
        if wanted is None:
            return None
        wrong = why_not(presented, wanted, ask.asked_at)
        # What lapsed may have moved the money before, which the book of settlements alone knows.
        if wrong and wrong != LAPSED:
            return _refusal(Unpaid(Problem.PAYMENT_INVALID.code, wrong), ask.origin)
        payable = Payable(
            ask.site, ask.method, ask.origin + ask.target, price, terms, ask.all(_HEADER)[0].strip()
        )
        found = evidence.get(_EVIDENCE, presented.id)
        if self._unverified is not None:
            if found is None and (slow := self._unverified.too_many(ask)) is not None:
                return slow
            if isinstance(found, Unpaid):
                self._unverified.junk(ask)
            elif found is not None:
                self._unverified.held(ask)
        match found:
            case None:
                return Needs((Need(_EVIDENCE, presented.id, payable),))
            case Checked(payment, payer):
                claims = claims_for(RAIL, asked, licensee=f"{RAIL}:{payer}", payment=payment, most=price)
                brought = _Brought(payable, found)
                return Tender(RAIL, claims, price, settles=True, credential_at=_place(ask), payload=brought)
            case Unpaid():
                return _refusal(found, ask.origin)
            case Refusal():
                return found
        raise TypeError(f"evidence of kind {_EVIDENCE} cannot be a {type(found).__name__}")

    def challenge(self, refusal: Refusal, quote: Quote) -> Challenge | None:
        """How to pay on the chain, where the price can be asked in the token."""
        payments = quote.policy.payments
        accepts = [requirement(payments.x402, quote.price)] if payments.x402 else []
        if payments.x402_credit and self._credit is not None:
            accepts.append(credit_requirement(quote.terms.origin, quote.price))
        ways = tuple(way for way in accepts if way is not None)
        if refusal.status != 402 or not ways:
            return None
        reasons = [value for name, value in refusal.facts if name == "reason"]
        error = reasons[0] if reasons else f"{SIGNATURE} header is required"
        octets = required_octets(ways, url=quote.url, error=error, description=f"offer {quote.offer.id}")
        told: dict[str, object] = {"accepts": [way.as_json() for way in ways], "header": SIGNATURE}
        if payments.x402 is not None:
            told["facilitator"] = payments.x402.facilitator
        return Challenge(encoded=((REQUIRED, octets),), members={"x402": told})

    async def commit(self, tender: Tender, due: Money, ask: Ask, status: int) -> Settled | Unsettled:
        """Have the money moved, unless nothing is due."""
        del status
        brought = tender.payload
        if isinstance(brought, Charged):
            return Settled(charged_line(brought, due))
        assert isinstance(brought, _Brought)
        payable, checked = brought
        if not due:
            return Settled(await self._told_before(payable, checked))
        try:
            # In a task of its own: what is asked of others has deadlines (`stepping`).
            taken = await asyncio.ensure_future(self._settler.settle(payable, ask.id))
        except StoreUnavailable as error:
            lost = Unpaid(Problem.PAYMENT_PENDING.code, "the books cannot be reached", checked.payment, 10)
            return Unsettled(_refusal(lost, ask.origin, private=str(error)), _told_of(lost))
        if isinstance(taken, Taken):
            headers = _moved(payable, taken, taken.state)
            return Settled(headers, due=None if taken.owes else Money(0, due.currency))
        told = _told_of(taken)
        if taken.code == Problem.PAYMENT_INVALID.code:
            failed = Response(False, "", payable.terms.network, checked.payer, error=taken.reason)
            told = (*told, response_line(failed))
        return Unsettled(_refusal(taken, ask.origin), told)

    async def _told_before(self, payable: Payable, checked: Checked) -> Headers:
        """What was said of the payment, if it is settled already; another like it may have been quicker."""
        settled: Checked | None = checked if checked.transaction else None
        if settled is None:
            with contextlib.suppress(StoreUnavailable):
                settled = await asyncio.ensure_future(self._settler.known(checked.payment))
        return _moved(payable, settled, State.DUPLICATE) if settled else ()

    async def undelivered(self, tender: Tender) -> None:
        """Note that the creator's server delivered nothing; without effect where the book cannot be reached."""
        if not isinstance(tender.payload, _Brought):
            return
        with contextlib.suppress(StoreUnavailable):
            await asyncio.ensure_future(self._settler.skip(tender.payload.payable))

    async def _checked(self, need: Need) -> object:
        payable = need.about
        assert isinstance(payable, Payable)
        try:
            return await self._settler.check(payable)
        except StoreUnavailable as error:
            why = Phrase("Payments cannot be verified at the moment.")
            return Refusal(Problem.PAYMENT_SERVICE_UNAVAILABLE, why, retry_after=10, private=str(error))


def _presented(ask: Ask) -> Presented | Promised | Unread:
    kept = ask.headers.kept  # type: ignore[attr-defined]
    if _HEADER not in kept:
        values = ask.all(_HEADER)
        kept[_HEADER] = (
            read_signature(values[0].strip()) if len(values) == 1 else Unread("it stands there twice")
        )
    found: Presented | Promised | Unread = kept[_HEADER]
    return found


def _price(presented: Presented, terms: X402Terms, asked: Asked) -> Money:
    """What the payment must be worth: the offer's price, or more where the site's server may ask more."""
    assert asked.offer is not None
    price = asked.offer.price
    if asked.policy.payments.origin_prices:
        worth = terms.worth(presented.accepted.amount)
        if worth is not None and worth > price:
            return worth
    return price


def _place(ask: Ask) -> int:
    return next(at for at, (name, _) in enumerate(ask.headers) if name == _HEADER)


def _moved(payable: Payable, moved: Checked | Taken, state: State) -> Headers:
    """What an answer says of a payment that is settled."""
    amount = payable.terms.units(payable.price)
    response = Response(True, moved.transaction, payable.terms.network, moved.payer, amount)
    return (
        response_line(response),
        ("Licet-Payment", f"{moved.payment};state={state}"),
    )


def _refusal(unpaid: Unpaid, origin: str, *, private: str = "") -> Refusal:
    facts: tuple[tuple[str, str], ...] = (("reason", unpaid.reason),)
    if unpaid.payment:
        facts += (("payment", unpaid.payment), ("status_url", f"{origin}{PAYMENTS}/{unpaid.payment}"))
    return Refusal(
        PROBLEMS[unpaid.code],
        Phrase("The payment was not taken: {reason}.", reason=unpaid.reason),
        retry_after=unpaid.retry_after,
        private=private,
        facts=facts,
    )


def _told_of(unpaid: Unpaid) -> Headers:
    """Where the state of the payment can be asked (RFC 8631)."""
    return (("Link", f'<{PAYMENTS}/{unpaid.payment}>; rel="status"'),) if unpaid.payment else ()
