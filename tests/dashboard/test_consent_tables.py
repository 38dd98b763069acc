"""The pages of Consent's tables: no row is left out."""

from __future__ import annotations

import re

import orjson

from gateway.licenses.objection import Objection, Objector, Role
from gateway.licenses.withdrawal import USUAL, Withdrawal


async def test_the_pages_of_the_tables_end_nowhere(board, consents, clock):
    """Two pages and more of each table; the page of all shows ten and leads there."""
    now = clock.now_us() // 1_000_000
    for nth in range(201):
        id = f"{nth:03}"
        one = Withdrawal(f"wd_{id}", "journal", USUAL, now, now, works=("essays",), readmitted_at=now)
        await consents.taking_back.store.issue(one)
        objection = Objection(f"ob_{id}", "journal", f"/essays/{id}", Role.DEPICTED, now + nth)
        await consents.hearing.store.add(objection, Objector("a@a.example", "A", "B"), most=999)
        await consents.asking.ask(
            "journal", "essays", f"Author {id}", 1, now * 1_000_000 + nth, representative=False
        )
    for name, found in {
        "withdrawals": r'href="/consent/withdrawals/(wd_\w+)"', "objections": r'href="/consent/objections/(ob_\d+)"',
        "authors": r'<th scope="row">.*?(Author \d+)',
    }.items():  # fmt: skip
        rows, pages, path = [], 0, f"/consent/{name}"
        while path:
            page = await board.get(path)
            rows += re.findall(found, page.text)
            more = re.search(r'<a rel="next" href="([^"]+)"', page.text)
            path, pages = more and more[1].replace("&amp;", "&"), pages + 1
        told = orjson.loads((await board.get(f"/consent/{name}.json")).text)["rows"]
        # That authors have not answered holds the work: a withdrawal of its own.
        assert (len(rows), pages) == (202 if name == "withdrawals" else 201, 3), name
        assert rows == [each.get("author") or each["id"] for each in told], name
        assert (await board.get(f"/consent/{name}?after=nowhere")).status == 400
        all_ = (await board.get("/consent")).text
        assert len(re.findall(found, all_)) == 10, name
        assert f'The first 10. <a href="/consent/{name}">' in all_, name


async def test_a_table_without_rows_says_so(board):
    for name in ("withdrawals", "objections", "authors"):
        page = await board.get(f"/consent/{name}")
        assert (page.status, "There are none yet." in page.text) == (200, True), name
