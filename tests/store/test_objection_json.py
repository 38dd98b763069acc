"""Objections come back as they were; what is damaged is none."""

from __future__ import annotations

import pytest

from gateway.licenses.objection import Objection, ObjectionState, Role
from gateway.problems import StoreUnavailable
from gateway.store.objection_json import read_objection, write_objection

ONE = Objection(
    "ob_1",
    "journal",
    "/a/ü".replace("ü", "%C3%BC"),
    Role.OTHER,
    5,
    ObjectionState.UPHELD,
    9,
    "o",
    "Ü",
    "wd_1",
    3,
)


def test_they_come_back_as_they_were():
    assert read_objection(write_objection(ONE)) == ONE


@pytest.mark.parametrize("text", ["", "{}", "5", write_objection(ONE).replace("upheld", "odd")])
def test_what_is_damaged_is_told(text):
    with pytest.raises(StoreUnavailable):
        read_objection(text)
