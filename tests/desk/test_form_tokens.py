"""Marks of forms: ours, of their owner, and young."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import HandClock
from gateway.desk.form_tokens import OPEN_US, FormTokens

TOKENS = FormTokens(HandClock())


def test_a_fresh_mark_is_like_no_other_and_grows_old():
    clock = HandClock()
    tokens = FormTokens(clock)
    one, other = tokens.fresh(), tokens.fresh()
    assert tokens.nonce_of(one) != tokens.nonce_of(other)
    assert tokens.nonce_of(one) == tokens.nonce_of(one) != ""
    clock.advance(OPEN_US // 1_000_000 - 1)
    assert tokens.nonce_of(one)
    clock.advance(1)
    assert tokens.nonce_of(one) == ""


def test_a_mark_is_of_its_owner_and_of_its_process():
    mark = TOKENS.of("a")
    assert TOKENS.is_of("a", mark)
    assert not TOKENS.is_of("b", mark)
    assert not FormTokens(HandClock()).is_of("a", mark)
    assert FormTokens(HandClock()).nonce_of(TOKENS.fresh()) == ""


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_is_taken_for_one_or_makes_it_raise(text):
    assert TOKENS.nonce_of(text) == ""
    assert not TOKENS.is_of("a", text)
    assert TOKENS.nonce_of(TOKENS.fresh() + text) == "" or not text
