"""Whole coins of a currency, by `currencies`. Pure.

Amounts are micro-units everywhere; only where a document or a bank wants whole
coins does this say what they are. A currency that is not in the list is unknown,
and nothing is billed or paid out in it.
"""

from __future__ import annotations

from gateway.currencies import DECIMALS
from gateway.money import LARGEST_MICROS, MICROS, Money


class CurrencyError(ValueError):
    """The currency is unknown, or the amount is no whole number of its coins, or too large; the sentence says which."""


def decimals(currency: str) -> int:
    """How many decimals its coins have; raises `CurrencyError` for a currency that is none.

    >>> decimals("JPY"), decimals("EUR"), decimals("KWD"), decimals("CLF")
    (0, 2, 3, 4)
    """
    found = DECIMALS.get(currency)
    if found is None:
        raise CurrencyError(f"{currency!r} is no currency of ISO 4217")
    return found


def coin(currency: str) -> int:
    """One of its smallest coins in micro-units."""
    return MICROS // int(10 ** decimals(currency))


def whole(amount: Money) -> Money:
    """*amount* rounded to whole coins, half away from zero.

    >>> str(whole(Money(1_005_000, "USD"))), str(whole(Money(1_499_999, "JPY")))
    ('1.01 USD', '1 JPY')
    """
    unit = coin(amount.currency)
    return Money(amount.times(1, unit).micros * unit, amount.currency)


def shown(amount: Money) -> str:
    """*amount* and its currency for people, exact: at least the decimals of the currency, so that a column lines up.

    >>> shown(Money(25_000_000, "USD")), shown(Money(19_000, "USD")), shown(Money(5_000_000, "JPY"))
    ('25.00 USD', '0.019 USD', '5 JPY')
    """
    figure, _, rest = amount.amount.partition(".")
    rest = rest.ljust(DECIMALS.get(amount.currency, 0), "0")
    return f"{figure}.{rest} {amount.currency}" if rest else f"{figure} {amount.currency}"


def written(amount: Money) -> str:
    """*amount* with all the decimals of its currency, as banks write it; raises `CurrencyError` where it is not whole.

    >>> written(Money(1_230_000_000, "USD")), written(Money(5_000_000, "JPY"))
    ('1230.00', '5')
    """
    unit, places = coin(amount.currency), decimals(amount.currency)
    if amount.micros % unit:
        raise CurrencyError(f"{amount} is no whole number of the coins of {amount.currency}")
    if abs(amount.micros) > LARGEST_MICROS:
        raise CurrencyError(f"{amount} is larger than any amount this gateway books")
    sign, units = "-" if amount.micros < 0 else "", abs(amount.micros) // unit
    return f"{sign}{units // 10**places}" + (f".{units % 10**places:0{places}}" if places else "")
