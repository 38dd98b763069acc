"""The secret bargaining positions of a policy file, read and checked apart from everything that is published."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.money import MICROS
from gateway.policy.tables import Tables


@dataclass(frozen=True, slots=True)
class Position:
    """How far a creator would go for one offer, in millionths of each part of its price.

    Secret: it is in no policy, no digest and nothing published.
    """

    ask_micros: int = MICROS
    target_micros: int = MICROS
    floor_micros: int = MICROS
    exclusive_premium_micros: int = MICROS


def position_of(tables: Tables, name: str) -> Position:
    """The bargaining position of offer *name*; what is left out is one times the price."""
    offer = tables.offers[name]
    written = offer.position if offer else None
    if written is None:
        return Position()
    ask = written.ask
    target = written.target if written.target is not None else ask
    floor = written.floor if written.floor is not None else target
    premium = written.exclusive_premium if written.exclusive_premium is not None else MICROS
    key = f"offers.{name}.position"
    if ask != MICROS:
        tables.wrong(f"{key}.ask", 'the price you publish is your ask, so leave it at "1.0"')
    if target > ask:
        tables.wrong(f"{key}.target", "the target cannot be above the ask")
    if floor > target:
        tables.wrong(f"{key}.floor", "the floor cannot be above the target or the ask")
    if premium < MICROS:
        tables.wrong(
            f"{key}.exclusive_premium", 'an exclusive deal cannot cost less than "1.0" times the price'
        )
    return Position(ask, target, floor, premium)
