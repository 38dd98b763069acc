"""Withdrawals and removals come back as they were; what is damaged is no withdrawal."""

from __future__ import annotations

import pytest

from gateway.licenses.removal import Content, Removal, Step
from gateway.licenses.withdrawal import USUAL, Withdrawal, readmitted
from gateway.paths import PathScope
from gateway.problems import StoreUnavailable
from gateway.store.withdrawal_json import (
    read_removal,
    read_withdrawal,
    waits,
    write_removal,
    write_withdrawal,
)

ONE = Withdrawal(
    "wd_1", "journal", USUAL, 5, 4, "owner", ("essays",), (PathScope("/a/"),), ("d" * 64,), "summer", "le_1",
    "r", "p", True, "objection ob_1", 9,
)  # fmt: skip
REMOVAL = Removal(
    "wd_1", "journal", "le_1", 5, 99, (Content("ct_1", "d" * 64),), 1, steps=(Step(5, "issued", "x", "ü"),)
)


def test_they_come_back_as_they_were():
    assert read_withdrawal(write_withdrawal(ONE)) == ONE
    assert read_removal(write_removal(REMOVAL)) == REMOVAL


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"id": 1}', write_removal(REMOVAL).replace("issued", "odd")]
)
def test_what_is_damaged_is_told(text):
    with pytest.raises(StoreUnavailable):
        read_withdrawal(text)
    with pytest.raises(StoreUnavailable):
        read_removal(text)


def test_a_plan_is_waited_for_until_the_withdrawal_is_lifted():
    assert waits(REMOVAL)
    assert not waits(REMOVAL, readmitted(Withdrawal("wd_1", "j", USUAL, 1, 1), 2))
