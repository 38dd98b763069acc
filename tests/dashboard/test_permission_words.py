"""Every permission in words of its own."""

from gateway.dashboard.permission_words import WORDS
from gateway.dashboard.permissions import Permission


def test_every_permission_has_a_clause_of_its_own():
    assert set(WORDS) == set(Permission)
    assert len(set(WORDS.values())) == len(WORDS)
    assert all(words == words.strip(" .") and words[0].islower() for words in WORDS.values())
