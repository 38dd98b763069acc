"""A creator's bargaining position for one offer: secret, and never part of anything published.

It stands in the policy beside the offer, is left out of its digest, and the
only thing that leaves the process is what `licenses.bargaining` answers with.
The published price is the ask; everything else is a multiple of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType

from gateway.licenses.red_flags import Severity
from gateway.money import MICROS, Money
from gateway.terms.ages import at_age
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation, LicenseTerms

#: Facts that a buyer may be asked for, in the order in which they are asked, and what each is.
FACTS: Mapping[str, str] = MappingProxyType(
    {
        "use_case": "what the works are wanted for, in a sentence or more",
        "products": "the products or services that will rely on them, by name",
        "model_class": "closed, open (weights are released), or none (no model is trained)",
        "redistribution": "whether anything of the works is passed on to others",
        "launch_date": "when the first of the products is to be launched, as a date",
        "data_protection": "how the works are stored, who has access, and how they are removed again",
    }
)


#: Facts that are asked for where a creator did not choose, by tier of use.
USUAL_FACTS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {1: tuple(FACTS), 2: tuple(FACTS), 3: ("use_case",)}
)


@dataclass(frozen=True, slots=True)
class Concession:
    """One thing a creator would give way on: member *name* of *lever* becomes *value*, at most."""

    lever: Lever
    name: str
    value: object

    def applied(self, terms: LicenseTerms) -> LicenseTerms:
        """*terms* with this given way on."""
        return replace(
            terms, **{self.lever.value: replace(getattr(terms, self.lever), **{self.name: self.value})}
        )


@dataclass(frozen=True, slots=True)
class Position:
    """How far a creator would go, in millionths of each part of the price.

    Attributes:
        ask_micros: the opening; the published price, so one times.
        target_micros: where the counters of a patient buyer end.
        floor_micros: the least; accepted in the last round at most.
        exclusive_premium_micros: what an exclusive deal costs, times the price; 0 where there is none.
        concessions: what else may give way, the easiest first.
        facts: which of `FACTS` a buyer has to state before anything is priced.
        rounds: proposals that are answered before the last word.
        patience_hours: how long a counter stands.
        person_above: deals that commit to more are for a person; None for no such limit.
        person_for: ``tier-1``, ``exclusive``, ``perpetual``: these are for a person too.
        counterparties: licensees, in lower case, that a person always speaks with.
        severities: red flags that are weighed otherwise than by default.
        walk_away: whether a flag of severity `refuse` ends it; otherwise a person decides.
    """

    ask_micros: int = MICROS
    target_micros: int = MICROS
    floor_micros: int = MICROS
    exclusive_premium_micros: int = 0
    concessions: tuple[Concession, ...] = ()
    facts: tuple[str, ...] = ()
    rounds: int = 6
    patience_hours: int = 72
    person_above: Money | None = None
    person_for: frozenset[str] = frozenset({"tier-1", "exclusive", "perpetual"})
    counterparties: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    walk_away: bool = True

    def multiple(self, step: int) -> int:
        """What the counter after *step* concessions asks, in millionths of the price: from ask down to target.

        >>> Position(target_micros=800_000, rounds=5).multiple(2)
        900000
        """
        steps = max(1, self.rounds - 1)
        taken = min(max(step, 0), steps)
        return self.ask_micros - (self.ask_micros - self.target_micros) * taken // steps


def usual(tier: int) -> Position:
    """The position of a creator who wrote none for an offer of *tier*: the price stands, and facts are asked for."""
    return Position(facts=USUAL_FACTS[tier])


def ratio(bid: Compensation, asked: Compensation) -> int:
    """How much of *asked* is bid, in millionths: that of the part that falls shortest; 0 in another currency.

    A part that is not asked for counts for nothing, so no part can make up for another.
    """
    if bid.currency != asked.currency:
        return 0
    found = [
        _micros(getattr(bid, each.name)) * MICROS // part.micros
        for each in fields(asked)
        if isinstance(part := getattr(asked, each.name), Money) and part
    ]
    found += [
        bid.price_after(tier.from_fetches).micros * MICROS // tier.per_fetch.micros
        for tier in asked.tiers
        if tier.per_fetch
    ]
    found += [
        at_age(bid.fetch_price, bid.by_age, step.from_days).micros * MICROS // step.per_fetch.micros
        for step in asked.by_age
        if step.per_fetch
    ]
    if asked.revenue_share_bp:
        found.append(bid.revenue_share_bp * MICROS // asked.revenue_share_bp)
    return min(found, default=MICROS)


def committed(terms: LicenseTerms) -> Money:
    """What the licensee owes over the whole term whatever it fetches: fees, subscriptions, guarantees."""
    price, months = terms.compensation, terms.term.months
    total = _micros(price.upfront)
    total += _micros(price.subscription) * -(-months // max(1, price.subscription_months))
    total += _micros(price.minimum_guarantee) * -(-months // max(1, price.minimum_guarantee_months))
    return Money(total, price.currency)


def _micros(part: Money | None) -> int:
    return part.micros if part else 0
