"""Nonces that nobody remembers: good for a while, from whichever process, and from nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens.nonces import WINDOW_SECONDS, Nonces

NOW = 1_795_000_000 // WINDOW_SECONDS * WINDOW_SECONDS
OURS = Nonces(b"s" * 32)


def test_a_nonce_is_good_in_its_window_and_the_next_at_every_process_of_the_gateway():
    nonce = OURS.current(NOW)
    assert nonce.isascii()
    assert nonce.isprintable()
    assert OURS.current(NOW + WINDOW_SECONDS - 1) == nonce
    good = [Nonces(b"s" * 32).good(nonce, NOW + ago) for ago in (0, WINDOW_SECONDS, 2 * WINDOW_SECONDS - 1)]
    assert good == [True] * 3
    assert not OURS.good(nonce, NOW + 2 * WINDOW_SECONDS)
    assert not OURS.good(nonce, NOW - 1)


def test_another_secret_gives_others():
    assert not Nonces(b"t" * 32).good(OURS.current(NOW), NOW)
    with pytest.raises(ValueError, match="too short"):
        Nonces(b"s" * 31)


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_no_text_is_good_by_chance_and_none_raises(text):
    assert not OURS.good(text, NOW)
