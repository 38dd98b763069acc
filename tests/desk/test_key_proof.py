"""A program's key shows who is behind a private page, and one that proves nobody does not."""

from __future__ import annotations

import pytest

from gateway.licenses.license import Standing
from gateway.licenses.private_links import BY_OPERATOR
from tests.desk.test_buying import Person, spelled


@pytest.fixture
def person(world):
    return Person(world)


async def shown(person, made, path=""):
    return await person.world.post(path or f"{person.base}/key", made, json={})


async def test_an_approved_licensee_shows_who_is_behind_a_page(person):
    await person.begin()
    assert "Or by a key, without a mail" in person.text
    made = await person.world.licensee()
    answer = await shown(person, made)
    found = await person.negotiation()
    assert (answer.status, await answer.json()) == (
        200,
        {"negotiation": found.id, "known_by": f"key {made.client.id}"},
    )
    await person.go(person.base)
    assert f"Known: you showed the key of {made.client.id}." in spelled(person.text)


async def test_who_is_known_stays_known_as_before(person):
    await person.begin()
    await person.confirmed()
    answer = await shown(person, await person.world.licensee())
    assert (await answer.json())["known_by"] == BY_OPERATOR


@pytest.mark.parametrize("standing", [Standing.QUARANTINED, Standing.SUSPENDED])
async def test_a_secret_that_anybody_may_have_proves_nobody(person, standing):
    await person.begin()
    answer = await shown(person, await person.world.licensee(standing=standing))
    assert answer.status == 403
    found = await person.world.links.by_link(person.link)
    assert not found.verified


async def test_without_a_key_or_a_page_nothing_is_shown(person):
    await person.begin()
    assert (await shown(person, None)).status == 401
    made = await person.world.licensee()
    assert (await shown(person, made, "/.licet/negotiate/nobody/key")).status == 404
    assert (await person.world.get(f"{person.base}/key")).status == 405
    assert not (await person.world.links.by_link(person.link)).verified
