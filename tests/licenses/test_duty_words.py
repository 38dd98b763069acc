"""What a contract says of credit and deletion is what falls due, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from gateway.licenses.contract import contract_of
from gateway.licenses.duty_words import credit
from gateway.licenses.license import License
from gateway.licenses.obligations import Kind, schedule
from gateway.money import Money
from gateway.terms.license_terms import Attribution, Audit, Compensation, Retention
from tests.licenses.deals import deals
from tests.licenses.test_contract import CLAUSES, DEAL, TERMS, ids, text_of

BY_FETCH = Compensation("USD", per_fetch=Money(4_000, "USD"))
NONE = Audit("none", 0)
WITHIN = "Within 30 days after the term begins it shows"


@pytest.mark.parametrize(
    ("price", "audit", "shown"),
    [
        (BY_FETCH, NONE, False),
        (Compensation("USD"), NONE, False),
        (BY_FETCH, Audit("quarterly"), True),
        (replace(BY_FETCH, upfront=Money(1, "USD")), NONE, True),
        (replace(BY_FETCH, per_item=Money(1, "USD")), NONE, True),
        (replace(BY_FETCH, subscription=Money(1, "USD")), NONE, True),
        (replace(BY_FETCH, revenue_share_bp=1), NONE, True),
    ],
)
def test_proof_of_credit_is_owed_by_more_than_deliveries(price, audit, shown):
    terms = replace(TERMS, compensation=price, audit=audit)
    license = License("li_1", "le_1", "journal", "", terms, "sha-256:p", 0, 31_536_000)
    assert (Kind.ATTRIBUTION in {each.kind for each in schedule(license)}) == shown
    assert (WITHIN in text_of(contract_of(replace(DEAL, terms=terms), CLAUSES))) == shown


@settings(deadline=None)
@given(deals)
def test_the_contract_and_the_calendar_say_the_same(terms):
    license = License("li_1", "le_1", "journal", "", terms, "sha-256:p", 0, 31_536_000)
    text = text_of(contract_of(replace(DEAL, terms=terms), CLAUSES))
    assert (Kind.ATTRIBUTION in {each.kind for each in schedule(license)}) == (WITHIN in text)
    assert "Within 0 days" not in text.replace("Within 0 days the licensee takes it out", "")


def test_a_plan_is_a_clause_of_its_own():
    assert "remediation" in ids(retention=Retention(remediation_plan_days=10))
    assert "remediation" not in ids(retention=Retention(remediation_plan_days=0))
    assert "withdrawal" in ids(retention=Retention(remediation_plan_days=0))


def test_credit_is_said_even_where_nothing_is_named():
    assert credit(replace(TERMS, attribution=Attribution())) == "the name of the site and a working link"
    assert credit(replace(TERMS, attribution=Attribution("Us", "https://us.example/"))) == (
        "Us with a link to https://us.example/"
    )
