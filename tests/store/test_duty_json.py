"""Duties and audits as text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.audit_cases import AuditCase, AuditScope, Finding, Step
from gateway.licenses.obligations import Evidence, Kind, Obligation, State
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.store.duty_json import read_audit, read_duty, read_kept_report, write_audit, write_duty

texts, numbers = st.text(max_size=20), st.integers(0, 2**53)
duties = st.builds(
    Obligation, texts, texts, texts, texts, st.sampled_from(Kind), texts, numbers, numbers, numbers, texts, numbers,
    st.sampled_from([each for each in State if each is not State.OVERDUE]), numbers, numbers,
    st.lists(st.builds(Evidence, texts, texts, numbers, numbers, texts, numbers), max_size=2).map(tuple), texts,
)  # fmt: skip
money = st.none() | st.builds(Money, st.integers(-(2**53), 2**53), st.just("USD"))
scopes = st.builds(AuditScope, st.lists(texts, max_size=2).map(tuple), numbers, numbers)
audits = st.builds(
    AuditCase, texts, texts, texts, texts, numbers, texts, scopes, st.sampled_from(Step), scope=st.none() | scopes,
    findings=st.lists(st.builds(Finding, texts, texts, money, money), max_size=2).map(tuple),
)  # fmt: skip


@given(duties, audits)
def test_what_is_written_is_what_is_read(duty, case):
    assert read_duty(write_duty(duty)) == duty
    assert read_audit(write_audit(case)) == case


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": 1}', "\x00"])
def test_what_cannot_be_read_is_a_store_that_is_down(text):
    for read in (read_duty, read_audit, read_kept_report):
        with pytest.raises(StoreUnavailable):
            read(text)
