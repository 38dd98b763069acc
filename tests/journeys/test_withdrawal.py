"""A creator takes back: the next fetch is refused on every worker, search goes on, licensees answer, readmission opens."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from gateway.licenses.bundle import Item, manifest, write_manifest
from gateway.licenses.withdrawal import PROMISE
from gateway.policy.bundles import earlier_file, manifest_file

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
#: Nobody publishes a way to check it, so that a claim is enough.
SEARCH = "Mozilla/5.0 (compatible; Daum/4.1; +http://cs.daum.net/faq/15/4118.html)"


def headers(token: str = "") -> dict[str, str]:
    shown = {"User-Agent": GPTBOT, "X-Country": "DE"}
    return {**shown, "Authorization": f"License {token}"} if token else shown


@pytest.fixture
async def everywhere(http):
    """`await everywhere(front, path, headers)`: what each of many new connections is answered, and the last body.

    A connection stays with the worker that took it; of 24 every one of two workers takes some.
    """

    async def ask(
        front: str, path: str, **kept: object
    ) -> tuple[set[int], dict[str, object], aiohttp.ClientResponse]:
        async def one() -> tuple[aiohttp.ClientResponse, bytes]:
            async with aiohttp.ClientSession() as own, own.get(front + path, **kept) as answer:
                return answer, await answer.read()

        found = await asyncio.gather(*(one() for _ in range(24)))
        answer, body = found[-1]
        told = json.loads(body) if "json" in answer.headers.get("Content-Type", "") else {}
        return {each.status for each, _ in found}, told, answer

    return ask


async def until(ask, status: int) -> None:
    """Ask until every answer has *status*; a moment in which revocations are stale is no answer."""
    async with asyncio.timeout(20):
        while (found := await ask())[0] != {status}:
            assert found[0] <= {status, 200, 403, 503}, found
            await asyncio.sleep(0.02)


async def test_the_next_fetch_is_refused_on_both_workers_and_search_goes_on(
    licet, http, origin, sell, everywhere
) -> None:
    data = licet.write_site(origin.url)
    file = data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace("max_fetches = 3\n", "") + "[redress]\npublic_feed = true\n")
    one = await licet.serve("--workers", 2)
    sold = await sell(one)
    search = {"User-Agent": SEARCH}

    dry = (await licet("withdraw", "essays", "--reason", "sold elsewhere", "--private", "do not tell", "--dry-run", "--json")).json  # fmt: skip
    assert [(each["licensee"], each["fetched"]) for each in dry["licensees"]] == [(sold.licensee, 2)]
    assert (await licet("withdraw", "list", "--json")).json == []

    made = (await licet("withdraw", "essays", "--reason", "sold elsewhere", "--private", "do not tell", "--json")).json  # fmt: skip
    fetched = lambda: everywhere(one.front, "/essays/tides", headers=headers(sold.token))  # noqa: E731
    await until(fetched, 403)
    _, told, answer = await fetched()
    assert (told["code"], told["withdrawal"]) == ("withdrawn", made["id"])
    assert told["since"] == str(made["since"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert "elsewhere" not in json.dumps(told)
    assert "do not tell" not in json.dumps(told)

    # Without a license it is the notice too, and no price; other works and people are as before.
    statuses, told, _ = await everywhere(one.front, "/essays/tides", headers=headers())
    assert (statuses, told["code"]) == ({403}, "withdrawn")
    statuses, told, _ = await everywhere(one.front, "/podcast/1", headers=headers())
    assert (statuses, told["code"]) == ({402}, "license-required")
    statuses, _, _ = await everywhere(one.front, "/essays/tides", headers={"X-Country": "DE"} | search)
    assert statuses == {200}, "a search engine goes on"

    # Nothing of it is on offer.
    login = {"Authorization": aiohttp.encode_basic_auth(sold.client, sold.secret)}
    form = {"grant_type": "client_credentials", "resource": f"{one.front}/essays/"}
    async with http.post(f"{one.front}/.licet/token", data=form, headers=login) as answer:
        assert answer.status == 400
    async with http.get(f"{one.front}/license.xml") as answer:
        text = await answer.text()
        assert "/podcast" in text
        assert "/essays" not in text or "<price" not in text.split("/essays", 1)[1].split("</content>", 1)[0]
    async with http.get(f"{one.front}/robots.txt") as answer:
        assert "Disallow: /essays/" in await answer.text()

    # The licensee is told, and answers.
    at = f"{one.front}/.licet/withdrawals"
    async with http.get(at, headers=login) as answer:
        (mine,) = (await answer.json())["withdrawals"]
    assert (mine["withdrawal"], mine["state"], mine["reason"]) == (made["id"], "issued", "sold elsewhere")
    assert len(mine["contents"]) == 2
    assert mine["promise"] == PROMISE
    for step, body in (
        ("acknowledgment", {}),
        ("plan", {"plan": "by friday"}),
        ("attestation", {"attestation": "done"}),
    ):
        async with http.post(f"{at}/{made['id']}/{step}", json=body, headers=login) as answer:
            assert answer.status == 200, await answer.text()
    shown = (await licet("withdraw", "show", made["id"], "--json")).json
    assert [step["act"] for step in shown["licensees"][0]["steps"]] == [
        "issued",
        "acknowledged",
        "planned",
        "attested",
    ]
    assert "do not tell" in shown["private"]
    async with http.get(f"{at}/feed") as answer:
        feed = await answer.text()
    assert made["id"] in feed
    for secret in ("elsewhere", "do not tell", sold.licensee, "/essays"):
        assert secret not in feed

    again = await licet("withdraw", "readmit", made["id"])
    assert made["id"] in again.out
    await until(fetched, 200)
    await licet("withdraw", "readmit", made["id"], code=1)
    assert await one.stop() == 0


async def test_a_licensee_is_withdrawn_and_others_go_on(licet, http, origin, sell, everywhere) -> None:
    data = licet.write_site(origin.url)
    file = data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace("max_fetches = 3\n", ""))
    one = await licet.serve("--workers", 2)
    sold, other = await sell(one), await sell(one)
    made = (await licet("withdraw", sold.licensee, "--json")).json
    await until(lambda: everywhere(one.front, "/essays/tides", headers=headers(sold.token)), 403)
    _, told, _ = await everywhere(one.front, "/essays/tides", headers=headers(sold.token))
    assert (told["code"], told["withdrawal"]) == ("withdrawn", made["id"])
    statuses, _, _ = await everywhere(one.front, "/essays/tides", headers=headers(other.token))
    assert statuses == {200}
    login = {"Authorization": aiohttp.encode_basic_auth(sold.client, sold.secret)}
    async with http.post(
        f"{one.front}/.licet/introspect", data={"token": sold.token}, headers=login
    ) as answer:
        assert await answer.json() == {"active": False}
    assert await one.stop() == 0


async def test_content_is_withdrawn_by_digest_wherever_it_was_delivered(world) -> None:
    import hashlib

    from gateway.licenses.withdrawal import USUAL, Withdrawal
    from gateway.policy.withdrawing import owned_by

    one = await world()
    one.origin.files = {"/essays/a": b"the same", "/essays/b": b"the same", "/essays/c": b"other"}
    licensee, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    for path in one.origin.files:
        assert (await one.get(path, GPTBOT, token=token)).status == 200
    await one.licet.journal.flush()
    await one.licet.keeper.catch_up()
    acts, now = one.licet.consenting.taking_back, one.licet.clock.now_us() // 1_000_000
    digest = hashlib.sha256(b"the same").hexdigest()
    wanted = Withdrawal("wd_0a", "journal", USUAL, now, now, digests=(digest,))
    located = await acts.located(wanted)
    assert [scope.pattern for scope in located.paths] == ["/essays/a", "/essays/b"]
    policy = one.licet.shelf.of_site("journal")
    told = await acts.issue(located, owned_by(policy), now)
    assert [(each.licensee, each.fetched) for each in told] == [(licensee, 2)]
    async with asyncio.timeout(10):
        while one.licet.shelf.of_site("journal") is policy:
            await asyncio.sleep(0.02)
    refused = await one.get("/essays/a", GPTBOT, token=token)
    assert (refused.status, (await refused.json(content_type=None))["code"]) == (403, "withdrawn")
    records = [each for each in await one.records() if each["path"] == "/essays/a"]
    assert [(each["status"], each["problem"], each["rule"]) for each in records][-1] == (
        403,
        "withdrawn",
        "withdrawn",
    )
    assert (await one.get("/essays/a")).status == 200, "people"


async def test_a_mistake_says_what_is_wrong_and_withdraws_nothing(licet, origin) -> None:
    licet.write_site(origin.url)
    one = await licet.serve()
    for args, said in (
        (("esays",), "no work of journal (there is essays, podcast)"),
        (("essays", "--uses", "ai-trian"), "'ai-trian' is no use"),
        (("/a/../b",), "no path with one reading"),
        (("le_unknown", "essays"), "name it alone"),
        (("essays", "--site", "other"), "there is no site 'other'"),
    ):
        done = await licet("withdraw", *args, code=2)
        assert said in done.err, done.err
    assert "there is no licensee le_unknown" in (await licet("withdraw", "le_unknown", code=1)).err
    assert "no delivery" in (await licet("withdraw", "sha-256:" + "0" * 64, code=1)).err
    assert (await licet("withdraw", "list", "--json")).json == []
    assert await one.stop() == 0


async def test_somebody_objects_sales_are_held_and_the_page_is_withdrawn(licet, http, origin, sell) -> None:
    data = licet.write_site(origin.url)
    file = data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace("max_fetches = 3\n", ""))
    one = await licet.serve("--workers", 2)
    sold = await sell(one)
    form = {
        "url": f"{one.front}/essays/tides",
        "role": "depicted",
        "name": "Ada Example",
        "contact": "ada@mail.example",
        "why": "I am in it and was not asked.",
    }
    async with http.post(f"{one.front}/.licet/objections", data=form) as answer:
        assert answer.status == 201, await answer.text()
        at = answer.headers["Location"]
    (listed,) = (await licet("objections", "list", "--json")).json
    assert (listed["page"], listed["state"], listed["name"]) == ("/essays/tides", "open", "")
    shown = (await licet("objections", "show", listed["id"])).out
    assert "ada@mail.example" in shown

    async def fetched(path: str, token: str = "") -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as own,
            own.get(one.front + path, headers=headers(token)) as answer,
        ):
            body = await answer.read()
            return answer.status, json.loads(body)["code"] if answer.status >= 400 else ""

    async def becomes(path: str, wanted: tuple[int, str], token: str = "") -> None:
        async with asyncio.timeout(20):
            while await fetched(path, token) != wanted:
                await asyncio.sleep(0.02)

    assert await fetched("/essays/tides") == (402, "license-required")
    await licet("objections", "hold", listed["id"])
    await becomes("/essays/tides", (403, "refused-by-owner"))
    assert await fetched("/essays/reefs") == (402, "license-required")
    await becomes("/essays/tides", (200, ""), sold.token)

    done = (await licet("objections", "uphold", listed["id"], "--answer", "You are right.", "--json")).json
    assert done["state"] == "upheld"
    await becomes("/essays/tides", (403, "withdrawn"), sold.token)
    await becomes("/essays/reefs", (200, ""), sold.token)
    async with http.get(at) as answer:
        assert (await answer.json())["answer"] == "You are right."
    login = {"Authorization": aiohttp.encode_basic_auth(sold.client, sold.secret)}
    async with http.get(f"{one.front}/.licet/withdrawals", headers=login) as answer:
        told = await answer.text()
    assert done["withdrawal"] in told
    assert (await licet("withdraw", "list", "--json")).json[0]["state"] == "in force"
    await licet("objections", "erase", listed["id"])
    again = (await licet("objections", "show", listed["id"], "--json")).json
    assert (again["state"], again["name"], again["contact"], again["why"]) == ("upheld", "", "", "")
    exported = (await licet("journal", "audit", "--json")).out
    for secret in ("Ada Example", "ada@mail", "not asked", listed["id"]):
        assert secret not in told
        assert secret not in exported
    assert await one.stop() == 0
    # Not a trace in any file: the journal, the database, the log of what was published.
    for path in data.rglob("*"):
        if path.is_file():
            octets = path.read_bytes()
            assert b"Ada Example" not in octets, path
            assert b"ada@mail.example" not in octets, path


async def test_authors_are_asked_and_what_one_declines_is_not_sold(licet, http, origin) -> None:
    data = licet.write_site(origin.url)
    file = data / "sites" / "journal.toml"
    named = (
        'people = "none"\nauthors = [{ name = "Ada", share = "60 %" }, { name = "Bob", share = "40 %" }]\n'
    )
    file.write_text(file.read_text().replace('people = "none"\n', named, 1))
    one = await licet.serve("--workers", 2)
    asked = {name: (await licet("authors", "ask", "essays", name, "--json")).json for name in ("Ada", "Bob")}
    assert [each["share"] for each in asked.values()] == ["60 %", "40 %"]
    assert "already" in (await licet("authors", "ask", "essays", "Ada", code=1)).err
    links = {
        name: f"{one.front}/.licet/consent/{each['link'].rsplit('/', 1)[1]}" for name, each in asked.items()
    }

    async def quoted() -> str:
        async with http.get(f"{one.front}/essays/tides", headers=headers()) as answer:
            return (await answer.json(content_type=None))["code"]

    async def becomes(code: str) -> None:
        async with asyncio.timeout(20):
            while await quoted() != code:
                await asyncio.sleep(0.02)

    async def says(name: str, answer: str) -> None:
        async with http.post(links[name], data={"ai-train": answer}) as told:
            assert told.status == 200

    await becomes("refused-by-owner")
    await says("Ada", "consent")
    await says("Bob", "consent")
    await becomes("license-required")
    await says("Bob", "decline")
    await becomes("refused-by-owner")
    async with http.get(links["Ada"], headers={"Accept": "text/html"}) as page:
        assert "somebody declined" in await page.text()
    rows = (await licet("authors", "list", "--json")).json
    assert {(row["author"], *row["consents"], *row["declines"]) for row in rows} == {("Ada", "ai-train"), ("Bob", "ai-train")}  # fmt: skip
    assert all(each["link"].rsplit("/", 1)[1] not in json.dumps(rows) for each in asked.values())
    for row in rows:
        await licet("authors", "forget", row["id"])
    await becomes("license-required")
    async with http.get(links["Ada"]) as page:
        assert page.status == 404
    assert await one.stop() == 0
    for path in data.rglob("*"):
        if path.is_file():
            octets = path.read_bytes()
            assert not any(each["link"].rsplit("/", 1)[1].encode() in octets for each in asked.values()), path


async def test_a_proof_of_authorship_is_exported_and_read_beside_the_contract(
    licet, http, origin, sell
) -> None:
    import hashlib

    licet.write_site(origin.url)
    origin.files = {"/essays/tides": b"the tides", "/essays/reefs": b"the reefs"}
    one = await licet.serve()
    sold = await sell(one)
    (licet.folder / "master.txt").write_bytes(b"the tides")
    added = (await licet("authorship", "add", "master.txt", "--work", "essays", "--json")).json
    digest = "sha-256:" + hashlib.sha256(b"the tides").hexdigest()
    assert added == [{"name": "master.txt", "size": 9, "digest": digest, "new": True}]
    assert (await licet("authorship", "add", "master.txt", "--work", "essays", "--json")).json[0][
        "new"
    ] is False
    assert "there is no work" in (await licet("authorship", "add", "master.txt", "--work", "x", code=2)).err
    await licet("authorship", "export", "--work", "essays", "--out", "proof.json")
    told = json.loads((licet.folder / "proof.json").read_text())
    pages = {each["url"].rsplit("/", 1)[1]: each["digests"] for each in told["proof"]["contents"]}
    assert pages["tides"][0]["digest"] == digest
    assert (pages["tides"][0]["is_original"], pages["reefs"][0]["is_original"]) == (True, False)
    assert "master.txt" in (await licet("authorship", "show", "--work", "essays")).out
    login = {"Authorization": aiohttp.encode_basic_auth(sold.client, sold.secret)}
    async with http.post(
        f"{one.front}/.licet/introspect", data={"token": sold.token}, headers=login
    ) as answer:
        license = (await answer.json())["authorization_details"][0]["license"]
    async with http.get(f"{one.front}/.licet/contracts/{license}/authorship", headers=login) as answer:
        annex = await answer.json()
    (work,) = annex["works"]
    assert [each["digests"] for each in work["proof"]["contents"]] == [pages["reefs"], pages["tides"]]
    assert await one.stop() == 0


async def test_a_bundle_stands_for_the_pages_of_its_newest_manifest(licet, http, origin, everywhere):
    file = licet.write_site(origin.url) / "sites" / "journal.toml"
    one = await licet.serve()
    for made_at, paths in ((9, ("/essays/old",)), (10, ("/essays/tides", "/essays/moon"))):
        found = [Item(path, "essays", "page", "a" * 64, 10, "own", "none") for path in sorted(paths)]
        made = manifest("launch", "journal", made_at, found)
        at = manifest_file(file, "launch") if made_at == 10 else earlier_file(file, made)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(write_manifest(made))
    unknown = await licet("withdraw", "bundle:other", code=2)
    assert "no manifest of the bundle other lies beside the policy" in unknown.err
    dry = (await licet("withdraw", "bundle:launch", "--dry-run", "--json")).json
    assert (dry["bundle"], sorted(dry["paths"])) == ("launch", ["/essays/moon", "/essays/tides"])
    said = (await licet("withdraw", "bundle:launch")).out
    assert "bundle:launch (2 pages)  for" in said
    ask = lambda: everywhere(one.front, "/essays/tides", headers=headers())  # noqa: E731
    async with asyncio.timeout(20):
        while (await ask())[1].get("code") != "withdrawn":
            await asyncio.sleep(0.02)
    _, told, _ = await everywhere(one.front, "/essays/old", headers=headers())
    assert told["code"] == "license-required"
