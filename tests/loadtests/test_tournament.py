"""The tournament: nobody gets below the floor, the same seed plays the same games, and a weak engine is seen."""

from __future__ import annotations

from gateway.licenses.bargaining import Accept
from loadtests.tournament import GATEWAYS, OURS, STRATEGIES, games, main, table


def test_no_buyer_gets_below_the_floor_and_some_of_every_kind_get_a_deal():
    played = games(360, seed=7)
    assert not [each for each in played if each.below]
    assert not [each for each in played if each.strayed]
    assert {each.gateway for each in played} == set(GATEWAYS)
    assert all(each.surplus >= 0 for each in played if each.deal)
    for strategy in set(STRATEGIES) - {"stubborn"}:
        assert any(each.deal for each in played if each.strategy == strategy), strategy
    assert any(each.deal is None for each in played)
    assert all(each.rounds <= each.position.rounds + 1 for each in played)


def test_the_same_seed_plays_the_same_games():
    assert table(games(60, seed=3)) == table(games(60, seed=3))
    assert table(games(60, seed=3)) != table(games(60, seed=4))


def test_the_client_s_bargainers_pay_less_than_the_ask_where_they_get_a_deal():
    played = games(360, seed=7)
    for strategy in OURS[1:]:
        paid = [each.paid for each in played if each.deal and each.strategy == strategy]
        assert sum(paid) / len(paid) < 1_000_000, strategy
    assert {each.paid for each in played if each.deal and each.strategy == "take-it"} == {1_000_000}


def test_an_engine_that_gives_everything_is_seen():
    def generous(offer, position, buyer, proposal):
        return Accept(proposal.terms)

    assert any(each.below for each in games(60, seed=3, engine=generous))


def test_it_prints_its_table(capsys):
    assert main(["--games", "60"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(STRATEGIES) + len(GATEWAYS) + 2
    assert lines[-1].split()[-1] == "0"
