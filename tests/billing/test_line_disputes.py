"""Disputes about a line: what may be said, until when, and that each is decided once."""

from __future__ import annotations

import orjson
import pytest

from gateway.billing.billing_rules import BillingRules
from gateway.billing.invoices import Document
from gateway.billing.line_disputes import (
    Dispute,
    Disputed,
    accepted,
    as_document,
    disputed_of,
    read_dispute,
    rejected,
    told,
)
from gateway.money import Money
from gateway.problems import Problem, Refusal

RULES = BillingRules()
AT, DAY = 1_795_000_000, 86_400
LINES = [{"nth": 1, "micros": 15_000, "entry": ""}, {"nth": 2, "micros": 2_000_000, "entry": "due-1"}, {"nth": 3, "micros": -4, "entry": "x"}]  # fmt: skip


def document(kind="invoice", lines=None, refers="", id="in_1"):
    content = {"mode": "live", "prefix": "", "currency": "USD", "lines": lines or LINES, "to_pay_micros": 2_000_000, "total_micros": 2_015_000}  # fmt: skip
    return Document(id, kind, "le_1", "2026-10", refers, AT, orjson.dumps(content).decode(), 7)


def read(notes=(), now=AT + DAY, of=None, **members):
    return read_dispute(
        {"line": 2, "reason": "It was empty.", **members}, of or document(), notes, RULES, now
    )


def test_a_dispute_is_about_the_whole_rest_of_a_line_or_a_part():
    made = read(evidence="r1\nr2")
    assert (made.amount, made.line, made.evidence, made.state) == (
        Money(2_000_000, "USD"),
        2,
        "r1\nr2",
        Disputed.OPEN,
    )
    assert made.answer_by == AT + DAY + 14 * DAY
    assert read(amount="0.5", line="2").amount == Money(500_000, "USD")
    note = document("credit_note", [{"nth": 2, "micros": 1_500_000}], "in_1", "cn_1")
    assert read(notes=[note]).amount == Money(500_000, "USD")
    assert disputed_of([made, read(line=1, amount="0.01")]) == {"in_1": 2_010_000}


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"line": 9}, "line"), ({"line": True}, "line"), ({"line": "²"}, "line"), ({"line": None}, "line"), ({"line": "9" * 30}, "line"),
        ({"reason": ""}, "reason"), ({"reason": " "}, "reason"), ({"reason": 3}, "reason"), ({"reason": "x" * 2_001}, "reason"),
        ({"reason": "a\x1b[31m"}, "reason"), ({"evidence": "x" * 8_001}, "evidence"), ({"evidence": []}, "evidence"),
        ({"amount": "-1"}, "amount"), ({"amount": "1e3"}, "amount"), ({"amount": 1}, "amount"), ({"amount": "9" * 40}, "amount"),
        ({"other": "x"}, "other"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(changes, member):
    refused = read(**changes)
    assert isinstance(refused, Refusal)
    assert refused.problem is Problem.PROPOSAL_INVALID
    assert dict(refused.facts) == {"member": member}


@pytest.mark.parametrize(
    "changes",
    [
        {"now": AT + 30 * DAY}, {"amount": "2.000001"}, {"amount": "0"}, {"line": 3},
        {"of": document("credit_note")}, {"notes": [document("credit_note", [{"nth": 2, "micros": 2_000_000}], "in_1")]},
    ],
)  # fmt: skip
def test_what_cannot_be_disputed_is_refused(changes):
    refused = read(**changes)
    assert isinstance(refused, Refusal)
    assert refused.problem is Problem.DISPUTE_REFUSED


def test_it_is_decided_once_and_a_no_needs_a_reason():
    made = read()
    yes = accepted(made, document(id="cn_1"), "You are right.", AT + 9)
    assert (yes.state, yes.credit_note, yes.version, yes.decided_at) == (Disputed.ACCEPTED, "cn_1", 2, AT + 9)
    no = rejected(made, "It was not.", AT + 9)
    assert (no.state, no.answer) == (Disputed.REJECTED, "It was not.")
    for refused in (
        rejected(made, " ", AT), rejected(no, "again", AT), accepted(no, document(), "", AT), rejected(made, "\x1b", AT),
    ):  # fmt: skip
        assert isinstance(refused, Refusal)
        assert refused.problem is Problem.DISPUTE_REFUSED
    assert disputed_of([yes, no]) == {}


def test_events_say_the_sum_and_the_state_and_no_word_of_anybody():
    made = read(reason="a secret reason", evidence="secret evidence")
    no = rejected(made, "a secret answer", AT)
    events = [told(made, AT), told(made, AT, overdue=True), told(no, AT)]
    assert [each.type for each in events] == ["dispute.opened", "dispute.overdue", "dispute.rejected"]
    assert len({each.id for each in events}) == 3
    assert "secret" not in orjson.dumps([dict(each.body) for each in events]).decode()
    assert as_document(no)["answer"] == "a secret answer"
    assert isinstance(no, Dispute)
