"""Prepaid credit in the words of x402, on the whole path of a request."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gateway.rails.signed_payers import SignedPayers
from gateway.rails.x402 import read_required, read_response
from gateway.rails.x402_credit import CreditByX402, credit_requirement
from gateway.rails.x402_rail import X402

FUNDS = 1_000_000


@pytest.fixture
def shop(world, told):
    """A world that takes an account's credit by x402, and no chain."""
    before, rules, after = told.POLICY.partition("[[rules]]")
    made = world(f"{before}[payments]\nx402_credit = true\n{rules}{after}", rails=())
    payers = SignedPayers(lambda ask, evidence: made.finding, made.known)
    made.rails = (made.price_headers, X402(SimpleNamespace(), CreditByX402(payers)))
    made.gate = made._gate()
    return made


async def way_of(shop):
    quoted = await shop.get()
    (way,) = read_required(quoted.headers["payment-required"]).accepts
    return way


def promise(way, **changes) -> str:
    content = {"x402Version": 2, "accepted": {**way.as_json(), **changes}, "payload": {}}
    return b64encode(json.dumps(content).encode()).decode()


async def test_a_page_is_paid_from_the_account_of_who_signed(shop) -> None:
    await shop.enroll(FUNDS)
    way = await way_of(shop)
    assert (way.scheme, way.network, way.asset, way.amount) == (
        "credit",
        "licet:journal-example",
        "USD",
        "10000",
    )
    paid = await shop.get(("payment-signature", promise(way)))
    assert (paid.status, paid.body, paid.record.licensee, paid.record.charged_micros) == (
        200,
        b"tides",
        "le_1",
        10_000,
    )
    came = read_response(paid.headers["payment-response"])
    assert (came.success, came.transaction, came.network, came.amount) == (True, "", way.network, "10000")
    asked, ours = shop.origin.asked[-1]
    assert asked.headers[ours][0] == "payment-signature"
    again = await shop.get(("payment-signature", promise(way)))
    assert (again.status, again.record.charged_micros) == (200, 0)
    assert read_response(again.headers["payment-response"]).amount == "0"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "9999"},
        {"asset": "EUR"},
        {"network": "licet:other-example"},
        {"payTo": "me"},
        {"extra": {}},
        {"maxTimeoutSeconds": 9},
    ],
)
async def test_a_promise_of_something_else_is_asked_anew(shop, changes) -> None:
    await shop.enroll(FUNDS)
    way = await way_of(shop)
    answer = await shop.get(("payment-signature", promise(way, **changes)))
    assert (answer.status, json.loads(answer.body)["reason"]) == (402, "invalid_payment_requirements")
    assert read_required(answer.headers["payment-required"]).accepts == (way,)
    assert shop.paid == 0


async def test_whoever_did_not_sign_it_pays_with_nothing(shop) -> None:
    await shop.enroll(FUNDS)
    way = await way_of(shop)
    shop.finding = replace(shop.finding, outcome="unverified", reasons=("sig_uncovered:payment-signature",))
    bare = await shop.get(("payment-signature", promise(way)))
    assert (bare.status, json.loads(bare.body)["code"]) == (400, "signature-invalid")
    shop.finding = None
    assert (await shop.get(("payment-signature", promise(way)))).status == 400
    assert shop.origin.asked == []


async def test_without_an_account_or_credit_nothing_is_served(shop) -> None:
    way = await way_of(shop)
    nobody = await shop.get(("payment-signature", promise(way)))
    assert (nobody.status, json.loads(nobody.body)["code"]) == (403, "payment-failed")
    shop.clock.advance(3600)
    await shop.enroll(9_999)
    broke = await shop.get(("payment-signature", promise(way)))
    assert (broke.status, json.loads(broke.body)["code"]) == (402, "credit-spent")
    assert shop.paid == 0


async def test_a_site_that_takes_none_quotes_none(world) -> None:
    plain = world()
    payers = SignedPayers(lambda ask, evidence: plain.finding, plain.known)
    plain.rails = (plain.price_headers, X402(SimpleNamespace(), CreditByX402(payers)))
    plain.gate = plain._gate()
    quoted = await plain.get(
        ("payment-signature", promise(credit_requirement("https://journal.example", _price())))
    )
    assert quoted.status == 402
    assert "payment-required" not in quoted.headers


def _price():
    from gateway.money import Money

    return Money(10_000, "USD")


async def test_both_ways_stand_in_one_header(world, told, terms, office, wallet, facilitator) -> None:
    table = f"""
[payments]
x402_credit = true
[payments.x402]
facilitator = "{terms.facilitator}"
network = "{terms.network}"
asset = "{terms.asset}"
pay_to = "{terms.pay_to}"
name = "{terms.name}"
"""
    before, rules, after = told.POLICY.partition("[[rules]]")
    made = world(f"{before}{table}{rules}{after}", rails=())
    made.office = office(terms, tables=made.tables, clock=made.clock)
    payers = SignedPayers(lambda ask, evidence: made.finding, made.known)
    made.rails = (made.price_headers, X402(made.office.settling, CreditByX402(payers)))
    made.gate = made._gate()
    await made.enroll(FUNDS)
    quoted = await made.get()
    assert all(len(name) + len(value) <= 2048 for name, value in quoted.headers.items())
    exact, credit = read_required(quoted.headers["payment-required"]).accepts
    assert (exact.scheme, credit.scheme) == ("exact", "credit")
    on_chain = await made.get(("payment-signature", wallet.pays(exact.as_json())))
    assert (on_chain.status, on_chain.record.licensee) == (200, f"x402:{wallet.address}")
    by_account = await made.get(("payment-signature", promise(credit)))
    assert (by_account.status, by_account.record.licensee, by_account.record.charged_micros) == (
        200,
        "le_1",
        10_000,
    )
