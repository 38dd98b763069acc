"""What the templates are given: plain words for codes, times, money, and the shape of a chart.

Everything here is a function of what was read; no page asks a store while it
is being rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jinja2
from markupsafe import Markup

from gateway.dashboard.filters import HOUR_US, LAST, Decision, rfc3339
from gateway.dashboard.queries import Bar, Overview
from gateway.dashboard.visible import visible
from gateway.money import Money
from gateway.policy.rule_words import numbered

#: What each decision means, for legends and empty lists.
MEANINGS: Final[Mapping[Decision, str]] = {
    Decision.LICENSED: "served under a license",
    Decision.QUOTED: "told the price (402)",
    Decision.OPEN: "served, although the rules would have charged or refused",
    Decision.REFUSED: "turned away",
    Decision.FREE: "served without charge by rule",
    Decision.FAILED: "the site's server or the gateway failed",
}
PERIODS: Final[Mapping[str, str]] = {
    "1h": "last hour",
    "24h": "last 24 hours",
    "7d": "last 7 days",
    "30d": "last 30 days",
    "all": "all time",
}
MODES: Final[Mapping[str, str]] = {
    "observe": "nothing is refused or changed; the log says what the rules would have done",
    "offer": "everything is served; crawlers are told the terms",
    "enforce": "the rules bind",
}
assert PERIODS.keys() == {*LAST, "all"}

#: Under which name the status says when the books were reconciled, and what came of it; no site's id has a space.
BOOKS: Final = "the books"
#: The same of the journal, while it is not well.
JOURNAL: Final = "the journal"
#: Rows on the live page.
LIVE_ROWS: Final = 50

_WIDTH: Final = 960
_HEIGHT: Final = 120
#: A bar of a short period is no wider.
_WIDEST: Final = 64


def environment() -> dict[str, Any]:
    """What `aiohttp_jinja2.setup` is told: escaping always on, an unknown name is an error."""
    return {
        "loader": jinja2.PackageLoader("gateway.dashboard"),
        "autoescape": True,
        "undefined": jinja2.StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "filters": {
            "visible": visible,
            "letter": lines,
            "shown": shown,
            "short": short,
            "moment": moment,
            "money": money,
            "signed": signed,
            "count": count,
            "octets": octets,
            "rule": numbered,
        },
    }


def shown(text: str) -> Markup:
    """*text* of a crawler's choosing, whole, in an isolated run of its own direction."""
    return Markup("<bdi>{}</bdi>").format(visible(text))


def lines(text: str) -> str:
    """*text* of several lines for a box of text, each line as `visible`."""
    return "\n".join(visible(line) for line in text.split("\n"))


def short(text: str, most: int = 96) -> Markup:
    """The beginning of *text*, as `shown`; the record's own page has the whole."""
    cut = visible(text[: most + 1])
    return Markup("<bdi>{}</bdi>").format(cut if len(text) <= most else f"{cut[: most - 1]}…")


def moment(time_us: int, form: str = "%d %b %Y %H:%M:%S") -> Markup:
    """A `<time>` element; its text is in UTC, as the page says."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return Markup('<time datetime="{}">{}</time>').format(rfc3339(time_us), at.strftime(form))


def money(amount: Money | None) -> Markup:
    """An exact amount, never negative, with at least two decimals and its currency; or a dash."""
    if amount is None:
        return Markup('<span class="none">—</span>')
    whole, _, rest = amount.amount.partition(".")
    return Markup('<span class="money">{:,}.{} <abbr>{}</abbr></span>').format(
        int(whole), rest.ljust(2, "0"), amount.currency
    )


def signed(amount: Money) -> Markup:
    """An exact amount that may be below zero, as `money` shows it."""
    return money(amount) if amount.micros >= 0 else Markup("\N{MINUS SIGN}{}").format(money(-amount))


def count(number: int) -> str:
    """A whole number in groups of three."""
    return f"{number:,}"


def octets(number: int) -> str:
    """A length in bytes with its unit, rounded for reading.

    >>> octets(512), octets(20_480), octets(3_500_000)
    ('512 B', '20.5 kB', '3.5 MB')
    """
    if number < 1000:
        return f"{number} B"
    size = float(number)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


@dataclass(frozen=True, slots=True)
class Block:
    """One rectangle of the chart, in its own units."""

    decision: Decision
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars between two times. *step* says how wide a bar is; *most* is the highest bar's count."""

    width: int
    height: int
    blocks: tuple[Block, ...]
    most: int
    step: str
    from_us: int
    to_us: int


def chart(overview: Overview, step_us: int, span: tuple[int | None, int]) -> Chart:
    """Lay out the overview's bars between the two ends of *span* (None: the first bar)."""
    bars = overview.bars
    step = step_word(step_us)
    if not bars:
        return Chart(_WIDTH, _HEIGHT, (), 0, step, span[1], span[1])
    first = (bars[0].time_us if span[0] is None else min(span[0], bars[0].time_us)) // step_us
    slots = max(span[1] - 1, bars[-1].time_us) // step_us - first + 1
    most = max(sum(bar.counts.values()) for bar in bars)
    wide = _WIDTH / slots
    blocks = [block for bar in bars for block in _stack(bar, bar.time_us // step_us - first, wide, most)]
    return Chart(_WIDTH, _HEIGHT, tuple(blocks), most, step, first * step_us, (first + slots) * step_us)


def _stack(bar: Bar, slot: int, wide: float, most: int) -> list[Block]:
    blocks: list[Block] = []
    floor = float(_HEIGHT)
    for word in Decision:
        if bar.counts[word]:
            high = _HEIGHT * bar.counts[word] / most
            floor -= high
            blocks.append(
                Block(
                    word,
                    round(slot * wide, 2),
                    round(floor, 2),
                    round(min(wide * 0.8, _WIDEST), 2),
                    round(high, 2),
                )
            )
    return blocks


def step_word(step_us: int) -> str:
    """What a step of time is called.

    >>> step_word(HOUR_US)
    'hour'
    """
    return "hour" if step_us == HOUR_US else "day"


@dataclass(frozen=True, slots=True)
class Spark:
    """Bars beside a row, 100 wide and 24 high. *bars* are (x, y, width, height); *most* is the highest count."""

    bars: tuple[tuple[float, float, float, float], ...]
    most: int


def spark(steps: Sequence[tuple[int, int]], span: tuple[int, int], step_us: int) -> Spark:
    """Draw (time, count) pairs of one row between the two ends of *span*."""
    first = span[0] // step_us
    slots = max((span[1] - 1) // step_us - first + 1, 12)
    most = max((count for _, count in steps), default=0)
    wide = 100 / slots
    bars = []
    for at, count in steps:
        # A bar that is there can be seen.
        high = max(24 * count / most, 1)
        bars.append(
            (
                round((at // step_us - first) * wide, 2),
                round(24 - high, 2),
                round(wide * 0.8, 2),
                round(high, 2),
            )
        )
    return Spark(tuple(bars), most)


def share(part: int, whole: int) -> str:
    """*part* of *whole* in percent, or a dash where there is nothing to divide.

    >>> share(1, 3), share(0, 0), share(1, 5000)
    ('33 %', '—', '<1 %')
    """
    if not whole:
        return "—"
    percent = 100 * part / whole
    return "<1 %" if 0 < percent < 1 else f"{percent:.0f} %"


def banner(status: Mapping[str, str]) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """The assembly's status as (site, mode, what the mode means) lines and the journal's trouble, or ""."""
    apart = {JOURNAL, BOOKS}
    lines = tuple(
        (site, mode, MODES.get(mode, "")) for site, mode in sorted(status.items()) if site not in apart
    )
    return lines, status.get(JOURNAL, "")
