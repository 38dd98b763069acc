from __future__ import annotations

import pytest

from gateway.front.limits import Limits


@pytest.mark.parametrize(
    ("limits", "tick"), [(Limits(), 0.5), (Limits(header=0.1), 0.025), (Limits(write_idle=0.001), 0.005)]
)
def test_clocks_are_looked_at_often_enough(limits, tick):
    assert limits.tick == tick
