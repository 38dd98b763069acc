from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.postings import CLEARING, Posting, earned, prepaid
from gateway.billing.refunds import Standing, paid_back, standings
from gateway.money import Money

ACCOUNT = prepaid("le_1")


def usd(micros: int) -> Money:
    return Money(micros, "USD")


def credit(id: str, micros: int, at: int = 0, licensee: str = "le_1", currency: str = "USD") -> Posting:
    return Posting(CLEARING, prepaid(licensee), Money(micros, currency), id, at, "credit")


def undo(id: str, before: Posting, micros: int) -> Posting:
    return Posting(before.credit, before.debit, usd(micros), id, 9, "reversal", before.entry_id)


FETCH = Posting(ACCOUNT, earned("journal"), usd(5), "f", 3, "fetch")


def test_what_stands_is_what_reversals_left() -> None:
    paid = credit("c", 100, 1)
    postings = [paid, credit("other", 7, 2, "le_2"), FETCH, undo("r1", paid, 30), undo("r2", FETCH, 5)]
    assert standings("le_1", postings) == (
        Standing("c", "credit", 1, usd(70)),
        Standing("f", "fetch", 3, usd(0)),
    )


def test_the_newest_credit_is_paid_back_first() -> None:
    stands = standings(
        "le_1", [credit("old", 100, 1), credit("new", 30, 2), FETCH, credit("eur", 50, 3, currency="EUR")]
    )
    assert paid_back(stands, usd(20)) == (("new", usd(20)),)
    assert paid_back(stands, usd(50)) == (("new", usd(30)), ("old", usd(20)))
    assert paid_back(stands, usd(500)) == (("new", usd(30)), ("old", usd(100)))
    assert paid_back(stands, Money(50, "EUR")) == (("eur", Money(50, "EUR")),)
    assert paid_back((), usd(1)) == ()


@given(st.lists(st.integers(1, 1000), max_size=6), st.integers(1, 5000))
def test_never_more_than_stands_and_never_more_than_asked(credits, wanted) -> None:
    stands = standings("le_1", [credit(f"c{at}", micros, at) for at, micros in enumerate(credits)])
    parts = paid_back(stands, usd(wanted))
    assert sum(part.micros for _, part in parts) == min(wanted, sum(credits))
    left = {each.entry: each.left for each in stands}
    assert all(usd(0) < part <= left[entry] for entry, part in parts)
    assert len({entry for entry, _ in parts}) == len(parts)
