"""What could be asked for? Four ways to put a price on a license and their sum, with ranges a creator may change.

Starting points of a negotiation guide, not market data: nobody measured them, and
nothing here decides a price. The shipped ranges were written for USD; in another
currency the same numbers are taken. Every amount is a `Money`, so that 0.0001 per
inference is exact and rounding happens in `Money.times` alone. Pure.

================== =========================================================
framework          how (per period; a year, unless the figures are of another)
================== =========================================================
engagement         revenue x views of these works / all views x share
per file           files x amount x length x premium
revenue share      net revenue of the products x share
per inference      inferences x amount, by model and product
hybrid             part of the larger of the first two, part of the fourth
================== =========================================================

The premium of an exclusive license multiplies the first three. No share is ever
above the whole. More of any figure never makes a price smaller, except that of
`Expected.all_views`: the more is seen besides, the smaller is these works' part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.money import MICROS, Money

LABEL: Final = "Starting points of a negotiation guide, not market data."
#: Above this a figure is a mistake.
LARGEST_COUNT: Final = 10**12
_QUARTERS: Final = 4
#: Which quarters of the range an inference lies in: first and last step, added up.
_PRODUCTS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"": (0, 2), "free": (0, 0), "paid": (1, 1), "premium": (2, 2)}
)
_MODELS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"": (0, 1), "closed": (0, 0), "open": (1, 1)}
)
PRODUCTS: Final = tuple(filter(None, _PRODUCTS))
MODELS: Final = tuple(filter(None, _MODELS))


class Framework(StrEnum):
    """One way to work out a price."""

    ENGAGEMENT = "engagement"
    PER_FILE = "per-file"
    REVENUE_SHARE = "revenue-share"
    PER_INFERENCE = "per-inference"
    HYBRID = "hybrid"

    @property
    def label(self) -> str:
        """What people call it."""
        return _TITLES[self]

    @property
    def formula(self) -> str:
        """How it is worked out, in words."""
        return _FORMULAS[self]


_TITLES: Final[Mapping[Framework, str]] = MappingProxyType(
    {
        Framework.ENGAGEMENT: "Engagement multiplier",
        Framework.PER_FILE: "Per file",
        Framework.REVENUE_SHARE: "Revenue share",
        Framework.PER_INFERENCE: "Per inference",
        Framework.HYBRID: "Hybrid",
    }
)
_FORMULAS: Final[Mapping[Framework, str]] = MappingProxyType(
    {
        Framework.ENGAGEMENT: "advertising or commerce revenue \u00d7 views of these works ÷ all views \u00d7 share",
        Framework.PER_FILE: "files \u00d7 amount per file \u00d7 length",
        Framework.REVENUE_SHARE: "net revenue of products that rely on the works \u00d7 share",
        Framework.PER_INFERENCE: "inferences \u00d7 amount per inference, by model and product",
        Framework.HYBRID: "part of the larger of the first two at signing + part of the price per inference + audit rights",
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """From *low* to *high*, both included, in the unit of whoever holds it."""

    low: int
    high: int

    def at(self, nth: int, of: int) -> tuple[int, int]:
        """The place *nth* of *of* steps from low to high, as numerator and denominator: exact at both ends."""
        return self.low * (of - nth) + self.high * nth, of


@dataclass(frozen=True, slots=True)
class Guide:
    """The ranges of one site.

    Shares and multiples are in millionths, amounts in micro-units of the site's
    currency.

    Attributes:
        engagement: share of the revenue that the works' views make.
        per_file: for one file of usual length.
        revenue_share: share of the net revenue of products that rely on the works.
        per_inference: for one answer that used them.
        file_minutes: how long a file of usual length is.
        length: what a shorter or a longer file costs at least and at most, times `per_file`.
        exclusive: what an exclusive license costs, times the fee or the share.
        upfront: how much of the larger fee the hybrid asks for at signing.
        inference: how much of the price per inference the hybrid asks for.
        index: what tier 2 costs, as a part of tier 1.
        target: where between floor (0) and ask (all) the target lies.
    """

    engagement: Span = Span(5_000, 20_000)
    per_file: Span = Span(5 * MICROS, 50 * MICROS)
    revenue_share: Span = Span(10_000, 100_000)
    per_inference: Span = Span(100, 10_000)
    file_minutes: int = 10
    length: Span = Span(500_000, 3_000_000)
    exclusive: int = 2_000_000
    upfront: int = 500_000
    inference: int = 500_000
    index: int = 500_000
    target: int = 500_000


SHIPPED: Final = Guide()


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known or expected of a deal; None is "not known", which is never guessed.

    Attributes:
        currency: of every amount.
        views: average views of the licensed works in a period.
        all_views: views of everything that makes *revenue*; None where that is these works alone.
        revenue: what advertising or commerce makes in a period.
        files: files, such as videos, that are licensed.
        minutes: how long one of them is on average; None for the usual length.
        inferences: answers in a period that use the works.
        net_revenue: of the products that rely on them, in a period.
        exclusive: whether nobody else may have it.
        model: ``closed``, ``open`` (weights are released), or "" where unknown.
        product: ``free``, ``paid``, ``premium``, or "" where unknown.
    """

    currency: str
    views: int | None = None
    all_views: int | None = None
    revenue: Money | None = None
    files: int | None = None
    minutes: int | None = None
    inferences: int | None = None
    net_revenue: Money | None = None
    exclusive: bool = False
    model: str = ""
    product: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no figure: the callers have checked what people typed."""
        Money(0, self.currency)
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Money):
                assert value.micros >= 0, f"{each.name} is an amount of {self.currency}"
                assert value.currency == self.currency, f"{each.name} is an amount of {self.currency}"
            elif isinstance(value, int):
                assert 0 <= value <= LARGEST_COUNT, f"{each.name} is a count"
        assert self.model in _MODELS, f"{self.model} is no kind of model"
        assert self.product in _PRODUCTS, f"{self.product} is no kind of product"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one framework comes to. *low* and *high* are None where figures are *missing*.

    *worked* is the formula with its numbers; *unit* the range it starts from.
    """

    framework: Framework
    unit: str
    worked: str = ""
    low: Money | None = None
    high: Money | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a suggested price, as `Compensation` names it; amounts, or shares in millionths.

    *exclusive* is the opening where nobody else may have it. All are None where
    figures are missing.
    """

    name: str
    words: str
    ask: Money | int | None
    target: Money | int | None
    floor: Money | int | None
    exclusive: Money | int | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What could be asked for one tier of use. Its floors are the creator's alone."""

    tier: int
    what: str
    parts: tuple[Part, ...]
    missing: tuple[str, ...] = ()


def estimates(guide: Guide, expected: Expected) -> tuple[Estimate, ...]:
    """What every framework comes to, in the order of `Framework`."""
    four = (
        _engagement(guide, expected),
        _per_file(guide, expected),
        _revenue_share(guide, expected),
        _per_inference(guide, expected),
    )
    return (*four, _hybrid(guide, expected, four[0], four[1], four[3]))


def suggestions(guide: Guide, expected: Expected) -> tuple[Suggestion, ...]:
    """An ask, a target and a floor for each tier: the two ends of its range, and what lies between.

    Tier 1 asks for part of the larger fee at signing and a share, tier 2 for a
    part of tier 1's fee in each period, tier 3 for every inference.
    """
    plain, alone = replace(expected, exclusive=False), replace(expected, exclusive=True)
    one, only = _fee(guide, plain), _fee(guide, alone)
    missing = () if one else ("revenue, or files",)
    lowest, highest = _inference_span(guide, expected)
    share = guide.revenue_share
    signing = _part(guide, "upfront", "at signing", one, only, guide.upfront)
    revenue = Part(
        "revenue_share",
        "share of net revenue",
        share.high,
        share.low + (share.high - share.low) * guide.target // MICROS,
        share.low,
        min(share.high * guide.exclusive // MICROS, MICROS),
    )
    period = _part(guide, "subscription", "for each period", one, only, guide.upfront, guide.index)
    answer = _part(guide, "per_inference", "for each inference", (lowest, highest), None, MICROS)
    return (
        Suggestion(1, "training and fine-tuning", (signing, revenue), missing),
        Suggestion(2, "indexing and embeddings", (period,), missing),
        Suggestion(3, "answers", (answer,)),
    )


def percent(share: int) -> str:
    """A share in millionths as people read it.

    >>> percent(5_000), percent(20_000), percent(1_234)
    ('0.5 %', '2 %', '0.1234 %')
    """
    whole, rest = divmod(share, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".") + " %"


def multiple(millionths: int) -> str:
    """A multiple in millionths as people read it: ``1.5``."""
    whole, rest = divmod(millionths, MICROS)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


def _premium(guide: Guide, expected: Expected) -> int:
    return guide.exclusive if expected.exclusive else MICROS


def _exclusively(guide: Guide, expected: Expected) -> str:
    return f" \u00d7 {multiple(guide.exclusive)} for an exclusive license" if expected.exclusive else ""


def _whole(share: int, premium: int) -> int:
    """A share times a premium, in millionths of millionths, and never more than the whole."""
    return min(share * premium, MICROS * MICROS)


def _engagement(guide: Guide, expected: Expected) -> Estimate:
    unit = f"{percent(guide.engagement.low)} to {percent(guide.engagement.high)} of the revenue"
    if expected.revenue is None:
        return Estimate(Framework.ENGAGEMENT, unit, missing=("revenue",))
    if expected.all_views is not None and expected.views is None:
        return Estimate(Framework.ENGAGEMENT, unit, missing=("views",))
    seen, of, part = 1, 1, ""
    if expected.all_views is not None and expected.views is not None:
        of = max(expected.all_views, expected.views, 1)
        seen = expected.views
        part = f" \u00d7 {seen:,} of {of:,} views"
    premium = _premium(guide, expected)
    low, high = (
        expected.revenue.times(seen * _whole(share, premium), of * MICROS * MICROS)
        for share in (guide.engagement.low, guide.engagement.high)
    )
    return Estimate(
        Framework.ENGAGEMENT,
        unit,
        f"{expected.revenue}{part} \u00d7 {percent(guide.engagement.low)} to {percent(guide.engagement.high)}"
        f"{_exclusively(guide, expected)}",
        low,
        high,
    )


def _per_file(guide: Guide, expected: Expected) -> Estimate:
    least, most = (Money(each, expected.currency) for each in (guide.per_file.low, guide.per_file.high))
    unit = f"{least.amount} to {most} a file of {guide.file_minutes} minutes"
    if expected.files is None:
        return Estimate(Framework.PER_FILE, unit, missing=("files",))
    numerator, denominator = _length(guide, expected.minutes)
    premium = _premium(guide, expected)
    low, high = (
        each.times(expected.files * numerator * premium, denominator * MICROS) for each in (least, most)
    )
    length = (
        "" if expected.minutes is None else f" \u00d7 {_shown_length(guide, expected.minutes)} for the length"
    )
    worked = (
        f"{expected.files:,} files \u00d7 {least.amount} to {most}{length}{_exclusively(guide, expected)}"
    )
    return Estimate(Framework.PER_FILE, unit, worked, low, high)


def _length(guide: Guide, minutes: int | None) -> tuple[int, int]:
    """What the length of a file does to its price, as numerator and denominator."""
    if minutes is None:
        return 1, 1
    if minutes * MICROS <= guide.length.low * guide.file_minutes:
        return guide.length.low, MICROS
    if minutes * MICROS >= guide.length.high * guide.file_minutes:
        return guide.length.high, MICROS
    return minutes, guide.file_minutes


def _shown_length(guide: Guide, minutes: int) -> str:
    numerator, denominator = _length(guide, minutes)
    return multiple(numerator) if denominator == MICROS else f"{numerator}/{denominator}"


def _revenue_share(guide: Guide, expected: Expected) -> Estimate:
    share = guide.revenue_share
    unit = f"{percent(share.low)} to {percent(share.high)} of net revenue"
    if expected.net_revenue is None:
        return Estimate(Framework.REVENUE_SHARE, unit, missing=("net revenue",))
    premium = _premium(guide, expected)
    low, high = (
        expected.net_revenue.times(_whole(each, premium), MICROS * MICROS) for each in (share.low, share.high)
    )
    worked = f"{expected.net_revenue} \u00d7 {percent(share.low)} to {percent(share.high)}"
    return Estimate(Framework.REVENUE_SHARE, unit, f"{worked}{_exclusively(guide, expected)}", low, high)


def _steps(expected: Expected) -> tuple[int, int]:
    """Which part of the range per inference is meant, from and to, in quarters of it."""
    product, model = _PRODUCTS[expected.product], _MODELS[expected.model]
    return product[0] + model[0], product[1] + model[1] + 1


def _inference_span(guide: Guide, expected: Expected, times: int = 1) -> tuple[Money, Money]:
    ends = (guide.per_inference.at(nth, _QUARTERS) for nth in _steps(expected))
    low, high = (Money(micros, expected.currency).times(times, of) for micros, of in ends)
    return low, high


def _per_inference(guide: Guide, expected: Expected) -> Estimate:
    least, most = _inference_span(guide, expected)
    unit = f"{least.amount} to {most} an inference"
    if expected.inferences is None:
        return Estimate(Framework.PER_INFERENCE, unit, missing=("inferences",))
    low, high = _inference_span(guide, expected, expected.inferences)
    worked = f"{expected.inferences:,} inferences \u00d7 {least.amount} to {most}"
    return Estimate(Framework.PER_INFERENCE, unit, worked, low, high)


def _larger(*found: Estimate) -> tuple[Money, Money] | None:
    """The larger of the fees that could be worked out, end by end; None where none could be."""
    lows = [each.low for each in found if each.low is not None]
    highs = [each.high for each in found if each.high is not None]
    if not lows:
        return None
    return max(lows, key=lambda each: each.micros), max(highs, key=lambda each: each.micros)


def _fee(guide: Guide, expected: Expected) -> tuple[Money, Money] | None:
    return _larger(_engagement(guide, expected), _per_file(guide, expected))


def _hybrid(
    guide: Guide, expected: Expected, engagement: Estimate, per_file: Estimate, inference: Estimate
) -> Estimate:
    unit = f"{percent(guide.upfront)} of the larger fee and {percent(guide.inference)} of the price per inference"
    fee = _larger(engagement, per_file)
    if fee is None or inference.low is None or inference.high is None:
        missing = () if fee else ("revenue, or files",)
        return Estimate(Framework.HYBRID, unit, missing=(*missing, *inference.missing))
    ends = [
        (signed.times(guide.upfront, MICROS), used.times(guide.inference, MICROS))
        for signed, used in zip(fee, (inference.low, inference.high), strict=True)
    ]
    worked = " to ".join(f"({signed.amount} + {used.amount})" for signed, used in ends)
    low, high = (signed + used for signed, used in ends)
    return Estimate(Framework.HYBRID, unit, f"{worked} {expected.currency}", low, high)


def _part(
    guide: Guide,
    name: str,
    words: str,
    span: tuple[Money, Money] | None,
    alone: tuple[Money, Money] | None,
    *of: int,
) -> Part:
    if span is None:
        return Part(name, words, None, None, None, None)
    numerator, denominator = 1, 1
    for each in of:
        numerator, denominator = numerator * each, denominator * MICROS
    floor, ask = (each.times(numerator, denominator) for each in span)
    target = floor + (ask - floor).times(guide.target, MICROS)
    exclusive = alone[1].times(numerator, denominator) if alone else None
    return Part(name, words, ask, target, floor, exclusive)
