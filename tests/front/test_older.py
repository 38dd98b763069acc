"""An answer that tells its age costs less, never more: under a token, and by the fetch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gateway.admission.admit import Grant
from gateway.admission.spending import Charge
from gateway.front.answer import Judged
from gateway.front.older import aged, lowered_to, unseen
from gateway.money import Money
from gateway.policy.rules import Mode, Ruling, Verdict
from gateway.terms.ages import DAY, AgeStep
from gateway.tokens.claims import Budget
from gateway.visitors.visitor import Visitor, VisitorClass

NOW = 1_795_000_000
STEPS = (AgeStep(30, Money(4_000, "USD")),)
PRICE = Money(20_000, "USD")


def opened(value):
    return SimpleNamespace(field=lambda name: value if name == "last-modified" else "")


def ruling(field="last-modified"):
    return Ruling(Verdict.LICENSE, "rules[0]", "", "sha-256:x", Mode.ENFORCE, dated_by=field)


@pytest.mark.parametrize(
    ("value", "micros"),
    [
        ("Tue, 01 Jan 2019 00:00:00 GMT", 4_000),
        ("2026-11-18", 20_000),
        ("2099-01-01", 20_000),
        ("once upon a time", 20_000),
        ("", 20_000),
    ],
)
def test_the_lesser_of_the_two_holds(value, micros):
    assert lowered_to(opened(value), ruling(), PRICE, STEPS, NOW) == Money(micros, "USD")
    assert lowered_to(opened(value), ruling(), Money(3_000, "USD"), STEPS, NOW) == Money(3_000, "USD")
    assert lowered_to(opened(value), ruling(""), PRICE, STEPS, NOW) == PRICE
    assert lowered_to(opened(value), ruling(), PRICE, (), NOW) == PRICE


def test_on_the_second_of_a_step():
    for seconds, micros in ((30 * DAY - 1, 20_000), (30 * DAY, 4_000)):
        from datetime import UTC, datetime

        said = datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert lowered_to(opened(said), ruling(), PRICE, STEPS, NOW).micros == micros


def test_what_is_set_aside_stays_and_what_is_due_is_less():
    charge = Charge("id", "lic_1", "li_1", PRICE, Budget())
    judged = Judged(
        SimpleNamespace(),
        Visitor(VisitorClass.AI),
        ruling(),
        Grant(charge=charge),
        -1,
        SimpleNamespace(by_age=STEPS),
    )
    found = aged(opened("2019-01-01"), judged, NOW)
    assert (found.verdict.charge.price, found.verdict.charge.due) == (PRICE, Money(4_000, "USD"))
    assert aged(opened("2026-11-18"), judged, NOW) is judged
    assert aged(opened("2019-01-01"), judged._replace(claims=None), NOW)._replace(
        claims=0
    ) == judged._replace(claims=0)


def test_where_the_answer_is_not_seen_the_oldest_page_is_owed():
    charge = Charge("r", "le_1", "lic_1", PRICE, Budget())
    claims = SimpleNamespace(by_age=STEPS)
    visitor = Visitor(VisitorClass.AI)

    def due(by_age=STEPS, field="last-modified"):
        claims.by_age = by_age
        found = unseen(Judged(None, visitor, ruling(field), Grant(charge=charge), claims=claims))
        return found.verdict.charge.due, found.verdict.charge.price

    assert due() == (Money(4_000, "USD"), PRICE)
    # Where the path alone tells the age, or no step is there, the price was right before.
    assert due(field="") == due(by_age=()) == (None, PRICE)
    free = Judged(None, visitor, ruling(), Grant(), claims=claims)
    assert unseen(free) is free
