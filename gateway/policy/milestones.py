"""The milestones of a price and when it is paid: what a creator wrote, checked before terms are made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.policy.schema import PriceTable, shown
from gateway.terms.holding import NOBODY, Holder, HolderError
from gateway.terms.license_terms import Milestone

#: The calendars that agreements may name (`billing.calendars`); a test holds the two lists together.
CALENDARS: Final = ("target", "us-federal-reserve")
_INGESTION: Final = "ingestion"
_WHOLE_BP: Final = 10_000


def paying_of(price: PriceTable, wrong: Callable[[str, str, str], None]) -> dict[str, Any] | None:
    """The members of a `Compensation` about milestones and payment, or None once *wrong* was told what cannot stand."""
    found = list[Milestone]()
    for at, table in enumerate(price.milestones):
        place = f"milestones[{at}]"
        proof = table.shown_by or ("journal" if table.when == _INGESTION else "operator")
        try:
            found.append(Milestone(table.when, table.share, proof, table.items, table.months))
        except ValueError as error:
            wrong(place, f"cannot stand: {error}", shown(table.when))
            return None
    share = sum(each.share_bp for each in found)
    if share > _WHOLE_BP:
        wrong("milestones", "the shares must not be more than 100 % in all", f"{share / 100:g} %")
        return None
    if len({each.name for each in found}) < len(found):
        wrong("milestones", 'every milestone needs a "when" of its own', "")
        return None
    if found and price.upfront is None:
        wrong("milestones", 'take shares of an upfront part: write upfront = "500", or leave them out', "")
        return None
    try:
        holder = Holder.read(price.holder)
    except HolderError as error:
        wrong("holder", f"says who holds the money: {error}", shown(price.holder))
        return None
    if holder != NOBODY and not found:
        wrong("holder", "holds what waits for milestones, and there are none", shown(price.holder))
        return None
    if price.calendar and price.calendar not in CALENDARS:
        wrong("calendar", f'write one of {", ".join(CALENDARS)}, or "" for weekdays', shown(price.calendar))
        return None
    return {
        "milestones": tuple(found),
        "holder": str(holder),
        "payment_days": price.payment_days,
        "calendar": price.calendar,
        "late_interest_bp": price.late_interest,
    }
