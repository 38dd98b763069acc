from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys.strict_json import DEEPEST, Malformed, read_object

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts | st.lists(texts))
)
def test_whole_numbers_texts_and_lists_come_through(value: dict[str, object]) -> None:
    assert read_object(json.dumps(value).encode()) == value
    assert read_object(json.dumps(value, ensure_ascii=False, indent=2).encode()) == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"1", "not a JSON object"),
        (b"{} {}", "not JSON"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"a":1,"\\u0061":2}', "twice"),
        (b'{"a":{"b":1,"b":2}}', "twice"),
        (b'{"a":[{"b":1,"b":2}]}', "twice"),
        (b'{"a":1.0}', "not whole"),
        (b'{"a":1e2}', "not whole"),
        (b'{"a":1e400}', "not whole"),
        (b'{"a":NaN}', "not whole"),
        (b'{"a":-Infinity}', "not whole"),
        (b'{"a":9007199254740993}', "outside"),
        (b'{"a":[-9007199254740993]}', "outside"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udfff":1}', "surrogate"),
        (b'{"a":"\n"}', "not JSON"),
        (b'{"a":"\xff"}', "not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        ('{"a":1}'.encode("utf-16"), "not JSON"),
        ('{"a":1}'.encode("utf-32"), "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b'{"a":' * 100_000, "deeper"),
        (b'{"a":' * DEEPEST + b"{}" + b"}" * DEEPEST, "deeper"),
        (b'{"a":' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", "deeper"),
    ],
)
def test_what_has_two_readings_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_object(raw)


def test_depth_is_bounded_before_anything_goes_deep() -> None:
    """Libraries of others lift the interpreter's own limit, and then the decoder would run out of stack."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10**7)
    try:
        for raw in (
            b'{"a":' + b"[" * 1_000_000,
            b'{"a":{' * 200_000,
            b"[" * 500_000,
            b'{"a":' + b"[[]," * 500_000,
        ):
            with pytest.raises(Malformed, match="deeper"):
                read_object(raw)
    finally:
        sys.setrecursionlimit(limit)
    assert read_object(b'{"a": "' + b"[" * 500 + b'"}') == {"a": "[" * 500}
    assert read_object(b'{"a": "\\"' + b"{" * 500 + b'"}') == {"a": '"' + "{" * 500}


def test_the_deepest_that_is_allowed() -> None:
    raw = b'{"a":' * (DEEPEST - 1) + b"{}" + b"}" * (DEEPEST - 1)
    assert read_object(raw) == json.loads(raw)


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_no_input_raises_anything_else(raw: bytes) -> None:
    try:
        found = read_object(raw)
    except Malformed:
        return
    assert found == json.loads(raw)
