from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical_bytes, canonical_digest

keys = st.text(st.characters(max_codepoint=127), max_size=6)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_canonical_bytes_read_back_and_do_not_depend_on_order(value: object) -> None:
    octets = canonical_bytes(value)
    assert json.loads(octets) == value
    if isinstance(value, dict):
        assert canonical_bytes(dict(reversed(value.items()))) == octets


@given(values)
def test_they_are_those_of_an_independent_writer(value: object) -> None:
    # For ASCII keys and whole numbers RFC 8785 equals sorted, compact, unescaped JSON.
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical_bytes(value) == written.encode()


@pytest.mark.parametrize("value", [1.5, 2**53 + 1, {"é": 1}, {1: 2}, b"x", {"a": {1, 2}}, object()])
def test_what_has_no_canonical_form_raises(value: object) -> None:
    with pytest.raises(ValueError, match=r"canonical|whole numbers"):
        canonical_bytes(value)


def test_the_digest_is_that_of_rfc_8785_for_a_known_value() -> None:
    assert canonical_digest({}) == "sha-256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
