"""Terms that somebody else wrote: read as they are hashed, or refused; nothing else comes of any JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical_digest
from gateway.terms.terms_json import UnreadableTerms, terms_of
from tests.licenses.deals import deals

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(deals)
def test_terms_come_back_as_they_went_in(terms):
    assert terms_of(terms.as_json(), terms.hash) == terms


@given(deals, deals)
def test_terms_of_another_hash_are_refused(terms, other):
    if terms.hash != other.hash:
        with pytest.raises(UnreadableTerms, match="not those of"):
            terms_of(terms.as_json(), other.hash)


@given(deals, st.data())
def test_a_member_that_is_something_else_is_refused_or_read_as_it_is_hashed(terms, data):
    plain = terms.as_json()
    name = data.draw(st.sampled_from(sorted(plain)))
    odd = data.draw(json)
    inner = plain[name]
    if isinstance(inner, dict) and data.draw(st.booleans()):
        inner[data.draw(st.sampled_from(sorted(inner)))] = odd
    else:
        plain[name] = odd
    try:
        claimed = canonical_digest(plain)
    except (ValueError, TypeError):
        claimed = "sha-256:0"
    try:
        found = terms_of(plain, claimed)
    except UnreadableTerms:
        return
    assert found.hash == claimed


@pytest.mark.parametrize("odd", [None, [], "terms", 7, {}, {"scope": None}])
def test_what_is_no_terms_is_refused(odd):
    with pytest.raises(UnreadableTerms):
        terms_of(odd, "sha-256:0")
