"""``[guide]`` of a policy: the ranges that the price calculator starts from, as pydantic reads them.

A range is two values in square brackets, the lower one first:
``per_file = ["5", "50"]``. Whatever is left out is the shipped one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.licenses.pricing_guide import SHIPPED, Span
from gateway.money import MICROS, Money
from gateway.policy import words
from gateway.policy.words import wrong

_T = TypeVar("_T")
#: A file's usual length may be anything up to a day.
_LONGEST_FILE = 1440


def _two(read: Callable[[object], _T], example: str) -> Callable[[object], tuple[_T, _T]]:
    def check(value: object) -> tuple[_T, _T]:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise wrong(f"write the lower and the upper end in square brackets, such as {example}")
        try:
            return read(value[0]), read(value[1])
        except PydanticCustomError as error:
            sentence = (error.context or {}).get("sentence", "")
            raise wrong(f"{sentence}; a range is written as {example}") from None

    return check


def _multiple_of_one(value: object) -> int:
    found = words.multiple(value)
    if found < MICROS:
        raise wrong('an exclusive license cannot cost less: write a multiple of at least "1.0" in quotes')
    return found


def _range_schema() -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2})


def _minutes(value: object) -> int:
    if type(value) is not int or not 1 <= value <= _LONGEST_FILE:
        raise wrong(f"write a whole number of minutes without quotes, from 1 to {_LONGEST_FILE}")
    return value


def _shown(span: Span) -> tuple[str, str]:
    return Money(span.low, "USD").amount, Money(span.high, "USD").amount


Shares = Annotated[tuple[int, int], BeforeValidator(_two(words.share, '["0.5 %", "2 %"]')), _range_schema()]
Amounts = Annotated[
    tuple[str, str], BeforeValidator(_two(words.amount, '["0.0001", "0.01"]')), _range_schema()
]
Multiples = Annotated[
    tuple[int, int], BeforeValidator(_two(words.multiple, '["0.5", "3.0"]')), _range_schema()
]
Premium = Annotated[int, BeforeValidator(_multiple_of_one), WithJsonSchema({"type": "string"})]
Minutes = Annotated[
    int,
    BeforeValidator(_minutes),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": _LONGEST_FILE}),
]


class GuideTable(BaseModel):
    """``[guide]``: what the price calculator starts from. Never published, never in a digest."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    engagement: Shares = Field(
        default=(SHIPPED.engagement.low, SHIPPED.engagement.high),
        description="share of the revenue that the works' views make, from and to",
    )
    per_file: Amounts = Field(
        default=_shown(SHIPPED.per_file), description="amount for one file of usual length, from and to"
    )
    revenue_share: Shares = Field(
        default=(SHIPPED.revenue_share.low, SHIPPED.revenue_share.high),
        description="share of a product's net revenue, from and to",
    )
    per_inference: Amounts = Field(
        default=_shown(SHIPPED.per_inference),
        description="amount for one answer that used the work, from and to",
    )
    file_minutes: Minutes = Field(default=SHIPPED.file_minutes, description="how long a usual file is")
    length: Multiples = Field(
        default=(SHIPPED.length.low, SHIPPED.length.high),
        description="what a shorter file costs at least and a longer one at most, times per_file",
    )
    exclusive: Premium = Field(
        default=SHIPPED.exclusive, description="what an exclusive license costs, times the fee or share"
    )
    upfront: words.ShareMicros = Field(
        default=SHIPPED.upfront, description="how much of the larger fee is asked for at signing"
    )
    inference: words.ShareMicros = Field(
        default=SHIPPED.inference, description="how much of the price per inference the hybrid asks for"
    )
    index: words.ShareMicros = Field(
        default=SHIPPED.index, description="what indexing costs, as a part of training"
    )
    target: words.ShareMicros = Field(
        default=SHIPPED.target, description="where the target lies between floor (0 %) and ask (100 %)"
    )
