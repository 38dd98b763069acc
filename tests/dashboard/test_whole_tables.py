"""`columns=` of a page that has columns of its own leads to the table alone; of others it is theirs."""

from __future__ import annotations

import pytest
from yarl import URL


@pytest.mark.parametrize(
    "query", ["columns=name", "sort=-name&columns=name%2Cid", "columns=%3Cscript%3E%0D%0AX%3A1"]
)
async def test_a_page_leads_to_its_table_with_the_very_query(board, query):
    found = await board.get(f"/people?{query}")
    # The test's own client spells some escapes anew before it asks.
    assert (found.status, URL(found.headers["Location"])) == (303, URL(f"/people.html?{query}"))
    assert not {"<", "\r", "\n"} & set(found.headers["Location"])
    assert (await board.get("/people?sort=name")).status == 200


@pytest.mark.parametrize(
    ("page", "status"),
    [("/log?columns=path", 200), ("/log?columns=floor", 400), ("/crawlers?columns=fetches", 200)],
)
async def test_a_page_that_chooses_its_columns_answers_itself(board, page, status):
    assert (await board.get(page)).status == status


async def test_a_paper_has_no_table_to_lead_to(valued):
    assert (await valued.board.get("/memo?columns=path")).status == 200


async def test_nobody_is_led_to_a_table_before_signing_in(start, filled):
    found = await (await start(filled)).get("/people?columns=name")
    assert (found.status, found.headers["Location"]) == (303, "/sign-in")
