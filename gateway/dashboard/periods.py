"""Times of a query string, the period that a view is compared with, and what the difference is called. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

from gateway.money import Money

#: What ``compare`` may say besides two times with two dots between them.
PREVIOUS: Final = "previous"
YEAR: Final = "year"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)


def moment_of(value: str, *, end: bool) -> int | None:
    """Microseconds since the epoch of a date or RFC 3339 time; a date at the *end* is the one after it. None: no time."""
    if not value.isascii():
        return None
    try:
        if len(value) == 10:
            day = date.fromisoformat(value) + timedelta(days=1 if end else 0)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if not _EPOCH <= moment < _LATEST:
        return None
    return (moment - _EPOCH) // _US


def compared_with(word: str, from_us: int | None, to_us: int) -> tuple[int, int] | str:
    """The period that *word* compares one with, its end excluded; or what is wrong with the word, as a clause.

    ``previous`` is as long and ends where this one begins, ``year`` is the same
    days of the year before (29 February becomes the 28th), ``FROM..TO`` is said.

    >>> compared_with("previous", 100, 130)
    (70, 100)
    """
    first, dots, last = word.partition("..")
    if dots:
        begins, ends = moment_of(first.strip(), end=False), moment_of(last.strip(), end=True)
        if begins is None or ends is None or begins >= ends:
            return "must have two times with two dots between, such as 2026-10-01..2026-10-31"
        return begins, ends
    if word not in {PREVIOUS, YEAR}:
        return "must be previous, year, or two times such as 2026-10-01..2026-10-31"
    if from_us is None:
        return "needs a period that begins: give last or from, or say two times"
    found = (
        (from_us - (to_us - from_us), from_us)
        if word == PREVIOUS
        else (_year_before(from_us), _year_before(to_us))
    )
    return found if 0 <= found[0] < found[1] else "would begin before 1970"


def _year_before(time_us: int) -> int:
    at = _EPOCH + timedelta(microseconds=time_us)
    if at.year == 1970:
        return -1
    day = 28 if (at.month, at.day) == (2, 29) else at.day
    return (at.replace(year=at.year - 1, day=day) - _EPOCH) // _US


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of a view beside the same of the compared period, and what the difference is in words.

    *now* and *before* are as they are shown; *percent* is "" where there was nothing before.
    """

    name: str
    now: str
    before: str
    difference: str
    percent: str


def percent_of(now: int, before: int) -> str:
    """The difference in percent of *before*; "" where that is 0.

    >>> percent_of(12, 9), percent_of(9, 9), percent_of(1, 0), percent_of(10001, 10000)
    ('+33 %', '0 %', '', '+<1 %')
    """
    if not before:
        return ""
    sign = "+" if now > before else "\N{MINUS SIGN}" if now < before else ""
    # Half is rounded up, whatever the size: whole numbers have no rounding of their own.
    whole = (200 * abs(now - before) + before) // (2 * before)
    return f"{sign}{whole} %" if whole or now == before else f"{sign}<1 %"


def difference_of(now: int, before: int, shown: str) -> str:
    """The difference in words, *shown* being its size.

    >>> difference_of(12, 9, "3"), difference_of(9, 9, "0"), difference_of(0, 9, "9")
    ('3 more', 'the same', '9 less')
    """
    return "the same" if now == before else f"{shown} {'more' if now > before else 'less'}"


def changed(name: str, now: int, before: int, shown: Callable[[int], str]) -> Change:
    """The change of one figure; *shown* puts a value that is not negative into words."""
    difference = difference_of(now, before, shown(abs(now - before)))
    return Change(name, shown(now), shown(before), difference, percent_of(now, before))


def counted_change(name: str, now: int, before: int) -> Change:
    """The change of a count."""
    return changed(name, now, before, "{:,}".format)


def money_changes(name: str, now: Sequence[Money], before: Sequence[Money]) -> tuple[Change, ...]:
    """The changes of amounts, one for each currency that either has; amounts of two currencies are never added."""
    first = {each.currency: each.micros for each in now}
    second = {each.currency: each.micros for each in before}
    return tuple(
        changed(f"{name}, {each}", first.get(each, 0), second.get(each, 0), partial(_amount, each))
        for each in sorted(first | second)
    )


def _amount(currency: str, micros: int) -> str:
    return f"{Money(micros, currency).amount} {currency}"
