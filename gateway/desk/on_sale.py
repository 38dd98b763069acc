"""What of a policy's offers can be had at this moment, and which part of a license a token tells. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.desk.metadata import on_offer
from gateway.licenses.license import License
from gateway.licenses.offers import Wanted, under
from gateway.policy.rules import Policy
from gateway.policy.ruling import sellable
from gateway.problems import Refusal
from gateway.terms.license_terms import Offer


def for_sale(policy: Policy, wanted: Wanted, offers: tuple[Offer, ...] | None = None) -> Iterable[Offer]:
    """The offers, of *offers* or of all on offer, that sell the very form of each page named.

    A target that ends in a slash or holds a star names many pages; which of them
    an offer sells is then said by what it covers alone.
    """
    left = on_offer(policy) if offers is None else policy.withdrawn.offered(offers)
    for target in wanted.targets:
        path = target.pattern
        work = None if path.endswith("/") or "*" in path else policy.work_of(path)
        if work is not None:
            names = tuple(offer.id for offer in left)
            left = sellable(policy, names, work, work.rendition_of(path))
    return left


def viewed(license: License, wanted: Wanted) -> License:
    """What a token of a *license* just bought names: of a bundle, the part that is *wanted* of it."""
    narrowed = under(license, wanted) if license.terms.scope.bundle else license
    return license if isinstance(narrowed, Refusal) else narrowed


def named_bundle(license: License, view: License) -> str:
    """The hash by which a token for *view* names the bundle of *license*; "" where that is no bundle, or a part of one."""
    bundle, whole = license.terms.scope.bundle, license.terms.scope.paths
    return bundle.manifest if bundle and view.terms.scope.paths == whole else ""
