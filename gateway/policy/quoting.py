"""What a request of a log would have been quoted, had this policy been in force. Pure."""

from __future__ import annotations

from dataclasses import replace

from gateway.ask import Ask
from gateway.licenses.pricing import cheapest
from gateway.licenses.traffic import Fetched
from gateway.money import Money
from gateway.paths import Ambiguous, canonical
from gateway.policy.rules import Policy, Verdict
from gateway.policy.ruling import rule
from gateway.provenance.floods import network_of
from gateway.visitors.visitor import Visitor


def quoted(policy: Policy, visitor: Visitor, ask: Ask) -> Money | None:
    """The price of one fetch for *visitor* without a license; None where it would be free, or refused whatever is paid.

    The same ruling and the same choice of an offer that a request meets.
    """
    plain = canonical(ask.path)
    told = replace(
        ask,
        site=policy.site.id,
        path="" if isinstance(plain, Ambiguous) else plain,
        ambiguity=plain.why if isinstance(plain, Ambiguous) else "",
    )
    ruling = rule(policy, visitor, told, visitor.uses)
    if ruling.verdict is not Verdict.LICENSE:
        return None
    offer = cheapest(ruling.offers, visitor.uses)
    return offer.price if offer and offer.price else None


def logged(policy: Policy, visitor: Visitor, ask: Ask, status: int, sent: int) -> Fetched:
    """A line of another server's log as a fetch, at the price of *policy*. Its address becomes a network."""
    return Fetched(
        ask.asked_at_us,
        ask.path,
        ask.method,
        status,
        sent,
        visitor.name,
        visitor.operator,
        visitor.visitor_class.value,
        visitor.identity.value,
        "open",
        visitor.reasons,
        network_of(ask.address),
        quoted(policy, visitor, ask),
    )
