"""The price that an origin names. How a payment is settled by it: `tests/rails`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.admit import Grant
from gateway.admission.spending import Charge
from gateway.front.settling import origin_price, paying
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.rails.rail import Tender
from gateway.tokens.claims import Budget


def named(*values):
    fields = [("Crawler-Price", value) for value in values]
    return origin_price(SimpleNamespace(headers=(("Server", "x"), *fields)), "USD")


@pytest.mark.parametrize(
    ("values", "micros"),
    [
        ((), None),
        (("USD 0.25",), 250_000),
        ((" USD 0.25 ",), 250_000),
        (("USD 0.00",), 0),
        (("USD 0",), 0),
        (("",), "malformed"),
        (("0.25",), "malformed"),
        (("USD",), "malformed"),
        (("USD -1",), "malformed"),
        (("USD 1e3",), "malformed"),
        (("EUR 0.25",), "malformed"),
        (("USD 0.25", "USD 0.25"), "malformed"),
        (("USD 0.0000001",), "malformed"),
        (("USD " + "9" * 70,), "malformed"),
    ],
)
def test_a_server_names_one_price_in_the_sites_currency(values, micros):
    found = named(*values)
    if micros == "malformed":
        assert isinstance(found, Refusal) and found.problem is Problem.CONTENT_PRICE_INVALID
        assert found.status == 502 and found.problem.crawler_error == "InvalidContentPrice"
    else:
        assert found == (None if micros is None else Money(micros, "USD"))


@given(st.text(max_size=80))
def test_whatever_a_server_says_is_a_price_or_its_fault(text):
    found = named(text)
    assert isinstance(found, Money | Refusal)
    if isinstance(found, Money):
        assert found.micros >= 0 and found.currency == "USD"


@pytest.mark.parametrize("settles", [True, False])
def test_a_purse_is_asked_unless_the_rail_moves_the_money(settles):
    charge = Charge("r", "le", "pf_1", Money(5, "USD"), Budget())
    tender = Tender("r", None, Money(5, "USD"), settles=settles)
    assert paying(Grant(charge=charge), tender).charge == charge._replace(purse=not settles)
    assert paying(Grant(), tender) == Grant()
    refusal = Refusal(Problem.USE_NOT_COVERED)
    assert paying(refusal, tender) is refusal
