"""What of a price is owed when, before anything is fetched. Pure."""

from __future__ import annotations

from gateway.money import Money
from gateway.terms.license_terms import Compensation, LicenseTerms


def due_at_signing(terms: LicenseTerms) -> Money:
    """What the licensee owes the moment a license on *terms* begins; zero where nothing is.

    The upfront fee, and the first period of a subscription, which is paid in
    advance. Everything else is owed by what is fetched or by what is reported.
    """
    price = terms.compensation
    return sum(
        (part for part in (price.upfront, price.subscription) if part is not None), Money(0, price.currency)
    )


def burden(price: Compensation) -> tuple[int, ...]:
    """A key to compare two prices of one currency by: smaller is cheaper for whoever says no more.

    What is owed at once counts first, so that nobody signs a fee because a
    fetch would be a little cheaper after it; then what a fetch costs, which is
    what an unlicensed crawler is quoted; then what is owed later.
    """
    at_once = sum(part.micros for part in (price.upfront, price.subscription) if part is not None)
    later = (
        price.minimum_guarantee, price.per_item, price.per_megabyte, price.per_thousand_tokens,
        price.per_inference,
    )  # fmt: skip
    return (
        at_once,
        price.fetch_price.micros,
        *(part.micros if part is not None else 0 for part in later),
        price.revenue_share_bp,
    )
