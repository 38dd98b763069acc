"""Idempotency keys on what moves money."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.desk.once import KEPT_SECONDS

ARCHIVE = json.dumps([{"type": "content_license", "offer": "archive"}])
FORM = {"grant_type": "client_credentials", "authorization_details": ARCHIVE}


async def buy(world, made, key, **changes):
    headers = {"Idempotency-Key": key} if key is not None else {}
    return await world.post("/.licet/token", made, {**FORM, **changes}, headers=headers)


async def test_the_same_purchase_again_gives_the_same_token_and_no_second_fee(world):
    made = await world.licensee("1500")
    first = await buy(world, made, "order-1")
    again = await buy(world, made, '"order-1"')
    assert (first.status, again.status) == (200, 200)
    assert await again.text() == await first.text()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "no-store"
    assert [entry.kind_of for entry in world.kept.entries] == ["fee"]
    assert (await (await buy(world, made, None)).text()) != await first.text()


async def test_the_key_with_another_request_is_a_conflict(world):
    made = await world.licensee("1500")
    await buy(world, made, "order-1")
    other = await buy(world, made, "order-1", resource=f"{world.origin}/essays/a")
    assert other.status == 409
    assert (await other.json(content_type=None))["error"] == "invalid_request"


async def test_a_key_is_one_clients_alone(world):
    one, two = await world.licensee("1500"), await world.licensee("1500")
    await buy(world, one, "order-1")
    other = await buy(world, two, "order-1")
    assert other.status == 200
    assert "Idempotent-Replayed" not in other.headers
    assert [entry.licensee for entry in world.kept.entries] == [one.licensee.id, two.licensee.id]


async def test_a_no_moved_nothing_and_may_become_a_yes(world):
    made = await world.licensee("1")
    assert (await buy(world, made, "order-1")).status == 402
    await world.pay_in(made, "600")
    assert (await buy(world, made, "order-1")).status == 200


async def test_20_at_once_are_one_purchase_and_one_answer(world):
    made = await world.licensee("1500")
    answers = await asyncio.gather(*(buy(world, made, "order-1") for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({await answer.text() for answer in answers}) == 1
    assert len(world.kept.entries) == 1


async def test_a_key_is_forgotten_after_a_day_and_not_before(world):
    made = await world.licensee("1500")
    first = await buy(world, made, "order-1")
    world.clock.advance(KEPT_SECONDS - 1)
    assert await (await buy(world, made, "order-1")).text() == await first.text()
    world.clock.advance(1)
    later = await buy(world, made, "order-1")
    assert later.status == 200
    assert "Idempotent-Replayed" not in later.headers


async def test_what_rests_in_the_store_tells_neither_key_nor_token(world):
    made = await world.licensee("1500")
    first = await buy(world, made, "order-1")
    token = (await first.json())["access_token"]
    kept = repr(world.repeats._stood).encode() + b"".join(
        stood.sealed for _, stood in world.repeats._stood.values()
    )
    assert b"order-1" not in kept
    assert token.encode() not in kept
    assert token.encode()[:20] not in kept


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ключ"])
async def test_keys_that_are_none(world, key):
    made = await world.licensee("1500")
    answer = await buy(world, made, key)
    assert (answer.status, (await answer.json(content_type=None))["error"]) == (400, "invalid_request")
    assert world.kept.entries == []


async def test_a_parameter_nobody_knows_in_any_letters_changes_nothing(world):
    made = await world.licensee("1500")
    first = await buy(world, made, "order-1", schlüssel="größe")
    again = await buy(world, made, "order-1", schlüssel="größe")
    assert (first.status, again.status) == (200, 200)
    assert await again.text() == await first.text()
