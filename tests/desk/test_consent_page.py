"""The page of an author holds every use with its meaning, and whatever somebody wrote as text."""

from __future__ import annotations

from gateway.desk.consent_page import MEANINGS, consent_page
from gateway.licenses.consent import Answer, Consent, answered
from gateway.uses import Use

HOSTILE = "\"><script>alert('x')</script>"
ONE = Consent("co_1", "journal", "essays", HOSTILE, 0, "a" * 64, 1_795_000_000, representative=True)


def test_every_use_is_asked_with_its_meaning_and_nothing_is_ticked_beforehand():
    page = consent_page(ONE, [ONE], [], HOSTILE)
    assert set(MEANINGS) == set(Use)
    for use in Use:
        assert f'name="{use}" value="consent"' in page
        assert f'name="{use}" value="decline"' in page
    assert "checked" not in page
    assert "<script" not in page
    assert "none is agreed here" in page
    assert "You represent all authors" in page
    assert "not legal advice" in page


def test_what_was_answered_is_ticked():
    said = answered(ONE, {Use.AI_INPUT: Answer.CONSENT, Use.AI_TRAIN: Answer.DECLINE}, 1)
    page = consent_page(said, [said], [], "The Journal", saved=True)
    assert page.count("checked") == 2
    assert "Your answers are kept" in page
