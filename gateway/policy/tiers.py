"""The steps of a price, by fetches and by age: what a creator wrote, checked to begin later and cost less, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gateway.money import Money
from gateway.policy.schema import AgeTable, TierTable, shown
from gateway.terms.ages import AgeStep
from gateway.terms.license_terms import Tier


class Steps:
    """Reads the steps of one price."""

    def __init__(
        self,
        per_fetch: Money | None,
        *,
        read: Callable[[str, str], Money | None],
        wrong: Callable[[str, str, str], None],
    ) -> None:
        """Start from *per_fetch*, the price before all steps.

        *read* makes an amount of what stands at a place such as
        ``tiers[0].per_fetch``, or has told why it cannot; *wrong* is told what
        cannot stand there.
        """
        self._first, self._read, self._wrong = per_fetch, read, wrong

    def tiers(self, written: Sequence[TierTable]) -> tuple[Tier, ...] | None:
        """The tiers in the order *written*, or None once the first was told that cannot stand."""
        found = self._steps(
            "tiers", "from_fetches", ((each.from_fetches, each.per_fetch) for each in written)
        )
        return None if found is None else tuple(Tier(start, money) for start, money in found)

    def by_age(self, written: Sequence[AgeTable]) -> tuple[AgeStep, ...] | None:
        """The steps by age, as `tiers`."""
        found = self._steps("by_age", "from_days", ((each.from_days, each.per_fetch) for each in written))
        return None if found is None else tuple(AgeStep(start, money) for start, money in found)

    def _steps(
        self, name: str, begins: str, written: Iterable[tuple[int, str]]
    ) -> list[tuple[int, Money]] | None:
        steps: list[tuple[int, Money]] = []
        last, micros = 0, self._first.micros if self._first else 0
        for at, (start, text) in enumerate(written):
            money = self._read(f"{name}[{at}].per_fetch", text)
            if money is None:
                return None
            if start <= last:
                self._wrong(f"{name}[{at}].{begins}", f"must be more than {last}", str(start))
                return None
            if money.micros >= micros:
                before = "the per_fetch before it" if micros else "a per_fetch above zero, which is missing"
                self._wrong(f"{name}[{at}].per_fetch", f"must be less than {before}", shown(text))
                return None
            steps.append((start, money))
            last, micros = start, money.micros
        return steps
