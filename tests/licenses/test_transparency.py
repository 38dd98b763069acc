"""Transparency reports: every mistake at once, and what one makes due to the micro-unit."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.license import License
from gateway.licenses.obligations import Kind, schedule
from gateway.licenses.transparency import (
    MOST_MISTAKES,
    TransparencyReport,
    outside,
    read_report,
    report_schema,
    reported_amounts,
)
from gateway.money import LARGEST_MICROS, Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from gateway.uses import Use

STARTS, NOW = 1_767_225_600, 1_800_000_000  # 2026-01-01
TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", per_inference=Money(100, "USD"), revenue_share_bp=300),
)
LICENSE = License("li_1", "le_1", "journal", "", TERMS, "p", STARTS, STARTS + 365 * 86_400)
DUTY = next(each for each in schedule(LICENSE) if each.kind is Kind.REPORT)
BODY = {
    "duty": DUTY.id,
    "license": "li_1",
    "period": {"begins": DUTY.begins, "ends": DUTY.ends},
    "datasets": [{"name": "essays-1", "content": ["/essays/tides", "sha-256:" + "0" * 64], "items": 2}],
    "models": [{"name": "Summarizer", "version": "2", "datasets": ["essays-1"], "released_on": "2026-03-01"}],
    "inferences": [{"model": "Summarizer 2", "count": 12_345}],
    "revenue": [{"product": "Summarizer", "net": {"micros": 1_000_000_333, "currency": "USD"}}],
    "statement": {"by": "Eve Example", "role": "head of licensing"},
}


def read(**changes):
    return read_report({**BODY, **changes}, DUTY, TERMS, NOW)


def test_a_report_comes_back_as_it_was_and_has_one_digest():
    report = read()
    assert TransparencyReport.kept(report.document.decode()) == report
    assert report.sha256 == read_report(json.loads(report.document), DUTY, TERMS, NOW).sha256
    assert report.releases == (("Summarizer 2", 1_772_323_200),)


def test_what_is_due_is_exact_and_rounded_once():
    due = {each.part: each.amount for each in reported_amounts(read(), TERMS)}
    assert due == {"revenue_share": Money(30_000_010, "USD"), "inferences": Money(1_234_500, "USD")}
    assert reported_amounts(read(), replace(TERMS, compensation=Compensation("USD"))) == ()


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=8), st.integers(0, 10_000))
def test_a_share_of_many_products_is_the_share_of_their_sum(nets, points):
    terms = replace(TERMS, compensation=Compensation("USD", revenue_share_bp=points))
    revenue = [
        {"product": f"p{nth}", "net": {"micros": net, "currency": "USD"}} for nth, net in enumerate(nets)
    ]
    found = reported_amounts(read_report({**BODY, "revenue": revenue}, DUTY, terms, NOW), terms)
    if not points:
        assert found == ()
        return
    exact = sum(nets) * points
    assert abs(found[0].amount.micros * 10_000 - exact) * 2 <= 10_000
    assert found[0].amount.micros <= sum(nets)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"duty": "du_x"}, "duty: is another one"),
        ({"license": "li_2"}, "license: the duty is of li_1"),
        ({"period": {"begins": 1, "ends": 2}}, "period: the duty is about"),
        ({"period": {"begins": DUTY.begins}}, "period.ends: Field required"),
        ({"extra": 1}, "extra: Extra inputs are not permitted"),
        ({"datasets": [{"name": "a", "content": ["essays"], "items": 1}]}, "datasets[0].content[0]"),
        ({"datasets": [{"name": "a", "content": [], "items": -1}]}, "datasets[0].items"),
        ({"datasets": [{"name": "a\n", "content": [], "items": 1}]}, "is no printable line"),
        ({"datasets": BODY["datasets"] * 2}, "datasets: a name stands there twice"),
        (
            {"models": [{**BODY["models"][0], "datasets": ["none"]}]},
            "names one that is not among the datasets",
        ),
        ({"models": [{**BODY["models"][0], "released_on": "2026-02-30"}]}, "is no day"),
        ({"models": [{**BODY["models"][0], "released_on": "2099-01-01"}]}, "is not yet"),
        ({"inferences": [{"model": "Other", "count": 1}]}, "is not the name and version"),
        ({"inferences": [{"model": "Summarizer 2", "count": 1.5}]}, "inferences[0].count"),
        ({"inferences": [{"model": "Summarizer 2", "count": True}]}, "inferences[0].count"),
        ({"inferences": []}, "the agreement has a price per inference"),
        ({"inferences": [{"model": "Summarizer 2", "count": 10**15}]}, "more than any amount"),
        ({"revenue": []}, "the agreement has a revenue share"),
        ({"revenue": [{"product": "x", "net": {"micros": 1, "currency": "EUR"}}]}, "counts in USD"),
        ({"revenue": [{"product": "x", "net": {"micros": -1, "currency": "USD"}}]}, "revenue[0].net.micros"),
        (
            {"revenue": [{"product": x, "net": {"micros": LARGEST_MICROS, "currency": "USD"}} for x in "ab"]},
            "is more in all",
        ),
        ({"statement": {"by": "", "role": "x"}}, "statement.by"),
    ],
)
def test_what_is_wrong_is_named(changes, told):
    refusal = read(**changes)
    assert isinstance(refusal, Refusal)
    assert refusal.problem is Problem.DOCUMENT_INVALID
    assert told in refusal.detail


def test_everything_wrong_is_named_at_once_and_not_without_end():
    refusal = read(duty=5, license="", models=[{}], statement=None)
    assert {line.partition(":")[0] for line in dict(refusal.facts)["mistakes"].splitlines()} == {
        "duty", "license", "models[0].name", "models[0].version", "models[0].datasets", "statement",
    }  # fmt: skip
    also = read(duty="du_x", license="li_2", revenue=[])
    assert len(dict(also.facts)["mistakes"].splitlines()) == 3
    many = read(datasets=[{} for _ in range(500)])
    assert len(dict(many.facts)["mistakes"].splitlines()) == MOST_MISTAKES + 1


def test_another_duty_is_not_met_by_a_report():
    other = replace(DUTY, kind=Kind.MODEL_CARD)
    assert read_report(BODY, other, TERMS, NOW).problem is Problem.DOCUMENT_INVALID


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(BODY)), json_values))
def test_nothing_makes_it_raise(changes):
    found = read(**changes)
    assert isinstance(found, TransparencyReport | Refusal)


def test_the_schema_stands_alone():
    schema = report_schema()
    assert "$ref" not in json.dumps(schema)
    assert schema["required"] == [each for each in BODY if each != "note"]
    assert schema["additionalProperties"] is False
    assert (
        schema["properties"]["revenue"]["items"]["properties"]["net"]["properties"]["micros"]["minimum"] == 0
    )


def test_content_outside_of_the_license_is_shown_and_is_no_mistake():
    odd = [
        {"name": "a", "content": ["/essays/tides", "/diary/x", "/essays/../diary", "/diary/x"], "items": 3}
    ]
    report = read(datasets=odd, models=[], inferences=[])
    assert outside(report, TERMS) == ("/diary/x", "/essays/../diary")
    assert outside(read(), TERMS) == ()
