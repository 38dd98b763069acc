"""The catalogue over HTTP: whole, in pages, what changed, and for one crawler."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.license_page import moment
from gateway.policy.rules import Match, Mode, Rule, Verdict


async def catalogue(world, query=""):
    answer = await world.get(f"/.licet/catalogue{query}")
    return await answer.json(content_type=None)


async def walked(world, query):
    """Every entry, page by page."""
    found, path = [], f"/.licet/catalogue{query}"
    while path:
        told = await (await world.get(path)).json()
        found.append(told["entries"])
        path = told["next"] and told["next"].removeprefix(world.origin)
    return found


async def test_every_part_is_told_with_its_offers_and_prices(world):
    told = await catalogue(world)
    by_path = {entry["path"]: entry for entry in told["entries"]}
    assert list(by_path) == sorted(by_path)
    assert [offer["id"] for offer in by_path["/essays/"]["offers"]] == ["training", "answers"]
    training = by_path["/essays/"]["offers"][0]
    assert training["price"] == {"amount": "0.02", "currency": "USD", "micros": 20_000, "per": "fetch"}
    assert training["terms"] == world.policy.by_offer["training"].terms.hash
    archive = by_path["/archive/"]["offers"][0]
    assert archive["price_parts"]["upfront"]["amount"] == "500"
    assert by_path["/gift/"]["offers"][0]["price"]["micros"] == 0
    assert told["next"] is None
    assert told["version_url"] == f"{world.origin}/.licet/terms/{told['version']}"


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
async def test_pages_are_the_whole(world, limit):
    whole = (await catalogue(world))["entries"]
    pages = await walked(world, f"?limit={limit}")
    assert [entry for page in pages for entry in page] == whole
    assert all(len(page) <= limit for page in pages)
    assert len(pages) == -(-len(whole) // limit)


async def test_whoever_began_reads_one_version_to_its_end(world):
    first = await catalogue(world, "?limit=2")
    world.policy = replace(world.make_policy(world.offers[:1]), digest="sha-256:second", by_offer={})
    await world.get("/.licet/terms/")
    second = await catalogue(world, first["next"].partition("catalogue")[2])
    assert second["version"] == first["version"]
    assert (await catalogue(world))["version"] != first["version"]


async def test_what_changed_since_a_moment(world):
    await catalogue(world)
    before = world.now
    assert (await catalogue(world, f"?changed_since={moment(before)}"))["entries"] == []
    world.clock.advance(3600)
    dearer = [
        replace(offer, max_fetches=7) if offer.id == "gift" else offer
        for offer in world.offers
        if offer.id != "archive"
    ]
    world.policy = replace(world.make_policy(dearer), digest="sha-256:second", by_offer={})
    told = await catalogue(world, f"?changed_since={moment(before)}")
    assert [entry["path"] for entry in told["entries"]] == ["/archive/", "/gift/"]
    assert told["entries"][0]["offers"] == []
    assert told["gone"] == []
    assert (await catalogue(world, f"?changed_since={moment(world.now)}"))["entries"] == []
    everything = await catalogue(world, "?changed_since=2000-01-01")
    assert everything["entries"] == (await catalogue(world))["entries"]


async def test_a_part_that_is_gone_is_named(world):
    await catalogue(world)
    before = world.now
    world.clock.advance(60)
    works = tuple(work for work in world.policy.works if work.id != "gift")
    world.policy = replace(world.policy, works=works, digest="sha-256:second", by_offer={})
    told = await catalogue(world, f"?changed_since={moment(before)}")
    assert told["gone"] == ["/gift/"]


async def test_one_crawler_is_told_what_it_can_buy(world):
    policy = world.policy
    rules = (
        Rule("rules[0]", Match(crawlers=frozenset({"claudebot"})), Verdict.LICENSE, ("unsold", "training")),
        Rule("rules[1]", Match(crawlers=frozenset({"bytespider"})), Verdict.REFUSE),
        Rule("rules[2]", Match(purposes=frozenset({"search"})), Verdict.SERVE),
        *policy.rules,
    )
    world.policy = replace(policy, rules=rules, digest="sha-256:rules", by_offer={})
    told = await catalogue(world, "?crawler=claudebot")
    sold = {entry["path"]: [offer["id"] for offer in entry["offers"]] for entry in told["entries"]}
    assert (told["crawler"], sold["/essays/"], sold["/gift/"]) == ("ClaudeBot", ["training"], [])
    assert (await catalogue(world, "?crawler=Googlebot"))["entries"][0]["free"] == ["search"]
    refused = (await catalogue(world, "?crawler=Bytespider&limit=1"))["entries"]
    assert (refused[0]["free"], refused[0]["offers"]) == ([], [])
    assert refused[0]["reserved"]
    pages = await walked(world, "?crawler=GPTBot&limit=2")
    assert [each for page in pages for each in page] == (await catalogue(world, "?crawler=GPTBot"))["entries"]


async def test_a_cursor_of_a_crawler_s_catalogue_ends_with_the_policy(world):
    first = await catalogue(world, "?crawler=GPTBot&limit=1")
    world.policy = replace(world.policy, digest="sha-256:second", by_offer={})
    answer = await world.get(first["next"].removeprefix(world.origin))
    assert answer.status == 400


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=-1", "limit=1e2", "limit=%D9%A1", "limit=1&limit=2", "cursor=", "cursor=x", "cursor=WzEsMl0",
     "cursor=WyJhIiwiYiJd", "changed_since=yesterday", "changed_since=", "changed_since=9999-99-99", "changed_since=9999-12-31T23:59:59-01:00", "crawler=NobodyBot",
     "crawler=GPTBot&changed_since=2026-01-01", "page=2", "crawler=" + "x" * 2000],
)  # fmt: skip
async def test_a_request_that_is_not_understood_is_refused(world, query):
    answer = await world.get(f"/.licet/catalogue?{query}")
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "form-invalid")


async def test_where_nothing_is_published_there_is_no_catalogue(world):
    world.policy = world.make_policy(mode=Mode.OBSERVE)
    assert (await world.get("/.licet/catalogue")).status == 404
