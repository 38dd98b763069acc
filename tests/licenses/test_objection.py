"""What a form holds becomes an objection or a refusal that names the member; what is decided is decided once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.objection import (
    FIELDS,
    Objection,
    ObjectionState,
    Objector,
    Role,
    decided,
    held,
    read_objection,
    told,
)
from gateway.problems import Problem, Refusal

NOW = 1_795_000_000
GOOD = {
    "url": "https://journal.example/essays/tides?x=1#y",
    "role": "depicted",
    "name": "Ada Example",
    "contact": "ada@mail.example",
    "why": "I am in it.\nI did not agree.",
}


def read(**changes):
    members = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return read_objection(members, id="ob_1", site="journal", origin="https://journal.example", now=NOW)


def test_a_form_is_read_and_the_person_kept_apart():
    objection, objector = read()
    assert objection == Objection("ob_1", "journal", "/essays/tides", Role.DEPICTED, NOW)
    assert (objector.name, objector.contact, objector.why) == (GOOD["name"], GOOD["contact"], GOOD["why"])
    for secret in ("Ada", "mail.example", "did not agree"):
        assert secret not in repr(objection) + repr(objector) + repr(told(objection, NOW))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/essays/tides", "/essays/tides"),
        ("https://JOURNAL.example", "/"),
        ("http://journal.example/a%7Eb", "/a~b"),
        ("https://elsewhere.example/essays/tides", None),
        ("https://journal.example:99/x", None),
        ("essays/tides", None),
        ("/a/../b", None),
        ("/a/*", None),
        ("javascript:alert(1)", None),
        ("//journal.example/x", None),
    ],
)
def test_the_page_is_one_of_this_site(url, path):
    found = read(url=url)
    if path is None:
        assert isinstance(found, Refusal)
        assert dict(found.facts) == {"member": "url"}
    else:
        assert found[0].path == path


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"name": None}, "name"),
        ({"name": "  "}, "name"),
        ({"contact": 5}, "contact"),
        ({"role": "king"}, "role"),
        ({"why": "x" * (FIELDS["why"] + 1)}, "why"),
        ({"why": "a\x00b"}, "why"),
        ({"name": "a\nb"}, "name"),
        ({"extra": "x"}, "extra"),
    ],
)
def test_what_is_wrong_is_named(changes, member):
    found = read(**changes)
    assert isinstance(found, Refusal)
    assert found.problem is Problem.PROPOSAL_INVALID
    assert dict(found.facts) == {"member": member}


@given(st.dictionaries(st.sampled_from([*FIELDS, "x"]), st.text() | st.integers() | st.none()))
def test_whatever_is_wrong_is_refused_by_the_name_of_its_member(members):
    found = read_objection(members, id="ob_1", site="j", origin="https://j.example", now=NOW)
    # Nothing that is drawn here is a page of the site.
    assert isinstance(found, Refusal)
    assert dict(found.facts).keys() == {"member"}
    assert dict(found.facts)["member"] in {*FIELDS, "x"}


def test_it_is_decided_once_and_held_only_before():
    one, _ = read()
    waiting = held(one, "owner")
    assert (waiting.state, waiting.version) == (ObjectionState.HELD, 2)
    assert isinstance(held(waiting, "owner"), Refusal)
    for before in (one, waiting):
        up = decided(before, "owner", "You are right.", NOW, withdrawal="wd_1")
        down = decided(before, "owner", "It is public.", NOW)
        assert (up.state, up.withdrawal, down.state) == (
            ObjectionState.UPHELD,
            "wd_1",
            ObjectionState.DISMISSED,
        )
        for after in (up, down):
            assert after.state.is_over
            assert isinstance(decided(after, "owner", "x", NOW), Refusal)
            assert isinstance(held(after, "owner"), Refusal)


def test_each_event_is_one_and_names_nobody():
    one, _ = read()
    events = [told(each, NOW) for each in (one, held(one, "o"), decided(one, "o", "a", NOW))]
    assert [each.type for each in events] == ["objection.received", "objection.held", "objection.dismissed"]
    assert len({each.id for each in events}) == 3
    assert all(each.licensee == "" for each in events)


def test_every_role_has_words_and_an_objector_shows_nothing():
    assert all(role.words for role in Role)
    assert "x" not in repr(Objector("x", "x", "x")).replace("Objector", "")
