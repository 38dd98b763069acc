"""Published terms, offers and prices for the tests of this folder, made by hand and by hypothesis."""

from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import (
    WORLDWIDE,
    Attribution,
    Compensation,
    LicenseTerms,
    Offer,
    PublishedScope,
    PublishedTerms,
    Purpose,
    RobotsStance,
    Scope,
    Term,
    Territory,
)
from gateway.uses import Use

ORIGIN = "https://journal.example"
PATHS = ("/essays/long", "/essays/", "/videos/*.vtt", "/videos/", "/a.html", "/")


def offer(
    name="answers", uses=(Use.AI_INPUT,), path="/essays/", territory=WORLDWIDE, attribution="", **price
):
    """An offer; prices are written as ``per_fetch="0.004"``."""
    price = {
        key: Money.parse(value, "USD") if isinstance(value, str) else value for key, value in price.items()
    }
    terms = LicenseTerms(
        scope=Scope(("work",), (PathScope(path),)),
        purpose=Purpose(frozenset(uses)),
        compensation=Compensation("USD", **price),
        attribution=Attribution(text=attribution),
        term=Term(months=24),
        territory=territory,
    )
    return Offer(name, "journal", terms, "sha-256:p")


def scope(path, free=(), offers=(), work=""):
    return PublishedScope((PathScope(path),), work, frozenset(free), tuple(offers))


def published(*scopes, robots=(), origin=ORIGIN, name="The Journal", contact="rights@journal.example"):
    stances = tuple(RobotsStance(tuple(tokens), tuple(map(PathScope, paths))) for tokens, paths in robots)
    return PublishedTerms(origin, name, contact, "sha-256:aa", "USD", scopes, stances)


uses = st.frozensets(st.sampled_from(list(Use)))
amounts = st.sampled_from(["0.004", "0.02", "12", "500"])
prices = st.fixed_dictionaries(
    {},
    optional={
        "per_fetch": amounts, "upfront": amounts, "subscription": amounts, "per_inference": amounts,
        "per_item": amounts, "per_megabyte": amounts, "minimum_guarantee": amounts,
        "revenue_share_bp": st.integers(1, 10_000),
    },
)  # fmt: skip
territories = st.sampled_from(
    [WORLDWIDE, Territory(frozenset({"EU"})), Territory(frozenset({"DE", "US"})), Territory(frozenset())]
)


@st.composite
def offers(draw, path="/"):
    count = draw(st.integers(0, 2))
    return [
        offer(
            f"offer-{at}",
            draw(uses.filter(bool)),
            path,
            draw(territories),
            draw(st.sampled_from(["", "Credit us"])),
            **draw(prices),
        )
        for at in range(count)
    ]


@st.composite
def terms(draw):
    """Published terms with one to six scopes, narrower before wider."""
    chosen = draw(st.sets(st.sampled_from(PATHS), min_size=1))
    scopes = [scope(path, draw(uses), draw(offers(path))) for path in PATHS if path in chosen]
    return published(*scopes)


@pytest.fixture(scope="session")
def make():
    """The builders and strategies."""
    return SimpleNamespace(
        ORIGIN=ORIGIN,
        PATHS=PATHS,
        offer=offer,
        offers=offers,
        prices=prices,
        published=published,
        scope=scope,
        terms=terms,
        territories=territories,
        uses=uses,
    )
