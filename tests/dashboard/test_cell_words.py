"""How a cell stands on a page."""

import pytest

from gateway.dashboard.cell_words import PAGES, Cell, cell_of, heading_of
from gateway.dashboard.permissions import ROUTES

ID = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7, Cell("7", number=True)),
        (None, Cell("")),
        ("", Cell("")),
        ("-0.02 USD", Cell("-0.02 USD", number=True)),
        ("1 USD; 2 EUR", Cell("1 USD; 2 EUR", number=True)),
        ("1970-01-01T00:00:01.500000Z", Cell("1970-01-01T00:00:01.500000Z", 1_500_000)),
        (f"li_{ID}", Cell(f"li_{ID}", pattern="/licenses/{id}", path=f"/licenses/li_{ID}")),
        (f"xx_{ID}", Cell(f"xx_{ID}")),
        ("li_short", Cell("li_short")),
        (f"li_{ID}/../x", Cell(f"li_{ID}/../x")),
        ("2 works", Cell("2 works")),
        ("<b>1</b>", Cell("<b>1</b>")),
    ],
)
def test_a_cell_is_known_by_what_it_holds(value, shown):
    assert cell_of(value) == shown


def test_every_page_that_an_id_leads_to_is_there():
    assert {f"GET {pattern}" for pattern in PAGES.values()} <= set(ROUTES)


def test_headings_are_words():
    assert [heading_of(name) for name in ("id", "represents_all")] == ["Id", "Represents all"]
