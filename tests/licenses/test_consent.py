"""A use is sold when all consent, or a representative does, and nobody declines; saying nothing is no consent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.consent import (
    Answer,
    Consent,
    answered,
    cause_of,
    consented,
    read_answers,
    secret_digest,
    told,
    unsold,
    why_unsold,
    work_of,
)
from gateway.problems import Refusal
from gateway.uses import Use

NOW = 1_795_000_000
TRAIN, INPUT, TUNE = Use.AI_TRAIN, Use.AI_INPUT, Use.FINE_TUNE


def author(name="Ada", yes=(), no=(), **more):
    one = Consent("co_1", "journal", "essays", name, 500_000, secret_digest(name), NOW, **more)
    return answered(one, {**dict.fromkeys(yes, Answer.CONSENT), **dict.fromkeys(no, Answer.DECLINE)}, NOW + 1)


@pytest.mark.parametrize(
    ("asked", "sold"),
    [
        ([], ()),
        ([author()], ()),
        ([author(yes=[INPUT])], (INPUT,)),
        ([author(yes=[INPUT]), author("Bob")], ()),
        ([author(yes=[INPUT]), author("Bob", yes=[INPUT])], (INPUT,)),
        ([author(yes=[INPUT], representative=True), author("Bob")], (INPUT,)),
        ([author(yes=[INPUT], representative=True), author("Bob", no=[INPUT])], ()),
        ([author(yes=[TRAIN])], (TRAIN, TUNE)),
        ([author(yes=[TRAIN], no=[TUNE])], ()),
        ([author(yes=[TUNE])], (TUNE,)),
        ([author(yes=[TRAIN, INPUT]), author("Bob", yes=[TUNE, INPUT])], (TUNE, INPUT)),
    ],
)
def test_what_may_be_sold(asked, sold):
    assert consented(asked) == frozenset(sold)
    assert unsold(asked) == (frozenset(Use) - frozenset(sold) if asked else frozenset())


uses = st.frozensets(st.sampled_from(Use))
authors = st.lists(
    st.builds(
        lambda name, yes, no, first: author(name, yes - no, no, representative=first),
        st.sampled_from("ABCDE"),
        uses,
        uses,
        st.booleans(),
    ),
    max_size=4,
)


@given(authors, st.data(), st.sampled_from(Use))
def test_declining_never_opens_and_consenting_never_closes(asked, data, use):
    if not asked:
        return
    at = data.draw(st.integers(0, len(asked) - 1))

    def when(answer):
        return consented([*asked[:at], answered(asked[at], {use: answer}, NOW), *asked[at + 1 :]])

    assert when(Answer.DECLINE) <= consented(asked) <= when(Answer.CONSENT)
    assert use not in when(Answer.DECLINE)


@given(authors, authors)
def test_asking_somebody_more_never_opens_unless_it_represents(asked, more):
    if asked:
        plain = [replace(each, representative=False) for each in more]
        assert consented([*asked, *plain]) <= consented(asked)


@given(authors, uses)
def test_why_is_told_exactly_where_something_is_not_sold(asked, wanted):
    assert bool(why_unsold(asked, wanted)) is bool(asked and wanted - consented(asked))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([author(no=[TRAIN])], "its author declines"),
        ([author(no=[TUNE])], "its author declines"),
        ([author(yes=[INPUT])], "its author has not answered yet, and no answer is no consent"),
        ([author(yes=[TRAIN]), author("Bob"), author("Cy")],
         "2 of its 3 authors have not answered yet, and no answer is no consent"),
        ([author(no=[TRAIN]), author("Bob")],
         "1 of its 2 authors declined; 1 of its 2 authors has not answered yet, and no answer is no consent"),
        ([author(yes=[TRAIN], representative=True), author("Bob", no=[TRAIN])], "1 of its 2 authors declined"),
    ],
)  # fmt: skip
def test_why_names_who_is_missing(asked, told):
    assert why_unsold(asked, frozenset({TRAIN})) == told


def test_a_hold_for_want_of_consent_is_told_from_others():
    assert work_of(cause_of("essays")) == "essays"
    assert work_of("ob_1") == work_of("") == ""


def test_an_answer_is_kept_with_its_time_and_only_if_it_is_another_one():
    one = author()
    two = answered(one, {INPUT: Answer.CONSENT, TRAIN: Answer.DECLINE}, NOW + 5)
    assert two.version == one.version + 1
    assert answered(two, {INPUT: Answer.CONSENT}, NOW + 9) is two
    three = answered(two, {INPUT: Answer.DECLINE}, NOW + 9)
    assert three.answers == ((INPUT, Answer.DECLINE, NOW + 9), (TRAIN, Answer.DECLINE, NOW + 5))


@pytest.mark.parametrize(
    ("members", "wrong"),
    [({"ai-train": "consent", "search": "decline"}, ""), ({}, ""), ({"ai-trian": "consent"}, "ai-trian"), ({"ai-train": "yes"}, "ai-train"), ({"ai-train": 1}, "ai-train")],
)  # fmt: skip
def test_answers_are_read_strictly(members, wrong):
    found = read_answers(members)
    assert isinstance(found, Refusal) is bool(wrong)
    if isinstance(found, Refusal):
        assert dict(found.facts) == {"member": wrong}


@given(
    st.dictionaries(
        st.sampled_from(Use) | st.text(), st.sampled_from(Answer) | st.text() | st.none(), max_size=3
    )
)
def test_answers_are_taken_whole_or_refused(members):
    found = read_answers(members)
    readable = all(use in list(Use) and said in list(Answer) for use, said in members.items())
    assert isinstance(found, Refusal) is not readable
    if readable:
        assert found == {Use(use): Answer(said) for use, said in members.items()}


def test_events_tell_the_work_and_no_name():
    one = author(no=[INPUT])
    for event in (told(author(), NOW), told(one, NOW), told(author(yes=[INPUT]), NOW)):
        assert "Ada" not in repr(event.body)
        assert event.body["work"] == "essays"
    assert told(one, NOW).type == "consent.declined"
    first = Consent("co_1", "journal", "essays", "Ada", 1, "x", NOW)
    assert told(first, NOW).type == "consent.asked"


def test_a_secret_is_kept_as_its_hash_alone():
    assert secret_digest("s") != "s"
    assert len(secret_digest("\ud800")) == 64
    assert cause_of("essays") == "consent essays"
    assert author().share == "50 %"
