"""What somebody typed is kept while they sign in elsewhere: once, for them alone, with an end."""

from __future__ import annotations

from gateway.dashboard.carried import KEPT_US, LONGEST, MOST, NOTHING, Carried

FORM = ("/people/add", [("name", "bo"), ("works", "a"), ("works", "b")])


def test_it_is_taken_once_by_whoever_left_it():
    carried = Carried()
    assert carried.keep("browser", FORM, 0)
    assert carried.take("other", 1) == NOTHING
    assert carried.take("", 1) == NOTHING
    assert carried.take("browser", 1) == FORM
    assert carried.take("browser", 1) == NOTHING


def test_it_is_kept_for_as_long_as_a_sign_in_may_take():
    carried = Carried()
    carried.keep("browser", FORM, 0)
    carried.keep("slow", FORM, 0)
    assert carried.take("browser", KEPT_US - 1) == FORM
    assert carried.take("slow", KEPT_US) == NOTHING


def test_there_is_an_end_to_it_and_nobody_loses_what_is_there():
    carried = Carried()
    assert not carried.keep("", FORM, 0)
    assert not carried.keep("long", ("/a", [("a", "x" * LONGEST)]), 0)
    assert all(carried.keep(str(number), FORM, 0) for number in range(MOST))
    assert not carried.keep("late", FORM, 0)
    assert carried.keep("3", ("/b", []), 0), "one that is there may change its mind"
    assert carried.take("0", 1) == FORM
    assert carried.keep("late", FORM, 0)
    assert carried.keep("later", FORM, KEPT_US), "what is over makes room"
