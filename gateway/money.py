"""Whole micro-units of one currency: the only way money is written here.

One micro is a millionth of the major unit (0.000001 USD), for every currency,
so that 0.0001 USD per inference is exact. No float ever enters; `Decimal`
stands at the edges where people read and write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from gateway.currencies import is_currency

MICROS = 1_000_000
#: Above this an amount is a mistake, and 64-bit columns stay safe when added up.
LARGEST_MICROS = 10**15

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?", re.ASCII)


class MoneyError(ValueError):
    """What was written is not an amount of money; the sentence says why."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """*micros* millionths of one unit of *currency* (ISO 4217, upper case).

    May be negative where postings need it; prices and budgets are checked
    where they are read, and so is that there is such a currency (`parse`, `currencies`). Two currencies never mix: adding them raises.
    """

    micros: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is no amount: a float, a bool, a currency that is none."""
        if type(self.micros) is not int:
            raise MoneyError(f"micro-units are whole numbers, not {self.micros!r}")
        if not _CURRENCY.fullmatch(self.currency):
            raise MoneyError(f"a currency is three capital letters (ISO 4217), not {self.currency!r}")

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a decimal amount such as ``0.02`` exactly, or raise `MoneyError`.

        >>> Money.parse("0.0001", "USD").micros
        100
        """
        if not is_currency(currency):
            raise MoneyError(f"{currency!r} is no currency of ISO 4217")
        if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
            raise MoneyError(f"an amount looks like 0.02, with at most six decimals, not {text!r}")
        try:
            micros = int(Decimal(text) * MICROS)
        except InvalidOperation:  # pragma: no cover - the pattern bounds the digits
            raise MoneyError(f"{text!r} is too long for an amount") from None
        if micros > LARGEST_MICROS:
            raise MoneyError(f"{text} is larger than any amount this gateway books")
        return cls(micros, currency)

    @classmethod
    def read(cls, text: str) -> Money:
        """Read amount and currency in either order: ``USD 0.01`` or ``10 USD``."""
        parts = text.split() if isinstance(text, str) else []
        if len(parts) == 2:
            first, second = parts
            if _CURRENCY.fullmatch(first):
                return cls.parse(second, first)
            if _CURRENCY.fullmatch(second):
                return cls.parse(first, second)
        raise MoneyError(f"money is written as 10 USD or USD 10, not {text!r}")

    @property
    def amount(self) -> str:
        """The amount as a plain decimal, without trailing zeros.

        >>> Money(5_000, "USD").amount, Money(2_000_000, "USD").amount
        ('0.005', '2')
        """
        sign = "-" if self.micros < 0 else ""
        whole, rest = divmod(abs(self.micros), MICROS)
        return f"{sign}{whole}.{rest:06d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"

    def __str__(self) -> str:
        """Amount and currency as people read them: ``0.005 USD``."""
        return f"{self.amount} {self.currency}"

    def __add__(self, other: Money) -> Money:
        """Add two amounts of one currency."""
        return Money(self.micros + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """Take *other* away; may go below zero."""
        return Money(self.micros - self._same(other), self.currency)

    def __neg__(self) -> Money:
        """The same amount the other way."""
        return Money(-self.micros, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Less than, in one currency."""
        return self.micros < self._same(other)

    def __le__(self, other: Money) -> bool:
        """At most, in one currency."""
        return self.micros <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        """More than, in one currency."""
        return self.micros > self._same(other)

    def __ge__(self, other: Money) -> bool:
        """At least, in one currency."""
        return self.micros >= self._same(other)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.micros != 0

    def times(self, numerator: int, denominator: int = 1) -> Money:
        """Multiply by a ratio, rounding half away from zero.

        With `divided` the one place where money is rounded. *denominator* is at least 1.

        >>> Money(1, "USD").times(1, 2).micros, Money(-1, "USD").times(1, 2).micros
        (1, -1)
        """
        product = self.micros * numerator
        quotient, rest = divmod(abs(product), denominator)
        rounded = quotient + (2 * rest >= denominator)
        return Money(rounded if product >= 0 else -rounded, self.currency)

    def divided(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Divide into one part for each of *weights*, which add up to exactly this amount.

        Each part is within one micro-unit of its share: what is left over goes to
        the largest remainders, the earlier one of equals first (Hamilton's rule).
        *weights* are not negative and not all zero, or `MoneyError` is raised.

        >>> [part.micros for part in Money(100, "USD").divided((1, 1, 1))]
        [34, 33, 33]
        """
        whole = sum(weights)
        if whole <= 0 or min(weights) < 0:
            raise MoneyError("an amount is divided by weights that are not negative and not all zero")
        sign = -1 if self.micros < 0 else 1
        floors, rests = zip(*(divmod(abs(self.micros) * weight, whole) for weight in weights), strict=True)
        left = abs(self.micros) - sum(floors)
        favored = set(sorted(range(len(weights)), key=lambda at: (-rests[at], at))[:left])
        return tuple(Money(sign * (part + (at in favored)), self.currency) for at, part in enumerate(floors))

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} do not mix")
        return other.micros
