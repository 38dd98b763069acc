"""The key of an encrypted file: for whoever holds a license of it, and for nobody else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.keys.ems import FORMAT, ContentKey
from gateway.licenses.license import Standing
from gateway.paths import PathScope
from gateway.policy.rules import Match, Rights, Rule, TerritoryMode, Verdict
from gateway.visitors.visitor import VisitorClass

PATH = "/essays/archive.warc.enc"
JSON = {"Content-Type": "application/json", "licet-country": "FR"}


@pytest.fixture
def key(world):
    made = ContentKey.new()
    world.content_keys.keep("journal", PATH, made)
    return made


async def licensed(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    return made, body["access_token"]


async def ask(world, made, *, country="DE", **form):
    headers = {"licet-country": country} if country else {}
    answer = await world.post("/.licet/key", made, form, headers=headers)
    return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize("resource", ["{}" + PATH, PATH, PATH + "?x=1"])
async def test_the_holder_of_a_license_is_given_the_key(world, key, resource):
    made, token = await licensed(world)
    resource = resource.format(world.origin)
    status, body = await ask(world, made, token=token, resource=resource)
    assert status == 200
    assert body == {"key": key.as_jwk(), "resource": resource, "format": FORMAT}
    assert ContentKey.read(body["key"]) == key


async def test_the_answer_is_stored_nowhere_and_the_body_may_be_json(world, key):
    made, token = await licensed(world)
    asked = json.dumps({"token": token, "resource": PATH})
    answer = await world.post("/.licet/key", made, asked, headers=JSON)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"


async def test_an_older_copy_is_opened_by_its_key_id(world, key):
    made, token = await licensed(world)
    newer = ContentKey.new()
    world.content_keys.keep("journal", PATH, newer)
    assert (await ask(world, made, token=token, resource=PATH))[1]["key"]["kid"] == newer.kid
    assert (await ask(world, made, token=token, resource=PATH, kid=key.kid))[1]["key"] == key.as_jwk()
    assert (await ask(world, made, token=token, resource=PATH, kid="AAAA"))[0] == 400


async def test_every_way_to_have_no_key_has_its_word(world, key):
    made, token = await licensed(world)
    other = await world.licensee()
    waiting = await world.licensee("", standing=Standing.QUARANTINED)
    _, gift = await world.token(made, {"offer": "gift"})
    asked = {"token": token, "resource": PATH}
    for who, form, status, error in (
        (None, asked, 401, "invalid_client"),
        (made, {"token": token}, 400, "invalid_request"),
        (made, {"resource": PATH}, 400, "invalid_request"),
        (made, {**asked, "token": token[:-4] + "AAAA"}, 401, "invalid_token"),
        (made, {**asked, "token": "nonsense"}, 401, "invalid_token"),
        (other, asked, 401, "invalid_token"),
        (waiting, asked, 403, "unauthorized_client"),
        (made, {**asked, "token": gift["access_token"]}, 403, "insufficient_scope"),
        (made, {**asked, "resource": "/essays/other.enc"}, 400, "invalid_resource"),
        (made, {**asked, "resource": "/essays/*"}, 400, "invalid_resource"),
        (made, {**asked, "resource": "/essays/../notes"}, 400, "invalid_resource"),
        (made, {**asked, "resource": "https://elsewhere.example" + PATH}, 400, "invalid_resource"),
        (made, {**asked, "resource": "/notes/x"}, 403, "insufficient_scope"),
    ):
        got = await ask(world, who, **form)
        assert (got[0], got[1]["error"]) == (status, error), form
        assert key.as_jwk()["k"] not in str(got)


async def test_a_revoked_token_and_one_that_lapsed_open_nothing(world, key):
    made, token = await licensed(world)
    refused = await world.post("/.licet/key", made, {"token": token[:-4] + "AAAA", "resource": PATH})
    assert refused.headers["WWW-Authenticate"] == 'License error="invalid_token"'
    await world.post("/.licet/revoke", made, {"token": token})
    assert (await ask(world, made, token=token, resource=PATH))[0] == 401
    _, again = await world.token(made, {"offer": "training"})
    world.clock.advance(931)
    assert (await ask(world, made, token=again["access_token"], resource=PATH))[1]["error"] == "invalid_token"


async def test_a_form_of_the_work_that_was_not_bought_has_no_key(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "answers", "renditions": ["page"]})
    world.content_keys.keep("journal", "/videos/a.vtt", ContentKey.new())
    status, body = await ask(world, made, token=body["access_token"], resource="/videos/a.vtt")
    assert (status, body["error"]) == (403, "insufficient_scope")


async def test_keys_that_cannot_be_read_are_a_server_error(world, key, tmp_path):
    made, token = await licensed(world)
    for file in (tmp_path / "content").iterdir():
        file.write_bytes(b"{")
    status, body = await ask(world, made, token=token, resource=PATH)
    assert (status, body["error"]) == (503, "server_error")


@pytest.mark.parametrize(
    "body", ['{"token": 7, "resource": "/"}', '{"token": "a", "token": "b"}', "[]", "{", ""]
)
async def test_json_that_is_not_an_object_of_texts_is_refused(world, key, body):
    made, _ = await licensed(world)
    answer = await world.post("/.licet/key", made, body, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert (await answer.json())["error"] == "invalid_request"


def ruled(policy, *rules):
    """*policy* with *rules* before its own, and otherwise the same, digest included."""
    return replace(policy, rules=(*rules, *policy.rules))


def above(*, classes=(), paths=("/essays/",), verdict=Verdict.REFUSE, offers=(), crawlers=()):
    when = Match(classes=frozenset(classes), paths=tuple(map(PathScope, paths)), crawlers=frozenset(crawlers))
    return Rule("rules[9]", when, verdict, offers)


@pytest.mark.parametrize("classes", [(), (VisitorClass.AI,)])
async def test_what_the_owner_closed_since_has_no_key(world, key, classes):
    made, token = await licensed(world)
    world.policy = ruled(world.policy, above(classes=classes))
    assert (await ask(world, made, token=token, resource=PATH))[1]["error"] == "invalid_resource"


async def test_a_work_that_is_not_for_sale_any_more_has_no_key(world, key):
    made, token = await licensed(world)
    works = tuple(
        replace(work, rights=Rights.UNSURE) if work.id == "essays" else work for work in world.policy.works
    )
    world.policy = replace(world.policy, works=works, digest="sha-256:newer")
    assert (await ask(world, made, token=token, resource=PATH))[1]["error"] == "invalid_resource"


async def test_a_part_that_is_sold_on_another_offer_alone_has_no_key(world, key):
    made, token = await licensed(world)
    world.policy = ruled(world.policy, above(paths=(PATH,), verdict=Verdict.LICENSE, offers=("answers",)))
    assert (await ask(world, made, token=token, resource=PATH))[1]["error"] == "insufficient_scope"


async def test_what_is_free_has_a_key_for_whoever_shows_a_token_that_covers_it(world, key):
    made, token = await licensed(world)
    world.policy = ruled(world.policy, above(verdict=Verdict.SERVE))
    assert (await ask(world, made, token=token, resource=PATH))[0] == 200


async def test_a_token_that_names_its_crawler_is_judged_as_that_crawlers(world, key):
    made, _ = await licensed(world)
    world.policy = ruled(
        world.policy,
        above(crawlers=("gptbot",), verdict=Verdict.LICENSE, offers=("training",)),
        above(),
    )
    for crawlers, status in (({}, 400), ({"crawlers": ["GPTBot"]}, 200), ({"crawlers": ["CCBot"]}, 400)):
        _, body = await world.token(made, {"offer": "training", **crawlers})
        assert (await ask(world, made, token=body["access_token"], resource=PATH))[0] == status, crawlers


@pytest.mark.parametrize(
    ("mode", "country", "status"),
    [
        (TerritoryMode.ENFORCE, "FR", 200),
        (TerritoryMode.ENFORCE, "JP", 403),
        (TerritoryMode.ENFORCE, "", 403),
        (TerritoryMode.OBSERVE, "JP", 200),
        (TerritoryMode.OFF, "", 200),
    ],
)
async def test_a_license_for_some_countries_has_a_key_there_as_far_as_the_site_wants(
    world, key, mode, country, status
):
    made, token = await licensed(world)
    world.policy = replace(world.policy, site=replace(world.policy.site, territory=mode))
    assert (await ask(world, made, country=country, token=token, resource=PATH))[0] == status


async def test_a_bound_token_is_shown_with_a_proof_of_its_key(world, key, proving):
    holder, other, made = proving.Holder(), proving.Holder(), await world.licensee()
    detail = json.dumps([{"type": "content_license", "offer": "training"}])
    bought = await world.post(
        "/.licet/token",
        made,
        {"grant_type": "client_credentials", "authorization_details": detail},
        headers={"DPoP": holder.proof("POST", f"{world.origin}/.licet/token", world.now)},
    )
    body = await bought.json()
    assert (bought.status, body["token_type"]) == (200, "DPoP")
    token, url = body["access_token"], f"{world.origin}/.licet/key"
    good = holder.proof("POST", url, world.now, token=token)
    wrong = [
        "",
        other.proof("POST", url, world.now, token=token),
        holder.proof("POST", url, world.now),
        holder.proof("POST", url, world.now, token=token + "x"),
        holder.proof("POST", f"{world.origin}/.licet/token", world.now, token=token),
        holder.proof("GET", url, world.now, token=token),
        holder.proof("POST", url, world.now - 3600, token=token),
        "e30.e30.AA",
    ]
    form = {"token": token, "resource": PATH}
    for proof in wrong:
        sent = {"licet-country": "DE"} | ({"DPoP": proof} if proof else {})
        answer = await world.post("/.licet/key", made, form, headers=sent)
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_dpop_proof"), proof
    for status in (200, 400):  # a proof is good once
        answer = await world.post("/.licet/key", made, form, headers={"licet-country": "DE", "DPoP": good})
        assert answer.status == status
