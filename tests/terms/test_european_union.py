"""The Union by day: who came, who left, and which parts far away belong to it."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.terms.countries import COUNTRIES
from gateway.terms.european_union import CHECKED, EU, eu_on

OUTERMOST = {"GF", "GP", "MF", "MQ", "RE", "YT"}


def test_the_union_of_today():
    members = EU - OUTERMOST - {"AX"}
    assert len(members) == 27
    assert OUTERMOST < EU
    assert EU <= COUNTRIES
    assert EU.isdisjoint(
        {"GB", "GI", "GL", "FO", "NC", "PF", "BL", "AW", "CW", "GG", "JE", "IM", "SJ", "NO", "CH"}
    )


@pytest.mark.parametrize(
    ("code", "day", "inside"),
    [
        ("GB", date(2020, 1, 31), True),
        ("GB", date(2020, 2, 1), False),
        ("HR", date(2013, 6, 30), False),
        ("HR", date(2013, 7, 1), True),
        ("YT", date(2013, 12, 31), False),
        ("YT", date(2014, 1, 1), True),
        ("BL", date(2011, 12, 31), True),
        ("BL", date(2012, 1, 1), False),
        ("GL", date(1985, 2, 1), False),
        ("DE", date(1957, 12, 31), False),
    ],
)
def test_days_of_change(code, day, inside):
    assert (code in eu_on(day)) is inside


@pytest.mark.parametrize(
    ("year", "members"),
    [(1958, 6), (1973, 9), (1981, 10), (1986, 12), (1995, 15), (2004, 25), (2007, 27), (2013, 28)],
)
def test_how_many_member_states_there_were(year, members):
    states = eu_on(date(year, 12, 31)) - OUTERMOST - {"AX", "BL", "GI", "GL"}
    assert len(states) == members


def test_the_table_is_dated():
    assert eu_on(CHECKED) == EU
