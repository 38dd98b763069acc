"""An autonomous system is a weight."""

from __future__ import annotations

import pytest

from gateway.visitors.autonomous_systems import asn_finding
from gateway.visitors.catalog import Recipe

META = Recipe(asn=(32934, 63293))


@pytest.mark.parametrize(
    ("asn", "recipe", "reasons"),
    [
        (32934, META, ("asn_match",)),
        (63293, META, ("asn_match",)),
        (16509, META, ("asn_mismatch",)),
        (None, META, ()),
        (0, META, ()),
        (32934, Recipe(), ()),
    ],
)
def test_what_a_system_says(asn: int | None, recipe: Recipe, reasons: tuple[str, ...]) -> None:
    assert asn_finding(asn, recipe) == reasons
