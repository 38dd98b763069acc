from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.value_memo import MOST_COMPARABLES, MOST_FIGURES, About, Comparable, Figure, Figures
from gateway.policy.figures import LARGEST_FILE, LONGEST_SOURCE, LONGEST_WHAT, read_figures, write_figures
from gateway.problems import ConfigurationError

GOOD = """
[[figures]]
about = "watch-time"
what = "average time on a film"
value = "6 min 12 s"
source = "our channel's analytics"
date = 2026-10-31
[[comparables]]
what = "200 films for training"
price = "40 USD a film"
source = "https://news.example/deal"
date = "2026-05-01"
"""
ENTRY = '[[figures]]\nabout = "views"\nwhat = "w"\nvalue = "v"\nsource = "s"\ndate = 2026-10-31\n'


def test_a_file_is_read():
    assert read_figures(GOOD, "figures.toml") == Figures(
        (
            Figure(
                About.WATCH_TIME, "average time on a film", "6 min 12 s", "our channel's analytics",
                dt.date(2026, 10, 31),
            ),
        ),
        (
            Comparable(
                "200 films for training", "40 USD a film", "https://news.example/deal", dt.date(2026, 5, 1)
            ),
        ),
    )  # fmt: skip
    assert read_figures("", "figures.toml") == Figures()


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        (ENTRY.replace('source = "s"\n', ""), "figures[0].source", "nothing stands without one"),
        (ENTRY.replace("date = 2026-10-31\n", ""), "figures[0].date", "is missing"),
        (ENTRY.replace('source = "s"', 'source = " "'), "figures[0].source", "cannot be empty"),
        (ENTRY.replace("2026-10-31", '"31 October"'), "figures[0].date", "2026-10-31"),
        (ENTRY.replace("2026-10-31", '"2026-02-30"'), "figures[0].date", "2026-10-31"),
        (ENTRY.replace("2026-10-31", "2026-10-31T12:00:00Z"), "figures[0].date", "2026-10-31"),
        (ENTRY.replace('"views"', '"fame"'), "figures[0].about", "case-study"),
        (ENTRY.replace('"views"', "7"), "figures[0].about", "case-study"),
        (ENTRY.replace('"v"', '"a\\nb"'), "figures[0].value", "one line"),
        (ENTRY.replace('"w"', f'"{"w" * (LONGEST_WHAT + 1)}"'), "figures[0].what", "at most 80"),
        (ENTRY.replace('"v"', "7"), "figures[0].value", "a text in quotes"),
        (ENTRY + 'sauce = "x"\n', "figures[0].sauce", 'did you mean "source"'),
        (ENTRY * (MOST_FIGURES + 1), "figures", "one page"),
        ('[figures]\nabout = "views"\n', "figures", "two brackets"),
        ('[[figure]]\nabout = "views"\n', "figure", '"figures"'),
        ("figures = 7\n", "figures", "two brackets"),
        ("a = \n", "line 1", "TOML"),
        ("[" * 5000, "", ""),
        ("#" * (LARGEST_FILE + 1), "", "64 kB"),
    ],
)
def test_a_mistake_is_named(text, key, says):
    with pytest.raises(ConfigurationError) as caught:
        read_figures(text, "figures.toml")
    if key:
        assert key in [mistake.key for mistake in caught.value.mistakes]
    assert says in " ".join(mistake.expected for mistake in caught.value.mistakes)
    assert all(mistake.file == "figures.toml" for mistake in caught.value.mistakes)


def test_all_mistakes_are_told_at_once():
    text = ENTRY.replace('source = "s"\n', "") + ENTRY.replace('"views"', '"fame"') + "[[comparables]]\n"
    with pytest.raises(ConfigurationError) as caught:
        read_figures(text, "figures.toml")
    assert {mistake.key for mistake in caught.value.mistakes} == {
        "figures[0].source", "figures[1].about", "comparables[0].what", "comparables[0].price",
        "comparables[0].source", "comparables[0].date",
    }  # fmt: skip


lines = (
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=LONGEST_WHAT)
    .map(str.strip)
    .filter(lambda line: bool(line) and line.isprintable())
)
days = st.dates(dt.date(1970, 1, 1))


@given(
    st.builds(
        Figures,
        st.lists(st.builds(Figure, st.sampled_from(About), lines, lines, lines, days), max_size=MOST_FIGURES).map(tuple),
        st.lists(st.builds(Comparable, lines, lines, lines, days), max_size=MOST_COMPARABLES).map(tuple),
    )
)  # fmt: skip
def test_what_is_written_is_read_again(entered):
    assert read_figures(write_figures(entered), "figures.toml") == entered


@given(st.text())
def test_nothing_but_its_own_refusal(text):
    try:
        read_figures(text, "figures.toml")
    except ConfigurationError as error:
        assert error.mistakes


def test_limits_hold_what_they_name():
    assert LONGEST_SOURCE == 80
    assert read_figures(ENTRY.replace('"s"', f'"{"s" * 80}"'), "f").figures[0].source == "s" * 80
