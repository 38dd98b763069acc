"""A negotiation as JSON: what cannot be read is said to be so, and never believed."""

from __future__ import annotations

import pytest

from gateway.licenses.bargaining import Accept
from gateway.licenses.negotiation import Negotiation, proposed
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import StoreUnavailable
from gateway.store.negotiation_json import read_negotiation, write_negotiation
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope, Tier
from gateway.uses import Use

PRICE = Compensation("USD", per_fetch=Money(9, "USD"), tiers=(Tier(5, Money(3, "USD")),), window_hours=48)
TERMS = LicenseTerms(Scope(("w",), (PathScope("/w/"),)), Purpose(frozenset({Use.AI_INPUT})), PRICE)
BLANK = Negotiation("ne_1", Offer("o", "s", TERMS, "p"), "le_1", "cl_1", 1)
BEGUN = proposed(BLANK, TERMS, {"use_case": "é"}, Accept(TERMS), now=2, patience=3)


def test_what_was_written_is_read():
    assert read_negotiation(write_negotiation(BEGUN)) == BEGUN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        write_negotiation(BEGUN).replace('"OFFERED"', '"GIVEN"'),
        write_negotiation(BEGUN).replace('"window_hours":48', '"window_hours":47'),
        write_negotiation(BEGUN).replace('"buyer"', '"creator"'),
    ],
)
def test_what_was_changed_is_not_believed(text):
    with pytest.raises(StoreUnavailable):
        read_negotiation(text)
