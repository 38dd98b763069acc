"""The tiers of a price: what a creator wrote, checked to begin later and to cost less, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.money import Money
from gateway.policy.schema import TierTable, shown
from gateway.terms.license_terms import Tier


def tiers_of(
    written: Sequence[TierTable],
    per_fetch: Money | None,
    *,
    read: Callable[[str, str], Money | None],
    wrong: Callable[[str, str, str], None],
) -> tuple[Tier, ...] | None:
    """The tiers in the order *written*, or None once *wrong* was told of the first that cannot stand.

    *per_fetch* is the price before all of them. *read* makes an amount of what
    stands at a place such as ``tiers[0].per_fetch``, or has told why it cannot.
    """
    tiers: list[Tier] = []
    fetches, micros = 0, per_fetch.micros if per_fetch else 0
    for at, table in enumerate(written):
        money = read(f"tiers[{at}].per_fetch", table.per_fetch)
        if money is None:
            return None
        if table.from_fetches <= fetches:
            wrong(f"tiers[{at}].from_fetches", f"must be more than {fetches}", str(table.from_fetches))
            return None
        if money.micros >= micros:
            before = "the per_fetch before it" if micros else "a per_fetch above zero, which is missing"
            wrong(f"tiers[{at}].per_fetch", f"must be less than {before}", shown(table.per_fetch))
            return None
        tiers.append(Tier(table.from_fetches, money))
        fetches, micros = table.from_fetches, money.micros
    return tuple(tiers)
