"""What of a price is owed when, before anything is fetched, and which offer is quoted. Pure."""

from __future__ import annotations

from gateway.money import Money
from gateway.terms.license_terms import Basis, Compensation, LicenseTerms, Offer
from gateway.uses import Uses, covers


def due_at_signing(terms: LicenseTerms) -> Money:
    """What the licensee owes the moment a license on *terms* begins; zero where nothing is.

    The upfront fee without what of it waits for milestones, and the first period of
    a subscription, which is paid in advance. Everything else is owed by what
    happens: a milestone, a fetch, a report.
    """
    price = terms.compensation
    return sum(
        (part for part in (price.at_signing, price.subscription) if part is not None),
        Money(0, price.currency),
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


def by_the_fetch(terms: LicenseTerms) -> bool:
    """Whether one fetch can be sold on *terms* by itself: it costs something, and that is all that is asked."""
    return bool(terms.compensation.per_fetch) and _nothing_else(terms)


def _nothing_else(terms: LicenseTerms) -> bool:
    """Whether a price per fetch is all that is ever owed, nobody else is shut out, and no seat has to be shown."""
    price = terms.compensation
    return (
        not any(part for part in price.parts() if part is not price.per_fetch)
        and not price.revenue_share_bp
        and not terms.exclusivity.exclusive
        and terms.territory.basis is not Basis.LICENSEE
    )


def cheapest(offers: tuple[Offer, ...], uses: Uses) -> Offer | None:
    """The offer to quote: the cheapest per fetch that alone covers all *uses*, or else the cheapest of all.

    One on which a fetch costs its price and nothing else goes before one with a
    fee, a share or a condition: a quote says what one fetch costs. Both go before
    one on which a person decides. Ties go to the one listed first.
    """
    covering = [offer for offer in offers if covers(offer.uses, uses)] or list(offers)
    return min(
        covering,
        key=lambda offer: (offer.by_person, not _nothing_else(offer.terms), offer.price.micros),
        default=None,
    )
