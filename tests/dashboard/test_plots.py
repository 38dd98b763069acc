"""What stands over time: rows that agree with the lines drawn of them, whatever the clock did."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.filters import HOUR_US, Decision
from gateway.dashboard.plots import bytes_plot, money_plots, names_of, per_referral, referral_plot, rows_of
from gateway.dashboard.queries import Bar
from gateway.money import Money

NOW = 1_795_000_000_000_000
NONE = dict.fromkeys(Decision, 0)


def bar(hour: int, licensed: int = 1, micros: int = 20_000, currency: str = "USD") -> Bar:
    return Bar(
        hour * HOUR_US, NONE | {Decision.LICENSED: licensed}, (Money(micros, currency),) if micros else (),
        (Money(7, "EUR"),), 100 * licensed, 3,
    )  # fmt: skip


def test_rows_have_names_that_are_each_one_and_whole_amounts_by_currency():
    bars = (bar(1), bar(5, 2, 5_000, "EUR"))
    names = names_of(bars)
    assert len(set(names)) == len(names)
    assert [tuple(row) for row in rows_of(bars)] == [names, names]
    first, second = rows_of(bars)
    assert (first["charged"], first["charged_USD_micros"], first["charged_EUR_micros"]) == (
        "0.02 USD",
        20_000,
        0,
    )
    assert (second["charged_EUR_micros"], second["quote_EUR_micros"]) == (5_000, 7)
    assert (second["licensed"], second["quoted"], second["fetches"], second["referred"]) == (2, 0, 2, 3)
    assert rows_of(()) == []


def test_two_currencies_have_no_common_scale():
    found = money_plots((bar(1), bar(5, 2, 5_000, "EUR")), "hour", HOUR_US, (None, 6 * HOUR_US))
    assert [(plot.unit, [line.column for line in plot.lines]) for plot in found] == [
        ("EUR", ["charged_EUR_micros", "quote_EUR_micros"]), ("USD", ["charged_USD_micros", "quote_USD_micros"]),
    ]  # fmt: skip
    assert found[1].lines[0].total == "0.02 USD"
    assert len({line.stroke for line in found[0].lines}) == 2


hours = st.lists(st.integers(0, 1_000_000), max_size=30, unique=True).map(sorted)


@given(hours, st.none() | st.integers(0, NOW))
def test_every_line_stays_in_its_frame_and_grows_with_its_rows_alone(at, from_us):
    bars = tuple(bar(hour, 1 + hour % 7) for hour in at)
    for plot in (
        bytes_plot(bars, "hour", HOUR_US, (from_us, NOW)),
        referral_plot(bars, "hour", HOUR_US, (from_us, NOW)),
    ):
        assert plot.from_us < plot.to_us
        for line in plot.lines:
            points = [tuple(map(float, each.split(","))) for each in line.points.split()]
            assert len(points) <= 3 * len(bars) + 2
            assert all(0 <= x <= 960 and 0 <= y <= 120 for x, y in points)
            assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_crawls_per_referral_never_divide_by_nobody():
    assert [per_referral(*each) for each in ((10, 3), (0, 3), (3, 0), (0, 0), (10_000_000, 3))] == [
        "3.3 : 1", "0 : 1", "no referral", "\N{EM DASH}", "3,333,333 : 1",
    ]  # fmt: skip
