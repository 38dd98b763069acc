"""What administrators do, on pages and by commands, stands in the journal's chain and can be proven there."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import apsw
import orjson
import pytest

from gateway.cli.noting import CHANGING
from tests.journeys.test_command import COMMANDS

PASSWORD = "tides come in twice a day"
#: Commands that only read, or whose doing is told by other entries, or that are no command of an operator's.
READING = {
    "serve", "demo", "report", "past", "policy check", "policy explain", "policy lint", "policy honeypot",
    "keys list", "journal export", "journal audit", "journal prove", "journal sizes", "journal verify", "journal bundle",
    "journal check", "audit", "receipt verify", "licensee list", "statement", "backup", "restore", "fetch",
    "doctor", "deploy", "reconcile-access", "restart", "who", "memo", "price", "dossier", "ems encrypt",
    "ems decrypt", "terms show", "terms export", "payments", "crawlers list", "crawlers show",
    "crawlers check", "rsl lint", "deals list", "deals show", "licenses list", "licenses show",
    "bundle list", "bundle show", "bundle verify", "bundle progress", "claims list", "milestones list",
    "books authors", "books rate list", "duties list", "duties show", "duties evidence", "audits list",
    "audits show", "auditors list", "auditors looks", "retention", "withdraw list", "withdraw show",
    "objections list", "objections show", "authors list", "authorship show", "authorship export",
    "invoices list", "invoices show", "payouts list", "payouts authors", "mcp", "disputes list",
    "disputes show", "reconcile", "books check", "books export", "outbox list", "outbox show", "outbox test",
    "dashboard people list", "dashboard keys list", "config export", "config diff", "listen", "policy history", "store move", "store machines",
}  # fmt: skip


def test_of_every_command_it_is_known_whether_it_changes_something():
    every = {" ".join(path) for path in COMMANDS}
    assert every - READING - CHANGING == set(), "say in cli/noting.py or here what each of these does"
    assert (READING | CHANGING) - every == set()
    assert not READING & CHANGING


class Board:
    """Somebody signed in to the dashboard of a running gateway."""

    def __init__(self, base):
        self.base, self.client = base, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path):
        async with self.client.get(path if "://" in path else self.base + path) as answer:
            return answer.status, await answer.text()

    async def post(self, path, page, /, **fields):
        form = re.search(r'name="form" value="([0-9a-f]{64})"', page)[1]
        async with self.client.post(
            self.base + path, data={"form": form, **fields}, headers={"Sec-Fetch-Site": "same-origin"}
        ) as answer:
            return answer.status, await answer.text()

    async def enter(self, link):
        token = link.partition("token=")[2]
        _, page = await self.get(link)
        return await self.post("/sign-in", page, token=token, password=PASSWORD, again=PASSWORD)


@pytest.fixture
async def boards():
    made = []

    def board(base):
        made.append(Board(base))
        return made[-1]

    yield board
    for each in made:
        await each.client.close()


def notes(licet):
    """What the books show, in order."""
    with_ = apsw.Connection(str(licet.folder / "licet-data" / "licet.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = with_.execute("SELECT own_canonical FROM entries WHERE kind = 'admin' ORDER BY seq")
        return [orjson.loads(canonical) for (canonical,) in rows]
    finally:
        with_.close()


async def test_a_change_on_a_page_and_one_by_command_are_proven_from_the_public_log(licet, origin, boards):
    licet.write_site(origin.url)
    one = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--json")).json
    owner, viewer = boards(one.dashboard), boards(one.dashboard)
    assert (await owner.enter(one.sign_in))[0] == 200
    _, page = await owner.get(f"/licensees/{made['licensee']}")
    assert (await owner.post(f"/licensees/{made['licensee']}/stand", page, standing="suspended"))[0] == 200
    link = (await licet("dashboard", "people", "add", "vera", "viewer", "--json")).json["sign_in"]
    status, page = await viewer.enter(link)
    assert (status, "vera" in page) == (200, True)
    _, page = await viewer.get("/account")
    assert (await viewer.post(f"/licensees/{made['licensee']}/stand", page, standing="active"))[0] == 403
    # A command locks out a session that is open, with the next request.
    await licet("dashboard", "people", "disable", "vera")
    assert "Sign in" in (await viewer.get("/"))[1]
    await licet("dashboard", "people", "disable", "owner", code=1)

    async with asyncio.timeout(20):
        while len(found := notes(licet)) < 6:
            await asyncio.sleep(0.1)
    assert [(each["act"], each["role"], each["way"]) for each in found] == [
        ("licensee add", "local", "local"), ("self", "owner", "link"), ("licensees.change", "owner", "password"),
        ("dashboard people add", "local", "local"), ("self", "viewer", "link"), ("dashboard people disable", "local", "local"),
    ]  # fmt: skip
    assert found[2]["before"] != found[2]["after"]
    assert "vera" not in str(found)  # no name that a digest could spell
    assert "Example" not in str(found)
    _, page = await owner.get("/admin")
    assert page.count("this machine") == 3
    async with asyncio.timeout(20):
        while (proof := await licet("journal", "prove", found[2]["id"], code=None)).code:
            await asyncio.sleep(0.2)
    _, key = await owner.get(f"{one.front}/.licet/log/key")
    (licet.folder / "proof.json").write_text(proof.out)
    told = (await licet("receipt", "verify", "proof.json", "--key", key.strip())).out
    assert "licenses" not in told
    (licet.folder / "proof.json").write_text(proof.out.replace('"suspended"', '"s"').replace("pe_", "pf_"))
    await licet("receipt", "verify", "proof.json", "--key", key.strip(), code=1)
    one.process.terminate()
    await one.ended()
    assert (await licet("journal", "audit")).code == 0
    assert (await licet("journal", "verify")).code == 0


async def test_the_configuration_goes_out_and_comes_back_by_command(licet, origin):
    data = licet.write_site(origin.url)
    whole = (await licet("config", "export")).out
    file = licet.folder / "config.toml"
    file.write_text(whole)
    assert (await licet("config", "diff", file)).out == ""
    assert (await licet("config", "import", file, "--json")).json == []
    file.write_text(whole.replace("reserve_mb = 1", "reserve_mb = 2"))
    told = (await licet("config", "diff", file, "--json", code=1)).json
    assert told == [{"file": "licet.toml", "key": "store.reserve_mb", "before": "1", "after": "2"}]
    await licet("config", "import", file, "--dry-run")
    assert "reserve_mb = 1" in (data / "licet.toml").read_text()
    assert "store.reserve_mb" in (await licet("config", "import", "-", stdin=file.read_text())).out
    assert "reserve_mb = 2" in (data / "licet.toml").read_text()
    file.write_text(
        whole.replace("reserve_mb = 1", "reserve_mb = -1").replace('mode = "enforce"', 'mode = "rule"')
    )
    wrong = (await licet("config", "import", file, code=2)).err
    assert "licet.toml: store.reserve_mb" in wrong
    assert "sites/journal.toml: site.mode" in wrong
    assert "reserve_mb = 2" in (data / "licet.toml").read_text()


async def test_who_is_removed_by_command_takes_the_saved_views_along(licet, origin, boards):
    licet.write_site(origin.url)
    one = await licet.serve()
    owner, viewer = boards(one.dashboard), boards(one.dashboard)
    assert (await owner.enter(one.sign_in))[0] == 200
    link = (await licet("dashboard", "people", "add", "ada", "viewer", "--json")).json["sign_in"]
    assert (await viewer.enter(link))[0] == 200
    for board in (owner, viewer):
        _, page = await board.get("/log?last=7d")
        assert (await board.post("/views/save", page, path="/log", query="last=7d", name="Week"))[0] == 200

    def kept() -> int:
        with apsw.Connection(
            str(licet.folder / "licet-data" / "licet.db"), flags=apsw.SQLITE_OPEN_READONLY
        ) as db:
            return db.execute("SELECT count(*) FROM saved_views").get

    assert kept() == 2
    # The last owner stays, and so do its views.
    await licet("dashboard", "people", "remove", "owner", code=1)
    assert kept() == 2
    await licet("dashboard", "people", "remove", "ada")
    assert kept() == 1
    assert "Week" in (await owner.get("/views"))[1]
    # A folder that has no books yet has people all the same.
    await one.stop()
    for file in (licet.folder / "licet-data").glob("licet.db*"):
        file.unlink()
    await licet("dashboard", "people", "add", "bo", "viewer")
    await licet("dashboard", "people", "remove", "bo")
