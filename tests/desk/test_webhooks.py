"""Endpoints over HTTP: who may have which, what is shown once, and who is told anything."""

from __future__ import annotations

import json

import aiohttp
import pytest

from gateway.desk.webhooks import MOST
from gateway.licenses.license import Standing
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.endpoints import Delivery, Reach

WEBHOOKS = "/.licet/webhooks"
URL = "https://ai.example/hook"


def auth(made):
    return {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}


async def say(world, made, path="", body=None, **headers):
    answer = await world.post(
        WEBHOOKS + path, made, json.dumps(body or {}), headers={"Content-Type": "application/json", **headers}
    )
    return answer.status, await answer.json(content_type=None)


async def read(world, made, path=""):
    answer = await world.get(WEBHOOKS + path, headers=auth(made))
    return answer.status, await answer.json(content_type=None)


async def test_an_endpoint_is_told_nothing_before_its_challenge_came_back(world):
    made = await world.licensee()
    status, told = await say(world, made, body={"url": URL, "types": ["negotiation.*"]})
    assert (status, told["state"], told["url"], told["types"]) == (201, "unproven", URL, ["negotiation.*"])
    assert told["ping"] == {"answered": True, "status": 200}
    assert told["secret"] == world.secrets.secret(told["id"], 1)
    (pinged,) = world.pings
    assert pinged.url == URL
    challenge = world.secrets.challenge(pinged)
    assert challenge not in json.dumps(told), "only who reads at the URL knows it"
    for wrong in (
        {},
        {"challenge": "0" * 32},
        {"challenge": "ü"},
        {"challenge": 5},
        {"challenge": challenge, "x": 1},
    ):
        status, refused = await say(world, made, f"/{told['id']}/verification", wrong)
        assert (status, refused["code"]) == (400, "proposal-invalid")
    assert (await world.endpoints.get(told["id"])).reach is Reach.UNPROVEN
    status, proven = await say(world, made, f"/{told['id']}/verification", {"challenge": challenge})
    assert (status, proven["state"]) == (200, "on")
    assert "secret" not in proven


async def test_a_secret_is_shown_when_it_is_made_and_never_again(world):
    made = await world.licensee()
    _, told = await say(world, made, body={"url": URL})
    secret, id = told["secret"], told["id"]
    for answer in (
        await read(world, made),
        await read(world, made, f"/{id}"),
        await say(world, made, f"/{id}/ping"),
    ):
        assert answer[0] == 200
        assert secret.removeprefix("whsec_") not in json.dumps(answer[1])
    status, rotated = await say(world, made, f"/{id}/secret")
    assert status == 200
    assert rotated["secret"] == world.secrets.secret(id, 2) != secret
    assert rotated["secrets_valid"] == 2, "the one before signs for a day"
    world.clock.advance(86_401)
    assert (await read(world, made, f"/{id}"))[1]["secrets_valid"] == 1


async def test_a_request_that_is_repeated_with_its_key_makes_one_endpoint(world):
    made = await world.licensee()
    key = {"Idempotency-Key": "once"}
    first = await say(world, made, body={"url": URL}, **key)
    assert await say(world, made, body={"url": URL}, **key) == first
    assert len(await world.endpoints.all()) == 1
    status, refused = await say(world, made, body={"url": URL})
    assert (status, refused["member"]) == (400, "url")
    assert first[1]["id"] in refused["detail"]


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({}, "url"), ({"url": 5}, "url"), ({"url": "http://ai.example/"}, "url"), ({"url": "https://u@ai.example/"}, "url"),
        ({"url": "ftp://ai.example/"}, "url"), ({"url": "https://ai.example/" + "a" * 600}, "url"),
        ({"url": "https://ai.example/\r\nX: y"}, "url"), ({"url": URL, "types": "a.b"}, "types"),
        ({"url": URL, "types": ["*"]}, "types"), ({"url": URL, "types": [5]}, "types"),
        ({"url": URL, "types": ["a.b"] * 33}, "types"), ({"url": URL, "secret": "whsec_"}, "secret"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_named_and_nothing_is_kept(world, body, member):
    made = await world.licensee()
    status, refused = await say(world, made, body=body)
    assert (status, refused["code"], refused["member"]) == (400, "proposal-invalid", member)
    assert await world.endpoints.all() == ()
    assert world.pings == []


async def test_a_url_that_is_never_gone_to_is_refused_and_an_answer_tells_a_status_alone(world):
    made = await world.licensee()
    world.pinged = Outcome(Said.LATER, why="url: a public host by name, on port 443, is fetched here")
    status, refused = await say(world, made, body={"url": "https://10.0.0.1/"})
    assert (status, refused["member"]) == (400, "url")
    assert await world.endpoints.all() == ()
    world.pinged = Outcome(Said.LATER, why="private_address: 10.0.0.7")
    status, told = await say(world, made, body={"url": URL})
    assert (status, told["ping"]) == (201, {"answered": False, "status": None})
    assert "10.0.0.7" not in json.dumps(told)
    await world.endpoints.prove(told["id"], 0)
    failed = Delivery(told["id"], 1, "ev_1", "negotiation.offered", 5, 2, 0, "unreachable: 10.0.0.7 refused")
    await world.endpoints.failed(failed, 99)
    status, told = await read(world, made, f"/{told['id']}")
    assert told["failing"] == {"tries": 2, "next_at": 99}
    assert told["deliveries"] == [
        {"event": "ev_1", "type": "negotiation.offered", "at": 5, "tries": 2, "status": None, "told": False}
    ]
    assert "10.0.0.7" not in json.dumps(told)


async def test_nobody_sees_or_changes_what_is_of_another(world):
    made, other = await world.licensee(), await world.licensee()
    _, told = await say(world, made, body={"url": URL})
    id = told["id"]
    assert (await read(world, other))[1] == {"webhooks": []}
    for answer in (
        await read(world, other, f"/{id}"),
        await say(world, other, f"/{id}/secret"),
        await say(world, other, f"/{id}/ping"),
        await say(
            world, other, f"/{id}/verification", {"challenge": world.secrets.challenge(world.pings[0])}
        ),
    ):
        assert (answer[0], answer[1]["code"]) == (404, "not-found")
    async with world.http.delete(world.origin + f"{WEBHOOKS}/{id}", headers=auth(other)) as answer:
        assert answer.status == 404
    async with world.http.get(world.origin + WEBHOOKS) as answer:
        assert answer.status == 401
    async with world.http.delete(world.origin + f"{WEBHOOKS}/{id}", headers=auth(made)) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
    assert await world.endpoints.all() == ()


async def test_a_licensee_has_a_few_and_pings_are_rare(world):
    made = await world.licensee()
    for number in range(MOST):
        status, _ = await say(world, made, body={"url": f"https://a{number}.example/"})
        assert status == 201
    status, refused = await say(world, made, body={"url": "https://more.example/"})
    assert (status, refused["code"]) == (429, "too-fast"), "ten at once"
    world.clock.advance(600)
    status, refused = await say(world, made, body={"url": "https://more.example/"})
    assert (status, refused["member"]) == (400, "url")
    assert len(await world.endpoints.all()) == MOST == len(world.pings)


async def test_many_licensees_together_write_to_one_host_rarely(world):
    answers = []
    for number in range(8):
        made = await world.licensee(credit="", standing=Standing.QUARANTINED)
        answers.append((await say(world, made, body={"url": f"https://victim.example/{number}"}))[0])
    assert answers == [201] * 5 + [429] * 3
    assert len(world.pings) == 5


async def test_a_client_may_log_in_by_the_body(world):
    made = await world.licensee()
    login = {"client_id": made.client.id, "client_secret": made.secret}
    status, told = await say(world, None, body={"url": URL, **login})
    assert status == 201
    assert (await say(world, None, f"/{told['id']}/ping", login))[0] == 200
    assert (await say(world, None, f"/{told['id']}/ping", {**login, "client_secret": "wrong"}))[0] == 401


async def test_every_type_of_event_is_among_the_webhooks_of_the_document(world):
    from gateway.billing import claim_events, invoice_events, line_disputes, milestone_events
    from gateway.desk.webhook_schemas import EVENTS
    from gateway.licenses import bundle, duty_events, life_events, negotiation_events, removal
    from gateway.outbox import alerts
    from gateway.rails import topup_events

    assert set(EVENTS) == {
        *negotiation_events.TYPES,
        *duty_events.TYPES,
        *life_events.TYPES,
        *bundle.TYPES,
        *removal.TYPES,
        *topup_events.TYPES,
        *invoice_events.TYPES,
        *line_disputes.TYPES,
        *milestone_events.TYPES,
        *alerts.TO_LICENSEES,
        *claim_events.TYPES,
        "usage.counted",
        "endpoint.disabled",
        "endpoint.ping",
    }
    document = await (await world.get("/.licet/openapi.json")).json()
    assert set(document["webhooks"]) == set(EVENTS)
    told = document["webhooks"]["negotiation.offered"]["post"]
    assert [each["name"] for each in told["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
