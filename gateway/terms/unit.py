"""What one price buys, in the words that quotes, offers, terms and pages share.

The rule itself is `admission.owed`; this says it to buyers. Pure.
"""

from __future__ import annotations

from typing import Final

from gateway.money import Money
from gateway.terms.license_terms import Compensation, Offer

#: What is counted once.
UNIT: Final = (
    "The content of one page or file, by its digest, for one licensee: a complete answer, or parts of one "
    "version, which together never cost more than the whole."
)
#: What is counted once of something that is streamed in pieces.
STREAMED: Final = "Everything below {}, as one: the first piece that is taken in the window costs the price."
#: What costs nothing, and is recorded all the same.
FREE: Final = (
    "HEAD and OPTIONS",
    "304 Not Modified, and every answer of status 4xx or 5xx",
    "a retry after an answer that was lost or that the site's own server broke off",
    "reading unchanged content again within the window",
    "an answer that the reader breaks off before 64 KiB and before a tenth of it",
)
#: When a lower price of `Compensation.tiers` holds.
TIERS: Final = (
    "Decided when a token is issued, by the fetches charged under its license until then; "
    "the token names the price, and each fetch with it costs that."
)

#: When a lower price of `Compensation.by_age` holds.
AGES: Final = (
    "By whole days since the page was published, as its address or the site's own server says, at the moment of "
    "the fetch; a page without a date is new. A fetch costs the lowest price that applies, and never more than quoted."
)


def unit_body(price: Compensation, stream: str = "") -> dict[str, object]:
    """The unit for programs: what it is, its window in hours, and what is free; *stream* is a path of `Work.stream_of`."""
    return {
        "counted": STREAMED.format(stream) if stream else UNIT,
        "window_hours": price.window_hours,
        "free": list(FREE),
    }


def tiers_body(price: Compensation) -> list[dict[str, object]]:
    """The tiers for programs, in order: from how many fetches on, and what a fetch then costs."""
    return [{"from_fetches": each.from_fetches, "per_fetch": _money(each.per_fetch)} for each in price.tiers]


def ages_body(price: Compensation) -> list[dict[str, object]]:
    """The steps by age for programs, in order: from how many days on, and what a fetch then costs."""
    return [{"from_days": each.from_days, "per_fetch": _money(each.per_fetch)} for each in price.by_age]


def age_body(offer: Offer) -> dict[str, object]:
    """Which step by age the price of *offer* is at, as a member for beside it; none where it has no steps."""
    if not offer.terms.compensation.by_age:
        return {}
    return {"from_days": offer.step.from_days if offer.step else 0}


def _money(money: Money) -> dict[str, object]:
    return {"amount": money.amount, "micros": money.micros, "currency": money.currency}
