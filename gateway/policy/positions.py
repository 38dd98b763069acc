"""The secret bargaining positions of a policy file, read and checked apart from everything that is published."""

from __future__ import annotations

from gateway.licenses.position import USUAL_FACTS, Concession, Position, usual
from gateway.money import MICROS, Money
from gateway.policy.position_table import Given, PositionTable
from gateway.policy.schema import OfferTable, shown
from gateway.policy.tables import Tables
from gateway.uses import tier_of


def position_of(tables: Tables, name: str) -> Position:
    """The bargaining position of offer *name*; what is left out is one times the price, and what its tier asks."""
    offer = tables.offers[name]
    tier = _tier(offer)
    written = offer.position if offer else None
    if written is None:
        return usual(tier)
    key = f"offers.{name}.position"
    target = written.target if written.target is not None else written.ask
    floor = written.floor if written.floor is not None else target
    premium = written.exclusive_premium or 0
    _check(tables, key, written, target, floor, premium)
    return Position(
        ask_micros=written.ask,
        target_micros=target,
        floor_micros=floor,
        exclusive_premium_micros=premium,
        concessions=tuple(_concession(tables, key, each) for each in written.concessions),
        facts=USUAL_FACTS[tier] if written.facts is None else written.facts,
        rounds=written.rounds,
        patience_hours=written.patience_hours,
        person_above=_money(tables, f"{key}.person_above", written.person_above),
        person_for=frozenset(written.person_for),
        counterparties=frozenset(written.counterparties),
        severities=written.severities,
        walk_away=written.walk_away,
    )


def _tier(offer: OfferTable | None) -> int:
    return tier_of(frozenset(offer.uses)) if offer and offer.uses else 3


def _check(tables: Tables, key: str, written: PositionTable, target: int, floor: int, premium: int) -> None:
    if written.ask != MICROS:
        tables.wrong(f"{key}.ask", 'the price you publish is your ask, so leave it at "1.0"')
    if target > written.ask:
        tables.wrong(f"{key}.target", "the target cannot be above the ask")
    if floor > target:
        tables.wrong(f"{key}.floor", "the floor cannot be above the target or the ask")
    if 0 < premium < MICROS:
        tables.wrong(
            f"{key}.exclusive_premium", 'an exclusive deal cannot cost less than "1.0" times the price'
        )


def _concession(tables: Tables, key: str, given: Given) -> Concession:
    value = given.value
    if given.name == "cap":
        value = _money(tables, f"{key}.concessions", str(value))
    return Concession(given.lever, given.name, value)


def _money(tables: Tables, key: str, text: str | None) -> Money | None:
    if text is None or tables.site is None:
        return None
    amount, _, currency = text.partition(" ")
    if currency and currency != tables.site.currency:
        tables.wrong(
            key, f"every amount of this site is in {tables.site.currency} ([site] currency)", shown(text)
        )
    return Money.parse(amount, tables.site.currency)
