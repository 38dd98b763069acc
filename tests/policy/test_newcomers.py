from __future__ import annotations

from gateway.policy.newcomers import newcomers_of
from gateway.policy.reading import default_policy, read_policy_text
from gateway.uses import Use

SELLERS = """
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[rules]]
when = { purpose = ["data-seller"] }
then = "serve"
"""


def purposes(policy, *uses):
    return {each.purposes for each in newcomers_of(policy) if each.uses == frozenset(uses)}


def test_every_combination_of_uses_comes_with_and_without_a_proof():
    met = {(each.uses, each.verifiable) for each in newcomers_of(default_policy("http://127.0.0.1:1"))}
    assert len(met) == 2 * (2 ** len(Use) - 1)


def test_what_a_rule_speaks_of_is_met_alone_and_among_others():
    policy = read_policy_text(SELLERS, "journal.toml")
    assert purposes(policy, Use.AI_TRAIN) == {("training",), ("data-seller",), ("training", "data-seller")}
    # No rule tells a user's action from an agent.
    assert len(purposes(policy, Use.AI_INPUT)) == 1


def test_nobody_has_a_name_that_a_rule_could_mean():
    policy = read_policy_text(SELLERS, "journal.toml")
    assert {(each.name, each.operator) for each in newcomers_of(policy)} == {("", "")}
