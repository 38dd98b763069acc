"""A license as an ODRL agreement: to the last lever, and to nobody but who holds it."""

import json

import aiohttp

from gateway.terms.odrl import read_policy


def logged_in(made):
    return {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}


async def test_a_license_is_told_as_what_was_agreed(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    name = body["authorization_details"][0]["license"]
    (held,) = await world.licenses(made)
    answer = await world.get(f"/.licet/licenses/{name}.jsonld", headers=logged_in(made))
    assert (answer.status, answer.content_type) == (200, "application/ld+json")
    assert answer.headers["Cache-Control"] == "no-store"
    read = read_policy(json.loads(await answer.text()))
    assert (read.kind, read.terms, read.hash) == ("Agreement", held.terms, held.terms.hash)
    assert (read.starts_at, read.ends_at) == (held.starts_at, held.ends_at)
    assert read.source == f"{world.origin}/.licet/offers/training.jsonld"
    assert read.assignee.endswith(made.licensee.id)


async def test_nobody_else_is_told_and_nothing_else_is_there(world):
    made, other = await world.licensee(), await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    path = f"/.licet/licenses/{body['authorization_details'][0]['license']}"
    assert (await world.get(f"{path}.jsonld")).status == 401
    assert (await world.get(f"{path}.jsonld", headers=logged_in(other))).status == 404
    assert (await world.get(f"{path}x", headers=logged_in(made))).status == 404
    assert (await world.get("/.licet/licenses/none.jsonld", headers=logged_in(made))).status == 404
    await world.register.revoke("license", path.rpartition("/")[2], world.now)
    assert (await world.get(f"{path}.jsonld", headers=logged_in(made))).status == 200
