"""Six questions and the file that they make."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.first_policy import PRICES, QUESTIONS, FirstPolicy, answers, first_policy
from gateway.policy.reading import read_policy_text, stances
from gateway.policy.rules import Mode, Rights


def made(**given: str):
    return first_policy(given)


def prices(found: FirstPolicy) -> dict[str, str]:
    policy = read_policy_text(found.text, found.name)
    return {each.id: str(each.price) for each in policy.offers}


def test_there_are_six_and_each_has_a_default_that_is_one_of_its_choices():
    assert len(QUESTIONS) == 6
    for each in QUESTIONS:
        assert not each.choices or each.default in dict(each.choices)
    assert {answer for answer, _ in QUESTIONS[3].choices} == set(stances())
    assert {answer for answer, _ in QUESTIONS[5].choices} == set(Mode)
    assert {answer for answer, _ in QUESTIONS[2].choices} == set(Rights)


def test_without_answers_it_watches_and_changes_nothing():
    found = made()
    assert (found.name, found.site, found.mode) == ("site.toml", "site", Mode.OBSERVE)
    assert "[offers" not in found.text
    assert answers({"mode": " offer ", "hosts": ""})["mode"] == "offer"


@pytest.mark.parametrize("stance", sorted(stances()))
@pytest.mark.parametrize("rights", ["own", "cleared"])
def test_every_stance_reads_back_with_prices_of_ones_own(stance, rights):
    found = made(
        stance=stance, rights=rights, prices="0.01 0.05 EUR", hosts="Journal.example www.journal.example"
    )
    assert found.name == "journal.example.toml"
    policy = read_policy_text(found.text, found.name)
    assert policy.site.hosts == ("journal.example", "www.journal.example")
    assert policy.works[0].for_sale
    asked = prices(found)
    if "answers" in asked:
        assert (asked["answers"], asked["training"], asked["everything"]) == (
            "0.01 EUR",
            "0.05 EUR",
            "0.06 EUR",
        )
    assert tomllib.loads(found.text)["site"]["currency"] == "EUR"


def test_what_is_unsure_is_not_sold_and_says_so_at_its_question():
    assert set(made(rights="unsure")) == {"rights"}
    for stance in ("open", "closed"):
        found = made(rights="unsure", stance=stance)
        assert not read_policy_text(found.text, found.name).works[0].for_sale


@pytest.mark.parametrize("stance", sorted(stances()))
def test_prices_by_their_fields_and_in_one_line_make_the_same_file(stance):
    fields = {each.name: answer for each, answer in zip(PRICES, ("0.01", "0.05", "eur"), strict=True)}
    assert made(stance=stance, **fields) == made(stance=stance, prices="0.01 0.05 EUR")
    assert answers(fields)["prices"] == "0.01 0.05 eur"


def test_a_field_that_is_left_out_is_of_the_line_and_else_the_default():
    assert prices(made(prices="1 2 EUR", training_price="3")) == {
        "answers": "1 EUR", "training": "3 EUR", "everything": "4 EUR",
    }  # fmt: skip
    assert prices(made(currency="GBP"))["training"] == "0.02 GBP"
    assert "[offers" not in made(answer_price="0.004", training_price="0.02").text


@pytest.mark.parametrize(
    "fields",
    [
        {"answer_price": "cheap"},
        {"training_price": "0.02 USD"},
        {"currency": "dollars"},
        {"answer_price": "1 2"},
    ],
)
def test_what_is_wrong_with_a_field_is_told_at_its_question(fields):
    assert set(first_policy(fields)) == {"prices"}
    assert answers(fields) | fields == answers(fields), "nothing that was typed is lost"


def test_the_price_of_a_place_in_an_index_stays_the_stances():
    assert prices(made(stance="everything-licensed", prices="1 2"))["search"] == "0.0005 USD"


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("origin", "ftp://x", "http"),
        ("origin", "http://user@x", ""),
        ("hosts", "../a", "host name"),
        ("hosts", ".hidden", "host name"),
        ("hosts", "a/b", "host name"),
        ("hosts", ",", "host name"),
        ("hosts", "exa mple_", ""),
        ("rights", "maybe", "own, cleared, unsure"),
        ("stance", "greedy", "open"),
        ("mode", "soon", "observe"),
        ("prices", "cheap", "two amounts"),
        ("prices", "1 x", "an amount"),
        ("prices", "1 2 dollars", "currency"),
        ("prices", "999999999999 999999999999 USD", "larger"),
        ("prices", "-1 2", "an amount"),
    ],
)
def test_a_wrong_answer_is_told_at_its_question(name, answer, said):
    found = first_policy({name: answer})
    assert isinstance(found, dict)
    assert set(found) == {name}
    assert said in found[name]


@given(st.dictionaries(st.sampled_from([each.name for each in QUESTIONS]), st.text(max_size=40)))
def test_nobody_can_answer_so_that_it_breaks(given):
    found = first_policy(given)
    if isinstance(found, FirstPolicy):
        assert "/" not in found.name
        assert read_policy_text(found.text, found.name).site.id == found.site
    else:
        assert found
