"""Contracts: every shipped clause fills, what was agreed switches them, and the document says what the terms say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import bundled
from gateway.licenses.contract import (
    BLANK,
    NOTICE,
    Clause,
    ClauseError,
    Deal,
    Evidence,
    Party,
    blanks,
    contract_of,
    needs_names,
    price_parts,
    read_clause,
)
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    Exclusivity,
    Liability,
    LicenseTerms,
    Purpose,
    Retention,
    Scope,
    Term,
    Territory,
)
from gateway.uses import Use
from tests.licenses.deals import deals

CLAUSES = tuple(
    read_clause(path.stem, path.read_text(encoding="utf-8")) for path in sorted(bundled.policies("clauses").glob("*.toml"))
)  # fmt: skip
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD"), revenue_share_bp=350
    ),
    attribution=Attribution("The Journal", "https://journal.example/", 30),
    territory=Territory(frozenset({"EU", "US"})),
    term=Term(24),
)
DEAL = Deal(
    "li_1", "journal.example", TERMS, Party("The Journal", "1 Road"), Party("Example Labs"), 1_800_000_000, 1_863_072_000
)  # fmt: skip


def text_of(contract):
    return "\n".join(paragraph for section in contract.sections for paragraph in section.paragraphs)


def ids(**levers):
    contract = contract_of(replace(DEAL, terms=replace(TERMS, **levers)), CLAUSES)
    return {section.id.partition("-")[2] for section in contract.sections}


def test_the_document_says_what_was_agreed():
    contract = contract_of(DEAL, CLAUSES)
    text = text_of(contract)
    assert "500 USD at signing; 0.02 USD for each page or file delivered; 3.5 % of net revenue" in text
    assert "begins on 2027-01-15 and ends on 2029-01-14, 24 months in all" in text
    assert "It holds for EU, US: checked at every fetch" in text
    assert "The Journal with a link to https://journal.example/" in text
    facts = dict(contract.facts)
    assert facts["Terms hash"] == TERMS.hash
    assert facts["Works"] == "essays (/essays/)"
    assert facts["Licensee signs through"] == f"{BLANK} ({BLANK})"
    assert contract.heading == "Proposed terms"
    assert contract.as_json()["notice"] == NOTICE
    assert [section.number for section in contract.sections] == list(range(1, len(contract.sections) + 1))


def test_what_was_agreed_switches_clauses():
    plain = ids()
    assert {"price", "revenue-share", "model-card", "reports", "audit", "not-exclusive"} <= plain
    assert (
        not {"free", "exclusive", "minimum-guarantee", "insurance", "output-review", "past-reports"} & plain
    )
    free = ids(compensation=Compensation("USD"))
    assert "free" in free
    assert not {"price", "revenue-share"} & free
    assert "exclusive" in ids(exclusivity=Exclusivity(exclusive=True))
    assert "model-card" not in ids(attribution=Attribution())
    assert not {"reports", "audit"} & ids(audit=Audit("none", 0))
    assert {"past-reports", "output-review"} <= ids(audit=Audit("yearly", 1, 24, 3))
    assert "suspension" in plain
    assert "suspension" not in ids(audit=Audit(suspend_after_days=0))
    assert "suspension" not in ids(audit=Audit("none"))
    assert "insurance" in ids(liability=Liability(insurance=True))
    guaranteed = replace(TERMS.compensation, minimum_guarantee=Money(1_000_000, "USD"))
    assert "minimum-guarantee" in ids(compensation=guaranteed)


@settings(max_examples=150)
@given(deals)
def test_every_clause_fills_for_every_deal(terms):
    contract = contract_of(replace(DEAL, terms=terms), CLAUSES)
    text = text_of(contract)
    assert "{" not in text
    assert "}" not in text
    for part in price_parts(terms):
        assert part in text
    assert terms.hash in dict(contract.facts).values()
    assert contract.hash == contract_of(replace(DEAL, terms=terms), CLAUSES).hash


@given(st.text(), st.text())
def test_what_a_party_is_called_stays_inside_its_sentence(name, address):
    deal = replace(DEAL, licensee=Party(name, address), products=name)
    usual, odd = contract_of(DEAL, CLAUSES), contract_of(deal, CLAUSES)
    assert [len(section.paragraphs) for section in usual.sections] == [
        len(section.paragraphs) for section in odd.sections
    ]


def test_evidence_makes_it_an_agreement():
    evidence = Evidence("cl_1", 1_800_000_000, "key", "192.0.2.1", "We accept.", "sha-256:0")
    signed = contract_of(replace(DEAL, evidence=evidence), CLAUSES)
    assert signed.heading == "License agreement"
    assert signed.as_json()["evidence"]["assent"] == "We accept."
    assert signed.hash != contract_of(DEAL, CLAUSES).hash


def test_blanks_keep_it_from_being_signed():
    assert blanks(DEAL, named=False) == ("governing law",)
    assert blanks(replace(DEAL, law="Germany"), named=False) == ()
    full = Party("A", "B", "C", "D")
    assert blanks(replace(DEAL, law="Germany", creator=full, licensee=full), named=True) == ()
    assert blanks(replace(DEAL, law="Germany", creator=full), named=True) == (
        "licensee: address", "licensee: signatory", "licensee: authority",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "tier", "worth", "named"),
    [
        (TERMS, 1, 0, True),
        (TERMS, 3, 0, False),
        (replace(TERMS, exclusivity=Exclusivity(exclusive=True)), 3, 0, True),
        (replace(TERMS, term=Term(600)), 3, 0, True),
        (TERMS, 3, 100, False),
        (TERMS, 3, 101, True),
    ],
)
def test_large_deals_need_names(terms, tier, worth, named):
    assert needs_names(terms, tier, Money(worth, "USD"), Money(100, "USD")) is named
    assert needs_names(TERMS, 3, Money(1, "EUR"), Money(100, "USD"))


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        'title = "x"\nwhen = ["always"]',
        'title = "x"\nwhen = ["sometimes"]\ntext = "y"',
        'title = "x"\nwhen = ["always"]\ntext = "{nobody}"',
        'title = "x"\nwhen = ["always"]\ntext = "{creator.__class__}"',
        'title = "x"\nwhen = ["always"]\ntext = "{creator!r}"',
        'title = "x"\nwhen = ["always"]\ntext = "{creator:>9}"',
        'title = "x"\nwhen = ["always"]\ntext = "{"',
        'title = "x"\nwhen = ["always"]\ntext = "y"\nmore = 1',
    ],
)
def test_a_file_that_could_not_be_filled_is_no_clause(text):
    with pytest.raises(ClauseError):
        read_clause("odd", text)


def test_the_brief_s_clauses_are_all_there():
    text = " ".join(f"{clause.title} {clause.text}" for clause in CLAUSES).lower()
    for subject in (
        "grant of rights", "passing the works on", "price and payment", "net revenue", "attribution", "model card",
        "reports", "independent auditor", "twelve months", "withdrawal and deletion", "as far as is feasible",
        "all rights go back", "indemnity", "minimum guarantee", "review of outputs", "insur", "governed by the law",
    ):  # fmt: skip
        assert subject in text, subject
    assert all(isinstance(clause, Clause) and clause.when for clause in CLAUSES)
    assert Retention().remediation_plan_days == 30


def test_the_record_of_the_creators_consent_is_a_fact_of_the_document():
    assert "Consent record" not in dict(contract_of(DEAL, CLAUSES).facts)
    cited = contract_of(replace(DEAL, consent="019ab003-0000"), CLAUSES)
    assert dict(cited.facts)["Consent record"] == "019ab003-0000"
    assert ["Consent record", "019ab003-0000"] in cited.as_json()["facts"]
