"""What is to be said of one place, and the offers that say it: a part of `consent_text`. Pure.

Each price has an offer of its own, on the place alone; where several uses of a
place have one, another sells them all at the sum, for crawlers that do several
things at once. What is free there comes with each of them. An offer that the
grid wrote before is changed and not made anew, so that what was added to it by
hand stays.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.money import Money
from gateway.policy.consent_grid import Cell, Consent, Grid, Place, own_offer
from gateway.policy.rules import Policy
from gateway.terms.license_terms import PAGE
from gateway.uses import Use, tier_of

_OPEN: Final[Mapping[Consent, int]] = {Consent.NO: 0, Consent.ASK: 1, Consent.PAID: 2, Consent.FREE: 3}
#: What whoever trains a model has to hand in, as the shipped stances say.
_DUTIES: Final = {"report": "quarterly", "model_card_days": 30, "remediation_plan_days": 30}
_LONGEST_NAME: Final = 60


@dataclass(slots=True)
class Said:
    """What is to be said of one place."""

    place: Place
    free: set[Use] = field(default_factory=set)
    priced: dict[Use, Cell] = field(default_factory=dict)
    kept: dict[Use, tuple[str, ...]] = field(default_factory=dict)
    refused: set[Use] = field(default_factory=set)
    unset: set[Use] = field(default_factory=set)
    left: set[Use] = field(default_factory=set)

    def openness(self, use: Use) -> int | None:
        """How open *use* is, or None where nothing is said of it."""
        if use in self.free:
            return _OPEN[Consent.FREE]
        if use in self.priced:
            return _OPEN[self.priced[use].consent]
        if use in self.kept:
            return _OPEN[Consent.PAID]
        return _OPEN[Consent.NO] if use in self.refused else None

    def put(self, use: Use, cell: Cell) -> None:
        """Say *cell* of *use*."""
        if cell.consent is Consent.FREE:
            self.free.add(use)
        elif cell.consent is Consent.NO:
            self.refused.add(use)
        else:
            self.priced[use] = cell


class Offers:
    """The offers of a file, and what becomes of them."""

    def __init__(self, policy: Policy, raw: Mapping[str, Any], stance: Mapping[str, Any], grid: Grid) -> None:
        self._policy, self._grid = policy, grid
        self._taken = {*raw.get("offers", {}), *stance.get("offers", {})}
        self.tables: dict[str, Any] = copy.deepcopy(dict(raw.get("offers", {})))
        self.fresh: dict[str, dict[str, Any]] = {}
        self.changed: dict[str, dict[str, Any]] = {}
        self.gone: list[str] = []
        self._mine: set[str] = set()

    def of_place(self, said: Said) -> tuple[str, ...]:
        """Have an offer for each price of *said*; the names of all on which it is sold."""
        place = said.place
        stem = place.work if place.rendition == PAGE else f"{place.work}-{place.rendition}"
        found = {use: self._grid.cells[place, use] for use in Use}
        self._mine |= {name for each in found.values() if each.ours for name in each.offers}
        names = []
        for use, cell in said.priced.items():
            had = found[use].offers if found[use].ours else ()
            table = _table(place, {use, *said.free}, {cell.unit: cell.amount}, cell.consent is Consent.ASK)
            names.append(self._put(had[0] if had else "", f"{stem}-{use}", table))
        paid = {use: cell for use, cell in said.priced.items() if cell.consent is Consent.PAID}
        together = self._together(place, stem)
        if together:
            self._mine.add(together)
        if len(paid) > 1:
            sums = _sums(paid.values(), self._policy.site.currency)
            names.append(
                self._put(together, f"{stem}-together", _table(place, {*paid, *said.free}, sums, False))
            )
        kept = (name for each in said.kept.values() for name in each)
        return tuple(dict.fromkeys((*names, *kept)))

    def drop_unused(self, rules: Iterable[Mapping[str, Any]]) -> None:
        """Let go of the grid's own offers that no rule names any more."""
        named: set[str] = set()
        for each in rules:
            then = each.get("then")
            if isinstance(then, Mapping):
                listed = then.get("license", ())
                named.update([listed] if isinstance(listed, str) else listed)
        self.gone = sorted(name for name in self._mine - named if name in self.tables)
        for name in self.gone:
            del self.tables[name]
            self.changed.pop(name, None)

    def _together(self, place: Place, stem: str) -> str:
        pattern = re.compile(re.escape(stem[: _LONGEST_NAME - 12]) + r".*together(-[0-9]+)?")
        return next(
            (
                offer.id
                for offer in self._policy.offers
                if own_offer(offer, place) and offer.id in self.tables and pattern.fullmatch(offer.id)
            ),
            "",
        )

    def _put(self, name: str, wished: str, table: dict[str, Any]) -> str:
        if name in self.tables:
            changes = {key: table.get(key) for key in ("uses", "price", "by_person")}
            now = self.tables[name]
            self.changed[name] = {key: value for key, value in changes.items() if now.get(key) != value}
            for key, value in self.changed[name].items():
                if value is None:
                    now.pop(key, None)
                else:
                    now[key] = value
            return name
        made, nth = wished[:_LONGEST_NAME], 1
        while made in self._taken:
            nth += 1
            made = f"{wished[: _LONGEST_NAME - 4]}-{nth}"
        self._taken.add(made)
        self.tables[made] = self.fresh[made] = table
        return made


def _table(place: Place, uses: Iterable[Use], price: Mapping[str, str], by_person: bool) -> dict[str, Any]:
    chosen = frozenset(uses)
    table: dict[str, Any] = {
        "uses": [str(use) for use in Use if use in chosen],
        "works": [place.work],
        **({"renditions": [place.rendition]} if place.rendition != PAGE else {}),
        "price": dict(price),
        **({"by_person": True} if by_person else {}),
    }
    return {**table, "duties": dict(_DUTIES)} if tier_of(chosen) == 1 else table


def _sums(cells: Iterable[Cell], currency: str) -> dict[str, str]:
    total: dict[str, Money] = {}
    for cell in cells:
        total[cell.unit] = total.get(cell.unit, Money(0, currency)) + Money.parse(cell.amount, currency)
    return {unit: money.amount for unit, money in total.items()}
