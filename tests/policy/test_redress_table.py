"""``[redress]``: off until asked for, in the digest once it is, and every mistake named."""

from __future__ import annotations

import pytest

from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Redress
from gateway.problems import ConfigurationError

HEAD = '[site]\nid = "j"\nhosts = ["j.example"]\norigin = "http://127.0.0.1:1"\n'


def read(text=""):
    return read_policy_text('stance = "closed"\n' + HEAD + text, "j.toml")


def test_it_is_off_and_changes_no_digest_until_it_is_asked_for():
    assert read().redress == Redress(public_feed=False, hold=False)
    assert read('[redress]\nobjections = "note"\n').digest == read().digest
    assert read('[redress]\nobjections = "hold"\n').redress == Redress(hold=True)
    assert read("[redress]\npublic_feed = true\n").redress == Redress(public_feed=True)
    digests = {
        read(f"[redress]\n{line}\n").digest for line in ('objections = "hold"', "public_feed = true", "")
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("line", "key"), [('objections = "maybe"', "redress.objections"), ("public_feed = 1", "redress.public_feed"), ("x = 1", "redress.x")]
)  # fmt: skip
def test_a_mistake_is_named(line, key):
    with pytest.raises(ConfigurationError) as caught:
        read(f"[redress]\n{line}\n")
    assert [each.key for each in caught.value.mistakes] == [key]
