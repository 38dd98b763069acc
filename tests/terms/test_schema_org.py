import json

import extruct
import pytest

from gateway.terms.schema_org import license_page_jsonld, price_parts, read_page
from gateway.uses import Use, closure

#: The properties of CreativeWork that speak of licensing.
SPEAKING = {"license", "acquireLicensePage", "usageInfo", "copyrightHolder", "creditText"}


def in_a_page(document):
    """*document* as `extruct` finds it in a page."""
    text = json.dumps(document).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    page = f'<!doctype html><title>x</title><script type="application/ld+json">{text}</script><p>terms'
    found = extruct.extract(page, base_url="https://journal.example/", syntaxes=["json-ld"], errors="strict")
    return found["json-ld"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_page_holds_it_whatever_the_names_are(policies_generated):
    for case in policies_generated.cases(40):
        made = license_page_jsonld(case.terms)
        assert in_a_page(made) == [json.loads(json.dumps(made))]


def test_it_says_who_licenses_what_where(make):
    offer = make.offer("answers", path="/essays/", per_fetch="0.004")
    made = license_page_jsonld(make.published(make.scope("/essays/", (), [offer]), make.scope("/")))
    assert made["isAccessibleForFree"] is True
    site = made["about"]
    assert set(site) >= SPEAKING
    assert site["acquireLicensePage"] == "https://journal.example/.licet/"
    assert site["usageInfo"][0] == "https://journal.example/license.xml"
    assert site["copyrightHolder"]["contactPoint"]["email"] == "rights@journal.example"
    essays, rest = site["hasPart"]
    assert essays["url"] == "https://journal.example/essays/"
    assert essays["conditionsOfAccess"] == (
        "For sale: ai-input. Reserved: ai-index, ai-train, fine-tune, search, tdm."
    )
    assert essays["offers"][0]["priceSpecification"] == [
        {"@type": "UnitPriceSpecification", "price": "0.004", "priceCurrency": "USD", "unitText": "fetch"}
    ]
    assert rest["offers"] == []
    assert "isAccessibleForFree" not in site


def test_offers_come_back_part_by_part(policies_generated):
    for case in policies_generated.cases(150):
        read = read_page(json.loads(json.dumps(license_page_jsonld(case.terms))))
        assert [part.pattern for part in read] == [scope.paths[0].pattern for scope in case.terms.scopes]
        for part, scope in zip(read, case.terms.scopes, strict=True):
            assert [(each.id, each.uses, each.price, each.revenue_share_bp) for each in part.offers] == [
                (offer.id, offer.uses, tuple(price_parts(offer)), offer.terms.compensation.revenue_share_bp)
                for offer in scope.offers
            ]
            assert part.free == closure(scope.free)
            assert part.reserved == frozenset(Use) - closure(scope.free) - closure(scope.for_sale)


@pytest.mark.parametrize(
    "price", [None, "0.02", [{}], [{"price": 0.02, "priceCurrency": "USD", "unitText": "fetch"}],
              [{"price": "1e3", "priceCurrency": "USD", "unitText": "fetch"}]],
)  # fmt: skip
def test_a_price_that_cannot_be_read_whole_is_unknown_and_not_free(price):
    fine = {"price": "1", "priceCurrency": "USD", "unitText": "license"}
    offer = {"identifier": "x", "category": ["ai-train", "dance", 3], "priceSpecification": price}
    if isinstance(price, list):
        offer["priceSpecification"] = [fine, *price]
    (part,) = read_page({"about": {"hasPart": {"identifier": "/", "offers": offer}}})
    assert part.offers[0].price is None
    assert part.offers[0].uses == {"ai-train"}


def test_another_document_says_nothing():
    for document in (None, [], {}, {"about": 3}, {"about": {"hasPart": [3, {}, {"identifier": 3}]}}):
        assert read_page(document) == ()
