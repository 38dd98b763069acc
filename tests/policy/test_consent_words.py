"""The words that an owner reads before saying yes."""

from __future__ import annotations

import pytest

from gateway.policy.consent_grid import UNITS, Cell, Consent, Found, Grid, Place
from gateway.policy.consent_words import USES, WORDS, cells, changes, price_words, row_name, stands
from gateway.uses import Use

ESSAYS, AUDIO = Place("essays"), Place("essays", "audio")
PAID = Found(Cell(Consent.PAID, "0.02"), ours=True)


def grid(place=ESSAYS, **found):
    given = {Use(name.replace("_", "-")): each for name, each in found.items()}
    return Grid((place,), {(place, use): given.get(use, Found()) for use in Use})


def test_every_use_word_and_unit_has_a_name():
    assert set(USES) == set(Use)
    assert set(WORDS) == set(Consent)
    assert all(price_words(Cell(Consent.PAID, "1", unit), "EUR").startswith("1 EUR ") for unit in UNITS)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Found(), "not set, which means no"),
        (Found(Cell(Consent.FREE)), "free"),
        (Found(Cell(Consent.NO)), "no"),
        (PAID, "paid, 0.02 USD for each fetch"),
        (Found(Cell(Consent.ASK, "9", "upfront")), "ask me, 9 USD once, at the start"),
        (Found(mixed=True), "it depends on who asks"),
        (Found(offers=("archive",)), "comes with a wider use"),
        (Found(locked="it is odd"), "by hand: it is odd"),
    ],
)
def test_what_stands_in_a_cell(found, said):
    assert stands(found, "USD") == said


def test_one_sentence_for_each_cell_that_changes_and_none_for_the_others():
    before = grid(ai_train=PAID, search=Found(Cell(Consent.FREE)))
    after = grid(ai_train=Found(Cell(Consent.NO)), search=Found(Cell(Consent.FREE), ours=True), tdm=PAID)
    assert changes(before, after, "USD") == (
        "The pages of essays: a crawler that trains models on them pays 0.02 USD for each fetch now, and then is refused.",
        (
            "The pages of essays: a crawler that counts and compares them (text and data mining) "
            "is refused, because nothing is set now, and then pays 0.02 USD for each fetch."
        ),
    )
    assert changes(after, after, "USD") == ()


def test_a_work_that_is_new_was_not_set_before():
    (said,) = changes(Grid((), {}), grid(AUDIO, search=Found(Cell(Consent.ASK, "1"))), "USD")
    assert said.startswith("The audio of essays")
    assert "has to ask you, from 1 USD for each fetch" in said


def test_a_record_has_a_line_for_each_cell():
    lines = cells(grid(ai_train=PAID), "USD")
    assert len(lines) == len(Use)
    assert "essays/page/ai-train: paid, 0.02 USD for each fetch" in lines
    assert row_name(ESSAYS) == "the pages of essays"
