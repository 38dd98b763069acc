"""The SEPA file holds against the schema of ISO 20022, and says exactly what was planned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest
from lxml import etree

from gateway.billing.payouts import Payee, PayoutError, planned
from gateway.billing.sepa import NAMESPACE, Debtor, latin, order
from gateway.money import Money
from tests.billing.test_payouts import AT, IBANS

DEBTOR = Debtor("Tide Press & Söhne", IBANS[3], "ABNANL2A")
DAY = date(2026, 12, 1)


def payouts(count=3):
    return [
        planned("journal", Payee(f"Ünal Çelik {at}", IBANS[at % len(IBANS)], "" if at % 2 else "COBADEFFXXX"), Money(10_000 * (at + 1), "EUR"), AT, str(at))
        for at in range(count)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def schema():
    path = files(pytest.importorskip("sepaxml")) / "schemas" / "pain.001.001.09.xsd"
    return etree.XMLSchema(etree.fromstring(path.read_bytes()))


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("debtor", [DEBTOR, replace(DEBTOR, bic="")])
def test_it_holds_against_the_schema_and_adds_up(schema, count, debtor):
    made = order(payouts(count), debtor, AT, DAY)
    document = etree.fromstring(made.octets)
    schema.assertValid(document)
    ns = {"p": NAMESPACE}
    sums = document.xpath("//p:CtrlSum/text()", namespaces=ns)
    amounts = document.xpath("//p:InstdAmt[@Ccy='EUR']/text()", namespaces=ns)
    assert {Decimal(each) for each in sums} == {sum(map(Decimal, amounts))}
    assert set(document.xpath("//p:NbOfTxs/text()", namespaces=ns)) == {str(count)}
    assert sorted(document.xpath("//p:EndToEndId/text()", namespaces=ns)) == sorted(
        each.id for each in payouts(count)
    )
    assert len(document.xpath("string(//p:MsgId)", namespaces=ns)) <= 35
    assert all(each.isascii() for each in document.xpath("//p:Nm/text()", namespaces=ns))


def test_the_same_payouts_in_any_order_are_the_same_file():
    made = order(payouts(), DEBTOR, AT, DAY)
    assert order(list(reversed(payouts())), DEBTOR, AT, DAY) == made
    assert order(payouts()[:2], DEBTOR, AT, DAY).id != made.id
    assert order(payouts(), DEBTOR, AT, date(2026, 12, 2)).id != made.id


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: order([], DEBTOR, AT, DAY),
        lambda: order(payouts(), Debtor("", IBANS[0]), AT, DAY),
        lambda: order(payouts(), Debtor("A", "DE00370400440532013000"), AT, DAY),
        lambda: order([replace(payouts()[0], payee=Payee("A", account="acct_1"))], DEBTOR, AT, DAY),
        lambda: order([replace(payouts()[0], amount=Money(10_000, "USD"))], DEBTOR, AT, DAY),
        lambda: order([replace(payouts()[0], payee=Payee("A", "DE1"))], DEBTOR, AT, DAY),
        lambda: order([replace(payouts()[0], amount=Money(10**15, "EUR"))], DEBTOR, AT, DAY),
    ],
)
def test_what_a_bank_would_not_take_is_no_file(wrong):
    with pytest.raises(PayoutError):
        wrong()


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Zoë & Søn", "Zoe + S.n"), ("<b>", ".b."), ("漢字", ".."), ("//", "."), ("x" * 99, "x" * 70)],
)
def test_names_are_in_the_characters_that_banks_take(text, plain):
    assert latin(text) == plain
