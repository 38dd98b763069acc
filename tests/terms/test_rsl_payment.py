"""How a license is paid for: one amount where that is the whole price, x402 where it is taken, and every breach."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.money import Money
from gateway.terms.license_terms import Compensation
from gateway.terms.rsl import NAMESPACE, parse_rsl, render_rsl
from gateway.terms.rsl_payment import payment_of, price_parts
from gateway.terms.rsl_words import PAYMENTS, X402

RSL = f"{{{NAMESPACE}}}"


def license_with(payment):
    octets = f'<rsl xmlns="{NAMESPACE}"><content url="/"><license><permits type="usage">search</permits>{payment}</license></content></rsl>'
    document = parse_rsl(octets.encode())
    return document.contents[0].licenses[0], document.breaches


def test_x402_is_told_where_it_is_taken_and_its_price_is_that_of_the_402(make):
    terms = make.published(
        make.scope("/", offers=[make.offer(per_fetch="0.02", path="/")]), contact="x]]></script>@y"
    )
    assert parse_rsl(render_rsl(terms)).contents[0].licenses[0].accepts == ()
    octets = render_rsl(replace(terms, x402=True))
    assert parse_rsl(octets).contents[0].licenses[0].accepts == (X402,)
    assert b"<![CDATA[" in octets
    (accepts,) = etree.fromstring(octets).iter(RSL + "accepts")
    said = json.loads(accepts.text)
    assert said["x402Version"] == 2 and "0.02" not in accepts.text
    free = make.published(make.scope("/", offers=[make.offer(upfront="5", path="/")]))
    assert b"accepts" not in render_rsl(replace(free, x402=True)), "one fetch costs nothing there"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_amount_is_the_whole_price_or_is_not_told(make, data):
    offer = make.offer(**data.draw(make.prices), attribution=data.draw(st.sampled_from(["", "Credit us"])))
    word, amount = payment_of(offer)
    assert word in PAYMENTS
    parts = [money for _, money in price_parts(offer) if money]
    assert amount is None or ([amount] == parts and not offer.terms.compensation.revenue_share_bp)
    assert (word in {"free", "attribution"}) is offer.terms.compensation.is_free
    assert word != "subscription" or amount is None


@pytest.mark.parametrize("currency", ["XBT", "XXX"])
def test_what_is_no_currency_is_told_elsewhere(make, currency):
    offer = make.offer(path="/")
    price = Compensation(currency, per_fetch=Money(1000, currency))
    offer = replace(offer, terms=replace(offer.terms, compensation=price))
    octets = render_rsl(make.published(make.scope("/", offers=[offer])))
    assert payment_of(offer) == ("crawl", None) and b"<amount" not in octets and b"<custom>" in octets


@pytest.mark.parametrize(
    ("payment", "section", "word"),
    [
        ("", "3.7", ""),
        ("<payment/>", "3.7", "unstated"),
        ('<payment type="royalty"/>', "3.7", "royalty"),
        ('<payment type="inference"/>', "3.7", "use"),
        ('<payment type="free"/><payment type="crawl"/>', "3.7", "unstated"),
        ('<payment type="use"><standard>the usual</standard></payment>', "3.8", "use"),
        ('<payment type="use"><custom>write to us</custom></payment>', "3.9", "use"),
        ('<payment type="use"><amount currency="XBT">1</amount></payment>', "3.10", "use"),
        ('<payment type="use"><amount>1</amount></payment>', "3.10", "use"),
        ('<payment type="use"><amount currency="USD">1 per page</amount></payment>', "3.10", "use"),
        ('<payment type="use"><amount currency="USD">1</amount><amount currency="USD">2</amount></payment>', "3.10", "use"),
        ('<payment type="subscription"><amount currency="USD">1</amount></payment>', "3.10", "subscription"),
        ('<payment type="use"><accepts>x402</accepts></payment>', "3.11", "use"),
    ],
)  # fmt: skip
def test_each_breach_is_told_with_its_section(payment, section, word):
    license, breaches = license_with(payment)
    assert [each.section for each in breaches] == [section]
    assert license.payment == word
    assert license.amount is None or word == "subscription"
