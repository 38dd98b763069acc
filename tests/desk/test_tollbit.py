"""TollBit's addresses at the desk: what is sold there, what is charged for uses, and what is refused."""

from __future__ import annotations

import json

import pytest

from gateway.licenses.license import Standing

ROOT = "/.licet/tollbit/dev/v2"
AGENT = "ChatGPT-User/1.0"


def key_of(made):
    return {"TollbitKey": f"{made.client.id}:{made.secret}", "User-Agent": AGENT}


async def posted(world, made, path, body):
    headers = {**key_of(made), "Content-Type": "application/json"}
    answer = await world.post(f"{ROOT}/{path}", data=json.dumps(body), headers=headers)
    return answer.status, await answer.json(content_type=None)


def order(world, path="/essays/tides", **more):
    return {
        "url": world.origin + path, "userAgent": AGENT, "maxPriceMicros": 4_000, "currency": "USD",
        "licenseType": "ON_DEMAND_LICENSE", "licenseCuid": "", **more,
    }  # fmt: skip


def report(world, key, *usages):
    made = [
        {
            "url": world.origin + path,
            "timesUsed": times,
            "licensePermissions": [],
            "licenseType": kind,
            "licenseId": id,
        }
        for path, times, kind, id in usages
    ]
    return {"idempotencyId": key, "usage": made}


async def left(world, made):
    return (await world.balance(made.licensee.id, "USD")).micros


@pytest.fixture
def place(world):
    return world.origin.partition("://")[2]


async def test_rates_are_those_of_offers_by_the_fetch(world, place):
    made = await world.licensee()
    answer = await world.get(f"{ROOT}/rates/{place}/essays/tides", headers=key_of(made))
    assert answer.status == 200
    (rate,) = await answer.json()
    assert rate["price"] == {"priceMicros": 4_000, "currency": "USD"}
    assert (rate["license"]["id"], rate["license"]["licenseType"]) == ("answers", "ON_DEMAND_LICENSE")
    for path in ("archive/x", "notes/x", "nowhere"):
        answer = await world.get(f"{ROOT}/rates/{place}/{path}", headers=key_of(made))
        assert (answer.status, await answer.json()) == (200, [])
    other = await world.get(f"{ROOT}/rates/elsewhere.example/essays/tides", headers=key_of(made))
    assert other.status == 400
    crawler = {**key_of(made), "User-Agent": "GPTBot/1.3"}
    answer = await world.get(f"{ROOT}/rates/{place}/essays/tides", headers=crawler)
    assert await answer.json() == [], "what it is known for is more than answers"


async def test_a_token_is_a_license_of_the_offer(world):
    made = await world.licensee()
    status, bought = await posted(world, made, "tokens/content", order(world))
    assert status == 200
    (license,) = await world.licenses(made)
    assert (license.offer, license.terms.purpose.uses) == ("answers", {"ai-input"})
    status, again = await posted(world, made, "tokens/content", order(world))
    assert status == 200 and again["token"] != bought["token"]
    assert len(await world.licenses(made)) == 1
    status, crawl = await posted(
        world, made, "tokens/crawl", {"url": world.origin + "/essays/x", "userAgent": AGENT}
    )
    assert status == 200 and crawl["token"]
    custom = order(world, licenseType="CUSTOM_LICENSE", licenseCuid=license.id)
    assert (await posted(world, made, "tokens/content", custom))[0] == 200
    assert await left(world, made) == 10_000_000, "nothing is owed before a fetch"


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"maxPriceMicros": 3_999}, 402, "max-price-too-low"),
        ({"currency": "EUR"}, 402, "max-price-too-low"),
        ({"licenseType": "ON_DEMAND_FULL_USE_LICENSE"}, 400, "details-invalid"),
        ({"licenseType": "CUSTOM_LICENSE", "licenseCuid": "nobodys"}, 400, "details-invalid"),
        ({"url": "https://elsewhere.example/essays/tides"}, 400, "target-invalid"),
        ({"url": "/archive/x"}, 400, "target-invalid"),
        ({"licenseType": 3}, 400, "form-invalid"),
    ],
)
async def test_an_order_that_cannot_be_met_says_why_and_takes_nothing(world, more, status, code):
    made = await world.licensee()
    found, refused = await posted(world, made, "tokens/content", order(world, **more))
    assert (found, refused["code"]) == (status, code)
    assert not await world.licenses(made)


async def test_somebody_elses_license_is_no_license(world):
    made, other = await world.licensee(), await world.licensee()
    await posted(world, other, "tokens/content", order(world))
    (theirs,) = await world.licenses(other)
    custom = order(world, licenseType="CUSTOM_LICENSE", licenseCuid=theirs.id)
    assert (await posted(world, made, "tokens/content", custom))[0] == 400
    status, _ = await posted(
        world,
        made,
        "transactions/selfReport",
        report(world, "k", ("/essays/x", 1, "CUSTOM_LICENSE", theirs.id)),
    )
    assert status == 400
    assert await left(world, other) == 10_000_000


async def test_who_waits_for_approval_buys_nothing(world):
    made = await world.licensee(standing=Standing.QUARANTINED)
    assert (await posted(world, made, "tokens/content", order(world)))[0] == 403
    status, _ = await posted(
        world,
        made,
        "transactions/selfReport",
        report(world, "k", ("/essays/x", 1, "ON_DEMAND_LICENSE", None)),
    )
    assert status == 403


async def test_uses_are_charged_once_for_a_key(world):
    made = await world.licensee()
    body = report(
        world, "k-1", ("/essays/a", 7, "ON_DEMAND_LICENSE", None), ("/essays/b", 3, "ON_DEMAND_LICENSE", None)
    )
    status, told = await posted(world, made, "transactions/selfReport", body)
    assert status == 200
    assert [each["totalUsePriceMicros"] for each in told["receipts"]] == [28_000, 12_000]
    assert await left(world, made) == 9_960_000
    assert await posted(world, made, "transactions/selfReport", body) == (200, told)
    assert await left(world, made) == 9_960_000
    changed = report(world, "k-1", ("/essays/a", 8, "ON_DEMAND_LICENSE", None))
    status, refused = await posted(world, made, "transactions/selfReport", changed)
    assert (status, refused["code"]) == (409, "idempotency-conflict")
    entries = [each for each in world.kept.entries if each.kind == "book"]
    assert [(each.kind_of, each.amount_micros) for each in entries] == [("fee", 40_000)]
    assert entries[0].memo == "uses that were reported on the offer answers"


async def test_a_report_that_broke_off_is_completed_and_not_charged_again(world):
    made = await world.licensee()
    body = report(world, "k-1", ("/essays/a", 7, "ON_DEMAND_LICENSE", None))
    world.kept.broken = True
    assert (await posted(world, made, "transactions/selfReport", body))[0] == 503
    assert await left(world, made) == 10_000_000
    world.kept.broken = False
    assert (await posted(world, made, "transactions/selfReport", body))[0] == 200
    assert await left(world, made) == 9_972_000
    # By then the answer is forgotten; the books still know the report.
    world.clock.advance(2 * 86_400)
    assert (await posted(world, made, "transactions/selfReport", body))[0] == 200
    assert await left(world, made) == 9_972_000


async def test_all_of_a_report_is_charged_or_nothing(world):
    made = await world.licensee(credit="0.01")
    body = report(
        world, "k", ("/essays/a", 1, "ON_DEMAND_LICENSE", None), ("/essays/b", 2, "ON_DEMAND_LICENSE", None)
    )
    status, refused = await posted(world, made, "transactions/selfReport", body)
    assert (status, refused["code"]) == (402, "credit-spent")
    assert refused["due"] == "0.012 USD"
    assert await left(world, made) == 10_000
    wrong = report(
        world, "k2", ("/essays/a", 1, "ON_DEMAND_LICENSE", None), ("/archive/b", 1, "ON_DEMAND_LICENSE", None)
    )
    status, refused = await posted(world, made, "transactions/selfReport", wrong)
    assert status == 400 and "/archive/b" in refused["detail"]
    assert await left(world, made) == 10_000


@pytest.mark.parametrize("shown", ["", "x", "a:b", ":", "é:é"])
async def test_wrong_keys_are_told_nothing(world, place, shown):
    answer = await world.get(
        f"{ROOT}/rates/{place}/essays/x", headers={"TollbitKey": shown, "User-Agent": AGENT}
    )
    assert (answer.status, (await answer.json())["code"]) == (401, "client-unknown")


async def test_a_batch_tells_each_page(world):
    made = await world.licensee()
    urls = [world.origin + "/essays/a", "https://elsewhere.example/", world.origin + "/archive/x"]
    status, found = await posted(world, made, "rates/batch", {"urls": urls})
    assert status == 200
    assert [[rate["price"]["priceMicros"] for rate in each["rates"]] for each in found] == [[4_000], [], []]
    assert found[0]["rates"][0]["license"]["cuid"] == "answers"
    for wrong in (
        {},
        {"urls": []},
        {"urls": ["x"] * 101},
        {"urls": [3]},
        {"urls": urls, "customLicenseIds": 5},
    ):
        assert (await posted(world, made, "rates/batch", wrong))[0] == 400


async def test_the_catalog_tells_pages_and_no_shelves(world, place):
    made = await world.licensee()
    answer = await world.get(f"{ROOT}/content/{place}/catalog/list?pageSize=100", headers=key_of(made))
    assert (answer.status, await answer.json()) == (200, {"pages": []})
