"""Lines of steps and milestones: whatever text is typed is read, or told by its line, and nothing raises."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.licenses.step_lines import Odd, read_milestones, read_share, read_steps, share, step_lines
from gateway.money import Money

LINES = st.lists(st.text("0123456789:. %,abcshown byjournal", max_size=30), max_size=5).map("\n".join)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=80), LINES))
def test_no_text_makes_it_raise(text):
    for read in (read_milestones(text), read_steps(text, "from_days", "USD")):
        assert isinstance(read, list) or read.why
        assert not isinstance(read, Odd) or "\n" not in read.why


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9 - 1), st.integers(0, 10**12)), max_size=20))
def test_steps_are_read_back_exactly(steps):
    text = step_lines([(begins, Money(micros, "USD")) for begins, micros in steps])
    assert read_steps(text, "from_fetches", "USD") == [
        {"from_fetches": begins, "per_fetch": {"micros": micros, "currency": "USD"}}
        for begins, micros in steps
    ]


@settings(deadline=None)
@given(st.integers(0, 99_999))
def test_a_share_is_read_back_exactly(bp):
    assert read_share(f"{share(bp)} %") == read_share(f"{share(bp)}%") == bp


def test_a_share_has_two_decimals_at_most():
    assert [read_share(text) for text in ("1.234 %", "1,5 %", "50", "-1 %", "\uff15 %", "1000 %")] == [
        None
    ] * 6
