"""The pages of an objection hold what was written as text, and nothing of who wrote it afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.objection_page import TRAP, form_page, state_page
from gateway.licenses.objection import FIELDS, Objection, ObjectionState, Role

ONE = Objection("ob_1", "journal", "/essays/tides", Role.DEPICTED, 1_795_000_000)
HOSTILE = "\"><script>alert('x')</script>"


def test_every_field_has_a_label_and_keeps_what_was_written_as_text():
    page = form_page({**dict.fromkeys(FIELDS, HOSTILE), "role": "depicted"}, HOSTILE, HOSTILE)
    assert "<script" not in page
    for name in (*FIELDS, TRAP):
        assert f'name="{name}"' in page
        assert name == "role" or f'for="{name}"' in page
    assert page.count("checked") == 1
    assert "checked" not in form_page({}, "The Journal")
    assert 'role="alert"' not in form_page({}, "The Journal")


@pytest.mark.parametrize("state", ObjectionState)
def test_every_state_is_told_in_words(state):
    page = state_page(
        replace(ONE, state=state, answer=HOSTILE, decided_at=1_795_000_001), "https://j.example"
    )
    assert str(state) in page
    assert "<script" not in page
    assert ("Decided" in page) is state.is_over
