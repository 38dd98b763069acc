"""What a visitor answers about itself."""

from __future__ import annotations

from gateway.uses import AI_USES
from gateway.visitors.visitor import PERSON, Visitor, VisitorClass


def test_a_person_uses_nothing_and_has_no_name() -> None:
    assert PERSON.is_person
    assert (PERSON.name, PERSON.operator, PERSON.uses) == ("", "", frozenset())


def test_an_unknown_automaton_is_taken_to_want_every_ai_use() -> None:
    unknown = Visitor(VisitorClass.AUTOMATION)
    assert not unknown.is_person
    assert unknown.uses == AI_USES
