"""Licensees and licenses on the dashboard: what is shown, and what an operator's word does."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from gateway.dashboard.holder_pages import Holders
from gateway.dashboard.table_forms import PAGE_ROWS
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.money import Money
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.accounts import SqliteAccounts
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.lives import SqliteLives
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.terms.license_terms import Compensation
from gateway.tokens.claims import Budget
from tests.dashboard.conftest import HOSTILE, SALT, TERMS, fetch

DAY = 86_400


def spelled(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


class Desk:
    def __init__(self, board, register, holders: Holders, now: int) -> None:
        self.board, self.register, self.holders, self.now = board, register, holders, now

    async def page(self, path: str) -> str:
        answer = await self.board.get(path)
        assert answer.status == 200, path
        return answer.text

    async def post(self, path: str, **fields: str):
        form = await self.board.form(path.rpartition("/")[0])
        return await self.board.post(path, {"form": form, **fields})


@pytest.fixture
async def desk(start, filled, clock):
    database = filled.database
    now = clock.now_us() // 1_000_000
    register = SqliteRegister(database)
    for number, (name, standing) in enumerate(
        (("Acme Models", Standing.ACTIVE), ("Newcomer", Standing.QUARANTINED), (HOSTILE[0], Standing.ACTIVE))
    ):
        holder = Licensee(
            f"le_{number}", name, standing, now - number * DAY, contact=f"{number}@acme.example"
        )
        await register.add_licensee(holder, Client(f"cl_{number}", f"le_{number}", "ab" * 32, now))
    license = License(
        "li_1",
        "le_0",
        "journal",
        "training",
        TERMS,
        "sha-256:p",
        now - DAY,
        now + 30 * DAY,
        Budget(None, 100),
    )
    await register.grant(license)
    older = replace(TERMS, compensation=Compensation("USD", per_fetch=Money(30_000, "USD")))
    await register.grant(replace(license, id="li_2", terms=older, starts_at=now - 9 * DAY, ends_at=now - DAY))
    credit = BookEntry("bk-1", clock.now_us(), "credit", "journal", "le_0", 10_000_000, "USD")
    await SqliteFolding(database).fold(
        FoldBatch((SealedEntry(credit, SALT, credit.canonical(), "office"),), (), ())
    )
    holders = Holders(register, SqliteLives(database), SqliteAccounts(database), SqliteSpendBook(database))
    await holders.accounts.set_limit("le_0", Money(5_000_000, "USD"))
    await holders.accounts.tie("https://acme.example", "le_0")
    board = await start(filled, holders=holders)
    await board.set_password()
    return Desk(board, register, holders, now)


async def test_who_waits_and_who_has_credit_is_seen(desk):
    said = spelled(await desk.page("/licensees"))
    assert "1 registered by themselves and wait for you" in said
    assert re.search(r"active Acme Models 10\.00 USD", said)
    assert HOSTILE[0] in said
    one = spelled(await desk.page("/licensees/le_0"))
    for words in ("10.00 USD", "5.00 USD", "https://acme.example", "in force", "expired", "ai-train"):
        assert words in one
    assert (await desk.board.get("/licensees/le_9")).status == 404


async def test_a_record_names_the_licensee_beside_its_id(desk, filled, clock):
    known = fetch(900, "licensed", clock.now_us(), licensee="le_0")
    gone = fetch(901, "licensed", clock.now_us(), licensee="le_9")
    await filled.insert((known, None), (gone, None))
    assert "Licensee le_0 Acme Models" in spelled(await desk.page(f"/records/{known.id}"))
    assert "Licensee le_9 Client" in spelled(await desk.page(f"/records/{gone.id}"))


async def test_a_newcomer_is_approved_and_stopped(desk):
    done = await desk.post("/licensees/le_1/stand", standing="active")
    assert (done.status, done.headers["Location"]) == (303, "/licensees/le_1?done=active")
    assert (await desk.register.licensee("le_1")).standing is Standing.ACTIVE
    await desk.post("/licensees/le_1/stand", standing="suspended")
    assert (await desk.register.licensee("le_1")).standing is Standing.SUSPENDED
    assert any(holder == "le_1" for holder, _ in (await desk.register.revocations()).holders)
    assert (await desk.post("/licensees/le_1/stand", standing="quarantined")).status == 400


async def test_a_license_is_told_in_words(desk):
    listed = spelled(await desk.page("/licenses"))
    assert listed.index("in force Acme Models") < listed.index("expired Acme Models")
    one = spelled(await desk.page("/licenses/li_1"))
    for words in (
        "License of Acme Models",
        "in force",
        "Exclusivity",
        "Not exclusive",
        "24 months",
        "0 of 100",
    ):
        assert words in one
    assert (await desk.board.get("/licenses/li_9")).status == 404


async def test_a_license_is_suspended_resumed_and_revoked(desk):
    bad = await desk.post("/licenses/li_1/suspend", said=" ")
    assert bad.status == 409
    assert "one line of at most 300 characters" in spelled(bad.text)
    done = await desk.post("/licenses/li_1/suspend", said="Please call us.")
    assert done.headers["Location"] == "/licenses/li_1?done=suspend"
    assert (await desk.register.revocations()).suspended == (("li_1", "Please call us."),)
    page = spelled(await desk.page("/licenses/li_1"))
    assert "You: Please call us." in page
    assert "Resume it" in page
    twice = await desk.post("/licenses/li_1/suspend", said="Again.")
    assert "You suspended this license already" in spelled(twice.text)

    await desk.post("/licenses/li_1/resume")
    assert (await desk.register.revocations()).suspended == ()
    none = await desk.post("/licenses/li_1/resume")
    assert "You did not suspend this license" in spelled(none.text)

    unsure = await desk.post("/licenses/li_1/revoke")
    assert unsure.status == 409
    assert (await desk.register.revocations()).licenses == frozenset()
    await desk.post("/licenses/li_1/revoke", sure="yes")
    assert (await desk.register.revocations()).licenses == {"li_1"}
    page = spelled(await desk.page("/licenses/li_1"))
    assert "revoked" in page
    assert "Revoke it" not in page
    late = await desk.post("/licenses/li_1/suspend", said="Late.")
    assert "was revoked" in spelled(late.text)


async def test_what_has_ended_cannot_be_changed(desk):
    page = spelled(await desk.page("/licenses/li_2"))
    assert "expired" in page
    assert "Suspend it" not in page
    for act in ("suspend", "revoke"):
        answer = await desk.post(f"/licenses/li_2/{act}", said="x", sure="yes")
        assert answer.status == 409
        assert "has ended" in spelled(answer.text)


async def test_only_a_form_of_this_session_changes_anything(desk):
    for path in ("/licenses/li_1/revoke", "/licenses/li_1/suspend", "/licensees/le_0/stand"):
        forged = {"form": "0" * 64, "sure": "yes", "said": "x", "standing": "suspended"}
        assert (await desk.board.post(path, forged)).status == 403
    known = await desk.register.revocations()
    assert (known.licenses, known.suspended, known.holders) == (frozenset(), (), ())


def column(page: str, pattern: str) -> list[str]:
    return re.findall(pattern, page)


LINKS = r'<td class="when" role="cell"><a href="/licensees/(le_[^"]+)"'


async def test_licensees_stand_in_the_order_that_the_address_names_and_so_do_their_forms(desk):
    for sort, wanted in (
        ("", ["le_0", "le_1", "le_2"]), ("-since", ["le_2", "le_1", "le_0"]), ("name", ["le_2", "le_0", "le_1"]),
        ("credit", ["le_0", "le_1", "le_2"]), ("-standing", ["le_1", "le_0", "le_2"]),
    ):  # fmt: skip
        page = await desk.page(f"/licensees?sort={sort}")
        assert column(page, LINKS) == wanted, sort
        rows = json.loads(await desk.page(f"/licensees.json?sort={sort}"))["rows"]
        assert [row["id"] for row in rows] == wanted, sort
        if sort:
            assert f'href="/licensees.csv?sort={sort}"' in page
            assert len(column(page, 'aria-sort="(?:as|des)cending"')) == 1
    assert 'aria-sort="ascending"><a href="/licensees?sort=-name">Name' in await desk.page(
        "/licensees?sort=name"
    )
    wrong = await desk.board.get("/licensees?sort=floor")
    assert (wrong.status, column(wrong.text, LINKS)) == (400, [])
    assert "has no 'floor' here" in html.unescape(wrong.text)


async def test_many_licensees_and_licenses_are_turned_page_by_page_and_none_is_left_out(desk):
    for number in range(3, 230):
        holder = Licensee(f"le_{number}", f"Company {number % 7}", Standing.ACTIVE, desk.now - number * DAY)
        await desk.register.add_licensee(holder, Client(f"cl_{number}", holder.id, "ab" * 32, desk.now))
    for sort in ("", "name", "-since"):
        seen, path = [], f"/licensees?sort={sort}"
        while path:
            page = await desk.page(path)
            found = column(page, LINKS)
            assert len(found) <= PAGE_ROWS
            seen += found
            more = column(page, r'rel="next" href="([^"]+)"')
            path = html.unescape(more[0]) if more else ""
        rows = json.loads(await desk.page(f"/licensees.json?sort={sort}"))["rows"]
        assert seen == [row["id"] for row in rows], sort
        assert len(set(seen)) == 230
    late = await desk.board.get("/licensees?after=le_none")
    assert late.status == 400
    assert "names no row that is there now" in late.text
    found = column(await desk.page("/licenses?sort=until"), r'role="cell"><a href="/licenses/(li_\d)"')
    assert found == ["li_1", "li_2"]
    found = column(await desk.page("/licenses?sort=-until"), r'role="cell"><a href="/licenses/(li_\d)"')
    assert found == ["li_2", "li_1"]
    assert column(await desk.page("/licenses?after=li_1"), r'role="cell"><a href="/licenses/(li_\d)"') == [
        "li_2"
    ]
