"""The page of auditors: their scopes and ends, every look, and an access that is ended there."""

from __future__ import annotations

import pytest

from gateway.licenses.auditors import Look, invite
from gateway.store.sqlite.auditors import SqliteAuditors

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
async def auditors(database, clock):
    """One who may look and did, and one whose access is over."""
    store, now = SqliteAuditors(database.database), clock.now_us() // 1_000_000
    one = invite(HOSTILE, licensee="le_1", first="2026-10", last="2026-11", days=30, now=now).auditor
    over = invite(
        "Bo Example", site="journal", first="2026-01", last="2026-02", days=1, now=now - 9 * 86_400
    ).auditor
    for each in (one, over):
        assert await store.add(each)
    await store.looked(
        Look(one.id, now - 60, f"GET /.licet/audit/records?month=2026-10&x={HOSTILE}", "given")
    )
    await store.looked(Look(over.id, now - 30, "GET /.licet/audit/bundle", "access-ended"))
    return store, one, over


async def test_access_and_looks_stand_there_and_those_of_one_alone(start, database, auditors):
    store, one, over = auditors
    board = await start(database, auditors=store)
    await board.set_password()
    page = (await board.get("/auditors")).text
    assert "<script>" not in page
    for words in (
        "le_1",
        "every site",
        "every licensee",
        ">journal<",
        "2026-10 to 2026-11",
        "may look",
        "expired",
        "given",
        "access-ended",
    ):
        assert words in page, words
    assert page.index("access-ended") < page.index("given"), "the latest first"
    assert one.secret_sha256 not in page
    mine = (await board.get(f"/auditors?auditor={over.id}")).text
    assert "access-ended" in mine
    assert "month=2026-10" not in mine
    assert (await board.get("/auditors?auditor=au_9")).status == 404


async def test_an_access_is_ended_there_once_by_a_form_of_the_session(start, database, auditors):
    store, one, _ = auditors
    board = await start(database, auditors=store)
    await board.set_password()
    at = f"/auditors/{one.id}/revoke"
    assert (await board.post(at, {"form": "0" * 64})).status == 403
    form = {"form": await board.form("/auditors")}
    done = await board.post(at, form)
    assert (done.status, done.headers["Location"]) == (303, "/auditors")
    assert "revoked" in (await board.get("/auditors")).text
    assert (await board.post(at, form)).status == 404
    assert (await board.post("/auditors/au_9/revoke", form)).status == 404


async def test_nobody_has_looked_and_nobody_reads_who_is_not_signed_in(start, database):
    board = await start(database, auditors=SqliteAuditors(database.database))
    assert (await board.get("/auditors", Accept="*/*")).status == 401
    await board.set_password()
    page = (await board.get("/auditors")).text
    assert "Nobody has access" in page
    assert "Nobody has looked yet." in page
