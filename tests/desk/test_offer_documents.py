"""Each offer at its address in ODRL and as a CoMP package, and nothing where nothing is published."""

import json

from gateway.policy.rules import Mode
from gateway.terms.comp import read_package
from gateway.terms.odrl import read_policy


async def test_every_offer_that_the_terms_list_is_told_in_odrl(world):
    (version, _) = await world.terms.of(world.policy)
    listed = version.document["offers"]
    assert listed
    for each in listed:
        answer = await world.get(f"/.licet/offers/{each['id']}.jsonld")
        assert answer.status == 200
        assert answer.content_type == "application/ld+json"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        read = read_policy(json.loads(await answer.text()))
        assert read.hash == each["terms_hash"]
        assert read.uid == f"{world.origin}/.licet/offers/{each['id']}.jsonld"


async def test_the_words_of_the_profile_are_told(world):
    answer = await world.get("/.licet/odrl-profile.jsonld")
    told = json.loads(await answer.text())
    assert {"licet:ai-train", "licet:search"} <= {each["@id"] for each in told["@graph"]}


async def test_packages_are_listed_and_told_one_by_one(world):
    listed = await (await world.get("/.licet/comp")).json()
    assert [read_package(each).id.partition("/")[2] for each in listed]
    for each in listed:
        name = read_package(each).id.rpartition("/")[2]
        assert await (await world.get(f"/.licet/comp/{name}")).json() == each


async def test_what_is_not_published_is_not_there(world):
    paths = (
        "/.licet/offers/nothing.jsonld",
        "/.licet/offers/answers",
        "/.licet/offers/",
        "/.licet/comp/nothing",
    )
    for path in paths:
        assert (await world.get(path)).status == 404
    world.policy = world.make_policy(mode=Mode.OBSERVE)
    for path in ("/.licet/offers/answers.jsonld", "/.licet/comp/answers"):
        assert (await world.get(path)).status == 404
    assert await (await world.get("/.licet/comp")).json() == []
