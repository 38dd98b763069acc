"""Deals as hypothesis makes them: every lever, plain and starred scopes, all parts of a price."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.ages import AgeStep, lowered
from gateway.terms.license_terms import (
    PAGE,
    Attribution,
    Audit,
    Basis,
    Compensation,
    Exclusivity,
    Liability,
    LicenseTerms,
    Purpose,
    Retention,
    Scope,
    Term,
    Territory,
    Tier,
)
from gateway.uses import Use

PLACES = ("/", "/a/", "/a/b/", "/a/b/c", "/ab/", "/a/*.pdf", "/a/b/*.pdf", "/a/*.jpg")
PATHS = ("/", "/a", "/a/x", "/a/b", "/a/b/c/d", "/ab/x", "/a/x.pdf", "/a/b/x.pdf", "/a/x.jpg", "/z")


def usd(micros: int) -> Money:
    return Money(micros, "USD")


def amounts(most: int = 1_000_000):
    return st.none() | st.integers(0, most).map(usd)


scopes = st.builds(
    lambda paths, holes, forms: Scope(
        ("w",), tuple(map(PathScope, sorted(paths))), tuple(sorted(forms)), tuple(map(PathScope, sorted(holes - paths)))
    ),
    st.sets(st.sampled_from(PLACES), min_size=1, max_size=3),
    st.sets(st.sampled_from(PLACES[1:]), max_size=2),
    st.sets(st.sampled_from((PAGE, "transcript", "thumbnail")), min_size=1),
)  # fmt: skip
purposes = st.builds(
    Purpose,
    st.frozensets(st.sampled_from(Use), min_size=1),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("none", "closed", "open")),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
territories = st.builds(
    Territory,
    st.none() | st.frozensets(st.sampled_from(("DE", "FR", "US", "EU")), min_size=1, max_size=3),
    st.sampled_from(Basis),
)


def _tiered(price, steps):
    """*price* with some lower prices for many fetches."""
    tiers, last = [], price.fetch_price.micros
    for fetches, micros in sorted(steps.items()):
        if micros < last:
            tiers.append(Tier(fetches, usd(micros)))
            last = micros
    by_age = (
        lowered((AgeStep(30, usd(3_000)), AgeStep(365, usd(70))), price.fetch_price) if len(tiers) % 2 else ()
    )
    return replace(price, tiers=tuple(tiers), by_age=by_age)


prices = st.builds(
    Compensation,
    st.just("USD"),
    upfront=amounts(),
    per_fetch=amounts(),
    per_item=amounts(),
    per_inference=amounts(),
    subscription=amounts(),
    subscription_months=st.sampled_from((1, 3, 12)),
    revenue_share_bp=st.integers(0, 1000),
    minimum_guarantee=amounts(),
    window_hours=st.sampled_from((1, 24, 168)),
)
prices = st.builds(
    _tiered, prices, st.dictionaries(st.sampled_from((100, 1000, 5000)), st.integers(0, 900_000), max_size=2)
)
deals = st.builds(
    LicenseTerms,
    scopes,
    purposes,
    prices,
    st.booleans().map(Exclusivity),
    st.builds(Attribution, st.sampled_from(("", "The Journal")), st.sampled_from(("", "https://j.example/")), st.sampled_from((0, 30, 60))),
    st.builds(Audit, st.sampled_from(("none", "yearly", "quarterly", "monthly")), st.integers(0, 2), st.integers(0, 24), st.integers(0, 3), st.sampled_from((30, 0, 7, 90))),
    st.builds(Retention, st.sampled_from((0, 30)), st.integers(0, 400), st.sampled_from((0, 30)), st.booleans()),
    st.builds(Liability, st.sampled_from(("none", "licensee", "creator", "mutual")), st.none() | st.just(usd(10)), st.sets(st.sampled_from(("ownership", "privacy"))).map(lambda found: tuple(sorted(found))), st.booleans(), st.sampled_from(("", "ISO 27001"))),
    st.builds(Term, st.integers(1, 700), st.booleans()),
    territories,
)  # fmt: skip
