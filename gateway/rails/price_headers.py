"""Pay per crawl: a signed request names its price, and an account here pays.

Wire-compatible with Cloudflare's pay per crawl (2026-06): ``crawler-price`` in a
402, ``crawler-max-price`` or ``crawler-exact-price`` in the request,
``crawler-charged`` on what was paid for. A price is a currency, one space and a
decimal: ``USD 0.01``, in the currency of the site. The request is signed (Web
Bot Auth) and the price header is among the covered components, so that nobody
between can raise the bid; the account is the one that the signature agent is
tied to. Checked in this order:

============================ ====== ========================= ====================
what                         status crawler-error             code
============================ ====== ========================= ====================
a price header twice, or     400    ConflictingPriceHeaders   prices-conflict
both of them
not a price, or another      400    InvalidCrawlerPriceValue  price-unreadable
currency
no signature                 400    StrongAuthRequired        strong-auth-required
a signature that does not    400    InvalidSignature          signature-invalid
hold, or covers no price
exact, and not the price     402    InvalidCrawlerExactPrice  exact-price-wrong
the most is below the price  402    InvalidCrawlerMaxPrice    max-price-too-low
no account, or suspended     403    PaymentFailed             payment-failed
the account has too little   402    PaymentFailed             credit-spent
the origin's price is none   502    InvalidContentPrice       content-price-invalid
no price header at all       402    MissingCrawlerPrice       license-required
the owner's block            403    CrawlerForbidden          refused-by-owner
============================ ====== ========================= ====================

The price is charged, never the most. ``crawler-charged`` says what is billed
where that is known by then, ``USD 0`` for unchanged bytes in the window; of a
body that is passed on while it arrives it says the price, and a re-read that
its digest alone shows is billed at nothing all the same. Where the origin names
prices (`Payments.origin_prices`) or tells how old a page is, the comparison waits for its head, and the most
that is offered is set aside until then. What was offered does not reach the
origin: who names the price is not told what would be paid.

Elsewhere ``/sitemap.xml``, ``/security.txt`` and ``/.well-known/security.txt``
are never charged for. Here that is the creator's to say (`Policy.free_paths`);
robots.txt and what tells the terms are free always.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.ask import Ask
from gateway.evidence import Evidence, Needs
from gateway.languages import Phrase
from gateway.money import Money, MoneyError
from gateway.problems import Problem, Refusal
from gateway.rails.known_accounts import KIND, KnownAccounts
from gateway.rails.rail import (
    Asked,
    Challenge,
    Quote,
    Settled,
    Source,
    Tender,
    Unsettled,
    by_its_answer,
    claims_for,
)
from gateway.rails.signed_payers import Finding, SignedPayers
from gateway.terms.payment_required import crawler_price

MAX: Final = "crawler-max-price"
EXACT: Final = "crawler-exact-price"
CHARGED: Final = "Crawler-Charged"
_PRICE: Final = re.compile(r"([A-Z]{3}) ([0-9.]{1,24})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Bid:
    """What the request offers: an amount, *exact* or at most. *position* is its place in `ask.headers`."""

    amount: Money
    exact: bool
    position: int = -1


class PriceHeaders:
    """The rail of price headers. Pure but for `KnownAccounts`, which is asked for what is at hand."""

    name = "price-headers"
    reads = (MAX, EXACT)

    def __init__(self, finding: Finding, accounts: KnownAccounts) -> None:
        """Believe what *finding* says of signatures (`Signatures.finding`), and charge *accounts*."""
        self._payers, self._accounts = SignedPayers(finding, accounts), accounts

    @property
    def sources(self) -> Mapping[str, Source]:
        """Where accounts come from."""
        return MappingProxyType({KIND: self._accounts.source})

    def read(self, asked: Asked, evidence: Evidence) -> Tender | Refusal | Needs | None:
        """The bid, once it holds and somebody here pays for it; see `Rail.read`."""
        ask, offer = asked.ask, asked.offer
        if not (ask.has(MAX) or ask.has(EXACT)) or offer is None:
            return None
        if not asked.policy.payments.price_headers:
            return None
        bid = read_bid(ask, asked.policy.site.currency)
        if isinstance(bid, Refusal):
            return bid
        agent = self._payers.signer(ask, evidence)
        if not isinstance(agent, str):
            return agent
        dynamic = asked.policy.payments.origin_prices or by_its_answer(asked.ruling, offer)
        if not dynamic and (unequal := _unequal(bid, offer.price)) is not None:
            return unequal
        account = self._payers.payer(agent, evidence)
        if isinstance(account, Refusal | Needs):
            return account
        most = bid.amount if dynamic else offer.price
        claims = claims_for(self.name, asked, licensee=account.licensee, payment="", most=most)
        return Tender(self.name, claims, offer.price, credential_at=bid.position, payload=bid)

    def challenge(self, refusal: Refusal, quote: Quote) -> Challenge | None:
        """``crawler-price``, and in the body how to answer it."""
        del refusal
        if not quote.policy.payments.price_headers:
            return None
        price = crawler_price(quote.price)
        return Challenge(
            headers=(("Crawler-Price", price),),
            members={
                "pay_per_crawl": {
                    "crawler_price": price,
                    "send": {MAX: price},
                    "signature_covers": ["@authority", "signature-agent", MAX],
                    "tag": "web-bot-auth",
                }
            },
        )

    async def commit(self, tender: Tender, due: Money, ask: Ask, status: int) -> Settled | Unsettled:
        """Say what is charged; the purse was lowered before. Refuses a price that an exact bid does not name."""
        del ask, status
        bid = tender.payload
        assert isinstance(bid, _Bid)
        unequal = _unequal(bid, due) if due else None
        return Settled(((CHARGED, crawler_price(due)),)) if unequal is None else Unsettled(unequal)

    async def undelivered(self, tender: Tender) -> None:
        """Nothing was taken, so nothing is to be done."""


def read_bid(ask: Ask, currency: str) -> _Bid | Refusal:
    """What the price headers of *ask* offer, in *currency*; one of them is there. Raises nothing on any value."""
    said = [(at, *line) for at, line in enumerate(ask.headers) if line[0] in {MAX, EXACT}]
    if len(said) != 1:
        return Refusal(Problem.PRICES_CONFLICT, Phrase("More than one price was sent."))
    position, name, value = said[0]
    found = _PRICE.fullmatch(value.strip(" \t"))
    try:
        amount = Money.parse(found[2], found[1]) if found else None
    except MoneyError:
        amount = None
    if amount is None:
        return Refusal(
            Problem.PRICE_UNREADABLE,
            Phrase("{name} is not a price such as {currency} 0.01.", name=name, currency=currency),
        )
    if amount.currency != currency:
        return Refusal(Problem.PRICE_UNREADABLE, Phrase("Prices here are in {currency}.", currency=currency))
    return _Bid(amount, name == EXACT, position)


def _unequal(bid: _Bid, price: Money) -> Refusal | None:
    """The 402 where *bid* does not buy at *price*, naming that price.

    It does not repeat the bid: refusals that are alike are written once.
    """
    if bid.exact:
        if bid.amount == price:
            return None
        return Refusal(
            Problem.EXACT_PRICE_WRONG,
            Phrase("This page costs {price}, not exactly what was offered.", price=price),
            price=price,
        )
    if bid.amount >= price:
        return None
    return Refusal(
        Problem.MAX_PRICE_TOO_LOW,
        Phrase("This page costs {price}, more than was offered at most.", price=price),
        price=price,
    )
