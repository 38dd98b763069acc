"""The playbook's checklist, item by item."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from gateway.licenses.checklist import Mark, checklist, terms_of
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.position import FACTS
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    Exclusivity,
    LicenseTerms,
    Offer,
    Purpose,
    Retention,
    Scope,
    Term,
    Territory,
)
from gateway.uses import Use
from tests.licenses.deals import deals

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", upfront=Money(500_000_000, "USD"), revenue_share_bp=300),
    attribution=Attribution("The Journal", "", 30),
    term=Term(24),
    territory=Territory(frozenset({"EU"})),
)
FACTS_STATED = {**dict.fromkeys(FACTS, "as described"), "model_class": "closed"}
FULL = Negotiation(
    "ne_1", Offer("training", "journal", TERMS, "sha-256:p", tier=1), "le_1", "cl_1", 100, facts=FACTS_STATED
)
USE_CASE, MODEL_CARD, PAY, REPORTS, DELETION, LIMITS, PROVENANCE, ESCROW = range(8)


def marks(negotiation, **more):
    return [item.mark for item in checklist(negotiation, **more)]


def with_terms(**levers):
    return replace(FULL, table=replace(TERMS, **levers))


def test_a_sound_deal_has_everything():
    assert marks(FULL, milestones=("ingestion", "launch")) == [Mark.DONE] * 8


@pytest.mark.parametrize(
    ("negotiation", "at", "mark", "why"),
    [
        (replace(FULL, facts={"use_case": "x"}), USE_CASE, Mark.MISSING, "not stated: products"),
        (replace(FULL, facts={}), USE_CASE, Mark.MISSING, "use case, products"),
        (with_terms(attribution=Attribution("The Journal")), MODEL_CARD, Mark.MISSING, "no model card"),
        (replace(FULL, facts={"model_class": "closed"}), MODEL_CARD, Mark.MISSING, "data protection"),
        (replace(FULL, facts={**FACTS_STATED, "model_class": "none"}), MODEL_CARD, Mark.DONE, "data protection"),
        (with_terms(compensation=Compensation("USD", upfront=Money(1, "USD"))), PAY, Mark.MISSING, "goes on"),
        (with_terms(compensation=Compensation("USD", per_fetch=Money(1, "USD"))), PAY, Mark.MISSING, "at signing"),
        (with_terms(compensation=Compensation("USD")), PAY, Mark.MISSING, "nothing at signing, nothing that goes on"),
        (with_terms(audit=Audit("yearly", 1)), REPORTS, Mark.MISSING, "reports: yearly"),
        (with_terms(audit=Audit("monthly", 0)), REPORTS, Mark.MISSING, "no audit"),
        (with_terms(retention=Retention(0, 30, 0, True)), DELETION, Mark.MISSING, "no remediation plan"),
        (with_terms(retention=Retention(0, 30, 30, False)), DELETION, Mark.MISSING, "never be removed"),
        (with_terms(term=Term(600)), LIMITS, Mark.MISSING, "600 months"),
        (with_terms(exclusivity=Exclusivity(True), territory=Territory()), LIMITS, Mark.MISSING, "every country"),
        (with_terms(exclusivity=Exclusivity(True)), LIMITS, Mark.DONE, "exclusive there, 24 months, EU"),
        (with_terms(attribution=Attribution("", "", 30)), PROVENANCE, Mark.MISSING, "names nothing of its own"),
        (FULL, ESCROW, Mark.MISSING, "released by no milestone"),
        (with_terms(compensation=Compensation("USD")), ESCROW, Mark.NOT_APPLICABLE, "nothing is paid at signing"),
    ],
)  # fmt: skip
def test_each_item_says_what_says_so(negotiation, at, mark, why):
    item = checklist(negotiation)[at]
    assert item.mark is mark
    assert why in item.why


def test_answers_need_less():
    terms = replace(
        TERMS,
        purpose=Purpose(frozenset({Use.AI_INPUT})),
        compensation=Compensation("USD", per_fetch=Money(4, "USD")),
    )
    small = replace(FULL, offer=replace(FULL.offer, tier=3, terms=terms), facts={"use_case": "answers"})
    found = checklist(small)
    assert found[USE_CASE].mark is Mark.DONE
    assert found[MODEL_CARD].mark is Mark.NOT_APPLICABLE
    assert found[PAY].mark is Mark.DONE
    gift = replace(small, offer=replace(small.offer, terms=replace(terms, compensation=Compensation("USD"))))
    assert checklist(gift)[PAY].mark is Mark.NOT_APPLICABLE


def test_it_looks_at_what_is_on_the_table_then_at_the_proposal():
    assert terms_of(FULL) is TERMS
    proposal, table = replace(TERMS, term=Term(3)), replace(TERMS, term=Term(4))
    assert terms_of(replace(FULL, proposal=proposal)) is proposal
    assert terms_of(replace(FULL, proposal=proposal, table=table)) is table


@given(deals)
def test_every_deal_has_eight_answers(terms):
    items = checklist(replace(FULL, table=terms))
    assert len(items) == 8
    assert all(item.what and item.why for item in items)
