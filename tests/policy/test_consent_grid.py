"""A policy as a grid: what stands in each cell, whoever wrote the file."""

from __future__ import annotations

import pytest

from gateway.policy.consent_grid import Cell, Consent, Place, leading, paths_of, places_of, price_cell
from gateway.policy.consent_text import read_grid
from gateway.policy.reading import read_policy_text
from gateway.uses import Use

HEAD = """
otherwise = "refuse"
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
"""
ESSAYS = """
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
renditions = { audio = ["/essays/*.mp3"] }
"""
REST = """
[[rules]]
then = "serve"
"""
PAGE, AUDIO = Place("essays"), Place("essays", "audio")


def offer(price, more="", uses='["ai-train"]'):
    return f"[offers.sold]\nuses = {uses}\nprice = {{ {price} }}\n{more}\n"


def grid(rules, offers="", works=ESSAYS, head=HEAD):
    return read_grid(f"{head}{works}{offers}{rules}", "journal.toml")


LICENSE = '[[rules]]\nwhen = { use = ["ai-train"] }\nthen = { license = ["sold"] }\n'


def test_there_is_a_row_for_each_form_of_each_work():
    found = grid(REST)
    assert found.places == (PAGE, AUDIO)
    assert set(found.cells) == {(place, use) for place in found.places for use in Use}


def test_a_use_that_nobody_set_is_not_set_and_never_ticked():
    found = grid('[[rules]]\nwhen = { crawler = "Nobody" }\nthen = "refuse"\n')
    train = found.cells[PAGE, Use.AI_TRAIN]
    assert (train.cell, train.key, train.locked) == (None, "", "") or train.key == "default"
    assert found.chosen() == {}


def test_what_hand_written_rules_say_is_shown_and_not_ticked():
    found = grid(
        LICENSE + '[[rules]]\nwhen = { use = "tdm" }\nthen = "refuse"\n' + REST, offer('per_fetch = "0.02"')
    )
    assert found.cells[PAGE, Use.AI_TRAIN].cell == Cell(Consent.PAID, "0.02", "per_fetch")
    assert found.cells[PAGE, Use.TDM].cell == Cell(Consent.NO)
    assert found.cells[PAGE, Use.SEARCH].cell == Cell(Consent.FREE)
    assert found.cells[PAGE, Use.AI_TRAIN].key == "offers.sold"
    assert found.chosen() == {}


def test_a_form_that_no_offer_sells_is_refused_where_the_page_is_sold():
    found = grid(LICENSE + REST, offer('per_fetch = "0.02"'))
    assert found.cells[AUDIO, Use.AI_TRAIN].cell == Cell(Consent.NO)


@pytest.mark.parametrize(
    ("price", "more"),
    [
        ('per_fetch = "0.02", upfront = "5"', ""),
        ('per_fetch = "0.02", revenue_share = "3 %"', ""),
        ('per_fetch = "0.02", by_age = [{ from_days = 9, per_fetch = "0.01" }]', ""),
        ('per_fetch = "0.02", tiers = [{ from_fetches = 9, per_fetch = "0.01" }]', ""),
        ('upfront = "5", milestones = [{ when = "launch", share = "50 %", shown_by = "operator" }]', ""),
        ('per_fetch = "0.02"', 'territory = ["EU"]'),
        ('per_fetch = "0.02"', "exclusive = true"),
    ],
)
def test_a_price_that_is_no_single_amount_is_said_to_be_by_hand_and_where(price, more):
    text = f"{HEAD}{ESSAYS}{offer(price, more)}{LICENSE}{REST}"
    found = read_grid(text, "journal.toml").cells[PAGE, Use.AI_TRAIN]
    assert found.locked
    assert found.key == "offers.sold"
    assert found.cell is None
    assert price_cell(read_policy_text(text, "journal.toml").by_offer["sold"]) is None


def test_an_offer_on_which_a_person_decides_is_ask_me():
    found = grid(LICENSE + REST, offer('upfront = "500"', "by_person = true"))
    assert found.cells[PAGE, Use.AI_TRAIN].cell == Cell(Consent.ASK, "500", "upfront")


def test_rules_that_tell_crawlers_of_one_use_apart_are_by_hand():
    rules = '[[rules]]\nwhen = { class = "ai", proof = "verified" }\nthen = "refuse"\n' + REST
    found = grid(rules).cells[PAGE, Use.AI_INPUT]
    assert found.mixed
    assert found.locked
    assert found.key == "rules[0]"


def test_what_a_stance_tells_apart_is_not_locked():
    found = grid("", head='stance = "search-free-training-paid"\n' + HEAD).cells[PAGE, Use.TDM]
    assert (found.mixed, found.locked, found.cell) == (True, "", None)


def test_rules_about_names_and_parts_of_a_work_go_before_the_grid():
    rules = (
        '[[rules]]\nwhen = { crawler = "Bytespider" }\nthen = "refuse"\n'
        '[[rules]]\nwhen = { path = "/essays/drafts/" }\nthen = "refuse"\n'
        '[[rules]]\nwhen = { path = "/essays/" }\nthen = "serve"\n' + REST
    )
    found = grid(rules)
    assert found.exceptions == ("rules[0]", "rules[1]")
    assert leading(read_policy_text(f"{HEAD}{ESSAYS}{rules}", "journal.toml")) == 2


def test_every_place_has_a_path_that_is_of_it():
    policy = read_policy_text(f"{HEAD}{ESSAYS}{REST}", "journal.toml")
    work = policy.works[0]
    for place in places_of(policy):
        (path,) = paths_of(work, place)
        assert policy.work_of(path) == work
        assert work.rendition_of(path) == place.rendition


def test_rules_that_are_nearly_the_grids_are_not_taken_for_it():
    closing = '[[rules]]\nwhen = { work = "essays", use = ["ai-train"] }\nthen = "refuse"\n'
    assert grid(closing + REST).chosen() == {}
    serving = closing.replace("refuse", "serve")
    assert grid(serving + closing.replace("ai-train", "tdm") + REST).chosen() == {}
