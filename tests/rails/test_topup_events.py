"""What is told of a top-up whose money went back."""

from __future__ import annotations

import pytest

from gateway.desk.webhook_schemas import EVENTS
from gateway.money import Money
from gateway.rails.topup_events import TYPES, went_back
from gateway.rails.topups import PaidBack, TopUp

TOPUP = TopUp("top_1", "le_1", Money(25_000_000, "USD"), 7, "cs_1", "pi_1")


@pytest.mark.parametrize(
    ("refund", "type"),
    [("re_1", "topup.refunded"), ("dp_1", "topup.disputed"), ("dp_1:won", "topup.restored")],
)
def test_each_is_told_once_and_says_no_more_than_both_sides_know(refund, type):
    back = PaidBack(refund, TOPUP.amount, "pi_1")
    told = went_back(TOPUP, back, Money(5_000_000, "USD"), site="journal", at=9)
    assert (told.type, told.subject, told.licensee, told.site) == (type, "top_1", "le_1", "journal")
    assert told.body["amount"] == {"amount": "5", "micros": 5_000_000, "currency": "USD"}
    assert "pi_1" not in str(told.body)
    assert told.id == went_back(TOPUP, back, TOPUP.amount, site="journal", at=99).id
    assert (
        told.id
        != went_back(TOPUP, PaidBack("re_2", TOPUP.amount, "pi_1"), TOPUP.amount, site="journal", at=9).id
    )


def test_every_type_is_one_that_the_desk_tells():
    assert set(TYPES) <= set(EVENTS)
