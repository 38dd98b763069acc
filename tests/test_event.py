"""An event's id says which change it is."""

from __future__ import annotations

import re

from gateway.event import TYPE, event

_SAME = {"at": 5, "site": "journal", "subject": "ne_1", "body": {}}


def test_the_same_change_has_the_same_id_whenever_it_is_told():
    first = event("negotiation.offered", nth="3", **_SAME)
    assert first.id == event("negotiation.offered", nth="3", **{**_SAME, "at": 9, "body": {"more": 1}}).id
    assert re.fullmatch(r"ev_[0-9a-f]{32}", first.id)


def test_another_change_has_another_id():
    ids = {
        event(type, nth=nth, **{**_SAME, "subject": subject, "site": site}).id
        for type in ("negotiation.offered", "negotiation.agreed")
        for nth in ("", "1", "12")
        for subject in ("ne_1", "ne_12")
        for site in ("a", "ab")
    }
    assert len(ids) == 24


def test_types_are_words_joined_by_dots():
    assert re.fullmatch(TYPE, "negotiation.offered")
    assert not re.fullmatch(TYPE, "Negotiation.offered")
    assert not re.fullmatch(TYPE, "negotiation")
