"""How invoices stand: a table of days, what pays which, and what is disputed stays out."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.billing_rules import BillingRules
from gateway.billing.dunning import Dunned, Facts, events_of, standings
from gateway.billing.invoices import Document
from gateway.provenance.record import BookEntry

RULES = BillingRules()
DAY = 86_400
ISSUED = 1_794_700_800  # 2026-11-15, midnight UTC
DUE = ISSUED + 14 * DAY


def bill(
    id="in_1", micros=2_000_000, number=1, at=ISSUED, kind="invoice", refers="", entry="due-1", currency="USD"
):
    content = {
        "mode": "live", "prefix": "", "currency": currency, "due_on": "2026-11-29" if at == ISSUED else "2026-12-29",
        "lines": [{"entry": entry, "license": "lic_1"}], "net_micros": micros + 15_000,
        "total_micros": micros + 15_000, "to_pay_micros": micros, "tax": None,
    }  # fmt: skip
    if kind == "credit_note":
        content["total_micros"] = micros
    return Document(id, kind, "le_1", "2026-10", refers, at, orjson.dumps(content).decode(), number)


def entry(kind, micros, reference="in_1", id="", currency="USD", at=ISSUED + 5):
    return BookEntry(
        id or f"{kind}-{micros}-{reference}",
        at * 1_000_000,
        kind,
        "",
        "le_1",
        micros,
        currency,
        reference=reference,
    )


def one(*entries, now=DUE, documents=(), **facts):
    return standings(Facts((bill(), *documents), entries, **facts), RULES, now)[0]


@pytest.mark.parametrize(
    ("days", "state"),
    [
        (-14, Dunned.ISSUED), (-0.001, Dunned.ISSUED), (0, Dunned.DUE), (2.999, Dunned.DUE), (3, Dunned.REMINDED),
        (13.999, Dunned.REMINDED), (14, Dunned.OVERDUE), (30, Dunned.OVERDUE), (400, Dunned.OVERDUE),
    ],
)  # fmt: skip
def test_the_calendar_alone_moves_what_is_open(days, state):
    now = DUE + int(days * DAY)
    stands = one(now=now)
    assert (stands.state, stands.open.micros) == (state, 2_000_000)
    expected = {
        Dunned.ISSUED: [], Dunned.DUE: ["due"], Dunned.REMINDED: ["due", "reminded"],
        Dunned.OVERDUE: ["due", "reminded", "overdue"],
    }[state]  # fmt: skip
    told = events_of(stands, RULES, now)
    assert [each.type for each in told] == [f"invoice.{word}" for word in expected]
    assert all(each.at <= now for each in told)
    later = events_of(one(now=now + 3600), RULES, now + 3600)
    assert [each.id for each in later][: len(told)] == [each.id for each in told]


def test_a_license_that_says_so_is_suspended():
    late = DUE + 30 * DAY
    assert one(now=late).state is Dunned.OVERDUE
    assert one(now=late, suspending=frozenset({"lic_1"})).state is Dunned.SUSPENDED
    assert one(now=late - 1, suspending=frozenset({"lic_1"})).state is Dunned.OVERDUE
    assert one(now=late, suspending=frozenset({"lic_2"})).state is Dunned.OVERDUE


@pytest.mark.parametrize(
    ("entries", "state", "open_", "paid", "written"),
    [
        ([("payment", 2_000_000, "in_1")], Dunned.PAID, 0, 2_000_000, 0),
        ([("payment", 2_000_000, "due-1")], Dunned.PAID, 0, 2_000_000, 0),
        ([("payment", 2_000_000, "")], Dunned.PAID, 0, 2_000_000, 0),
        ([("payment", 9_000_000, "")], Dunned.PAID, 0, 2_000_000, 0),
        ([("payment", 500_000, "in_1")], Dunned.DUE, 1_500_000, 500_000, 0),
        ([("write_off", 2_000_000, "in_1")], Dunned.WRITTEN_OFF, 0, 0, 2_000_000),
        ([("write_off", 2_000_000, "in_2")], Dunned.DUE, 2_000_000, 0, 0),
        ([("payment", 1_500_000, "in_1"), ("write_off", 500_000, "in_1")], Dunned.WRITTEN_OFF, 0, 1_500_000, 500_000),
        ([("payment", 2_000_000, "in_1"), ("reversal", 2_000_000, "payment-2000000-in_1")], Dunned.DUE, 2_000_000, 0, 0),
        ([("credit", 2_000_000, "in_1"), ("due", 5, "in_1")], Dunned.DUE, 2_000_000, 0, 0),
    ],
)  # fmt: skip
def test_payments_and_write_offs(entries, state, open_, paid, written):
    stands = one(*(entry(*each) for each in entries))
    assert (stands.state, stands.open.micros, stands.paid.micros, stands.written_off.micros) == (
        state, open_, paid, written,
    )  # fmt: skip
    if state.is_over:
        (told,) = events_of(stands, RULES, DUE + 99)
        assert (told.type, told.at) == (f"invoice.{state}", ISSUED + 5)


def test_euros_pay_no_dollars():
    assert one(entry("payment", 2_000_000, currency="EUR")).state is Dunned.DUE


def test_what_names_none_pays_the_oldest_and_what_is_left_of_a_payment_the_next():
    second = bill("in_2", 1_000_000, 2, ISSUED + 30 * DAY, entry="due-2")
    facts = Facts((second, bill()), [entry("payment", 2_500_000, "")])
    assert [each.open.micros for each in standings(facts, RULES, DUE)] == [0, 500_000]
    facts = Facts((second, bill()), [entry("payment", 1_500_000, "in_2")])
    assert [each.open.micros for each in standings(facts, RULES, DUE)] == [1_500_000, 0]


def test_credit_notes_take_off_what_is_open():
    note = bill("cn_1", 2_000_000, 1, ISSUED + 9, "credit_note", "in_1", "")
    stands = one(documents=(note,))
    assert (stands.state, stands.credited.micros, stands.open.micros) == (Dunned.PAID, 2_000_000, 0)
    assert len(standings(Facts((bill(), note), []), RULES, DUE)) == 1


@pytest.mark.parametrize(
    ("disputed", "state"),
    [
        (2_000_000, Dunned.DISPUTED),
        (9_000_000, Dunned.DISPUTED),
        (1_990_001, Dunned.DISPUTED),
        (1_990_000, Dunned.OVERDUE),
    ],
)
def test_disputed_sums_are_outside_dunning(disputed, state):
    stands = one(now=DUE + 20 * DAY, disputed={"in_1": disputed})
    assert stands.state is state
    assert stands.disputed.micros == min(disputed, 2_000_000)
    if state is Dunned.DISPUTED:
        assert events_of(stands, RULES, DUE + 20 * DAY) == ()


def test_what_is_disputed_is_so_with_the_tax_on_it():
    told = {**bill().told, "net_micros": 1_600_000, "total_micros": 1_904_000, "to_pay_micros": 1_904_000}
    taxed = replace(bill(), content=orjson.dumps(told).decode())
    facts = Facts((taxed,), [], {"in_1": 1_600_000})
    (stands,) = standings(facts, RULES, DUE + 20 * DAY)
    assert (stands.state, stands.disputed.micros) == (Dunned.DISPUTED, 1_904_000)
    (stands,) = standings(replace(facts, disputed={"in_1": 800_000}), RULES, DUE + 20 * DAY)
    assert (stands.state, stands.disputed.micros) == (Dunned.OVERDUE, 952_000)


def test_what_was_prepaid_whole_is_paid_and_nobody_is_told():
    stands = standings(Facts((bill(micros=0),), []), RULES, DUE + 99 * DAY)[0]
    assert stands.state is Dunned.PAID
    assert events_of(stands, RULES, DUE) == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["payment", "write_off", "reversal"]),
            st.integers(1, 3_000_000),
            st.sampled_from(["", "in_1", "in_2", "due-1", "e0", "e1"]),
        ),
        max_size=8,
    )
)
def test_open_paid_and_written_off_always_add_up(acts):
    second = bill("in_2", 1_000_000, 2, ISSUED + 30 * DAY, entry="due-2")
    entries = [
        entry(kind, micros, reference, id=f"e{at}") for at, (kind, micros, reference) in enumerate(acts)
    ]
    for each in standings(Facts((bill(), second), entries), RULES, DUE):
        assert each.open.micros >= 0
        sums = each.open.micros + each.paid.micros + each.written_off.micros
        assert sums == each.document.to_pay.micros
        assert each.state.is_over == (each.open.micros == 0)


def test_a_document_that_is_replaced_says_nothing_of_another():
    assert replace(bill(), id="in_9").entries == {"due-1"}
