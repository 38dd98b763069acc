from __future__ import annotations

import ast
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses import pricing_guide
from gateway.licenses.pricing_guide import (
    LARGEST_COUNT,
    MODELS,
    PRODUCTS,
    SHIPPED,
    Expected,
    Framework,
    Guide,
    Span,
    estimates,
    suggestions,
)
from gateway.money import MICROS, Money

#: Of every shape that a policy may give: low is at most high.
spans = st.tuples(st.integers(0, MICROS), st.integers(0, MICROS)).map(lambda two: Span(min(two), max(two)))
guides = st.builds(
    Guide,
    engagement=spans,
    per_file=spans,
    revenue_share=spans,
    per_inference=spans,
    file_minutes=st.integers(1, 600),
    length=spans.map(lambda span: Span(span.low, span.high * 9)),
    exclusive=st.integers(MICROS, 9 * MICROS),
    upfront=st.integers(0, MICROS),
    inference=st.integers(0, MICROS),
    index=st.integers(0, MICROS),
    target=st.integers(0, MICROS),
)
counts = st.integers(0, LARGEST_COUNT)
amounts = st.integers(0, 10**15).map(lambda micros: Money(micros, "USD"))
deals = st.builds(
    Expected,
    currency=st.just("USD"),
    views=st.none() | counts,
    all_views=st.none() | counts,
    revenue=st.none() | amounts,
    files=st.none() | counts,
    minutes=st.none() | counts,
    inferences=st.none() | counts,
    net_revenue=st.none() | amounts,
    exclusive=st.booleans(),
    model=st.sampled_from(("", *MODELS)),
    product=st.sampled_from(("", *PRODUCTS)),
)


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def found(framework: Framework, guide: Guide = SHIPPED, **known: object) -> tuple[Money | None, Money | None]:
    every = {each.framework: each for each in estimates(guide, Expected("USD", **known))}
    return every[framework].low, every[framework].high


@pytest.mark.parametrize(
    ("framework", "known", "low", "high"),
    [
        (Framework.ENGAGEMENT, {"revenue": usd("1000")}, "5", "20"),
        (Framework.ENGAGEMENT, {"revenue": usd("1000"), "views": 1, "all_views": 4}, "1.25", "5"),
        (Framework.ENGAGEMENT, {"revenue": usd("1000"), "views": 0, "all_views": 0}, "0", "0"),
        # These works cannot be seen more often than everything together.
        (Framework.ENGAGEMENT, {"revenue": usd("1000"), "views": 9, "all_views": 4}, "5", "20"),
        (Framework.ENGAGEMENT, {"revenue": usd("1000"), "exclusive": True}, "10", "40"),
        (Framework.PER_FILE, {"files": 1}, "5", "50"),
        (Framework.PER_FILE, {"files": 12, "minutes": 10}, "60", "600"),
        (Framework.PER_FILE, {"files": 1, "minutes": 15}, "7.5", "75"),
        (Framework.PER_FILE, {"files": 1, "minutes": 0}, "2.5", "25"),
        (Framework.PER_FILE, {"files": 1, "minutes": 5}, "2.5", "25"),
        (Framework.PER_FILE, {"files": 1, "minutes": 30}, "15", "150"),
        (Framework.PER_FILE, {"files": 1, "minutes": 600}, "15", "150"),
        (Framework.PER_FILE, {"files": 1, "exclusive": True}, "10", "100"),
        (Framework.REVENUE_SHARE, {"net_revenue": usd("2000000")}, "20000", "200000"),
        (Framework.REVENUE_SHARE, {"net_revenue": usd("2000000"), "exclusive": True}, "40000", "400000"),
        # To the ten-thousandth: nothing of it is rounded.
        (Framework.PER_INFERENCE, {"inferences": 1}, "0.0001", "0.01"),
        (Framework.PER_INFERENCE, {"inferences": 1_000_001}, "100.0001", "10000.01"),
        (
            Framework.PER_INFERENCE,
            {"inferences": 4, "product": "free", "model": "closed"},
            "0.0004",
            "0.0103",
        ),
        (Framework.PER_INFERENCE, {"inferences": 4, "product": "paid"}, "0.0103", "0.0301"),
        (
            Framework.PER_INFERENCE,
            {"inferences": 4, "product": "premium", "model": "open"},
            "0.0301",
            "0.04",
        ),
        (Framework.PER_INFERENCE, {"inferences": 4, "exclusive": True}, "0.0004", "0.04"),
        # Half of the larger fee, half of the price per inference.
        (
            Framework.HYBRID,
            {"files": 12, "revenue": usd("100000"), "inferences": 1000},
            "250.05",
            "1005",
        ),
        (Framework.HYBRID, {"files": 12, "inferences": 0}, "30", "300"),
    ],
)
def test_the_frameworks(framework, known, low, high):
    assert found(framework, **known) == (usd(low), usd(high))


@pytest.mark.parametrize(
    ("framework", "known", "missing"),
    [
        (Framework.ENGAGEMENT, {}, ("revenue",)),
        (Framework.ENGAGEMENT, {"revenue": usd("1"), "all_views": 7}, ("views",)),
        (Framework.PER_FILE, {"minutes": 3}, ("files",)),
        (Framework.REVENUE_SHARE, {"revenue": usd("1")}, ("net revenue",)),
        (Framework.PER_INFERENCE, {}, ("inferences",)),
        (Framework.HYBRID, {}, ("revenue, or files", "inferences")),
        (Framework.HYBRID, {"files": 1}, ("inferences",)),
        (Framework.HYBRID, {"inferences": 1}, ("revenue, or files",)),
    ],
)
def test_what_is_not_known_is_said_and_not_guessed(framework, known, missing):
    every = {each.framework: each for each in estimates(SHIPPED, Expected("USD", **known))}
    assert (every[framework].missing, every[framework].low, every[framework].high) == (missing, None, None)
    # The range that it starts from is told all the same.
    assert every[framework].unit


def test_the_shipped_ranges_are_those_of_the_guide():
    assert (SHIPPED.engagement, SHIPPED.revenue_share) == (Span(5_000, 20_000), Span(10_000, 100_000))
    assert (SHIPPED.per_file, SHIPPED.per_inference) == (Span(5_000_000, 50_000_000), Span(100, 10_000))
    assert [each.unit for each in estimates(SHIPPED, Expected("USD"))][:4] == [
        "0.5 % to 2 % of the revenue",
        "5 to 50 USD a file of 10 minutes",
        "1 % to 10 % of net revenue",
        "0.0001 to 0.01 USD an inference",
    ]


def test_a_formula_is_shown_with_its_numbers():
    shown = [
        each.worked
        for each in estimates(
            SHIPPED,
            Expected(
                "USD", views=40_000, all_views=100_000, revenue=usd("1200"), files=12, minutes=15,
                inferences=5000, net_revenue=usd("90000"), exclusive=True,
            ),
        )
    ]  # fmt: skip
    assert shown == [
        "1200 USD × 40,000 of 100,000 views × 0.5 % to 2 % × 2 for an exclusive license",
        "12 files × 5 to 50 USD × 15/10 for the length × 2 for an exclusive license",
        "90000 USD × 1 % to 10 % × 2 for an exclusive license",
        "5,000 inferences × 0.0001 to 0.01 USD",
        "(90 + 0.25) to (900 + 25) USD",
    ]
    assert all(each.formula and each.label for each in Framework)


def test_suggestions_of_each_tier():
    one, two, three = suggestions(SHIPPED, Expected("USD", files=100, exclusive=True))
    signing, share = one.parts
    assert (signing.ask, signing.target, signing.floor) == (usd("2500"), usd("1375"), usd("250"))
    assert signing.exclusive == usd("5000")
    assert (share.ask, share.target, share.floor, share.exclusive) == (100_000, 55_000, 10_000, 200_000)
    (period,) = two.parts
    assert (period.ask, period.target, period.floor) == (usd("1250"), usd("687.5"), usd("125"))
    (answer,) = three.parts
    assert (answer.ask, answer.target, answer.floor) == (usd("0.01"), usd("0.00505"), usd("0.0001"))
    nothing = suggestions(SHIPPED, Expected("USD"))
    assert nothing[0].missing == nothing[1].missing == ("revenue, or files",)
    assert nothing[0].parts[0].ask is None
    assert nothing[2].parts == three.parts


def _order(low: Expected, high: Expected, guide: Guide) -> None:
    for one, other in zip(estimates(guide, low), estimates(guide, high), strict=True):
        for end in ("low", "high"):
            less, more = getattr(one, end), getattr(other, end)
            if less is not None:
                assert more is not None
                assert less <= more, one.framework


@given(guides, deals, st.data())
def test_more_of_any_figure_never_makes_a_price_smaller(guide, expected, data):
    name = data.draw(st.sampled_from(("views", "revenue", "files", "minutes", "inferences", "net_revenue")))
    less = getattr(expected, name)
    if less is None:
        # A length that is not known is the usual one, and everything else is no price at all.
        return
    more = (
        Money(less.micros + data.draw(st.integers(0, 10**15)), "USD")
        if isinstance(less, Money)
        else data.draw(st.integers(less, LARGEST_COUNT))
    )
    _order(expected, replace(expected, **{name: more}), guide)


@given(guides, deals)
def test_an_exclusive_license_is_never_cheaper(guide, expected):
    _order(replace(expected, exclusive=False), replace(expected, exclusive=True), guide)


@given(guides, deals, counts)
def test_what_is_seen_besides_never_makes_a_price_larger(guide, expected, more):
    if expected.all_views is not None:
        _order(replace(expected, all_views=min(expected.all_views + more, LARGEST_COUNT)), expected, guide)


@given(guides, deals)
def test_a_range_is_a_range(guide, expected):
    for each in estimates(guide, expected):
        assert (each.low is None) == (each.high is None) == bool(each.missing)
        if each.low is not None:
            assert Money(0, "USD") <= each.low <= each.high
    for suggestion in suggestions(guide, expected):
        for part in suggestion.parts:
            if part.ask is not None:
                assert part.floor <= part.target <= part.ask
                assert part.exclusive is None or part.ask <= part.exclusive


@given(guides, deals)
def test_a_share_never_exceeds_what_it_is_a_share_of(guide, expected):
    every = {each.framework: each for each in estimates(guide, expected)}
    for framework, whole in (
        (Framework.ENGAGEMENT, expected.revenue),
        (Framework.REVENUE_SHARE, expected.net_revenue),
    ):
        high = every[framework].high
        assert high is None or high <= whole


@given(guides, st.integers(0, LARGEST_COUNT))
def test_the_ends_are_exact(guide, count):
    low, high = found(Framework.PER_INFERENCE, guide, inferences=count)
    assert (low.micros, high.micros) == (guide.per_inference.low * count, guide.per_inference.high * count)
    low, high = found(Framework.PER_FILE, guide, files=count)
    assert (low.micros, high.micros) == (guide.per_file.low * count, guide.per_file.high * count)


@given(deals)
def test_no_number_is_a_float(expected):
    for each in estimates(SHIPPED, expected):
        assert each.low is None or type(each.low.micros) is int
    for part in (part for each in suggestions(SHIPPED, expected) for part in each.parts):
        for field in fields(part):
            assert not isinstance(getattr(part, field.name), float)


def test_no_float_and_no_true_division_stands_in_the_source():
    tree = ast.parse(Path(pricing_guide.__file__).read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Div)]
    assert not [
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    assert "float" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
