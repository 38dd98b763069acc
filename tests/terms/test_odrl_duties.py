from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import Money
from gateway.terms.license_terms import Attribution, Audit, Compensation, Retention
from gateway.terms.odrl_duties import OdrlError, Owed, duties, read_duties

PARTS = (
    "upfront", "per_fetch", "per_item", "per_megabyte", "per_thousand_tokens", "per_inference", "subscription",
    "minimum_guarantee",
)  # fmt: skip
money = st.integers(0, 10**14).map(lambda micros: Money(micros, "EUR"))
prices = st.builds(
    Compensation,
    currency=st.just("EUR"),
    **dict.fromkeys(PARTS, st.none() | money),
    revenue_share_bp=st.integers(0, 10_000),
).filter(lambda price: price.parts())
months = st.integers(1, 120)


@given(
    prices, months, months,
    st.builds(Attribution, text=st.text(max_size=20), link=st.text(max_size=20), model_card_days=st.integers(0, 99)),
    st.builds(
        Audit, report=st.sampled_from(["none", "monthly", "quarterly", "yearly"]),
        audits_per_year=st.integers(0, 12), audit_window_months=months, output_samples=st.integers(0, 10**6),
        suspend_after_days=st.integers(0, 999),
    ),
    st.builds(
        Retention, retention_days=st.integers(0, 999), withdrawal_notice_days=st.integers(0, 99),
        remediation_plan_days=st.integers(0, 99), retrain=st.booleans(),
    ),
)  # fmt: skip
def test_every_duty_comes_back(make, price, paid, guaranteed, credit, audit, kept):
    # A period that nothing is owed for is not told.
    if price.subscription is not None:
        price = replace(price, subscription_months=paid)
    if price.minimum_guarantee is not None:
        price = replace(price, minimum_guarantee_months=guaranteed)
    terms = replace(make.offer().terms, compensation=price, attribution=credit, audit=audit, retention=kept)
    assert read_duties(duties(terms)) == Owed(price, credit, audit, kept)


def paying(amount="0.02", operator="eq", unit="USD", per="licet:fetch", more=()):
    currency = f"http://publications.europa.eu/resource/authority/currency/{unit}"
    told = {"leftOperand": "payAmount", "operator": operator, "rightOperand": amount, "unit": currency}
    count = {"leftOperand": "unitOfCount", "operator": "eq", "rightOperand": per}
    return {"action": [{"rdf:value": "compensate", "refinement": [told, count, *more]}]}


def test_a_payment_as_others_may_write_it():
    read = read_duties(paying())
    assert read.compensation == Compensation("USD", per_fetch=Money(20_000, "USD"))


@pytest.mark.parametrize(
    "bad",
    [
        [paying(), paying()],
        paying(amount=0.02),
        paying(amount=True),
        paying(amount="1e3"),
        paying(amount="-1"),
        paying(amount=["1", "2"]),
        paying(operator="lteq"),
        paying(unit="dollar"),
        paying(per="licet:moon"),
        paying(per="licet:period"),
        paying(more=[{"leftOperand": "payAmount", "operator": "eq", "rightOperand": "0"}]),
        paying(more=[{"leftOperand": "industry", "operator": "eq", "rightOperand": "press"}]),
        [paying(), paying(unit="EUR", per="licet:item")],
        {"action": ["compensate", "attribute"]},
        {"action": "compensate"},
        {"action": "watermark"},
        {},
        "compensate",
        {"action": [{"rdf:value": "inform", "refinement": {"leftOperand": "licet:report", "operator": "eq",
                                                           "rightOperand": "hourly"}}]},
        {"action": [{"rdf:value": "delete", "refinement": {"leftOperand": "elapsedTime", "operator": "lteq",
                                                           "rightOperand": "a while"}}]},
        {"action": [{"rdf:value": "delete", "refinement": {"leftOperand": "elapsedTime", "operator": "gt",
                                                           "rightOperand": "P3D"}}]},
    ],
)  # fmt: skip
def test_a_duty_that_is_not_understood_is_said_to_be(bad):
    assert isinstance(read_duties(bad), OdrlError)
