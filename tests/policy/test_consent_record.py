"""The record of a policy being put in force."""

from __future__ import annotations

import orjson
import pytest

from gateway.policy.consent_record import Activation, consent_note
from gateway.policy.reading import read_policy_text
from gateway.provenance.consent_note import consent_of_whom
from gateway.provenance.record import RecordError, leaf, read_entry

TEXT = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
"""
SALT = bytes(range(32))
NAME = "Ada Example <ada@journal.example>"


def note(activation):
    policy = read_policy_text(TEXT, "journal.toml")
    return consent_note(policy, TEXT, activation, before="sha-256:aa", id="co-1", time_us=7, salt=SALT)


def test_it_says_what_stands_for_each_use_and_the_words_that_were_read():
    made = note(Activation("the consent page", NAME, ("The pages of essays: …", "From now on.")))
    assert made.policy == read_policy_text(TEXT, "journal.toml").digest
    assert made.words == ("The pages of essays: …", "From now on.")
    assert len(made.cells) == 6
    assert "essays/page/ai-train: paid, 0.02 USD for each fetch" in made.cells
    assert made.before == "sha-256:aa"


def test_nobody_is_named_in_what_is_chained_and_the_salt_opens_who_it_was():
    made = note(Activation("the consent page", NAME))
    assert NAME.encode() not in made.canonical() + leaf(made, SALT)
    assert made.who == consent_of_whom(NAME, SALT)
    assert made.who != consent_of_whom(NAME, bytes(32))
    assert note(Activation("the file")).who == ""


def test_it_is_read_back_as_it_was_written_and_nothing_else_is_one():
    made = note(Activation("the file"))
    members = orjson.loads(made.canonical())
    assert read_entry("consent", members) == made
    for name, value in (("words", "text"), ("cells", [1]), ("v", 2), ("who", None), ("more", 1)):
        with pytest.raises(RecordError):
            read_entry("consent", {**members, name: value})
