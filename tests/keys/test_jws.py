from __future__ import annotations

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys.jws import Compact, read_compact, sign, signature_holds
from gateway.keys.key_set import ALGORITHMS
from gateway.keys.signing_key import SigningKey
from gateway.keys.strict_json import Malformed

KEYS = {algorithm: SigningKey.generate(algorithm) for algorithm in ALGORITHMS}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_signed_reads_back_and_holds(algorithm: str) -> None:
    key = KEYS[algorithm]
    compact = read_compact(sign(b'{"a":1}', key, "x+jws"))
    assert (compact.algorithm, compact.kid, compact.typ) == (algorithm, key.kid, "x+jws")
    assert compact.payload == b'{"a":1}'
    assert signature_holds(compact, key.public)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_library_call_agrees(algorithm: str) -> None:
    key = KEYS[algorithm]
    text = sign(b'{"a":1}', key, "x+jws")
    assert jwt.decode(text, key.public.key, algorithms=[algorithm]) == {"a": 1}
    assert jwt.get_unverified_header(text) == {"alg": algorithm, "kid": key.kid, "typ": "x+jws"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_other_key_holds(algorithm: str) -> None:
    compact = read_compact(sign(b"{}", KEYS[algorithm], "x"))
    for other in [*KEYS.values(), SigningKey.generate(algorithm)]:
        assert signature_holds(compact, other.public) == (other == KEYS[algorithm])


@given(st.sampled_from(ALGORITHMS), st.data())
@settings(max_examples=150)
def test_any_changed_bit_fails(algorithm: str, data: st.DataObject) -> None:
    key = KEYS[algorithm]
    text = sign(b'{"a":1}', key, "x+jws")
    at = data.draw(st.integers(0, len(text) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]
    try:
        compact = read_compact(changed)
    except Malformed:
        return
    assert not signature_holds(compact, key.public)


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9_-]{1,20}\.[A-Za-z0-9_-]{1,9}\.[A-Za-z0-9_-]{1,9}"))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        compact = read_compact(text)
    except Malformed:
        return
    assert isinstance(compact, Compact)


def test_the_longest_text() -> None:
    text = sign(b"{}", KEYS["ES256"], "x")
    assert read_compact(text, longest=len(text)).typ == "x"
    with pytest.raises(Malformed, match="longer"):
        read_compact(text, longest=len(text) - 1)
