"""Sums of the log by decision, by currency and over time, as its pages tell them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import apsw

from gateway.dashboard.filters import Decision, LogFilter, decision
from gateway.dashboard.queries import Bar
from gateway.money import Money
from gateway.store.sqlite.audience import referred_in
from gateway.store.sqlite.totals import Where

_BARS: Final = 400
#: What those were asked who did not pay.
QUOTED: Final = "sum(iif(charged_micros = 0 AND outcome <> 'licensed', quote_micros, 0))"


def summed_up(db: apsw.Connection, source: Where, what: str, group: str = "") -> list[Any]:
    """The rows of *what* among *source*."""
    return db.execute(f"SELECT {what} FROM {source.sql} {group}", source.values).fetchall()  # noqa: S608


def decided(rows: Iterable[tuple[str, int, int]]) -> Mapping[Decision, int]:
    """How many of each decision: *rows* are outcome, whether a price was told, and how many."""
    counts = dict.fromkeys(Decision, 0)
    for outcome, priced, count in rows:
        counts[decision(outcome, 402 if priced else 0)] += count
    return MappingProxyType(counts)


def monies(rows: Iterable[tuple[str, int]]) -> tuple[Money, ...]:
    """The sums by currency of *rows*, currency and micro-units, without those of nothing."""
    total: Counter[str] = Counter()
    for currency, micros in rows:
        total[currency] += micros
    return tuple(Money(total[currency], currency) for currency in sorted(total) if total[currency])


def bars(db: apsw.Connection, source: Where, filter: LogFilter) -> tuple[Bar, ...]:
    """What *source* holds by steps of time, the oldest first, at most as many as a chart shows."""
    step_us = filter.step_us
    found: dict[int, list[Any]] = {}
    what = f"time_us / {step_us}, outcome, priced, currency, sum(count), sum(charged_micros), {QUOTED}, sum(bytes_sent)"
    for step, *row in summed_up(db, source, what, "GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC"):
        if step not in found and len(found) == _BARS:
            break
        found.setdefault(step, []).append(row)
    referred = referred_in(db, filter, step_us)
    # A step in which people came and no machine is one too, but none older than the oldest that is told.
    oldest = min(found) if len(found) == _BARS else 0
    return tuple(
        _bar(step * step_us, found.get(step, []), referred.get(step, 0))
        for step in sorted(found.keys() | {each for each in referred if each >= oldest})[-_BARS:]
    )


def _bar(time_us: int, rows: list[Any], referred: int) -> Bar:
    return Bar(
        time_us,
        decided((outcome, priced, count) for outcome, priced, _, count, _, _, _ in rows),
        monies((currency, charged) for _, _, currency, _, charged, _, _ in rows),
        monies((currency, quoted) for _, _, currency, _, _, quoted, _ in rows),
        sum(row[6] for row in rows),
        referred,
    )
