"""Lever 3 of a deal: the parts of its price, what of them waits for milestones, and how soon is paid. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.money import Money
from gateway.terms.ages import AgeStep, check_steps
from gateway.terms.holding import NOBODY, Holder

#: Hours in which unchanged content is not paid for again, where the terms say nothing.
WINDOW_HOURS: Final = 24
#: The longest window: as far back as a till looks when it starts.
LONGEST_WINDOW_HOURS: Final = 168
#: Business days from a trigger to the payment, where the terms say nothing.
PAYMENT_DAYS: Final = 10
MOST_PAYMENT_DAYS: Final = 366
#: What shows that a milestone is met: the journal itself, a statement of the licensee, the operator's word.
SHOWN_BY: Final = ("journal", "statement", "operator")
_WHOLE_BP: Final = 10_000
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_MOST_ITEMS: Final = 10**9
_MOST_MONTHS: Final = 1200


@dataclass(frozen=True, slots=True)
class Milestone:
    """A part of the upfront fee that is paid once something has happened.

    Attributes:
        name: what has to happen, such as ``ingestion``; single in its terms.
        share_bp: its share of the upfront part, in hundredths of a percent.
        shown_by: one of `SHOWN_BY`.
        items: for ``journal``, how many different works or forms are to be fetched; 0 for every work of a bundle.
        months: after so many months it lapses if it is not met; 0 for the end of the term.
    """

    name: str
    share_bp: int
    shown_by: str = "operator"
    items: int = 0
    months: int = 0

    def __post_init__(self) -> None:
        """Refuse a name that is none, a share of nothing, and an unknown proof."""
        if not _NAME.fullmatch(self.name):
            raise ValueError("a milestone has a name of small letters, digits and hyphens")
        if not 0 < self.share_bp <= _WHOLE_BP:
            raise ValueError("a milestone takes a share, of at most the whole")
        if self.shown_by not in SHOWN_BY:
            raise ValueError(f"a milestone is shown by one of {', '.join(SHOWN_BY)}")
        if not 0 <= self.items <= _MOST_ITEMS or not 0 <= self.months <= _MOST_MONTHS:
            raise ValueError("items and months of a milestone are whole numbers, not below zero")


@dataclass(frozen=True, slots=True)
class Tier:
    """What a fetch costs once *from_fetches* fetches were charged under one license."""

    from_fetches: int
    per_fetch: Money


@dataclass(frozen=True, slots=True)
class Compensation:
    """Lever 3: the parts of the price, all in one currency; None is not part of it.

    *per_fetch* is owed for each unit delivered; a deal without it is free per
    fetch. *revenue_share_bp* is in hundredths of a percent. *tiers* lower
    *per_fetch*, step by step: the step is taken when a token is issued, by the
    fetches that the books show as charged under the license, and the token's
    price is what each fetch with it costs. *by_age* lowers it further for older
    pages (`ages`). A unit is paid for once in
    *window_hours* (`admission.owed`).

    Of *upfront* each of *milestones* takes its share, and the rest is owed at signing; *holder*
    (`terms.holding`) says who holds what waits for them. What is owed is paid within
    *payment_days* business days of *calendar*, "" for weekdays (`billing.business_days`);
    *late_interest_bp* is the interest of a year on what is late, in hundredths of a percent.
    """

    currency: str
    upfront: Money | None = None
    per_fetch: Money | None = None
    per_item: Money | None = None
    per_megabyte: Money | None = None
    per_thousand_tokens: Money | None = None
    per_inference: Money | None = None
    subscription: Money | None = None
    subscription_months: int = 1
    revenue_share_bp: int = 0
    minimum_guarantee: Money | None = None
    minimum_guarantee_months: int = 3
    tiers: tuple[Tier, ...] = ()
    window_hours: int = WINDOW_HOURS
    milestones: tuple[Milestone, ...] = ()
    holder: str = str(NOBODY)
    payment_days: int = PAYMENT_DAYS
    calendar: str = ""
    late_interest_bp: int = 0
    by_age: tuple[AgeStep, ...] = ()

    def __post_init__(self) -> None:
        """Refuse amounts in another currency or below zero, tiers that do not go down, and odd windows."""
        steps = [
            (0, self.fetch_price.micros),
            *((each.from_fetches, each.per_fetch.micros) for each in self.tiers),
        ]
        if any(not (a < c and b > d) for (a, b), (c, d) in pairwise(steps)):
            raise ValueError("each tier begins later than the one before it and costs less")
        check_steps(self.fetch_price, self.by_age)
        if not 1 <= self.window_hours <= LONGEST_WINDOW_HOURS:
            raise ValueError(f"a window lasts 1 to {LONGEST_WINDOW_HOURS} hours, not {self.window_hours}")
        self._check_milestones()
        steps_down = (*(each.per_fetch for each in self.tiers), *(each.per_fetch for each in self.by_age))
        for part in (*self.parts(), *steps_down):
            if part.currency != self.currency or part.micros < 0:
                raise ValueError(f"every part of a price is in {self.currency} and not negative, not {part}")

    def _check_milestones(self) -> None:
        Holder.read(self.holder)
        if sum(each.share_bp for each in self.milestones) > _WHOLE_BP:
            raise ValueError("the milestones take more than the whole upfront part")
        if len({each.name for each in self.milestones}) < len(self.milestones):
            raise ValueError("every milestone has a name of its own")
        if self.milestones and self.upfront is None:
            raise ValueError("milestones take shares of an upfront part, and there is none")
        if not 0 <= self.payment_days <= MOST_PAYMENT_DAYS or not 0 <= self.late_interest_bp <= _WHOLE_BP:
            raise ValueError(f"payment within 0 to {MOST_PAYMENT_DAYS} days, interest of at most 100 %")

    @property
    def shares(self) -> tuple[Money, ...]:
        """What each milestone comes to, and last what is left of the upfront part for the signing; they add up to it."""
        rest = _WHOLE_BP - sum(each.share_bp for each in self.milestones)
        upfront = self.upfront or Money(0, self.currency)
        return upfront.divided([*(each.share_bp for each in self.milestones), rest])

    @property
    def at_signing(self) -> Money:
        """What of the upfront part is owed at signing."""
        return self.shares[-1]

    def usual(self) -> tuple[str, ...]:
        """The members that say what is usual: they are left out of what is hashed, so that older terms keep their hash."""
        found = [name for name, value in _USUAL.items() if getattr(self, name) == value]
        return (*found, *(() if self.milestones else ("holder",)))

    def parts(self) -> tuple[Money, ...]:
        """Every amount that is part of this price."""
        found = (
            self.upfront, self.per_fetch, self.per_item, self.per_megabyte, self.per_thousand_tokens,
            self.per_inference, self.subscription, self.minimum_guarantee,
        )  # fmt: skip
        return tuple(part for part in found if part is not None)

    @property
    def fetch_price(self) -> Money:
        """What one unit delivered costs; zero where nothing is asked per fetch."""
        return self.per_fetch or Money(0, self.currency)

    def price_after(self, fetches: int) -> Money:
        """What one unit costs in a token that is issued once *fetches* were charged under the license."""
        reached = [each.per_fetch for each in self.tiers if each.from_fetches <= fetches]
        return reached[-1] if reached else self.fetch_price

    @property
    def pays_as_it_goes(self) -> bool:
        """Whether nothing is owed but for what is delivered, by page, megabyte or token: a plain purchase.

        Nothing is owed beforehand, for a period or on the buyer's word, so the gateway's own records say it all.
        """
        delivered = (self.per_fetch, self.per_megabyte, self.per_thousand_tokens)
        return not self.revenue_share_bp and sum(map(bool, self.parts())) == sum(map(bool, delivered))

    @property
    def is_free(self) -> bool:
        """Whether nothing at all is asked."""
        return not self.revenue_share_bp and not any(self.parts())


_USUAL: Final[Mapping[str, object]] = {
    "tiers": (), "by_age": (), "window_hours": WINDOW_HOURS, "milestones": (), "payment_days": PAYMENT_DAYS, "calendar": "",
    "late_interest_bp": 0,
}  # fmt: skip
