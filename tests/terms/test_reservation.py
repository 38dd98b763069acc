"""What is reserved is said for the whole site, and only where something is."""

from __future__ import annotations

import pytest

from gateway.paths import PathScope
from gateway.terms.license_terms import PublishedScope, PublishedTerms
from gateway.terms.reservation import LIMITS, NOTHING_RESERVED, reservation, reserved
from gateway.uses import Use

EVERYTHING = frozenset(Use)


def terms(*free, name="The Journal"):
    scopes = tuple(PublishedScope((PathScope("/"),), "", frozenset(each), ()) for each in free)
    return PublishedTerms("https://journal.example", name, "", "d", "USD", scopes, ())


def test_the_reservation_is_express_site_wide_and_names_its_ground():
    said = reservation(terms({Use.SEARCH}))
    for fact in ("every work on this site", "towards everybody", "expressly reserves", "text and data mining",
                 "Article 4(3) of Directive (EU) 2019/790", "The Journal"):  # fmt: skip
        assert fact in said
    assert "the owner of this site" in reservation(terms({Use.SEARCH}, name=""))


@pytest.mark.parametrize(
    ("free", "nothing"),
    [
        ((EVERYTHING,), True),
        ((EVERYTHING, EVERYTHING - {Use.FINE_TUNE}), True),  # training includes it
        ((EVERYTHING, EVERYTHING - {Use.TDM}), False),
        ((frozenset(),), False),
    ],
)
def test_nothing_is_called_reserved_where_everything_is_free(free, nothing):
    assert (reservation(terms(*free)) == NOTHING_RESERVED) is nothing


def test_the_law_s_exceptions_are_named():
    for right in ("research organizations", "cultural heritage", "quotation", "disabilities"):
        assert right in LIMITS


def test_a_use_is_reserved_unless_it_or_a_wider_one_is_free_or_for_sale():
    assert reserved(frozenset({Use.SEARCH}), frozenset({Use.AI_TRAIN})) == {
        Use.AI_INPUT,
        Use.AI_INDEX,
        Use.TDM,
    }
    assert reserved(EVERYTHING, frozenset()) == frozenset()
