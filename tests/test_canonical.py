from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical_bytes, canonical_digest, canonical_members
from gateway.uses import Use

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


#: What may hide in a value: numbers at the edge, floats, other scalars, text without UTF-8, odd keys.
odd = (
    st.integers(2**53 - 2, 2**53 + 2)
    | st.integers(-(2**53) - 2, -(2**53) + 2)
    | st.integers(2**63 - 1, 2**64)
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=2)
    | st.sampled_from([Use.AI_TRAIN, UUID(int=1), Decimal(1), object(), frozenset()])
)
anything = st.recursive(
    values | odd,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.just(Use.TDM) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=8,
)
members = st.dictionaries(keys, st.integers() | st.text(max_size=3) | odd, max_size=5)


def by_the_book(value: object) -> bytes:
    """The bytes by a walk over every value, or `ValueError`; `TypeError` for text without UTF-8."""

    def walk(each: object) -> None:
        if isinstance(each, dict):
            assert_that(all(isinstance(key, str) and key.isascii() for key in each))
            each = list(each.values())
        if isinstance(each, list | tuple):
            for item in each:
                walk(item)
        elif isinstance(each, int):
            assert_that(-(2**53) <= each <= 2**53)
        else:
            assert_that(each is None or isinstance(each, str))

    def assert_that(true: bool) -> None:
        if not true:
            raise ValueError

    walk(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def outcome(write: Callable[[], bytes]) -> bytes | type[Exception]:
    try:
        return write()
    except ValueError:
        return ValueError
    except TypeError:
        return TypeError


@given(anything)
def test_the_quick_way_ends_as_the_slow_one_for_whatever_it_is_given(value: object) -> None:
    assert outcome(lambda: canonical_bytes(value)) == outcome(lambda: by_the_book(value))


@given(members, st.lists(st.text(max_size=3) | odd, max_size=3).map(tuple) | odd)
def test_members_are_written_alike_whatever_types_were_promised(
    named: dict[str, object], words: object
) -> None:
    named["words"] = words
    expected = outcome(lambda: by_the_book(named))
    true = tuple(map(type, named.values()))
    for types in (
        true,
        true[::-1],
        (str,) * len(named),
        tuple(tuple if each is tuple else str for each in true),
    ):
        if set(types) <= {str, int, tuple} and types.count(tuple) == 1:
            assert outcome(lambda types=types: canonical_members(named, types, "words")) == expected


def test_members_of_the_promised_types_and_words_that_are_none() -> None:
    for words in ((1.5,), (Use.TDM,), ((),), ("\udcff",), ("a", "b")):
        named = {"count": 2**53, "name": "n", "words": words}
        expected = outcome(lambda named=named: by_the_book(named))
        assert outcome(lambda named=named: canonical_members(named, (int, str, tuple), "words")) == expected
