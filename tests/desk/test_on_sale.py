"""What can be had at this moment, by the pages that are named, and the part of a license that a token tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.on_sale import for_sale, named_bundle, viewed
from gateway.licenses.license import License
from gateway.licenses.offers import Wanted
from gateway.paths import PathScope
from gateway.terms.license_terms import Scope
from gateway.terms.sold_bundle import Bundle


@pytest.mark.parametrize(
    ("targets", "ids"),
    [
        ((), ("training", "answers", "archive", "gift")),
        (("/essays/tides",), ("training", "answers")),
        (("/videos/a.vtt",), ("answers",)),
        (("/videos/a.jpg",), ()),
        (("/videos/",), ("training", "answers", "archive", "gift")),
    ],
)
async def test_only_what_sells_the_form_of_each_page_named_is_for_sale(world, targets, ids):
    wanted = Wanted(targets=tuple(PathScope(each) for each in targets))
    found = tuple(each.id for each in for_sale(world.policy, wanted))
    assert found == ids


def test_of_a_bundle_a_token_tells_a_part_and_of_anything_else_all(make_offer_of, world):
    offer = world.policy.by_offer["training"]
    plain = License("li", "le", "journal", offer.id, offer.terms, "p", 0, 9)
    scope = Scope(
        ("essays",), tuple(PathScope(f"/essays/{n}") for n in range(3)), bundle=Bundle("b", "sha-256:1", 3)
    )
    bundle = replace(plain, terms=replace(offer.terms, scope=scope))
    wanted = Wanted(scopes=(PathScope("/essays/1"),))
    assert viewed(plain, wanted) == plain
    assert [each.pattern for each in viewed(bundle, wanted).terms.scope.paths] == ["/essays/1/"]
    assert viewed(bundle, Wanted(scopes=(PathScope("/else"),))) == bundle, (
        "what is refused later is told whole"
    )
    assert named_bundle(bundle, bundle) == "sha-256:1"
    assert named_bundle(plain, plain) == named_bundle(bundle, viewed(bundle, wanted)) == ""
