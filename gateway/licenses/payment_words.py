"""When a price is paid and what of it waits for milestones, in the words of contracts and pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.money import Money
from gateway.terms.holding import Holder
from gateway.terms.license_terms import LicenseTerms, Milestone


def milestone_parts(terms: LicenseTerms) -> tuple[str, ...]:
    """Each milestone with what it comes to, what shows that it is met, and when it lapses."""
    price = terms.compensation
    return tuple(
        f"{amount} once {each.name} is met, {shown_by(each, terms)}, {lapses(each)}"
        for each, amount in zip(price.milestones, price.shares, strict=False)
    )


def waiting_parts(terms: LicenseTerms) -> tuple[str, ...]:
    """Each milestone as a part of the price, such as ``250 USD once ingestion is met``."""
    price = terms.compensation
    return tuple(
        f"{amount} once {each.name} is met"
        for each, amount in zip(price.milestones, price.shares, strict=False)
    )


def shown_by(milestone: Milestone, terms: LicenseTerms) -> str:
    """What shows that *milestone* is met, in words."""
    if milestone.shown_by == "journal":
        items = items_of(milestone, terms)
        what = "1 work or form was" if items == 1 else f"{items} different works or forms were"
        return f"which the creator's journal shows when {what} fetched under the license"
    if milestone.shown_by == "statement":
        return "which the licensee states"
    return "which the creator confirms"


def items_of(milestone: Milestone, terms: LicenseTerms) -> int:
    """How many different works or forms are to be fetched for *milestone*: every work of a bundle where it does not say."""
    bundle = terms.scope.bundle
    return milestone.items or (bundle.items if bundle else 1)


def lapses(milestone: Milestone) -> str:
    """When *milestone* lapses, in words."""
    if not milestone.months:
        return "before the end of the term"
    return f"within {milestone.months} month{'' if milestone.months == 1 else 's'} from the start of the term"


def percent(basis_points: int) -> str:
    """Hundredths of a percent as people write them.

    >>> percent(525), percent(300)
    ('5.25 %', '3 %')
    """
    return str(Money(basis_points * 10_000, "USD").amount) + " %"


#: Words that a clause may hold in braces, and what they become.
WORDS: Final[Mapping[str, Callable[[LicenseTerms], str]]] = MappingProxyType({
    "payment_days": lambda terms: str(terms.compensation.payment_days),
    "calendar": lambda terms: (
        f"the calendar {terms.compensation.calendar}"
        if terms.compensation.calendar
        else "weekdays, Monday to Friday, in UTC"
    ),
    # As dues count it: the period of the reports, and quarters where none were agreed.
    "share_period": lambda terms: {"monthly": "month", "yearly": "year"}.get(terms.audit.report, "quarter"),
    "audits_per_year": lambda terms: (
        "Once" if terms.audit.audits_per_year == 1 else f"Up to {terms.audit.audits_per_year} times"
    ),
    "late_interest": lambda terms: percent(terms.compensation.late_interest_bp),
    "milestones": lambda terms: "; ".join(milestone_parts(terms)) or "nothing",
    "milestones_are": lambda terms: Holder.read(terms.compensation.holder).told,
    "milestones_held": lambda terms: Holder.read(terms.compensation.holder).sentence,
})  # fmt: skip
#: Words that switch a clause.
SWITCHES: Final[Mapping[str, Callable[[LicenseTerms], bool]]] = MappingProxyType({
    "milestones": lambda terms: bool(terms.compensation.milestones),
    "late_interest": lambda terms: bool(terms.compensation.late_interest_bp),
})  # fmt: skip
