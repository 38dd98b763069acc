"""What is left to do, from facts."""

from __future__ import annotations

import pytest

from gateway.dashboard.checklist import Facts, checklist, done
from gateway.policy.first_policy import first_policy
from gateway.policy.reading import read_policy_text


def policy(**given):
    made = first_policy({"hosts": "journal.example", **given})
    return read_policy_text(made.text, made.name)


ALL = frozenset({"journal.example"})


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        (Facts((), frozenset(), False, None, False), ["Write", "Have nothing", "See", "Say", "Publish", "Have the"]),
        (Facts((policy(),), frozenset(), False, None, False), ["Write", "Have nothing", "See", "Publish", "Let", "Have the"]),
        (Facts((policy(),), ALL, True, 2, True), ["Have nothing", "Publish", "Have the"]),
        (Facts((policy(mode="offer"),), ALL, True, 0, False), ["Let", "Have the"]),
        (Facts((policy(mode="enforce"),), ALL, True, 0, True), []),
        (Facts((policy(mode="enforce", stance="closed", rights="unsure"),), ALL, True, 0, False), []),
        (Facts((policy(mode="enforce"), policy(mode="observe")), ALL, True, 0, True), ["Publish", "Have the"]),
    ],
)  # fmt: skip
def test_steps_are_done_when_the_facts_say_so(facts, left):
    items = checklist(facts)
    todo = [item.title for item in items if not item.done]
    assert len(todo) == len(left), todo
    assert all(title.startswith(word) for title, word in zip(todo, left, strict=True)), todo
    assert done(items) is (not left)
    assert all(item.path.startswith("/") and item.why for item in items)


def test_what_is_wrong_and_who_only_watches_is_named():
    items = checklist(Facts((policy(),), ALL, True, 3, True))
    assert any("3 found to be wrong" in item.why for item in items)
    assert any("Still only watching: journal.example" in item.why for item in items)
