"""A caller of RSL's OLP: the license element as published, or less of it, and never at another price."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.pace import Pace
from gateway.desk.olp import read_wish
from gateway.desk.pacing import DeskPace
from gateway.desk.wishes import read_signer
from gateway.licenses.contract import Party
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import State
from gateway.licenses.position import usual
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.published import publish
from gateway.policy.rules import Mode, People, Signing
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Compensation
from gateway.terms.rsl import parse_license, parse_rsl, render_rsl
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


async def test_of_every_element_what_is_granted_is_no_more_than_asked_and_no_more_than_offered(world):
    """A thousand elements: narrower is granted as such, broader is refused, and the price is the offer's."""
    words = [
        [],
        ["ai-train"],
        ["ai-input"],
        ["ai-index"],
        ["ai-input", "ai-index"],
        ["ai-all"],
        ["search"],
        ["all"],
    ]
    places = ["", "EU", "US", "EU US", "DE", "DE FR US", "JP", "DE JP"]
    prices = [
        (kind, amount)
        for kind in ("crawl", "purchase", "free", "")
        for amount in ("0.02", "0.004", "0.001", "")
    ]
    granted = refused = 0
    for uses, geo, (kind, amount) in itertools.product(words, places, prices):
        parts = [f'<permits type="usage">{" ".join(uses)}</permits>']
        parts += [f'<permits type="geo">{geo}</permits>'] if geo else []
        money = f'<amount currency="USD">{amount}</amount>' if amount else ""
        parts += [f'<payment type="{kind}">{money}</payment>'] if kind else []
        sent = f"<license>{''.join(parts)}</license>"
        wish, asked = read_wish(sent, "", ("/essays/",), world.policy, world.origin), parse_license(sent)
        if isinstance(wish, Refusal):
            assert wish.problem is Problem.LICENSE_NOT_OFFERED
            refused += 1
            continue
        granted += 1
        for offer in wish.offers:
            assert asked.uses
            assert (wish.wanted.uses or offer.uses) <= asked.uses <= offer.uses
            assert (wish.wanted.territory or offer.terms.territory).within(asked.territory)
            assert asked.territory.within(offer.terms.territory)
            assert (kind, amount) == ("crawl", offer.terms.compensation.per_fetch.amount)
    assert granted >= 20
    assert granted + refused == len(words) * len(places) * len(prices)


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


async def test_the_draft_s_grant_type_is_taken_with_a_license_alone(world):
    made = await world.licensee()
    status, body = await world.token(made, grant_type="rsl", license=spelled(), resource="/essays/")
    assert (status, body["token_type"]) == (200, "License")
    status, body = await world.token(made, grant_type="rsl", resource="/essays/")
    assert (status, body["error"]) == (400, "unsupported_grant_type")


async def test_what_is_not_paid_for_is_refused_in_olp_s_words_with_the_way_to_pay(world):
    made = await world.licensee("0.01")
    status, body = await world.token(made, license=spelled(), resource="/essays/")
    assert (status, body["error"]) == (403, "unauthorized_client")
    assert body["error_uri"] == f"{world.origin}/.licet/"
    assert (body["due"], body["missing"]) == ("0.02 USD", "0.01 USD")
    assert "access_token" not in body
    waiting = await world.licensee("", standing=Standing.QUARANTINED)
    status, body = await world.token(waiting, license=spelled(), resource="/essays/")
    assert (status, body["error"]) == (403, "unauthorized_client")
    assert body["error_uri"] == f"{world.origin}/.licet/problems/client-quarantined"


async def test_a_store_that_is_down_is_a_server_error_and_too_many_requests_are_told_when_to_come_back(world):
    made = await world.licensee()
    world.register.down = True
    status, body = await world.token(made, license=spelled(), resource="/essays/")
    assert (status, body["error"]) == (503, "server_error")
    world.register.down = False
    world.pace = DeskPace(client=Pace(0.01, 1))
    await world.reopen()
    answers = [
        await world.post(
            "/.licet/token",
            made,
            {"grant_type": "client_credentials", "license": spelled(), "resource": "/essays/"},
        )
        for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [200, 429]
    assert int(answers[1].headers["Retry-After"]) > 0


async def replaced(world):
    """Put a policy in force whose training costs twice as much, as a reload does; returns the offer before."""
    before = world.policy.by_offer["training"]
    dearer = world.make_offer(
        "training",
        uses={Use.AI_TRAIN},
        price=Compensation("USD", per_fetch=Money.read("USD 0.04")),
        territory={"EU", "US"},
    )
    world.earlier.see([world.policy], world.now)
    world.policy = world.make_policy((dearer, *world.offers[1:]), digest="sha-256:dearer")
    world.earlier.see([world.policy], world.now)
    return before


async def test_the_document_before_holds_for_its_max_age_and_no_longer(world):
    made = await world.licensee()
    before = await replaced(world)
    world.clock.advance(7 * 86_400 - 1)
    status, body = await world.token(made, license=spelled(), resource="/essays/")
    assert status == 200
    (granted,) = body["authorization_details"]
    assert (granted["terms"], granted["price"]["micros"]) == (before.terms.hash, 20_000)
    status, body = await world.token(made, license=spelled(amount="0.04"), resource="/essays/")
    assert (status, body["authorization_details"][0]["price"]["micros"]) == (200, 40_000)
    status, body = await world.token(made, license=spelled(amount="0.03"), resource="/essays/")
    assert (status, body["error"]) == (400, "invalid_license")
    world.clock.advance(1)
    status, body = await world.token(made, license=spelled(), resource="/essays/")
    assert (status, body["error"]) == (400, "invalid_license")


async def test_an_earlier_offer_sells_nothing_that_is_not_for_sale_by_now(world):
    made = await world.licensee()
    await replaced(world)
    works = world.policy.works
    world.policy = replace(world.policy, works=(replace(works[0], people=People.UNSURE), *works[1:]))
    status, body = await world.token(made, license=spelled(), resource="/essays/")
    assert (status, body["error"]) == (400, "invalid_license")
    world.policy = replace(world.policy, works=works, site=replace(world.policy.site, mode=Mode.OBSERVE))
    status, body = await world.token(made, license=spelled(), resource="/essays/")
    assert (status, body["error"]) == (400, "invalid_resource")


async def test_an_earlier_offer_sells_no_page_that_went_to_a_work_that_is_not_for_sale(world):
    made = await world.licensee()
    await replaced(world)
    works = world.policy.works
    diary = replace(works[0], id="diary", paths=(PathScope("/essays/diary/"),), people=People.UNSURE)
    world.policy = replace(world.policy, works=(diary, *works))
    for resource in ("/essays/diary/monday", f"{world.origin}/essays/diary/monday?x"):
        status, body = await world.token(made, license=spelled(), resource=resource)
        assert (status, body["error"]) == (400, "invalid_resource")
    assert (await world.token(made, license=spelled(), resource="/essays/tides"))[0] == 200


async def test_what_was_never_published_is_no_earlier_offer(world):
    made = await world.licensee()
    drafted = world.policy
    world.policy = replace(drafted, site=replace(drafted.site, mode=Mode.OBSERVE), digest="sha-256:draft")
    await replaced(world)
    status, body = await world.token(made, license=spelled(), resource="/essays/")
    assert (status, body["error"]) == (400, "invalid_license")


async def test_introspection_says_what_was_granted_in_a_license_element(world):
    made = await world.licensee()
    _, body = await world.token(made, license=spelled(geo="DE"), resource="/essays/")
    asked = {"token": body["access_token"], "resource": f"{world.origin}/videos/a"}
    found = await (await world.post("/.licet/introspect", made, asked)).json()
    assert (found["active"], found["permitted"], found["resource"]) == (True, False, "/essays/")
    assert found["reason"] == "The license does not cover this path."
    assert parse_license(found["license"]).same_as(parse_license(spelled(geo="DE")))
    status, again = await world.token(made, license=found["license"], resource=found["resource"])
    assert status == 200
    assert again["authorization_details"][0]["license"] == body["authorization_details"][0]["license"]


async def test_introspection_of_what_rsl_has_no_word_for_names_no_element(world):
    made = await world.licensee()
    mining = world.make_offer("mining", uses={Use.TDM}, price=Compensation("USD"))
    world.policy = world.make_policy((*world.offers, mining))
    _, body = await world.token(made, {"offer": "mining"})
    found = await (await world.post("/.licet/introspect", made, {"token": body["access_token"]})).json()
    assert found["active"] is True
    assert "license" not in found


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


PARTY = {"name": "Example AI Inc", "address": "2 Example Road", "signatory": "Bo", "authority": "officer"}


@pytest.fixture
def signed_world(world):
    """A desk that sells the archive to named parties alone, without a person's word."""
    owner = Party("The Journal", "1 Road", "Ada", "director")
    world.policy = replace(world.policy, signing=Signing("Ireland", "English", owner))
    world.positions["archive"] = replace(usual(1), person_for=frozenset())
    return world


async def test_who_has_to_name_itself_is_told_where_and_pays_nothing(signed_world):
    made = await signed_world.licensee("600")
    license, _ = element(signed_world, "/archive/")
    status, body = await signed_world.token(made, license=license, resource="/archive/")
    assert (status, body["code"]) == (409, "contract-incomplete"), body
    said = body["detail"]
    assert "name, address, signatory, authority" in said
    assert "authorization_details" in said and f"{signed_world.origin}/.licet/token" in said
    assert body["negotiations"] == f"{signed_world.origin}/.licet/negotiations"
    assert await signed_world.balance(made.licensee.id, "USD") == Money.parse("600", "USD")


async def test_a_machine_that_names_its_party_beside_the_element_gets_a_signed_deal(signed_world):
    made = await signed_world.licensee("600")
    license, _ = element(signed_world, "/archive/")
    asked = {"license": license, "resource": "/archive/"}
    status, body = await signed_world.token(made, {"party": PARTY}, **asked)
    assert (status, body["token_type"]) == (200, "License"), body
    (talk,) = await signed_world.negotiations.of(made.licensee.id, "journal")
    (granted,) = await signed_world.licenses(made)
    assert (talk.state, talk.license) == (State.FINALIZED, granted.id)
    assert talk.signed["licensee"] == {**PARTY, "contact": made.licensee.contact}
    contract = json.loads(talk.contract)
    assert contract["heading"] == "License agreement"
    assert granted.terms.hash in contract["evidence"]["assent"] == talk.signed["assent"]
    assert ["Licensee signs through", "Bo (officer)"] in contract["facts"]
    # Asked for again, with or without a name, it is the same license.
    for details in ((), ({"party": PARTY},)):
        assert (await signed_world.token(made, *details, **asked))[0] == 200
    assert len(await signed_world.licenses(made)) == 1


@pytest.mark.parametrize(
    ("details", "member"),
    [
        ({"party": []}, "party"),
        ({"party": {"signatory": 1}}, "party.signatory"),
        ({"party": {"authority": "a\nb"}}, "party.authority"),
        ({"party": {"address": "x" * 301}}, "party.address"),
        ({"party": {"rank": "x"}}, "party"),
        ({"party": PARTY, "offer": "archive"}, "offer"),
        ({"budget": {"micros": 1}}, "budget"),
        ({"party": PARTY, "more": 1}, ""),
    ],
)
async def test_a_malformed_party_is_refused_by_the_name_of_its_member(signed_world, details, member):
    made = await signed_world.licensee("600")
    license, _ = element(signed_world, "/archive/")
    status, body = await signed_world.token(made, details, license=license, resource="/archive/")
    assert (status, body["error"]) == (400, "invalid_authorization_details"), body
    assert body.get("member", "") == member
    assert member in body["error_description"]
    assert await signed_world.balance(made.licensee.id, "USD") == Money.parse("600", "USD")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_details_beside_an_element_raise_nothing(text):
    found = read_signer(text)
    assert found == () if not text else isinstance(found, Refusal)


async def test_the_document_of_the_api_says_where_a_party_goes(world):
    document = await (await world.get("/.licet/openapi.json")).json()
    assert "nothing else" in json.dumps(document["paths"]["/.licet/token"])
    told = await (await world.get("/.licet/authorization-details-types")).json()
    schema = told["content_license"]["schema"]["properties"]["party"]
    assert {"name", "address", "signatory", "authority"} <= set(schema["properties"])
    assert "OLP" in schema["description"]
