"""What all licensees together were charged, credited and paid in any period, beside another: the figures of Billing.

Made of the same extracts as a statement, currency by currency; nothing is
converted, and a period need not be a month. What is in no closed month may
still change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.billing.account_book import AccountBook
from gateway.billing.account_statements import account_statement
from gateway.billing.statements import Period, StatementDisagrees
from gateway.dashboard.filters import LogFilter
from gateway.dashboard.periods import Change, money_changes
from gateway.money import Money
from gateway.problems import StoreUnavailable

#: What is added up, by the member of `AccountTotal`, and what it is called.
FIGURES: Final[Mapping[str, str]] = {
    "charged": "Charged to credit",
    "credited": "Credit paid in",
    "due": "Fell due",
    "paid": "Paid of what was due",
    "forgiven": "Credited back",
}
#: Names of the cells of the figures' exports; the last three where a period is compared.
NAMES: Final = ("figure", "amount")
BESIDE: Final = ("before", "difference", "percent")
#: Amounts by the member that they are the sum of.
Sums = Mapping[str, tuple[Money, ...]]


async def figures_of(book: AccountBook, licensees: Sequence[str], filter: LogFilter, now_us: int) -> Sums:
    """Each of `FIGURES` over all *licensees* in the time of *filter*. Raises `StoreUnavailable`."""
    begins, ends = filter.from_us or 0, now_us if filter.to_us is None else filter.to_us
    sums: dict[str, Counter[str]] = {member: Counter() for member in FIGURES}
    for licensee in licensees:
        # The first month that a period can be named after: nothing of it is closed, and nothing late for an earlier one.
        period = Period("1000-01", begins, ends)
        try:
            made = account_statement(licensee, licensee, period, await book.extract(licensee, period))
        except StatementDisagrees as error:
            raise StoreUnavailable(f"{error}; run licet books check") from error
        for total in made.totals:
            for member, sum_ in sums.items():
                amount: Money = getattr(total, member)
                sum_[amount.currency] += amount.micros
    return {
        member: tuple(Money(micros, currency) for currency, micros in sorted(found.items()) if micros)
        for member, found in sums.items()
    }


def changes_of(now: Sums, before: Sums) -> tuple[Change, ...]:
    """Each figure of both periods, by currency; those that neither has are left out."""
    return tuple(
        change
        for member, name in FIGURES.items()
        for change in money_changes(name, now[member], before[member])
    )


def rows_of(now: Sums, before: Sums | None) -> list[dict[str, Any]]:
    """The same as rows of an export."""
    found = changes_of(now, now if before is None else before)
    names = NAMES if before is None else (*NAMES, *BESIDE)
    return [
        dict(zip(names, (one.name, one.now, one.before, one.difference, one.percent), strict=False))
        for one in found
    ]
