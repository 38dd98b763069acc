"""One place for what an answer says: as the terms say, no more than the site itself says, and its license's own under one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.terms import answer_fields
from gateway.terms.answer_fields import answer_fields as fields_of
from gateway.terms.answer_fields import combines, preferences_told
from gateway.terms.publishing import Publishing, RobotsPreferences
from gateway.terms.tdmrep import MINING
from gateway.uses import Use


@pytest.fixture(scope="module")
def terms(make):
    return make.published(
        make.scope("/open/", free=MINING | {Use.SEARCH}),
        make.scope("/essays/", free={Use.SEARCH}, offers=[make.offer()]),
        make.scope("/", free={Use.SEARCH}),
    )


def lines(fields):
    return dict(line.split(": ", 1) for line in fields.octets().decode().split("\r\n")[1:])


POLICY = "https://journal.example/.well-known/licenses/tdm.jsonld"
CLOSED = {
    "Content-Usage": "train-ai=n, ai-use=n, search=y",
    "Content-Signal": "search=yes, ai-input=no, ai-train=no, use=reference",
    "tdm-reservation": "1",
    "tdm-policy": POLICY,
}
OPEN = {
    "Content-Usage": "train-ai=y, ai-use=y, search=y",
    "Content-Signal": "search=yes, ai-input=yes, ai-train=yes",
    "tdm-reservation": "0",
}


@pytest.mark.parametrize(
    ("path", "said"),
    [("/essays/tides", CLOSED), ("/", CLOSED), ("/opened", CLOSED), ("/open/x", OPEN), ("", CLOSED)],
)
def test_a_page_says_what_its_scope_says(terms, path, said):
    assert lines(fields_of(terms, path)) == said


def test_a_licensed_answer_says_what_the_license_grants(terms):
    said = lines(fields_of(terms, "/essays/tides", frozenset({Use.AI_TRAIN})))
    assert said["Content-Usage"] == "train-ai=y, ai-use=n, search=y"
    assert said["Content-Signal"] == "search=yes, ai-input=no, ai-train=yes, use=reference"
    assert said["tdm-reservation"] == "1"


def test_each_channel_can_be_turned_off(terms):
    silent = replace(terms, publishing=Publishing(content_usage=False, content_signals=False, tdmrep=False))
    assert fields_of(silent, "/").octets() == b""
    assert fields_of(silent, "/").replaced == frozenset()
    loud = replace(terms, publishing=Publishing(x_robots_tag=True))
    assert lines(fields_of(loud, "/essays/x"))["X-Robots-Tag"] == "noai, noimageai"
    assert "X-Robots-Tag" not in lines(fields_of(loud, "/open/x"))
    assert "X-Robots-Tag" not in lines(fields_of(loud, "/essays/x", frozenset({Use.AI_INPUT})))


def test_the_site_s_own_word_can_only_close(terms):
    theirs = [
        ("Content-Usage", "search=n"), ("content-usage", "train-ai=y"), ("Content-Signal", "search=no"),
        ("TDM-Reservation", "1"), ("tdm-policy", "https://else.example/p"), ("x-other", "1"),
    ]  # fmt: skip
    shut = lines(fields_of(terms, "/open/x").beside(theirs))
    assert shut["Content-Usage"] == "train-ai=y, ai-use=y, search=n"
    assert shut["Content-Signal"].startswith("search=no, ai-input=yes")
    assert (shut["tdm-reservation"], shut["tdm-policy"]) == ("1", "https://else.example/p")
    assert lines(fields_of(terms, "/essays/x").beside([("tdm-reservation", "0")])) == CLOSED
    assert lines(fields_of(terms, "/open/x").beside([("tdm-reservation", "0, 2")])) == OPEN


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_lines_of_one_field_each_can_close(terms, turned):
    theirs = [
        ("Content-Usage", "train-ai=n"), ("Content-Usage", "train-ai=y"), ("Content-Usage", "no dictionary @"),
        ("Content-Signal", "ai-train=no"), ("Content-Signal", "ai-train=yes"),
        ("tdm-reservation", "1"), ("tdm-reservation", "0"),
    ]  # fmt: skip
    said = lines(fields_of(terms, "/open/x").beside(theirs[::-1] if turned else theirs))
    assert said["Content-Usage"] == "train-ai=n, ai-use=y, search=y"
    assert said["Content-Signal"].startswith("search=yes, ai-input=yes, ai-train=no")
    assert said["tdm-reservation"] == "1"


def test_the_site_s_own_use_is_not_widened(terms):
    theirs = [("Content-Signal", "search=yes, use=immediate")]
    assert lines(fields_of(terms, "/essays/x").beside(theirs))["Content-Signal"] == (
        "search=yes, ai-input=no, ai-train=no, use=immediate"
    )
    assert lines(fields_of(terms, "/open/x").beside(theirs))["Content-Signal"].endswith("use=immediate")


def test_what_the_site_says_to_everybody_does_not_take_back_a_license(terms):
    theirs = [
        ("Content-Usage", "train-ai=n, ai-use=n, search=n"),
        ("Content-Signal", "ai-train=no, use=immediate"),
    ]
    said = lines(fields_of(terms, "/essays/x", frozenset({Use.AI_TRAIN})).beside(theirs))
    assert said["Content-Usage"] == "train-ai=y, ai-use=n, search=n"
    assert said["Content-Signal"] == "search=yes, ai-input=no, ai-train=yes, use=immediate"
    said = lines(fields_of(terms, "/essays/x", frozenset({Use.AI_INPUT})).beside(theirs))
    assert said["Content-Signal"] == "search=yes, ai-input=yes, ai-train=no"


@given(st.lists(st.tuples(st.sampled_from(sorted(answer_fields.REPLACED)), st.text())))
def test_nothing_of_the_site_breaks_a_line_or_opens_anything(terms, theirs):
    fields = fields_of(terms, "/essays/x").beside(theirs)
    found = lines(fields)
    assert set(found) == set(CLOSED)
    assert fields.octets().isascii()
    assert dict(fields.usage)["train-ai"] is False
    assert fields.reserved


def test_what_is_told_is_made_once_and_bounded(terms):
    first = preferences_told(terms, "/essays/x")
    assert preferences_told(terms, "/essays/x")[1] is first[1]
    for number in range(answer_fields._MOST + 10):
        preferences_told(terms, f"/essays/{number}")
    assert len(answer_fields._kept) <= answer_fields._MOST


def test_whether_the_site_s_own_fields_count(terms):
    assert combines(terms)
    assert not combines(replace(terms, publishing=Publishing(preferences=RobotsPreferences.POLICY)))
