"""Quotes over HTTP: in full, in lines, and refused where the question is not understood."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace
from urllib.parse import quote

import pytest

from gateway.desk.quotes import LARGEST_LIST, MOST_URLS
from gateway.policy.rules import Mode


async def asked(world, query):
    answer = await world.get(f"/.licet/quote?{query}")
    return answer.status, await answer.json(content_type=None)


async def lines(world, urls, query="", **more):
    answer = await world.post(
        f"/.licet/quote{query}", data=json.dumps(urls), headers={"Content-Type": "application/json"}
    )
    return answer, [json.loads(line) for line in (await answer.text()).splitlines()]


async def test_a_quote_tells_price_unit_terms_and_how_to_buy(world):
    url = f"{world.origin}/essays/tides"
    status, found = await asked(world, f"url={url}&use=ai-train")
    version = (await (await world.get("/.licet/terms/versions")).json())["versions"][0]
    offer = world.policy.by_offer["training"]
    assert status == 200
    assert (found["url"], found["path"], found["work"], found["rendition"]) == (
        url,
        "/essays/tides",
        "essays",
        "page",
    )
    assert found["outcome"] == "license"
    assert found["price"] == {
        "amount": "0.02",
        "currency": "USD",
        "micros": 20_000,
        "per": "fetch",
        "offer": "training",
    }
    assert found["terms"] == offer.terms.hash
    assert found["unit"]["window_hours"] == found["window_hours"] == 24
    assert "HEAD and OPTIONS" in found["unit"]["free"]
    assert (found["version"], found["version_url"]) == (version["version"], version["url"])
    assert found["rule"] == "rules[0]"
    assert len(found["resolution"]) == 5
    assert found["buy"]["authorization_details"] == [
        {"type": "content_license", "offer": "training", "terms": offer.terms.hash}
    ]
    assert {each["id"]: each["covers"] for each in found["offers"]} == {"training": True, "answers": False}
    other = await world.get("/.licet/licenses/quote?url=/essays/tides&use=ai-train")
    assert (await other.json())["price"] == found["price"]
    assert other.headers["Cache-Control"] == "no-store"


async def test_what_is_quoted_can_be_bought_at_exactly_that_price(world):
    made = await world.licensee()
    _, found = await asked(world, "url=/essays/tides&crawler=GPTBot")
    (wish,) = found["buy"]["authorization_details"]
    status, bought = await world.token(made, wish)
    assert status == 200
    (granted,) = bought["authorization_details"]
    assert granted["price"]["micros"] == found["price"]["micros"]
    assert granted["crawlers"] == ["gptbot"]


async def test_a_quote_of_terms_that_changed_buys_nothing(world):
    made = await world.licensee()
    _, found = await asked(world, "url=/essays/tides&use=ai-train")
    dearer = world.make_offer("training", uses={"ai-train"}, price=world.offers[1].terms.compensation)
    world.policy = world.make_policy((dearer,))
    status, refused = await world.token(made, *found["buy"]["authorization_details"])
    assert (status, refused["error"]) == (400, "invalid_authorization_details")


async def test_a_thousand_urls_come_back_line_by_line_in_order(world):
    urls = [f"/essays/{number}" for number in range(MOST_URLS - 3)]
    urls += ["/nowhere/", "https://elsewhere.example/", "/essays/../x"]
    answer, found = await lines(world, urls, "?use=ai-train")
    assert answer.status == 200
    assert answer.content_type == "application/jsonl"
    assert [each["url"] for each in found] == urls
    assert {each["price"]["micros"] for each in found[:-3]} == {20_000}
    assert found[-3]["outcome"] == "refused"
    assert [each["error"]["code"] for each in found[-2:]] == ["target-invalid", "target-invalid"]
    one = (await asked(world, "url=/essays/7&use=ai-train"))[1]
    assert {**one, "url": None} == {**one, **found[7], "url": None}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'["/essays/a", 1]',
        b"[" * 5000,
        b'"x"',
        b"\xff",
        json.dumps(["/"] * (MOST_URLS + 1)).encode(),
    ],
)
async def test_a_list_that_is_none_is_refused_as_a_whole(world, body):
    answer = await world.post("/.licet/quote", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "form-invalid")


async def test_a_list_is_bounded_and_of_one_media_type(world):
    big = json.dumps(["/" + "x" * 2000] * 600)
    assert len(big) > LARGEST_LIST
    answer = await world.post(
        "/.licet/quote", data=io.BytesIO(big.encode()), headers={"Content-Type": "application/json"}
    )
    assert answer.status == 413
    answer = await world.post("/.licet/quote", data="[]", headers={"Content-Type": "text/plain"})
    assert answer.status == 415


@pytest.mark.parametrize(
    "query",
    ["", "url=", "url=/a&url=/b", "url=/a&use=everything", "url=/a&other=1", "url=/a&country=D1", "url=/a&country=%C3%A9x",
     "url=/a&crawler=a&crawler=b", "url=/essays/a&rendition=film", "url=/essays/*", "url=https://else.example/",
     "url=/a%23b", "url=%00", "url=/a&crawler=" + "x" * 200],
)  # fmt: skip
async def test_a_question_that_is_not_understood_is_refused(world, query):
    status, found = await asked(world, query)
    assert status == 400
    assert found["code"] in {"form-invalid", "target-invalid"}


async def test_where_nothing_is_published_nothing_is_quoted(world):
    world.policy = world.make_policy(mode=Mode.OBSERVE)
    assert (await asked(world, "url=/essays/tides"))[0] == 404


async def test_an_address_that_asks_too_fast_waits_and_its_neighbor_does_not(world):
    for _ in range(10):
        assert (await lines(world, ["/essays/a"]))[0].status == 200
    answer, _ = await lines(world, ["/essays/a"])
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    world.address = "203.0.113.8"
    assert (await lines(world, ["/essays/a"]))[0].status == 200


async def test_the_offer_mode_quotes_and_says_that_nothing_binds(world):
    world.policy = world.make_policy(mode=Mode.OFFER)
    _, found = await asked(world, "url=/essays/tides&use=ai-train")
    assert (found["outcome"], found["mode"], found["binds"]) == ("license", "offer", False)


async def test_assumptions_are_told(world):
    _, found = await asked(world, "url=/essays/tides&crawler=gptbot&country=de")
    assert found["crawler"] == "GPTBot"
    assert found["assumes"] == ["it asks from DE", "it proves to be GPTBot"]
    _, found = await asked(world, "url=/essays/tides&crawler=NobodyBot")
    assert found["crawler"] is None
    assert "it has no name that is known here" in found["assumes"]


async def test_a_price_that_the_server_may_name_is_told_as_one_that_a_license_has_not(world):
    _, found = await asked(world, "url=/essays/tides&use=ai-train")
    assert not any("server names" in each for each in found["assumes"])
    world.policy = replace(
        world.policy, payments=replace(world.policy.payments, origin_prices=True), by_offer={}
    )
    _, found = await asked(world, "url=/essays/tides&use=ai-train")
    assert any("server names" in each for each in found["assumes"])


async def test_no_query_and_no_body_breaks_the_desk(world):
    odd = random.Random(5)
    names = [
        "url",
        "crawler",
        "use",
        "rendition",
        "country",
        "limit",
        "cursor",
        "changed_since",
        "",
        "%",
        "x[]",
    ]
    texts = ["", "/", "/essays/a", "%", "%00", "%ff", "\u202e", "é", "-1", "9" * 400, "null", "{}", "2026-02-30", "WzEsMV0=",
             "*", "//", "https://[::1", "ai-train", "GPTBot", "a\tb", "+", "&", "😀"]  # fmt: skip
    world.pace, seen = None, set()
    for number in range(400):
        world.address = f"198.51.{number % 100}.1"
        pairs = [(odd.choice(names), odd.choice(texts)) for _ in range(odd.randint(0, 4))]
        if odd.random() < 0.5:  # often enough something that is understood
            pairs.append(("url", "/essays/a"))
        query = "&".join(f"{name}={quote(text) if odd.random() < 0.7 else text}" for name, text in pairs)
        path = odd.choice(
            ["/.licet/quote", "/.licet/catalogue", "/.licet/terms/versions", "/.licet/terms/x/changes"]
        )
        answer = await world.get(f"{path}?{query}")
        seen.add(answer.status)
        assert answer.status < 500, (path, query)
        body = odd.choice(
            [b"", b"[", b"[1]", b'["/a"', b'["\\ud800"]', b"[[]]", b"{}", b"\xff", b"[" * 200_000]
        )
        posted = await world.post(
            f"/.licet/quote?{query}", data=io.BytesIO(body), headers={"Content-Type": "application/json"}
        )
        assert posted.status < 500, (query, body[:20])
    assert seen == {200, 400, 404}


async def test_quotes_and_offers_cite_the_record_of_the_creators_consent(world):
    url = f"{world.origin}/essays/tides"
    assert "consent" not in (await asked(world, f"url={url}&use=ai-train"))[1]
    world.policy = replace(world.policy, consent="019ab003-0000-7000-8000-000000000003")
    assert (await asked(world, f"url={url}&use=ai-train"))[1]["consent"] == world.policy.consent
    offers = json.loads(await (await world.get("/.licet/offers")).text())
    assert offers["consent"] == world.policy.consent
