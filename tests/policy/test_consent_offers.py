"""The offers that say the prices of a place."""

from __future__ import annotations

import tomllib

from gateway.policy.consent_grid import Cell, Consent, Place
from gateway.policy.consent_offers import Offers, Said
from gateway.policy.consent_text import read_grid
from gateway.policy.reading import read_policy_text
from gateway.uses import Use

TEXT = """
otherwise = "refuse"
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.essays-ai-input]
uses = ["ai-train"]
price = { per_fetch = "1" }
[[rules]]
then = "serve"
"""


def made(**cells):
    said = Said(Place("essays"))
    for name, cell in cells.items():
        said.put(Use(name.replace("_", "-")), cell)
    offers = Offers(read_policy_text(TEXT, "j.toml"), tomllib.loads(TEXT), {}, read_grid(TEXT, "j.toml"))
    return offers.of_place(said), offers


def test_each_price_has_an_offer_and_what_is_free_comes_along():
    names, offers = made(search=Cell(Consent.FREE), ai_index=Cell(Consent.PAID, "0.01"))
    assert names == ("essays-ai-index",)
    assert offers.fresh["essays-ai-index"] == {
        "uses": ["search", "ai-index"], "works": ["essays"], "price": {"per_fetch": "0.01"},
    }  # fmt: skip


def test_several_prices_are_sold_together_at_their_sum_by_unit_and_ask_me_is_not():
    names, offers = made(
        ai_index=Cell(Consent.PAID, "0.01"),
        tdm=Cell(Consent.PAID, "5", "upfront"),
        ai_train=Cell(Consent.PAID, "0.02"),
        search=Cell(Consent.ASK, "9"),
    )
    assert names[-1] == "essays-together"
    assert offers.fresh["essays-together"]["price"] == {"per_fetch": "0.03", "upfront": "5"}
    assert "search" not in offers.fresh["essays-together"]["uses"]
    assert offers.fresh["essays-search"]["by_person"] is True


def test_whoever_trains_hands_in_what_the_stances_say():
    _, offers = made(ai_train=Cell(Consent.PAID, "0.02"))
    assert offers.fresh["essays-ai-train"]["duties"]["model_card_days"] == 30


def test_a_name_that_is_taken_by_hand_is_left_alone():
    names, offers = made(ai_input=Cell(Consent.PAID, "0.02"))
    assert names == ("essays-ai-input-2",)
    assert offers.tables["essays-ai-input"]["price"] == {"per_fetch": "1"}


def test_how_open_a_use_is():
    said = Said(Place("essays"))
    assert said.openness(Use.TDM) is None
    said.put(Use.TDM, Cell(Consent.NO))
    said.put(Use.SEARCH, Cell(Consent.FREE))
    assert said.openness(Use.TDM) < said.openness(Use.SEARCH)
