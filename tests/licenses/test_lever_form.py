"""A form over the levers: what it holds is what it reads, and every mistake is told at its field."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.licenses.lever_form import FIELDS, first_asked, read_form, values_of
from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.ages import AgeStep
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import (
    Compensation,
    Exclusivity,
    LicenseTerms,
    Milestone,
    Purpose,
    Scope,
    Term,
    Territory,
    Tier,
)
from gateway.uses import Use
from tests.licenses.deals import deals

TERMS = LicenseTerms(
    Scope(("essays", "videos"), (PathScope("/essays/"), PathScope("/videos/"))),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD"), revenue_share_bp=250
    ),
    term=Term(24),
    territory=Territory(frozenset({"EU", "US"})),
)


def changed(fields=FIELDS, **typed):
    values = values_of(TERMS, fields) | {name.replace("__", "."): text for name, text in typed.items()}
    return read_form(values, TERMS, fields)


def without_nothing(terms):
    """An amount of nothing is the same as none, the cap aside."""
    parts = {
        name: None for name in Compensation.__dataclass_fields__ if getattr(terms.compensation, name) == Money(0, "USD")
    }  # fmt: skip
    return replace(terms, compensation=replace(terms.compensation, **parts))


@given(deals)
def test_what_a_form_holds_is_what_it_reads(terms):
    price = terms.compensation
    guarantee = price.minimum_guarantee and price.minimum_guarantee_months > terms.term.months
    period = price.subscription and price.subscription_months > terms.term.months
    filled = read_form(values_of(terms), terms)
    if guarantee or period:
        assert filled.mistakes
        return
    if (price.tiers or price.by_age) and not price.per_fetch:
        return
    assert not filled.mistakes
    assert filled.terms == without_nothing(terms)


def test_amounts_shares_and_lists_are_spelled_for_people():
    values = values_of(TERMS)
    assert values["compensation.upfront"] == "500"
    assert values["compensation.revenue_share_bp"] == "2.5"
    assert values["territory"] == "EU, US"
    assert values["scope.paths"] == "/essays/\n/videos/"
    assert values["purpose.uses:ai-train"] == "on"
    assert "exclusivity.exclusive" not in values
    assert values_of(replace(TERMS, territory=Territory()))["territory"] == "worldwide"


def test_what_is_typed_changes_the_terms():
    filled = changed(
        compensation__upfront="450.5", compensation__revenue_share_bp="3", territory="de, fr", term__months="12",
        exclusivity__exclusive="on", compensation__per_fetch="",
    )  # fmt: skip
    assert filled.mistakes == {}
    assert filled.terms.compensation == Compensation(
        "USD", upfront=Money(450_500_000, "USD"), revenue_share_bp=300
    )
    assert filled.terms.territory.regions == {"DE", "FR"}
    assert filled.terms.term.months == 12
    assert filled.terms.exclusivity == Exclusivity(True)


def test_a_box_that_is_not_sent_is_not_set_and_a_field_that_is_not_sent_stands():
    filled = read_form({"purpose.uses:ai-input": "on"}, TERMS)
    assert filled.terms.purpose.uses == {Use.AI_INPUT}
    assert filled.terms.term == TERMS.term
    assert filled.terms.retention.retrain is False
    only = first_asked(TERMS)
    assert read_form({}, TERMS, only).terms == TERMS


def test_every_mistake_is_told_at_once_and_what_was_typed_is_kept():
    filled = changed(
        compensation__upfront="lots", compensation__revenue_share_bp="3.333", term__months="0", territory="XX, DE",
        scope__paths="essays", audit__report="hourly", attribution__text="x" * 301, purpose__model_release="half",
        retention__retention_days="-1",
    )  # fmt: skip
    assert filled.terms is None
    assert set(filled.mistakes) == {
        "compensation.upfront", "compensation.revenue_share_bp", "term.months", "territory", "scope.paths", "audit.report",
        "attribution.text", "purpose.model_release", "retention.retention_days",
    }  # fmt: skip
    assert filled.values["compensation.upfront"] == "lots"
    assert "0.02" in filled.mistakes["compensation.upfront"]
    assert filled.mistakes["territory"] == "is neither a country code (ISO 3166-1) nor EU"


@pytest.mark.parametrize(
    ("typed", "at"),
    [
        ({"territory": ""}, "territory"),
        ({"scope.works": "podcasts"}, "scope.works"),
        ({"scope.works": "essays", "scope.paths": "/essays/"}, None),
        ({"compensation.minimum_guarantee": "5", "compensation.minimum_guarantee_months": "48"}, "compensation.minimum_guarantee_months"),
        ({"compensation.upfront": "1000000000000"}, "compensation.upfront"),
        ({"compensation.upfront": "-1"}, "compensation.upfront"),
        ({"compensation.upfront": "1e3"}, "compensation.upfront"),
        ({"compensation.upfront": "０"}, "compensation.upfront"),
        ({"compensation.revenue_share_bp": "101"}, "compensation.revenue_share_bp"),
        ({"compensation.upfront": "0"}, None),
        ({"liability.cap": "0"}, None),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(typed, at):
    filled = read_form(values_of(TERMS) | typed, TERMS)
    assert list(filled.mistakes) == ([at] if at else [])


def test_no_use_at_all_is_a_mistake_at_the_uses():
    values = {name: text for name, text in values_of(TERMS).items() if not name.startswith("purpose.uses")}
    assert list(read_form(values, TERMS).mistakes) == ["purpose.uses"]


def test_a_buyer_is_first_asked_for_price_term_and_place():
    assert [field.name for field in first_asked(TERMS)] == [
        "compensation.upfront", "compensation.per_fetch", "compensation.revenue_share_bp", "exclusivity.exclusive",
        "term.months", "territory",
    ]  # fmt: skip


def test_every_member_of_every_lever_has_a_field_but_currency_and_bundle():
    levers = {lever: {field.member for field in FIELDS if field.lever is lever} for lever in Lever}
    for lever, members in levers.items():
        if lever is Lever.TERRITORY:
            continue
        known = set(type(getattr(TERMS, lever)).__dataclass_fields__)
        unasked = {
            Lever.COMPENSATION: {"currency"},
            Lever.SCOPE: {"bundle"},
        }
        assert known - members == unasked.get(lever, set())


names = st.sampled_from([field.name for field in FIELDS])


@given(st.dictionaries(names, st.text(max_size=60), max_size=12))
def test_no_text_makes_it_raise(typed):
    filled = read_form(values_of(TERMS) | typed, TERMS)
    assert (filled.terms is None) == bool(filled.mistakes)
    assert {name: filled.values[name] for name in typed} == typed


PRICED = replace(
    TERMS.compensation,
    tiers=(Tier(1000, Money(10_000, "USD")), Tier(9000, Money(0, "USD"))),
    by_age=(AgeStep(90, Money(5_000, "USD")),),
    milestones=(
        Milestone("ingestion", 5_000, "journal", 3, 1),
        Milestone("launch", 125, "statement", months=6),
        Milestone("training", 1_000, items=1),
    ),
    holder="agent:Notary Example",
    calendar="target",
)
STANDING = replace(TERMS, compensation=PRICED)


def test_steps_and_milestones_are_lines_that_are_read_back():
    values = values_of(STANDING)
    assert values["compensation.tiers"] == "1000: 0.01\n9000: 0"
    assert values["compensation.by_age"] == "90: 0.005"
    assert values["compensation.milestones"].split("\n") == [
        "ingestion: 50 %, shown by journal, 3 items, within 1 month",
        "launch: 1.25 %, shown by statement, within 6 months",
        "training: 10 %, shown by operator, 1 item",
    ]
    assert (values["compensation.holder"], values["compensation.calendar"]) == (
        "agent:Notary Example",
        "target",
    )
    assert read_form(values, STANDING).terms == STANDING
    # As a browser sends it, and from the published offer, which has none of it.
    sent = {name: text.replace("\n", "\r\n") for name, text in values.items()}
    own = replace(TERMS, compensation=replace(TERMS.compensation, calendar="target"))
    assert read_form(sent, own).terms == STANDING
    shown = {field.name for field in first_asked(STANDING)}
    assert {f"compensation.{each}" for each in ("tiers", "by_age", "milestones", "holder")} <= shown


def test_steps_and_milestones_are_changed_and_taken_away():
    typed = values_of(STANDING) | {
        "compensation.tiers": " 500 : 0.015 \n\n",
        "compensation.by_age": "",
        "compensation.milestones": "launch: 100%",
        "compensation.holder": "nobody",
        "compensation.calendar": "",
    }
    filled = read_form(typed, STANDING)
    assert filled.mistakes == {}
    price = filled.terms.compensation
    assert price.tiers == (Tier(500, Money(15_000, "USD")),)
    assert (price.by_age, price.milestones, price.holder, price.calendar) == (
        (), (Milestone("launch", 10_000),), "nobody", "",
    )  # fmt: skip
    assert read_form(typed | {"compensation.milestones": ""}, STANDING).terms.compensation.milestones == ()


@pytest.mark.parametrize(
    ("member", "typed", "says"),
    [
        ("tiers", "1000 0.01", "in line 1 is not a number, a colon and an amount"),
        ("tiers", "1000: 0.01\n2000: lots", "in line 2 has no amount in USD"),
        ("tiers", "0: 0.01", "in line 1"),
        ("tiers", "\n".join(f"{n}: 0.01" for n in range(1, 80)), "more than 64 lines"),
        ("by_age", "1.5: 0.01", "in line 1"),
        ("milestones", "launch", "in line 1 is not a name"),
        ("milestones", "launch: 50 %, 50 %", "stands twice: 50 %"),
        ("milestones", "launch: 50 %\nx: 10 %, shown by me", "in line 2 has a part that cannot be read"),
        ("milestones", "launch: within 6 months", "no share"),
        ("milestones", "launch: 50 %,", "nothing between two commas"),
        ("milestones", "launch: 0 %", "in line 1"),
        ("milestones", "launch: 101 %", "in line 1"),
        ("milestones", "LAUNCH: 50 %", "in line 1"),
        ("holder", "my aunt", "is no holder"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(member, typed, says):
    filled = read_form(values_of(TERMS) | {f"compensation.{member}": typed}, TERMS)
    assert filled.terms is None
    assert says in filled.mistakes[f"compensation.{member}"]
    assert filled.values[f"compensation.{member}"] == typed


@pytest.mark.parametrize(
    "typed",
    [
        {"compensation.tiers": "1000: 0.03"},
        {"compensation.tiers": "1000: 0.01\n900: 0.005"},
        {"compensation.by_age": "30: 0.02"},
        {"compensation.milestones": "a: 60 %\nb: 50 %"},
        {"compensation.milestones": "a: 10 %\na: 20 %"},
        {"compensation.milestones": "a: 10 %", "compensation.upfront": ""},
    ],
)
def test_what_contradicts_itself_is_told_and_nothing_is_made(typed):
    filled = read_form(values_of(TERMS) | typed, TERMS)
    assert filled.terms is None and filled.mistakes


shares = st.lists(st.integers(1, 2_500), max_size=4)
milestones = shares.flatmap(
    lambda found: st.tuples(
        *(
            st.builds(
                Milestone, st.just(f"m{nth}"), st.just(bp), st.sampled_from(["journal", "statement", "operator"]),
                st.integers(0, 10**9), st.integers(0, 1200),
            )
            for nth, bp in enumerate(found)
        )
    )
)  # fmt: skip


@settings(deadline=None)
@given(milestones, st.sampled_from(["nobody", "agent:Notary Example", "provider:Pay & Co."]))
def test_whatever_milestones_there_are_the_form_reads_them_exactly(found, holder):
    price = replace(TERMS.compensation, milestones=found, holder=holder)
    standing = replace(TERMS, compensation=price)
    filled = read_form(values_of(standing), TERMS)
    assert filled.mistakes == {}, values_of(standing)["compensation.milestones"]
    assert filled.terms == standing
    assert filled.terms.hash == standing.hash
