"""How numbers, times and commands are said."""

from __future__ import annotations

from pathlib import Path

from gateway.spoken import DATA, counted, moment, with_data


def test_a_time_has_its_zone_and_none_is_a_dash():
    assert (moment(1_793_491_200), moment(0)) == ("2026-11-01 00:00:00Z", "-")


def test_one_is_one():
    assert [counted(number, "entry", "entries") for number in (0, 1, 2)] == [
        "0 entries",
        "1 entry",
        "2 entries",
    ]


def test_the_usual_folder_is_not_named():
    assert with_data("licet serve", DATA) == "licet serve"
    assert with_data("licet serve", Path("/a")) == "licet serve --data /a"
