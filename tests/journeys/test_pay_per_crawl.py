"""Pay per crawl on real sockets: signed bids, an account that pays, and an origin that names prices."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from types import SimpleNamespace

import aiohttp
import pytest

from gateway.billing.reconcile import reconcile
from gateway.licenses.license import Standing
from gateway.money import Money

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
AGENT = "https://bot.example"
SETTINGS = f'[signatures]\npinned = ["{AGENT}=keys.json"]\n'
_nonces = itertools.count(1)


@pytest.fixture
def bidder(signing):
    """A crawler that signs: `bid(http, front, path, most="0.01")` fetches and gives the answer and its headers."""
    signer = signing.Signer()

    async def bid(http, front, path, *, covered=True, **bids):
        now = int(time.time())
        prices = [(f"crawler-{name}-price", f"USD {amount}") for name, amount in bids.items()]
        prices = [(name.replace("most", "max"), value) for name, value in prices]
        components = ['"@authority"', '"@method"', '"@path"', *(f'"{name}"' for name, _ in prices if covered)]
        draft = signing.Draft(
            signer, origin=front, target=path, agent=AGENT, covered=components,
            headers=[("user-agent", GPTBOT), *prices],
            parameters={"created": now - 1, "expires": now + 60, "nonce": f"n{next(_nonces)}"},
        )  # fmt: skip
        lines = [line for line in draft.lines() if line[0] != "host"]
        async with http.get(front + path, headers=[*lines, ("X-Country", "DE")]) as answer:
            body = await answer.read()
        return SimpleNamespace(status=answer.status, headers=answer.headers, body=body)

    return SimpleNamespace(bid=bid, keys=signing.jwks(signer))


@pytest.fixture
async def site(world, bidder, tmp_path):
    """A gateway that knows the crawler's keys; `site.get(path, most=…)` bids; `site.account(credit)` pays."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "keys.json").write_bytes(bidder.keys)

    async def start(**more):
        one = await world(folder=folder, settings=SETTINGS, **more)

        async def get(path="/essays/tides", **bids):
            return await bidder.bid(one.http, one.front, path, **bids)

        async def account(credit=""):
            licensee, _, _ = await one.licensee(credit)
            assert await one.licet.accounts.tie(AGENT, licensee)
            return licensee

        return SimpleNamespace(one=one, get=get, account=account)

    return start


async def test_a_signed_bid_buys_one_page_from_the_account(site) -> None:
    here = await site()
    quoted = await here.get()
    assert (quoted.status, quoted.headers["Crawler-Price"]) == (402, "USD 0.005")
    assert quoted.headers["Crawler-Error"] == "MissingCrawlerPrice"
    nobody = await here.get(most="0.01")
    assert (nobody.status, nobody.headers["Crawler-Error"]) == (403, "PaymentFailed")
    licensee = await here.account("1 USD")
    async with asyncio.timeout(10):  # that it is nobody's account is remembered for less than a second
        while (paid := await here.get(most="0.01")).status == 403:
            await asyncio.sleep(0.05)
    assert paid.status == 200 and b"<h1>/essays/tides</h1>" in paid.body
    assert paid.headers["Crawler-Charged"] == "USD 0.005"
    assert paid.headers["Licet-Terms"].startswith("sha-256:")
    assert "Licet-Receipt" not in paid.headers, "nobody logged in to the desk"
    row = await here.one.folded(paid.headers["Licet-Record"])
    assert (row.licensee, row.charged_micros) == (licensee, 5_000)
    again = await here.get(exact="0.005")
    assert (again.status, again.headers["Crawler-Charged"]) == (200, "USD 0")
    await here.one.licet.keeper.catch_up()
    await here.one.licet.front.till.rest()
    await here.one.licet.front.till.rest()
    assert await here.one.licet.book.available(licensee, "USD") == Money(995_000, "USD")


@pytest.mark.parametrize(
    ("bids", "status", "error"),
    [
        ({"most": "0.01", "covered": False}, 400, "InvalidSignature"),
        ({"most": "0.01", "exact": "0.005"}, 400, "ConflictingPriceHeaders"),
        ({"most": "a cent"}, 400, "InvalidCrawlerPriceValue"),
        ({"most": "0.001"}, 402, "InvalidCrawlerMaxPrice"),
        ({"exact": "0.01"}, 402, "InvalidCrawlerExactPrice"),
    ],
)
async def test_a_bid_that_does_not_hold_reaches_no_origin(site, bids, status, error) -> None:
    here = await site()
    await here.account("1 USD")
    answer = await here.get(**bids)
    assert (answer.status, answer.headers["Crawler-Error"]) == (status, error)
    assert here.one.origin.seen == []
    assert json.loads(answer.body)["status"] == status


async def test_a_price_without_a_signature_is_no_payment(site) -> None:
    here = await site()
    await here.account("1 USD")
    headers = {"User-Agent": GPTBOT, "Crawler-Max-Price": "USD 1"}
    async with here.one.http.get(here.one.front + "/essays/tides", headers=headers) as answer:
        assert (answer.status, answer.headers["Crawler-Error"]) == (400, "StrongAuthRequired")


async def test_200_bids_at_once_never_owe_more_than_the_limit(site) -> None:
    here = await site()
    licensee = await here.account()
    assert await here.one.licet.accounts.set_limit(licensee, Money(50_000, "USD"))
    answers = await asyncio.gather(*(here.get(f"/essays/{n}", most="0.01") for n in range(200)))
    assert Counter(answer.status for answer in answers) == {200: 10, 402: 190}
    refused = [answer for answer in answers if answer.status == 402]
    assert {answer.headers["Crawler-Error"] for answer in refused} == {"PaymentFailed"}
    await here.one.licet.journal.flush()
    await here.one.licet.keeper.catch_up()
    assert await here.one.licet.book.available(licensee, "USD") == Money(-50_000, "USD")
    assert await here.one.licet.ledger.balance("creator:journal:earned", "USD") == Money(50_000, "USD")
    report = reconcile(await here.one.licet.ledger.books())
    assert report.ok, report.faults


#: `str.format` is called on it.
DYNAMIC = """
otherwise = "serve"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[payments]
origin_prices = true
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
price = {{ per_fetch = "0.005" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""


@pytest.fixture
async def naming(origin):
    """The creator's server, which names *naming.price* for every page."""
    from aiohttp import web

    said = SimpleNamespace(price="USD 0.25")
    plain = origin.answer

    async def answer(request):
        response = await plain(request)
        response.headers["Crawler-Price"] = said.price
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield said
    await runner.cleanup()


async def test_the_origin_names_the_price_and_only_the_gate_hears_it(naming, site) -> None:
    here = await site(policy=DYNAMIC)
    await here.account("1 USD")
    dear = await here.get(most="0.2")
    assert (dear.status, dear.headers["Crawler-Price"]) == (402, "USD 0.25")
    paid = await here.get(most="0.3")
    assert (paid.status, paid.headers["Crawler-Charged"]) == (200, "USD 0.25")
    assert "Crawler-Price" not in paid.headers
    row = await here.one.folded(paid.headers["Licet-Record"])
    assert row.charged_micros == 250_000
    person = await here.one.get(
        "/essays/tides", headers={"cf-pay-per-crawl": "x", "Licet-Pay-Per-Crawl": "y"}
    )
    assert person.status == 200 and "Crawler-Price" not in person.headers
    told = [value for name, value in here.one.origin.seen[-1]["headers"] if "pay-per-crawl" in name.lower()]
    assert told == ["protocol=cloudflare, pricing=in-band"] * 2, "and nothing that the client said"
    _, client, secret = await here.one.licensee()
    bought = await here.one.token(client, secret)
    licensed = await here.one.get("/essays/reefs", GPTBOT, token=bought["access_token"])
    assert licensed.status == 200 and "Crawler-Price" not in licensed.headers
    row = await here.one.folded(licensed.headers["Licet-Record"])
    assert row.charged_micros == 5_000, "whoever holds a license pays what was agreed"
    naming.price = "a lot"
    odd = await here.get("/essays/moon", most="0.3")
    assert (odd.status, odd.headers["Crawler-Error"]) == (502, "InvalidContentPrice")


async def test_workers_ask_the_office_whose_account_it_is(licet, http, origin, bidder) -> None:
    data = licet.write_site(origin.url)
    (data / "keys.json").write_bytes(bidder.keys)
    with (data / "licet.toml").open("a") as settings:
        settings.write(SETTINGS)
    one = await licet.serve("--workers", 2)
    made = (await licet("licensee", "add", "Example AI Labs", "--json")).json["licensee"]
    await licet("licensee", "agent", made, AGENT)
    await licet("licensee", "limit", made, "USD 0.05")

    async def connections(number):
        """Each client has a connection of its own, so that both workers are met."""
        async with aiohttp.ClientSession() as client:
            return await bidder.bid(client, one.front, f"/essays/{number}", most="0.01")

    answers = await asyncio.gather(*(connections(number) for number in range(60)))
    assert Counter(answer.status for answer in answers) == {200: 10, 402: 50}
    await licet("licensee", "limit", made, "USD 5")
    await licet("licensee", "suspend", made)
    async with asyncio.timeout(10):
        while (answer := await bidder.bid(http, one.front, "/essays/late", most="0.01")).status != 403:
            await asyncio.sleep(0.05)
    assert answer.headers["Crawler-Error"] == "PaymentFailed"
    assert await one.stop() == 0
    rows = (await licet("licensee", "list", "--json")).json
    assert rows[0]["standing"] == Standing.SUSPENDED
    # One more page where the new limit was felt before the suspension.
    assert rows[0]["credit"] in {"-0.05 USD", "-0.055 USD"}, "what is owed is told"


#: `str.format` is called on it.
AGED = DYNAMIC.replace("origin_prices = true", "price_headers = true").replace(
    'per_fetch = "0.005" }}', 'per_fetch = "0.02", by_age = [{{ from_days = 30, per_fetch = "0.004" }}] }}'
).replace('people = "none"', 'people = "none"\ndated = "/essays/%Y/%m/%d/"\ndated_by = "x-published"')  # fmt: skip


async def test_an_older_page_is_bought_for_less_as_its_path_or_its_server_tells(origin, site) -> None:
    from aiohttp import web

    plain = origin.answer

    async def answer(request):
        response = await plain(request)
        if "told" in request.path:
            response.headers["X-Published"] = "2019-01-01"
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    here = await site(policy=AGED)
    await here.account("1 USD")
    quoted = await here.get("/essays/2019/01/01/tides")
    assert (quoted.status, quoted.headers["Crawler-Price"]) == (402, "USD 0.004")
    for path in ("/essays/2019/01/01/tides", "/essays/told"):
        paid = await here.get(path, most="0.01")
        assert (paid.status, paid.headers["Crawler-Charged"]) == (200, "USD 0.004"), path
        assert (await here.one.folded(paid.headers["Licet-Record"])).charged_micros == 4_000
    dear = await here.get("/essays/new", most="0.01")
    assert (dear.status, dear.headers["Crawler-Price"]) == (402, "USD 0.02")
    exact = await here.get("/essays/told-too", exact="0.02")
    assert (exact.status, exact.headers["Crawler-Price"]) == (402, "USD 0.004"), "never more than it is worth"
    new = await here.get("/essays/new", most="0.03")
    assert (new.status, new.headers["Crawler-Charged"]) == (200, "USD 0.02")
    await runner.cleanup()
