"""A caller of RSL's OLP: the license element as published, or less of it, and never at another price."""

from __future__ import annotations

import re

import pytest

from gateway.money import Money
from gateway.policy.published import publish
from gateway.terms.license_terms import Compensation
from gateway.terms.rsl import parse_rsl, render_rsl
from gateway.tokens.verification import Verifier
from gateway.uses import Use


def published(world):
    """license.xml as the front serves it."""
    return render_rsl(publish(world.policy, world.origin, {})).decode()


def element(world, url):
    """The raw license element of the content with that url, as a client cuts it out, and its server."""
    document = published(world)
    content = re.search(
        rf'<content url="{re.escape(url)}" server="([^"]+)">(.*?)</content>', document, re.DOTALL
    )
    return re.search(r"<license>.*?</license>", content[2], re.DOTALL)[0], content[1]


TRAIN = """<license><permits type="usage">{uses}</permits><permits type="geo">{geo}</permits>
<payment type="crawl"><amount currency="USD">{amount}</amount></payment></license>"""


def spelled(uses="ai-train", geo="EU US", amount="0.02"):
    return TRAIN.format(uses=uses, geo=geo, amount=amount)


async def test_the_element_as_published_buys_the_offer(world):
    made = await world.licensee()
    license, server = element(world, "/essays/")
    assert server == f"{world.origin}/.licet"
    status, body = await world.token(made, license=license, resource="/essays/")
    assert status == 200
    assert body["token_type"] == "License"
    assert body["expires_in"] == 900
    claims = Verifier(lambda: world.keys.public).verify(
        body["access_token"], issuer=server, audience=world.origin, now=world.now
    )
    assert claims.terms == world.policy.by_offer["training"].terms.hash
    assert body["authorization_details"] == [claims.detail()]


@pytest.mark.parametrize(
    "resource", ["/essays/", "/essays$", "/essays?*", "/essays/*", "/essays/tides", "{}/essays/tides"]
)
async def test_a_pattern_a_path_or_a_url_names_the_content(world, resource):
    made = await world.licensee()
    license, _ = element(world, "/essays/")
    status, _ = await world.token(
        made, license=license, license_type="application/rsl+xml", resource=resource.format(world.origin)
    )
    assert status == 200


async def test_the_offer_s_own_namespace_may_be_missing_and_the_spelling_differ(world):
    made = await world.licensee()
    status, body = await world.token(made, license=spelled(geo="US EU", amount="0.0200"), resource="/essays/")
    assert status == 200
    assert body["authorization_details"][0]["price"]["micros"] == 20_000


async def test_less_than_published_is_granted_as_less(world):
    made = await world.licensee()
    status, body = await world.token(made, license=spelled(geo="DE"), resource="/essays/")
    assert status == 200
    assert body["authorization_details"][0]["territory"] == ["DE"]
    assert body["authorization_details"][0]["privileges"] == ["ai-train"]


@pytest.mark.parametrize(
    ("license", "resource", "error"),
    [
        (spelled(uses="ai-train ai-input"), "/essays/", "invalid_license"),
        (spelled(uses="all"), "/essays/", "invalid_license"),
        (spelled(geo="EU US JP"), "/essays/", "invalid_license"),
        (spelled(amount="0.01"), "/essays/", "invalid_license"),
        (spelled(amount="0"), "/essays/", "invalid_license"),
        (spelled().replace("USD", "EUR"), "/essays/", "invalid_license"),
        (spelled().replace("crawl", "free"), "/essays/", "invalid_license"),
        (spelled(uses=""), "/essays/", "invalid_license"),
        ("<license/>", "/essays/", "invalid_license"),
        ("not xml", "/essays/", "invalid_license"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><license/>", "/essays/", "invalid_license"),
        (spelled().replace("</license>", '<permits type="user">education</permits></license>'), "/essays/", "invalid_license"),
        (spelled(), "/podcast/", "invalid_resource"),
        (spelled(), "/", "invalid_resource"),
        (spelled(), "https://elsewhere.example/essays/", "invalid_resource"),
        (spelled(), "/notes/", "invalid_resource"),
        (spelled(), "/essays-old/", "invalid_resource"),
        (spelled(), "", "invalid_request"),
    ],
)  # fmt: skip
async def test_what_is_not_offered_is_refused_in_olp_s_words(world, license, resource, error):
    made = await world.licensee()
    status, body = await world.token(made, license=license, resource=resource)
    assert (status, body["error"]) == (400, error)
    assert not await world.licenses(made)


async def test_another_media_type_of_the_license_is_refused(world):
    made = await world.licensee()
    status, body = await world.token(
        made, license=spelled(), license_type="application/ld+json", resource="/essays/"
    )
    assert (status, body["error"]) == (400, "invalid_license")


async def test_a_free_license_wants_a_token_and_no_credit(world):
    made = await world.licensee("")
    license, _ = element(world, "/gift/")
    status, body = await world.token(made, license=license, resource="/gift/")
    assert status == 200
    assert body["token_type"] == "License"


async def test_without_credentials_olp_s_error_is_told(world):
    answer = await world.post(
        "/.licet/token",
        None,
        {"grant_type": "client_credentials", "license": spelled(), "resource": "/essays/"},
    )
    assert answer.status == 401
    assert (await answer.json())["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


async def test_everything_that_license_xml_sells_can_be_bought_as_it_stands(world):
    subtitles = world.make_offer(
        "subtitles", works=("videos",), paths=("/videos/",), renditions=("transcript",), uses={Use.AI_TRAIN},
        price=Compensation("USD", per_fetch=Money.read("USD 0.001")),
    )  # fmt: skip
    world.policy = world.make_policy((*world.offers, subtitles))
    made = await world.licensee("2000")
    found = parse_rsl(published(world).encode(), origin=world.origin)
    bought = set()
    for content in found.contents:
        if not content.server:
            continue
        block = re.search(
            rf'<content url="{re.escape(content.url)}" server=.*?</content>', published(world), re.DOTALL
        )[0]
        for license in re.findall(r"<license>.*?</license>", block, re.DOTALL):
            status, body = await world.token(made, license=license, resource=content.url)
            assert status == 200, (content.url, license, body)
            (granted,) = body["authorization_details"]
            bought.add((granted["terms"], content.url))
    assert {terms for terms, _ in bought} == {
        offer.terms.hash for offer in world.policy.offers if offer.id != "unsold"
    }
    assert any(url == "/videos/*.vtt$" for _, url in bought)


async def test_a_rendition_that_an_offer_lacks_is_not_sold_for_it(world):
    made = await world.licensee()
    license, _ = element(world, "/videos/")
    for resource, status in (("/videos/*.vtt$", 200), ("/videos/a.vtt", 200), ("/videos/a.jpg", 400)):
        assert (await world.token(made, license=license, resource=resource))[0] == status, resource
