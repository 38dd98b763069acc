"""What of one negotiation is a table: what the page shows of it, and nothing of the creator's position."""

from __future__ import annotations

import json

from gateway.dashboard.deals import deal_page
from gateway.licenses.plain_words import NAMES
from gateway.terms.license_terms import Audit
from tests.dashboard.conftest import FLOORS


async def rows_of(desk, name: str) -> list[dict]:
    answer = await desk.get(f"/deals/ne_1/{name}.json")
    assert answer.status == 200
    assert not [floor for floor in FLOORS if floor in answer.text]
    return json.loads(answer.text)["rows"]


async def test_its_tables_say_what_its_page_says(desk, inbox):
    page = await deal_page(inbox.deals, await inbox.waits(audit=Audit("none", 0)))
    levers = await rows_of(desk, "levers")
    assert [row["lever"] for row in levers] == list(NAMES.values())
    assert [row["lever"] for row in levers if row["proposed_is"] == "wider"] == ["Reports and audits"]
    assert [(row["offer"], row["proposed"]) for row in levers] == [(row.other, row.one) for row in page.rows]
    assert [row["table"] for row in levers] == [""] * len(levers), "nothing is on the table yet"
    assert [row["flag"] for row in await rows_of(desk, "flags")] == ["no_audit"]
    assert [row["what"] for row in await rows_of(desk, "checklist")] == [item.what for item in page.items]
    said = await rows_of(desk, "transcript")
    assert [row["act"] for row in said] == ["proposal", "referral"]
    assert said[-1]["hash"] == page.negotiation.version


async def test_what_is_on_the_table_stands_beside_it(desk, inbox):
    made = await inbox.waits()
    form = {"form": await desk.form("/deals/ne_1"), "version": made.version, "act": "approve", "hours": "24"}
    assert (await desk.post("/deals/ne_1/offer", form)).status == 303
    levers = await rows_of(desk, "levers")
    assert [row["table"] for row in levers] == [row["proposed"] for row in levers]


async def test_of_a_negotiation_that_is_not_there_there_is_no_table(desk):
    for name in ("levers", "flags", "checklist", "transcript"):
        assert (await desk.get(f"/deals/ne_9/{name}.csv")).status == 404
