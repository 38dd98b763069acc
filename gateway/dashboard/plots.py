"""What stands over time: the rows of a view's steps for programs, and the lines that a page draws of the same.

A page draws them itself, as SVG, so that they stand without a script; where one
runs it asks the address of the rows (``/overview.json`` with the page's query)
and draws those. Empty steps are no rows: a clock that jumped makes a gap, not
ten thousand zeros. A line rests on zero where nothing was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.billing.minor_units import shown
from gateway.dashboard.exports import amounts
from gateway.dashboard.filters import Decision, rfc3339
from gateway.dashboard.pages import octets
from gateway.dashboard.queries import Bar
from gateway.money import Money

#: How lines are told apart besides by color: each is drawn with a pattern of its own, which its legend shows.
SOLID: Final = "solid"
DASHED: Final = "dashed"
WIDTH: Final = 960
HEIGHT: Final = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One line: *column* of the rows, its *name* in words, its *stroke*, its sum in words, and its SVG *points*."""

    column: str
    name: str
    stroke: str
    total: str
    points: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over the same time with one scale from zero.

    *unit* is what a script shows values with: ``count``, ``bytes``, ``ratio`` or a
    currency, whose columns are in micro-units. *most* is the highest value in words.
    """

    id: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    most: str
    step: str
    step_us: int
    from_us: int
    to_us: int


def currencies_of(bars: Iterable[Bar]) -> tuple[str, ...]:
    """Every currency that any of *bars* has an amount in, in order."""
    return tuple(sorted({each.currency for bar in bars for each in (*bar.charged, *bar.quoted)}))


def names_of(bars: Sequence[Bar]) -> tuple[str, ...]:
    """The names of `rows_of`: amounts stand in one column for people, and in one for each currency for sums."""
    by_currency = [
        f"{what}_{currency}_micros" for currency in currencies_of(bars) for what in ("charged", "quote")
    ]
    return (
        "time", "fetches", *(str(word) for word in Decision), "charged", "quote", "bytes_sent", "referred",
        *by_currency,
    )  # fmt: skip


def rows_of(bars: Sequence[Bar]) -> list[Mapping[str, Any]]:
    """One row a step, oldest first."""
    names, currencies = names_of(bars), currencies_of(bars)
    found: list[Mapping[str, Any]] = []
    for bar in bars:
        values = [
            rfc3339(bar.time_us), bar.fetches, *(bar.counts[word] for word in Decision),
            amounts(bar.charged), amounts(bar.quoted), bar.bytes_sent, bar.referred,
            *(micros_in(each, currency) for currency in currencies for each in (bar.charged, bar.quoted)),
        ]  # fmt: skip
        found.append(dict(zip(names, values, strict=True)))
    return found


def micros_in(list_: Iterable[Money], currency: str) -> int:
    """What *list_* holds of *currency*, in micro-units."""
    return sum(each.micros for each in list_ if each.currency == currency)


def money_plots(bars: Sequence[Bar], step: str, step_us: int, span: tuple[int | None, int]) -> list[Plot]:
    """Charged and quoted over time: a plot for each currency, because two have no common scale."""
    found = []
    for currency in currencies_of(bars):
        wanted = (
            (f"charged_{currency}_micros", "charged", SOLID, _of_currency(currency, "charged")),
            (f"quote_{currency}_micros", "quoted, unpaid", DASHED, _of_currency(currency, "quoted")),
        )
        title = f"Money over time, {currency}"
        found.append(_plot(f"money-{currency.lower()}", title, currency, wanted, bars, step, step_us, span))
    return found


def bytes_plot(bars: Sequence[Bar], step: str, step_us: int, span: tuple[int | None, int]) -> Plot:
    """Bytes over time."""
    wanted = (("bytes_sent", "bytes sent", SOLID, lambda bar: bar.bytes_sent),)
    return _plot("bytes", "Bytes over time", "bytes", wanted, bars, step, step_us, span)


def referral_plot(bars: Sequence[Bar], step: str, step_us: int, span: tuple[int | None, int]) -> Plot:
    """What machines fetch beside the people that AI services send back."""
    wanted = (
        ("fetches", "fetches by machines", SOLID, lambda bar: bar.fetches),
        ("referred", "people sent by AI services", DASHED, lambda bar: bar.referred),
    )
    return _plot("referrals", "Crawls and referrals over time", "count", wanted, bars, step, step_us, span)


def per_referral(fetches: int, referred: int) -> str:
    """Crawls for each person sent, in words.

    >>> per_referral(840, 2), per_referral(5, 2), per_referral(5, 0), per_referral(0, 0)
    ('420 : 1', '2.5 : 1', 'no referral', '—')
    """
    if not referred:
        return "no referral" if fetches else "—"
    tenths = (20 * fetches + referred) // (2 * referred)
    shown = f"{tenths // 10:,}" + (f".{tenths % 10}" if tenths % 10 and tenths < 1000 else "")
    return f"{shown} : 1"


_Wanted = tuple[str, str, str, Callable[[Bar], int]]


def _of_currency(currency: str, member: str) -> Callable[[Bar], int]:
    return lambda bar: micros_in(getattr(bar, member), currency)


def _plot(
    id: str, title: str, unit: str, wanted: Sequence[_Wanted], bars: Sequence[Bar], step: str, step_us: int,
    span: tuple[int | None, int],
) -> Plot:  # fmt: skip
    first = (bars[0].time_us if bars else span[1]) if span[0] is None else span[0]
    first = min([first, *(bar.time_us for bar in bars[:1])]) // step_us * step_us
    last = max([span[1], first + 1, *(bar.time_us + 1 for bar in bars[-1:])])
    slots = max(-(-(last - first) // step_us), 12)
    most = max((value(bar) for bar in bars for _, _, _, value in wanted), default=0)
    lines = tuple(
        Line(
            column,
            name,
            stroke,
            _words(sum(map(value, bars)), unit),
            _points([((bar.time_us - first) // step_us, value(bar)) for bar in bars], slots, most),
        )
        for column, name, stroke, value in wanted
    )
    return Plot(id, title, unit, lines, _words(most, unit), step, step_us, first, first + slots * step_us)


def _points(values: Sequence[tuple[int, int]], slots: int, most: int) -> str:
    """SVG points through the middle of each step, on zero before and behind each run of them."""
    at: dict[int, int] = {0: 0, slots - 1: 0}
    for slot, _ in values:
        at.setdefault(max(slot - 1, 0), 0)
        at.setdefault(min(slot + 1, slots - 1), 0)
    at.update(values)
    wide = WIDTH / slots
    high = most or 1
    return " ".join(
        f"{(slot + 0.5) * wide:.1f},{HEIGHT - HEIGHT * at[slot] / high:.1f}" for slot in sorted(at)
    )


def _words(value: int, unit: str) -> str:
    if unit == "bytes":
        return octets(value)
    if unit == "count":
        return f"{value:,}"
    return shown(Money(value, unit))
