"""People without a file: names, links, and that an owner who can sign in is always left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.people import (
    MOST_PEOPLE,
    People,
    Person,
    Unfit,
    disabled,
    enabled,
    in_role,
    invited,
    removed,
    with_link,
    with_password,
)
from gateway.dashboard.permissions import Role

ADA = Person("pe_1", "ada", Role.OWNER, 1, "hash")
BOB = Person("pe_2", "bob", Role.VIEWER, 2, "hash")


@pytest.mark.parametrize("name", ["", " ", "a b", "-ada", "ada/", "<b>", "a" * 65, "\u0430da", "ada\n x"])
def test_a_name_that_is_none_is_refused(name):
    assert isinstance(invited(People(), "pe_9", name, Role.VIEWER, 0), Unfit)


def test_a_name_is_one_persons_however_it_is_typed():
    assert invited(People(), "pe_9", "  Ada.L@site.example ", Role.VIEWER, 5).name == "ada.l@site.example"
    assert isinstance(invited(People((ADA,)), "pe_9", "ADA", Role.VIEWER, 0), Unfit)
    assert People((ADA, BOB)).called(" Bob") is BOB
    assert People((ADA, BOB)).found("pe_1") is ADA
    full = People(tuple(replace(ADA, id=f"pe_{n}", name=f"a{n}") for n in range(MOST_PEOPLE)))
    assert isinstance(invited(full, "pe_9", "bob", Role.VIEWER, 0), Unfit)


def test_a_link_opens_once_and_until_its_end_and_not_for_whoever_is_disabled():
    asked = with_link(ADA, "secret", 100)
    people = People((BOB, asked))
    assert people.opened("secret", 99) is asked
    assert people.opened("secret", 100) is None
    assert people.opened("other", 50) is None
    assert people.opened("", 50) is None
    assert "secret" not in repr(asked)
    assert People((with_password(asked, "new"),)).opened("secret", 50) is None
    assert People((replace(asked, disabled_us=7),)).opened("secret", 50) is None


def test_the_last_owner_who_can_sign_in_stays():
    people = People((ADA, BOB, replace(ADA, id="pe_3", name="eve", password="")))
    for change in (
        in_role(people, ADA, Role.OPERATOR), disabled(people, ADA, 9), removed(people, ADA),
    ):  # fmt: skip
        assert isinstance(change, Unfit)
    two = people.with_one(replace(BOB, role=Role.OWNER))
    assert in_role(two, ADA, Role.OPERATOR).role is Role.OPERATOR
    assert disabled(two, ADA, 9).disabled_us == 9
    assert removed(two, ADA).of_id("pe_1") is None
    assert enabled(disabled(two, ADA, 9)) == ADA


def test_whom_a_command_on_the_machine_lets_in():
    waiting = replace(ADA, id="pe_0", name="new", password="")
    assert People((waiting, BOB, ADA)).first_owner() is ADA
    assert People((waiting, BOB)).first_owner() is waiting
    assert People((BOB, replace(ADA, disabled_us=3))).first_owner() is None


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from(["owner", "viewer", "off", "on", "gone"])), max_size=40
    )
)
def test_no_order_of_changes_leaves_a_house_without_an_owner(changes):
    people = People(tuple(replace(ADA, id=f"pe_{n}", name=f"n{n}") for n in range(5)))
    for number, act in changes:
        person = people.of_id(f"pe_{number}")
        if person is None:
            continue
        match act:
            case "off":
                found = disabled(people, person, 9)
            case "on":
                found = enabled(person)
            case "gone":
                found = removed(people, person)
            case _:
                found = in_role(people, person, Role(act))
        if isinstance(found, Person):
            people = people.with_one(found)
        elif isinstance(found, People):
            people = found
        assert any(each.role is Role.OWNER and each.can_sign_in for each in people.all)
