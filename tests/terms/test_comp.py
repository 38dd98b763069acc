import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import Money
from gateway.terms.comp import comp_package, comp_packages, fewest_days, read_package
from gateway.terms.license_terms import Territory
from gateway.terms.odrl import offered, offered_scope
from gateway.uses import Use

#: Attributes of the objects that we write, and their types, as CoMP 1.0 lists them.
OBJECTS = {
    "package": {
        "id": str, "title": str, "seller": str, "packager": str, "licenseurl": str, "citation": int, "reporturl": str,
        "scope": dict, "retrieval": dict, "ext": dict,
    },
    "scope": {
        "scope": int, "ause": int, "pricetype": int, "pricetier": int, "unitprice": (int, float), "cur": str,
        "country": list, "licensedur": int, "max": int, "ctype": list, "ext": dict,
    },
    "retrieval": {"auth": int, "endpoint": str, "type": list, "ext": dict},
}  # fmt: skip
LISTS = {"scope": range(7), "ause": range(7), "pricetype": range(6), "max": range(2), "auth": range(5)}


def test_a_package_has_the_attributes_and_values_of_the_specification(policies_generated):
    checked = 0
    for case in policies_generated.cases(150):
        for made in json.loads(json.dumps(comp_packages(case.terms))):
            assert list(made) == ["package"]
            package = made["package"]
            for name, found in (
                ("package", package),
                *((each, package[each]) for each in ("scope", "retrieval")),
            ):
                for key, value in found.items():
                    assert isinstance(value, OBJECTS[name][key]), (name, key)
                    if not isinstance(value, dict):
                        assert value in LISTS.get(key, [value]), (name, key, value)
            assert package["retrieval"]["endpoint"].startswith("https://journal.example/")
            checked += 1
    assert checked > 80


def test_a_package_comes_back_and_says_no_more_than_its_offer(policies_generated):
    for case in policies_generated.cases(150):
        for offer, made in zip(offered(case.terms), comp_packages(case.terms), strict=True):
            read = read_package(json.loads(json.dumps(made)))
            scope = offered_scope(case.terms, offer)
            assert (read.uses, read.scope.paths, read.scope.excluded) == (
                offer.uses,
                scope.paths,
                scope.excluded,
            )
            assert read.territory.within(offer.terms.territory) and offer.terms.territory.within(
                read.territory
            )
            price = offer.terms.compensation
            if read.price is not None:
                whole = [part for part in price.parts() if part]
                assert whole == ([read.price] if read.price else [])
                assert not price.revenue_share_bp and not price.tiers
            assert read.days <= 31 * offer.terms.term.months
            assert read.citation == bool(offer.terms.attribution.text or offer.terms.attribution.link)


@pytest.mark.parametrize(
    ("price", "kind", "unit"),
    [
        ({"per_fetch": "0.000001"}, 0, 0.000001),
        ({"per_inference": "0.02"}, 1, 0.02),
        ({"per_thousand_tokens": "0.02"}, 5, None),
        ({"upfront": "500"}, 3, 500.0),
        ({"upfront": "500", "per_fetch": "0.02"}, 5, None),
        ({"upfront": "0", "per_fetch": "0.02"}, 0, 0.02),
        ({"per_fetch": "0"}, 3, 0),
        ({"per_fetch": "0.02", "revenue_share_bp": 1}, 5, None),
        ({"minimum_guarantee": "1"}, 5, None),
    ],
)
def test_a_price_is_told_where_one_part_is_all_of_it(make, price, kind, unit):
    offer = make.offer(**price)
    told = comp_package(make.published(make.scope("/", (), [offer])), offer)["package"]["scope"]
    assert (told["pricetype"], told.get("unitprice")) == (kind, unit)


def test_how_much_of_a_site_it_is(make):
    def extent(*scopes):
        (made,) = comp_packages(make.published(*scopes))
        return made["package"]["scope"]["scope"], made["package"]["retrieval"]["endpoint"]

    offer = make.offer("training", (Use.AI_TRAIN,), "/")
    whole, part = make.scope("/", (), [offer]), make.scope("/a/", (), [offer])
    assert extent(whole) == (0, "https://journal.example/")
    assert extent(part, make.scope("/")) == (1, "https://journal.example/a/")
    assert extent(make.scope("/a/"), whole) == (5, "https://journal.example/")
    assert extent(make.scope("/v/x*.vtt", (), [offer]), make.scope("/")) == (5, "https://journal.example/v/")


@given(st.integers(1, 240), st.integers(0, 400))
def test_no_months_are_shorter_than_the_fewest_days(months, shift):
    from calendar import monthrange

    days = sum(monthrange(2001 + (shift + at) // 12, (shift + at) % 12 + 1)[1] for at in range(months))
    assert fewest_days(months) <= days <= fewest_days(months) + 7 + months // 48


def test_places_are_countries_and_no_place_stays_none(make):
    def places(territory):
        offer = make.offer(territory=territory)
        made = comp_package(make.published(make.scope("/", (), [offer])), offer)
        return read_package(made).territory

    assert places(Territory()) == Territory()
    assert "DE" in places(Territory(frozenset({"EU"}))).regions
    assert places(Territory(frozenset())) == Territory(frozenset())


@pytest.mark.parametrize(
    "bend",
    [
        lambda scope: scope.pop("ext"),
        lambda scope: scope.update(ext="x"),
        lambda scope: scope["ext"]["licet"].update(excluded=["../"]),
        lambda scope: scope["ext"]["licet"].update(excluded=3),
        lambda scope: scope["ext"]["licet"].update(paths=[None]),
        lambda scope: scope["ext"].update(licet=[]),
    ],
)
def test_without_what_is_ours_it_grants_no_path(make, bend):
    offer = make.offer(per_fetch="0.02")
    made = comp_package(make.published(make.scope("/", (), [offer])), offer)
    bend(made["package"]["scope"])
    assert read_package(made).scope.paths == ()


@pytest.mark.parametrize("price", ["0.02", True, None, -1, 1e30, [], float("inf"), float("nan"), 1e-9])
def test_a_price_that_is_no_amount_is_none(make, price):
    offer = make.offer(per_fetch="0.02")
    made = comp_package(make.published(make.scope("/", (), [offer])), offer)
    made["package"]["scope"]["unitprice"] = price
    assert read_package(made).price is None
    made["package"]["scope"]["unitprice"] = 10**5000
    assert read_package(made).price is None
    made["package"]["scope"]["unitprice"] = 0.02
    assert read_package(made).price == Money(20_000, "USD")


def test_another_document_is_no_package():
    for document in (None, [], {}, {"package": []}, {"package": {"id": 3}}):
        assert read_package(document) is None
    assert read_package({"package": {"id": "x", "scope": {"country": "DE"}}}).territory.regions == {"DE"}
