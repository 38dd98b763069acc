"""A buyer's own position, and how it bargains: the other side of `licenses.bargaining`. Pure.

A `Mandate` says what a buyer must get and the most it may give. A strategy says
its next move from what was said so far, and nothing else:

========== ==================================================================
`TakeIt`   the published terms, or nothing
`Bargain`  opens at a part of the ask and closes on its own limit along a
           curve; asks for its wishes, and gives them up in their order
========== ==================================================================

Holds, and `tests/client/test_bargaining.py` proves against the gateway's own
engine: nothing is proposed or taken above the limit or the mandate; nothing is
taken that is narrower than the needs; it ends within its rounds; the same
history gives the same move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from gateway.money import MICROS, Money
from gateway.terms.ages import lowered
from gateway.terms.comparing import Lever, Relation, compare, within
from gateway.terms.license_terms import Compensation, LicenseTerms
from gateway.terms.scaling import scaled

#: Parts of a price that are owed for a period, and the member that says how long it is.
_PERIODS = {"subscription": "subscription_months", "minimum_guarantee": "minimum_guarantee_months"}


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a buyer must get and the most it may give.

    Attributes:
        most: the most of every part of a price; a part that it does not name may not be asked.
        needs: the least of a lever, by lever; any lever may stand here.
    """

    most: Compensation
    needs: Mapping[Lever, Any] = field(default_factory=dict)

    def lacks(self, terms: LicenseTerms) -> tuple[Lever, ...]:
        """The levers on which *terms* are narrower than what is needed."""
        return tuple(lever for lever in self.needs if not self._has(terms, lever))

    def affords(self, terms: LicenseTerms) -> bool:
        """Whether *terms* ask for no more than `most`, part by part."""
        return _costs_at_most(terms, self.most)

    def never_given(self, price: Compensation) -> tuple[str, ...]:
        """The parts that *price* asks for and of which nothing may be given."""
        return tuple(
            each.name
            for each in fields(price)
            if (each.name == "revenue_share_bp" or isinstance(getattr(price, each.name), Money))
            and getattr(price, each.name)
            and not getattr(self.most, each.name)
        )

    def needed(self, terms: LicenseTerms) -> LicenseTerms:
        """*terms* with what is needed in place of what is narrower than that."""
        for lever in self.lacks(terms):
            terms = replace(terms, **{lever.value: self.needs[lever]})
        return terms

    def _has(self, terms: LicenseTerms, lever: Lever) -> bool:
        least = replace(terms, **{lever.value: self.needs[lever]})
        return compare(least, terms)[lever].within


class Curve(StrEnum):
    """How a buyer goes from its opening to its limit."""

    STEADY = "steady"
    FIRM = "firm"
    YIELDING = "yielding"

    def part(self, nth: int, last: int) -> int:
        """How much of the way is gone at bid *nth*, from 0, where *last* is the last one, in millionths.

        >>> [Curve.FIRM.part(nth, 4) for nth in range(5)]
        [0, 62500, 250000, 562500, 1000000]
        """
        if last <= 0:
            return MICROS
        nth = min(max(nth, 0), last)
        match self:
            case Curve.STEADY:
                return nth * MICROS // last
            case Curve.FIRM:
                return nth * nth * MICROS // (last * last)
            case Curve.YIELDING:
                left = last - nth
                return MICROS - left * left * MICROS // (last * last)


@dataclass(frozen=True, slots=True)
class Wish:
    """Something a buyer asks for and can do without: member *name* of *lever* as *value*."""

    lever: Lever
    name: str
    value: object

    def asked(self, terms: LicenseTerms) -> LicenseTerms:
        """*terms* with this asked for, where it would leave the buyer more."""
        lever = replace(getattr(terms, self.lever.value), **{self.name: self.value})
        wished = replace(terms, **{self.lever.value: lever})
        return wished if compare(wished, terms)[self.lever] is Relation.WIDER else terms


@dataclass(frozen=True, slots=True)
class Propose:
    """Say this."""

    terms: LicenseTerms


@dataclass(frozen=True, slots=True)
class Take:
    """Accept what is on the table, which is this."""

    terms: LicenseTerms


@dataclass(frozen=True, slots=True)
class Leave:
    """End it: *why* is a sentence for the buyer's own people."""

    why: str


Move = Propose | Take | Leave


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said so far: the published terms, our own bids and what was put on the table, each oldest first."""

    asked: LicenseTerms
    said: tuple[LicenseTerms, ...] = ()
    tables: tuple[LicenseTerms, ...] = ()

    @property
    def table(self) -> LicenseTerms | None:
        """What would be signed now; None where nothing is on the table."""
        return self.tables[-1] if self.tables else None


@dataclass(frozen=True, slots=True)
class TakeIt:
    """Takes the published terms where the mandate allows, and never asks for others."""

    def move(self, mandate: Mandate, heard: Heard) -> Move:
        """The next move."""
        why = _unfit(mandate, heard.asked)
        if why:
            return Leave(why)
        table = heard.table
        if table is None:
            return Leave("The published terms were not accepted.") if heard.said else Propose(heard.asked)
        if within(heard.asked, table) and not _unfit(mandate, table):
            return Take(table)
        return Leave("What is on the table is not what was published.")


@dataclass(frozen=True, slots=True)
class Bargain:
    """Bargains for the price, and for its wishes.

    Attributes:
        opening, limit: millionths of the ask: the first bid, and what is never exceeded.
        rounds: bids that are made at most.
        curve: how it goes from one to the other.
        wishes: what it would like besides, what it gives up first standing first.
    """

    opening: int = MICROS // 3
    limit: int = MICROS
    rounds: int = 5
    curve: Curve = Curve.STEADY
    wishes: tuple[Wish, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an opening above the limit, and no rounds at all."""
        if not 0 <= self.opening <= self.limit or self.rounds < 1:
            raise ValueError("an opening is from 0 to the limit, and there is at least one round")

    def move(self, mandate: Mandate, heard: Heard) -> Move:
        """The next move."""
        if heard.asked.compensation.currency != mandate.most.currency:
            return Leave("The price is in another currency than this buyer pays in.")
        never = mandate.never_given(heard.asked.compensation)
        if never:
            # No bid could be enough, and every bid is remembered by the other side.
            return Leave(f"The offer asks for what this buyer gives nothing of: {', '.join(never)}.")
        nth, table = len(heard.said), heard.table
        following = self._bid(mandate, heard, nth)
        fits = table is not None and not self._unfit(mandate, heard, table)
        # Nothing is gained by a bid that would leave us no more than what is there already.
        if table is not None and fits and (nth >= self.rounds or within(following, table)):
            return Take(table)
        if nth < self.rounds:
            return Propose(following)
        if table is None:
            return Leave("Nothing was put on the table.")
        return Leave(self._unfit(mandate, heard, table))

    def _unfit(self, mandate: Mandate, heard: Heard, table: LicenseTerms) -> str:
        limit = scaled(_basis(heard).compensation, self.limit)
        if not _costs_at_most(table, limit):
            return "What is on the table costs more than the limit of this buyer."
        return _unfit(mandate, table)

    def _bid(self, mandate: Mandate, heard: Heard, nth: int) -> LicenseTerms:
        last = self.rounds - 1
        way = self.curve.part(nth, last)
        multiple = self.opening + (self.limit - self.opening) * way // MICROS
        price = scaled(_basis(heard).compensation, multiple)
        given_up = len(self.wishes) if nth >= last else len(self.wishes) * nth // last
        terms = heard.asked
        for nth_wish, wish in enumerate(self.wishes):
            # What was granted already is not given up.
            granted = heard.table is not None and wish.asked(heard.table) == heard.table
            if nth_wish >= given_up or granted:
                terms = wish.asked(terms)
        return replace(mandate.needed(terms), compensation=_at_most(price, mandate.most))


Strategy = TakeIt | Bargain


def _basis(heard: Heard) -> LicenseTerms:
    """What bids are a part of: the offer, or the first answer where an exclusive license is asked for beyond it."""
    beyond = heard.said[:1] and heard.said[0].exclusivity.exclusive and not heard.asked.exclusivity.exclusive
    if beyond and heard.tables and heard.tables[0] not in heard.said:
        return heard.tables[0]
    return heard.asked


def _unfit(mandate: Mandate, terms: LicenseTerms) -> str:
    """Why *terms* are not to be had under *mandate*, or ""."""
    lacking = mandate.lacks(terms)
    if lacking:
        return f"The terms are narrower than what is needed on {', '.join(lacking)}."
    if not mandate.affords(terms):
        return "The terms cost more than this buyer may give."
    return ""


def _costs_at_most(terms: LicenseTerms, most: Compensation) -> bool:
    # How long a unit is paid for is no part of a limit: the shortest window is met by all.
    dearest = replace(terms, compensation=replace(most, window_hours=1))
    return compare(dearest, terms)[Lever.COMPENSATION].within


def _at_most(price: Compensation, most: Compensation) -> Compensation:
    """*price* with every part at most that of *most*; a step down that is none any more is left out."""
    parts: dict[str, Any] = {}
    for each in fields(price):
        part = getattr(price, each.name)
        if isinstance(part, Money):
            limit = getattr(most, each.name) or Money(0, most.currency)
            if each.name in _PERIODS:
                months = _PERIODS[each.name]
                limit = Money(limit.micros * getattr(price, months) // getattr(most, months), most.currency)
            parts[each.name] = min(part, limit)
    last, kept = parts.get("per_fetch") or Money(0, price.currency), []
    for tier in price.tiers:
        if tier.per_fetch < last:
            kept.append(tier)
            last = tier.per_fetch
    by_age = lowered(price.by_age, parts.get("per_fetch") or Money(0, price.currency))
    share = min(price.revenue_share_bp, most.revenue_share_bp)
    return replace(price, **parts, tiers=tuple(kept), by_age=by_age, revenue_share_bp=share)
