"""The license terms at their addresses: in force, by name, listed, compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from gateway.policy.rules import Mode
from gateway.problems import StoreUnavailable
from gateway.terms.license_terms import Compensation

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def change(world, digest, **levers):
    """Put another policy in force, with other levers of the offer training."""
    offers = [
        replace(offer, terms=replace(offer.terms, **levers)) if offer.id == "training" else offer
        for offer in world.offers
    ]
    world.policy = replace(world.make_policy(offers), digest=digest, by_offer={})


async def octets(world, path):
    return (await (await world.get(path)).text()).encode()


async def listed(world):
    return (await (await world.get("/.licet/terms/versions")).json())["versions"]


async def test_the_terms_in_force_say_which_version_they_are(world):
    answer = await world.get("/.licet/terms/")
    text = (await answer.text()).encode()
    name = hashlib.sha256(text).hexdigest()
    assert answer.headers["Content-Location"] == f"{world.origin}/.licet/terms/{name}"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert 'rel="version-history"' in answer.headers["Link"]
    document = json.loads(text)
    assert document["format"] == 1
    assert [offer["id"] for offer in document["offers"]] == ["answers", "archive", "gift", "training"]
    by_name = await world.get(f"/.licet/terms/{name}")
    assert (await by_name.text()).encode() == text
    assert by_name.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert by_name.headers["ETag"] == f'"{name}"'
    assert "Pragma" not in by_name.headers
    assert await octets(world, f"/.licet/terms/sha-256:{name}") == text
    assert await octets(world, "/.licet/terms") == text


async def test_older_versions_stay_and_what_changed_is_told(world):
    old = await octets(world, "/.licet/terms/")
    world.clock.advance(3600)
    price = Compensation("USD", per_fetch=world.offers[0].price + world.offers[0].price)
    change(world, "sha-256:second", compensation=price)
    new = await octets(world, "/.licet/terms/")
    assert new != old
    found = await listed(world)
    names = [hashlib.sha256(text).hexdigest() for text in (new, old)]
    assert [each["version"] for each in found] == names
    assert found[0]["in_force_from"] > found[1]["in_force_from"]
    for each, text in zip(found, (new, old), strict=True):
        assert await octets(world, each["url"].removeprefix(world.origin)) == text
    answer = await world.get(f"/.licet/terms/{names[0]}/changes")
    told = await answer.json()
    assert "immutable" in answer.headers["Cache-Control"]
    assert (told["from"], told["to"]) == (names[1], names[0])
    places = {each["place"]: (each["before"], each["after"]) for each in told["changes"]}
    assert places.pop("offers.training.terms.compensation.per_fetch.micros") == (20_000, 40_000)
    assert list(places) == ["offers.training.terms_hash"]
    back = await (await world.get(f"/.licet/terms/{names[1]}/changes?against={names[0]}")).json()
    assert {each["place"]: (each["after"], each["before"]) for each in back["changes"]} == {
        each["place"]: (each["before"], each["after"]) for each in told["changes"]
    }
    first = await (await world.get(f"/.licet/terms/{names[1]}/changes")).json()
    assert first["from"] is None
    assert all(each["before"] is None for each in first["changes"])


async def test_a_version_outlives_the_process_and_comes_back_under_its_name(sqlite_world):
    world = sqlite_world
    old = await octets(world, "/.licet/terms/")
    change(world, "sha-256:second", compensation=Compensation("USD", per_fetch=world.offers[1].price))
    await world.get("/.licet/terms/")
    await world.reopen()
    world.terms._known.clear()
    world.policy = world.make_policy()
    assert await octets(world, "/.licet/terms/") == old
    names = [each["version"] for each in await listed(world)]
    assert len(names) == 3
    assert names[0] == names[2] == hashlib.sha256(old).hexdigest()


async def test_what_changes_no_term_is_the_same_version(world):
    await world.get("/.licet/terms/")
    world.policy = replace(world.policy, digest="sha-256:moved", by_offer={})
    await world.get("/.licet/terms/")
    assert len(await listed(world)) == 1


async def test_where_nothing_is_published_nothing_is_kept(world):
    world.policy = world.make_policy(mode=Mode.OBSERVE)
    answer = await world.get("/.licet/terms/")
    assert answer.status == 404
    assert await world.versions.history("journal", 10) == ()


@pytest.mark.parametrize(
    "rest",
    ["nonsense", "0" * 63, "A" * 64, "0" * 64, "./x", "0" * 64 + "/changes", "versions/", "%00"],
)
async def test_what_is_no_version_is_not_found(world, rest):
    assert (await world.get(f"/.licet/terms/{rest}")).status in {400, 404}


async def test_a_version_has_no_further_addresses_and_is_compared_with_versions_only(world):
    name = (await world.get("/.licet/terms/")).headers["Content-Location"].rsplit("/", 1)[1]
    assert (await world.get(f"/.licet/terms/{name}/nothing")).status == 404
    for against in ("x", "0" * 64):
        assert (await world.get(f"/.licet/terms/{name}/changes?against={against}")).status == 404
    assert (await world.get(f"/.licet/terms/{name}/changes?against=")).status == 200


async def test_the_pages_are_for_people(world):
    name = (await world.get("/.licet/terms/")).headers["Content-Location"].rsplit("/", 1)[1]
    for path in ("", name, f"{name}/changes", "versions"):
        answer = await world.get(f"/.licet/terms/{path}", headers=PAGE)
        text = await answer.text()
        assert answer.content_type == "text/html", path
        assert answer.headers["Vary"] == "Accept, Accept-Language"
        assert "&lt;Journal&gt;" in text
        assert "<Journal>" not in text
        assert name in text
        assert "<script" not in text


async def test_the_page_in_force_describes_itself_to_programs_and_cannot_be_left(world):
    world.described = lambda terms: {"@type": "CreativeWork", "url": terms.origin, "name": "</script><b>&"}
    await world.reopen()
    text = await (await world.get("/.licet/terms/", headers=PAGE)).text()
    start = text.index('<script type="application/ld+json">')
    data = text[start:].partition(">")[2].partition("</script>")[0]
    assert json.loads(data) == {"@type": "CreativeWork", "url": world.origin, "name": "</script><b>&"}
    assert text.count("</script>") == 1


async def test_a_store_that_is_down_is_told_so(world):
    world.versions.down = "pulled"
    assert (await world.get("/.licet/terms/")).status == 503
    with pytest.raises(StoreUnavailable):
        await world.terms.of(world.policy)
