"""noai where no AI use is free, and found in whatever line it stands."""

from __future__ import annotations

import pytest

from gateway.terms.x_robots_tag import VALUE, closed, read
from gateway.uses import Use


def test_it_is_said_where_no_ai_use_is_free(make):
    assert closed(make.scope("/", free={Use.SEARCH}))
    for use in (Use.AI_INPUT, Use.AI_INDEX, Use.AI_TRAIN):
        assert not closed(make.scope("/", free={use}))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([VALUE], True),
        (["noindex", "nosnippet, NOAI"], True),
        (["GPTBot: noai"], True),
        (["noaix"], False),
        ([], False),
    ],
)
def test_what_a_line_says(values, found):
    assert read(values) is found
