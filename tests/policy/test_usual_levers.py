"""Silence means something else in each tier of use; a creator's word always wins."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.money import Money
from gateway.policy.explain import explanation
from gateway.policy.rules import Mode, Site
from gateway.policy.ruling import rule
from gateway.policy.usual_levers import PLAN_DAYS, UNNAMED, usual_levers
from gateway.problems import ConfigurationError
from gateway.terms.license_terms import Attribution, Audit, Compensation, Retention
from gateway.visitors.visitor import Identity

OFFER = """
[offers.one]
uses = {uses}
price = {price}
{more}
"""
RULES = 'otherwise = "serve"\nrules = [{then = {license = ["one"]}}]\n'
WORKS = 'works = [{id = "essays", paths = ["/essays/"], rights = "own", people = "none"}]\n'
NAMED = ("journal.example", "")
NOTHING = ("", "")


def levers(read, make, uses, price, more=""):
    policy = read(RULES + WORKS + make.HEAD + OFFER.format(uses=uses, price=price, more=more))
    terms = policy.by_offer["one"].terms
    shown, audit, kept = terms.attribution, terms.audit, terms.retention
    return (
        (shown.text, shown.link),
        audit.report,
        audit.audits_per_year,
        kept.remediation_plan_days,
        kept.retrain,
    )


TRAIN, TUNE, INDEX, MINE, ANSWER = '"ai-train"', '"fine-tune"', '"ai-index"', '"tdm"', '"ai-input"'
BY_FETCH, UPFRONT = '{per_fetch = "0.02"}', '{upfront = "500", revenue_share = "3 %"}'


@pytest.mark.parametrize(
    ("uses", "price", "found"),
    [
        # Training: what is paid other than by delivery brings reports and a plan; audits and training again always.
        (TRAIN, UPFRONT, (NOTHING, "quarterly", 1, PLAN_DAYS, True)),
        (TUNE, '{upfront = "500"}', (NOTHING, "quarterly", 1, PLAN_DAYS, True)),
        (TRAIN, BY_FETCH, (NOTHING, "none", 1, 0, True)),
        # Indexes: credit and a report; audits only where the buyer counts.
        (INDEX, '{per_item = "1"}', (NAMED, "quarterly", 0, PLAN_DAYS, False)),
        (MINE, '{subscription = "10"}', (NAMED, "quarterly", 0, PLAN_DAYS, False)),
        (INDEX, '{per_inference = "0.001"}', (NAMED, "quarterly", 1, PLAN_DAYS, False)),
        (INDEX, BY_FETCH, (NAMED, "none", 0, 0, False)),
        # Answers: credit; reports where the buyer counts.
        (ANSWER, '{per_inference = "0.001"}', (NAMED, "quarterly", 1, 0, False)),
        (ANSWER, '{subscription = "10"}', (NAMED, "none", 0, 0, False)),
        (ANSWER, BY_FETCH, (NAMED, "none", 0, 0, False)),
        (ANSWER, '{per_megabyte = "1", per_thousand_tokens = "2", per_fetch = "0"}', (NAMED, "none", 0, 0, False)),
        (ANSWER, '{per_fetch = "0"}', (NAMED, "none", 0, 0, False)),
        # The most that becomes of a work decides.
        ('["ai-input", "ai-train"]', UPFRONT, (NOTHING, "quarterly", 1, PLAN_DAYS, True)),
    ],
)  # fmt: skip
def test_silence_in_each_tier(read, make, uses, price, found):
    assert levers(read, make, uses, price) == found


@pytest.mark.parametrize("uses", [TRAIN, INDEX, ANSWER])
@pytest.mark.parametrize("price", [BY_FETCH, UPFRONT])
def test_the_creators_word_wins_key_by_key(read, make, uses, price):
    silent = levers(read, make, uses, price)
    for more, at, said in (
        ('duties = {report = "monthly"}', 1, "monthly"),
        ('duties = {report = "none"}', 1, "none"),
        ("duties = {audits_per_year = 0}", 2, 0),
        ("duties = {audits_per_year = 3}", 2, 3),
        ("duties = {remediation_plan_days = 0}", 3, 0),
        ("duties = {remediation_plan_days = 7}", 3, 7),
        ("retention = {retrain = true}", 4, True),
        ("retention = {retrain = false}", 4, False),
        ('attribution = {text = "Us"}', 0, ("Us", "")),
        ('attribution = {link = "https://us.example/"}', 0, ("", "https://us.example/")),
        ('attribution = {text = "", link = ""}', 0, ("", "")),
    ):
        found = levers(read, make, uses, price, more)
        assert found[at] == said
        assert [each for nth, each in enumerate(found) if nth != at] == [
            each for nth, each in enumerate(silent) if nth != at
        ]


def test_credit_names_the_site_as_far_as_it_is_known(read, make):
    text = RULES + WORKS + OFFER.format(uses=ANSWER, price=BY_FETCH, more="")
    site = '[site]\nhosts = ["{}"]\norigin = "http://127.0.0.1:8000"\n'
    named = read(text + site.format("a.example") + 'name = "The Journal"\npublic = "https://a.example"')
    assert named.by_offer["one"].terms.attribution == Attribution("The Journal", "https://a.example/")
    assert read(text + site.format("*")).by_offer["one"].terms.attribution == Attribution(UNNAMED)


def test_a_long_look_back_is_agreed_and_never_usual(read, make):
    policy = read(RULES + WORKS + make.HEAD + OFFER.format(uses=TRAIN, price=UPFRONT, more=""))
    terms = policy.by_offer["one"].terms
    assert terms.audit == Audit("quarterly", 1, 12, 0, 30)
    assert terms.retention == Retention(0, 30, 30, retrain=True)


def test_it_is_told_what_is_usual_and_what_is_the_creators(read, make):
    more = 'duties = {report = "monthly"}'
    policy = read(RULES + WORKS + make.HEAD + OFFER.format(uses=TRAIN, price=UPFRONT, more=more))
    visitor, ask = make.seen(make.GPTBOT, Identity.VERIFIED), make.ask("/essays/x")
    found = explanation(rule(policy, visitor, ask, visitor.uses), visitor, ask, visitor.uses, policy)
    assert (
        "levers   one: credit: nothing to show (usual in tier 1); monthly reports (your word); "
        "1 audit in 12 months (usual in tier 1); "
        "after a withdrawal a plan within 30 days, training again (usual in tier 1)"
    ) in found.lines()
    (offer,) = found.as_json()["offers"]
    assert (offer["tier"], len(offer["levers"])) == (1, 4)


@pytest.mark.parametrize(
    ("uses", "form"),
    [
        (TRAIN, "upfront and revenue_share"),
        (INDEX, "per_item, or subscription"),
        (ANSWER, "per_inference, or per_fetch"),
    ],
)
def test_a_price_that_is_missing_is_told_by_its_usual_form(read, make, uses, form):
    text = RULES + WORKS + make.HEAD + f"[offers.one]\nuses = {uses}\n"
    with pytest.raises(ConfigurationError) as refused:
        read(text)
    (mistake,) = refused.value.mistakes
    assert mistake.key == "offers.one.price"
    assert form in mistake.expected


PARTS = ("upfront", "per_fetch", "per_item", "per_megabyte", "per_thousand_tokens", "per_inference", "subscription")  # fmt: skip


SITE = Site("journal", ("journal.example",), "http://127.0.0.1:8000", Mode.ENFORCE, "USD")


@settings(deadline=None)
@given(st.sets(st.sampled_from(PARTS), min_size=1), st.sampled_from([1, 2, 3]))
def test_nothing_falls_due_for_deliveries_alone(parts, tier):
    price = Compensation("USD", **dict.fromkeys(parts, Money.parse("1", "USD")))
    usual = usual_levers(tier, price, SITE)
    if parts <= {"per_fetch", "per_megabyte", "per_thousand_tokens"}:
        assert (usual.report, usual.remediation_plan_days) == ("none", 0)
    elif tier < 3:
        assert (usual.report, usual.remediation_plan_days) == ("quarterly", PLAN_DAYS)
    assert usual.retrain == (tier == 1)
