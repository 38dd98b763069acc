from __future__ import annotations

import pytest

from gateway.app.worth import guide_of, worth_of
from gateway.folders import Folders
from gateway.licenses.pricing_guide import SHIPPED, Span
from gateway.policy.reading import default_policy
from gateway.policy.reload import PolicyShelf
from gateway.store.sqlite.database import Database

SITE = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
[[works]]
id = "essays"
paths = ["/"]
rights = "own"
people = "none"
[guide]
per_file = ["7", "70"]
"""


@pytest.fixture
def shelf(tmp_path):
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "journal.toml").write_text(SITE)
    return PolicyShelf(tmp_path / "sites")


async def test_what_the_pages_work_on(shelf, tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    try:
        worth = worth_of(database, shelf, Folders(tmp_path).figures)
        (policy,) = worth.policies()
        assert worth.guide(policy).per_file == Span(7_000_000, 70_000_000)
        assert worth.figures.file("journal") == tmp_path / "figures" / "journal.toml"
        assert await worth.history("journal") == []
        assert (await worth.book.traffic("journal", 0, 1, 1)).people == 0
        assert worth.catalog.crawler("GPTBot")
    finally:
        await database.close()


def test_a_guide_that_is_being_edited_is_the_shipped_one(shelf, tmp_path):
    (policy,) = shelf.policies
    file = tmp_path / "sites" / "journal.toml"
    file.write_text(SITE.replace('"70"', '"7'))
    assert guide_of(policy) == SHIPPED
    file.unlink()
    assert guide_of(policy) == SHIPPED
    assert guide_of(default_policy("http://127.0.0.1:8000")) == SHIPPED
