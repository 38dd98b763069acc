"""Prepaid credit, spoken as x402: a second element of ``accepts``, under this site's own authority.

For whoever has an account here and signs its requests, but speaks x402: the
scheme is ``credit``, the network ``licet:AUTHORITY`` with every character that
CAIP-2 does not know written as ``-``, the asset the currency (ISO 4217), the
amount in millionths. Nothing is signed in the payload: the request is (Web Bot
Auth), and the signature covers ``payment-signature``, so that nobody between can
change what is accepted. The account is the one that the signature agent is tied
to, as in pay per crawl; its purse, budget and credit limit hold. What the owner
of the account paid is on its statement; there is no transaction to look up.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from gateway.evidence import Evidence, Needs
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.rails.rail import Asked, Headers, Tender, claims_for
from gateway.rails.signed_payers import SignedPayers
from gateway.rails.x402 import CREDIT, Promised, Requirement, Response, response_line

_OUTSIDE: Final = re.compile(r"[^-_a-zA-Z0-9]")
_SECONDS: Final = 60


class Charged(NamedTuple):
    """What the rail needs again when it commits."""

    asked: Requirement
    agent: str


def credit_requirement(origin: str, price: Money) -> Requirement:
    """What *price* is, paid from an account at *origin*.

    >>> credit_requirement("https://journal.example", Money(5_000, "USD")).network
    'licet:journal-example'
    """
    authority = _OUTSIDE.sub("-", origin.partition("://")[2])[:32]
    extra = (("decimals", "6"), ("desk", f"{origin}/.licet/"), ("signatureCovers", "payment-signature"))
    return Requirement(
        CREDIT, f"licet:{authority}", price.currency, str(price.micros), "merchant", _SECONDS, extra
    )


class CreditByX402:
    """Reads what is promised, and says what was charged."""

    def __init__(self, payers: SignedPayers) -> None:
        """Charge the accounts of *payers*."""
        self._payers = payers

    def read(
        self, rail: str, promised: Promised, asked: Asked, evidence: Evidence, place: int
    ) -> Tender | Refusal | Needs:
        """The tender, once the promise is for what is asked now and an account pays for who signed it."""
        assert asked.offer is not None
        price = asked.offer.price
        wanted = credit_requirement(asked.ask.origin, price)
        if promised.accepted.compared != wanted.compared:
            why = "The payment was not taken: invalid_payment_requirements."
            return Refusal(Problem.PAYMENT_INVALID, why, facts=(("reason", "invalid_payment_requirements"),))
        agent = self._payers.signer(asked.ask, evidence)
        if not isinstance(agent, str):
            return agent
        account = self._payers.payer(agent, evidence)
        if isinstance(account, Refusal | Needs):
            return account
        claims = claims_for(rail, asked, licensee=account.licensee, payment="", most=price)
        return Tender(rail, claims, price, credential_at=place, payload=Charged(wanted, agent))


def charged_line(charged: Charged, due: Money) -> Headers:
    """What an answer says that was charged; the purse was lowered before."""
    said = Response(True, "", charged.asked.network, charged.agent, str(due.micros))
    return (response_line(said),)
