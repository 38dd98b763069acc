"""A price times a multiple, part by part: how bids and counters are made of an ask. Pure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from gateway.money import MICROS, Money
from gateway.terms.ages import lowered
from gateway.terms.license_terms import Compensation, Tier


def scaled(price: Compensation, multiple: int) -> Compensation:
    """*price* with every part times *multiple* millionths; a share in whole basis points, rounded up.

    >>> scaled(Compensation("USD", per_fetch=Money(10_000, "USD")), 550_000).per_fetch
    Money(micros=5500, currency='USD')
    """
    parts: dict[str, Any] = {
        each.name: part.times(multiple, MICROS)
        for each in fields(price)
        if isinstance(part := getattr(price, each.name), Money)
    }
    tiers = tuple(replace(each, per_fetch=each.per_fetch.times(multiple, MICROS)) for each in price.tiers)
    kept: list[Tier] = []
    last = parts.get("per_fetch") or Money(0, price.currency)
    for tier in tiers:  # rounding may have made two steps one
        if tier.per_fetch < last:
            kept.append(tier)
            last = tier.per_fetch
    steps = (replace(each, per_fetch=each.per_fetch.times(multiple, MICROS)) for each in price.by_age)
    by_age = lowered(steps, parts.get("per_fetch") or Money(0, price.currency))
    share = -(-price.revenue_share_bp * multiple // MICROS)
    return replace(price, **parts, revenue_share_bp=share, tiers=tuple(kept), by_age=by_age)
