"""What contracts and pages say of milestones, of who holds their money, and of payment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway import bundled
from gateway.licenses.contract import Deal, Party, contract_of, price_parts, read_clause
from gateway.licenses.license import License
from gateway.licenses.life import amended
from gateway.licenses.payment_words import WORDS, milestone_parts
from gateway.licenses.plain_words import lever_words
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Refusal
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Bundle, Compensation, LicenseTerms, Milestone, Purpose, Scope, Term
from gateway.uses import Use

CLAUSES = tuple(
    read_clause(path.stem, path.read_text(encoding="utf-8")) for path in sorted(bundled.policies("clauses").glob("*.toml"))
)  # fmt: skip
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN})),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"),
        milestones=(
            Milestone("ingestion", 5_000, "journal", 3), Milestone("training", 2_500, "statement", months=6),
            Milestone("launch", 1_500, months=1),
        ),
        holder="agent:Notary Example", payment_days=5, calendar="target", late_interest_bp=525,
    ),
)  # fmt: skip


def text_of(terms):
    deal = Deal("li_1", "journal.example", terms, Party("The Journal"), Party("Example Labs"))
    document = contract_of(deal, CLAUSES).as_json()
    return {each["title"]: " ".join(each["text"]) for each in document["sections"]}


def test_the_contract_names_who_holds_the_money_and_what_each_milestone_is():
    said = text_of(TERMS)
    assert (
        "called escrow. This money is held by the agent Notary Example. This gateway never holds money."
        in said["Milestones"]
    )
    assert (
        "250 USD once ingestion is met, which the creator's journal shows when 3 different works or forms were"
        " fetched under the license, before the end of the term" in said["Milestones"]
    )
    assert "125 USD once training is met, which the licensee states, within 6 months" in said["Milestones"]
    assert "75 USD once launch is met, which the creator confirms, within 1 month from" in said["Milestones"]
    assert "within 5 business days" in said["Price and payment"]
    assert "the calendar target" in said["Price and payment"]
    assert "simple interest of 5.25 % a year" in said["Late payment"]


def test_what_nobody_holds_is_called_a_milestone_payment_and_a_promise():
    said = text_of(replace(TERMS, compensation=replace(TERMS.compensation, holder="nobody")))["Milestones"]
    assert "called milestone payment. Nobody holds this money: it is a promise to pay" in said
    assert "escrow" not in said


def test_terms_without_them_say_nothing_of_them_and_count_in_weekdays():
    said = text_of(replace(TERMS, compensation=Compensation("USD", upfront=Money(5, "USD"))))
    assert not said.keys() & {"Milestones", "Late payment"}
    assert "within 10 business days" in said["Price and payment"]
    assert "weekdays, Monday to Friday, in UTC" in said["Price and payment"]


def test_the_price_says_what_is_paid_at_signing_and_what_waits():
    assert price_parts(TERMS) == (
        "50 USD at signing", "250 USD once ingestion is met", "125 USD once training is met", "75 USD once launch is met",
    )  # fmt: skip
    said = lever_words(TERMS)[Lever.COMPENSATION]
    assert "250 USD once ingestion is met" in said
    assert (
        "called escrow. This money is held by the agent Notary Example. This gateway never holds money."
        in said
    )
    assert "within 5 business days, counted in the calendar target. Late payment bears 5.25 % a year." in said


def test_a_bundle_is_met_by_all_of_its_works():
    scope = replace(TERMS.scope, bundle=Bundle("launch", "sha-256:m", 12))
    price = replace(TERMS.compensation, milestones=(Milestone("ingestion", 10_000, "journal"),))
    assert "12 different works" in milestone_parts(replace(TERMS, scope=scope, compensation=price))[0]
    assert "1 work or form was" in milestone_parts(replace(TERMS, compensation=price))[0]


@pytest.mark.parametrize("change", [{"milestones": ()}, {"holder": "nobody"}, {"upfront": Money(1, "USD")}])
def test_an_amendment_does_not_touch_what_waits_for_milestones(change):
    license = License("li_1", "le_1", "journal", "", TERMS, "p", 0, 10**8)
    new = replace(TERMS, compensation=replace(TERMS.compensation, **change))
    found = amended(license, new, policy="p", now=5)
    assert isinstance(found, Refusal)
    assert "milestones" in found.detail
    other = replace(TERMS, compensation=replace(TERMS.compensation, payment_days=30), term=Term(12))
    assert isinstance(amended(license, other, policy="p", now=5), License)


@pytest.mark.parametrize(
    ("report", "period"),
    [("monthly", "month"), ("quarterly", "quarter"), ("yearly", "year"), ("none", "quarter")],
)
def test_a_share_is_paid_for_the_periods_that_dues_count(report, period):
    terms = replace(TERMS, audit=replace(TERMS.audit, report=report))
    assert WORDS["share_period"](terms) == period


@pytest.mark.parametrize(("count", "words"), [(1, "Once"), (2, "Up to 2 times")])
def test_audits_are_counted_in_words(count, words):
    terms = replace(TERMS, audit=replace(TERMS.audit, audits_per_year=count))
    assert WORDS["audits_per_year"](terms) == words
