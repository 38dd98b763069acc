"""Whose part of the Internet an address lies in: a weight, never a proof.

One autonomous system carries an operator's crawlers, its customers and a relay
that people use (iCloud Private Relay, WARP); so a match alone verifies nobody,
and a mismatch alone contradicts nobody.
"""

from __future__ import annotations

from gateway.visitors.catalog import Recipe


def asn_finding(asn: int | None, recipe: Recipe) -> tuple[str, ...]:
    """What autonomous system *asn* says of a claim with *recipe*: ``asn_match``, ``asn_mismatch``, or nothing.

    Nothing where the system is not known (None or 0) or the operator names none.

    >>> asn_finding(32934, Recipe(asn=(32934,)))
    ('asn_match',)
    """
    if not asn or not recipe.asn:
        return ()
    return ("asn_match",) if asn in recipe.asn else ("asn_mismatch",)
