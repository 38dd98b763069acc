"""The list of negotiations as a query string, and its exports."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.deals import CELL_NAMES, deal_page, each_deal, read_filter, rows_of, since
from gateway.dashboard.exports import as_csv, as_json
from gateway.dashboard.sorting import Order
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import Side, terminated
from gateway.licenses.negotiations import Place, Stand
from gateway.terms.license_terms import Audit, Compensation, Exclusivity
from tests.dashboard.conftest import FLOORS, TERMS


def test_a_filter_is_read_from_a_query_string():
    view = read_filter([("stand", "waiting"), ("text", " Lab "), ("after", "7.ne_1.open"), ("odd", "x")])
    assert (view.stand, view.text, view.after) == (Stand.WAITING, "Lab", Place("open", 7, "ne_1"))
    assert [key for key, _ in view.notes] == ["odd"]
    assert view.query() == "stand=waiting&text=Lab"
    assert view.query(after="3.b.c") == "stand=waiting&text=Lab&after=3.b.c"
    view = read_filter([("columns", "id, buyer"), ("columns", "site"), ("sort", "-started")])
    assert (view.columns, view.order) == (("id", "buyer", "site"), Order("started", turned=True))
    assert view.query() == "columns=id%2Cbuyer%2Csite&sort=-started"
    assert not view.narrowed


def test_what_is_wrong_shows_nothing_else():
    view = read_filter(
        [("stand", "later"), ("after", "7.ne_1.late"), ("text", "a\nb"), ("site", "a"), ("site", "b")]
    )
    assert [key for key, _ in view.mistakes] == ["text", "site", "stand", "after"]
    assert view.given["stand"] == "later"
    view = read_filter([("columns", "id,floor"), ("sort", "price")])
    assert [key for key, _ in view.mistakes] == ["columns", "sort"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("stand", "site", "offer", "text", "page", "after", "columns", "sort", "x")),
            st.text(),
        )
    )
)
def test_no_query_makes_it_raise(pairs):
    view = read_filter(pairs)
    assert not view.mistakes or (view.stand is None and view.query() == "")


async def test_rows_are_found_by_the_name_of_the_buyer(inbox):
    lab, other = await inbox.buyer("Example Lab"), await inbox.buyer("Other")
    await inbox.waits("ne_1", lab)
    await inbox.waits("ne_2", other)
    rows = await rows_of(inbox.deals, read_filter([("text", "example l")]), most=9)
    assert [(row.negotiation.id, row.buyer, row.stand) for row in rows] == [
        ("ne_1", "Example Lab", Stand.WAITING)
    ]
    assert rows[0].price.startswith("500 USD at signing")
    assert rows[0].why == "the works become part of a model"


async def test_exports_hold_every_row_and_no_floor_and_no_formula(inbox):
    buyer = await inbox.buyer("=HYPERLINK('http://evil.example')")
    for number in range(230):
        await inbox.waits(f"ne_{number:03}", buyer)
    everything = read_filter([])
    written = [
        b"".join([chunk async for chunk in form(CELL_NAMES, each_deal(inbox.deals, everything))])
        for form in (as_json, as_csv)
    ]
    found = json.loads(written[0])["rows"]
    rows = list(csv.DictReader(io.StringIO(written[1].decode())))
    assert len(found) == len(rows) == 230
    assert {row["id"] for row in rows} == {each["id"] for each in found}
    assert rows[0]["buyer"].startswith("'=")
    assert found[0]["buyer"].startswith("=")
    text = json.dumps(found) + str(rows)
    assert not [floor for floor in FLOORS if floor in text]


async def test_a_page_knows_what_is_wider_what_trips_and_where_the_bid_stands(inbox):
    bid = Compensation(
        "USD", upfront=TERMS.compensation.upfront.times(1, 2), per_fetch=TERMS.compensation.per_fetch
    )
    made = await inbox.waits(compensation=bid, audit=Audit("none", 0), exclusivity=Exclusivity(False))
    page = await deal_page(inbox.deals, made)
    assert [row.name for row in page.rows if row.wider] == ["Price", "Reports and audits"]
    assert [(flag.name, str(flag.severity)) for flag in page.flags] == [("no_audit", "refuse")]
    assert (page.bidden, page.below) == (50, True)
    assert [limit.name for limit in page.limits] == ["not exclusive", "exclusive"]
    assert "286.6095 USD at signing" in page.limits[0].floor
    assert page.whole
    assert len(page.items) == 8
    assert not [floor for floor in FLOORS for letter in page.letters if floor in letter.text]


async def test_a_floor_that_is_met_is_not_below(inbox):
    page = await deal_page(inbox.deals, await inbox.waits())
    assert (page.bidden, page.below) == (100, False)
    sole = await deal_page(inbox.deals, await inbox.waits("ne_2", exclusivity=Exclusivity(True)))
    assert (sole.bidden, sole.below) == (27, True), "the exclusive price is asked for it"


async def test_what_was_said_since_a_version(inbox):
    made = await inbox.waits()
    first = made.transcript[0].hash
    assert [said.entry.act for said in since(made, first)] == ["referral"]
    assert since(made, made.version) == ()
    assert len(since(made, "sha-256:unknown")) == 2
    ended = terminated(made, Side.BUYER, "no", now=inbox.now)
    assert [said.told for said in since(ended, made.version)] == ["ends it: no"]


async def test_a_buyer_is_known_when_somebody_stands_for_it(inbox):
    quarantined = await inbox.buyer("New", Standing.QUARANTINED)
    page = await deal_page(inbox.deals, await inbox.waits("ne_1", quarantined))
    assert not page.known
    active = replace(page, buyer=replace(page.buyer, standing=Standing.ACTIVE))
    assert active.known
