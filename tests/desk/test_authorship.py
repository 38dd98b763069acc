"""The proof of authorship beside a contract: for the licensee of that license, and nobody else."""

from __future__ import annotations

import aiohttp
import orjson

from gateway.canonical import canonical_digest
from gateway.licenses.authorship import Original


def login(made):
    return {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}


async def test_a_licensee_reads_the_proof_of_the_works_of_its_license(world):
    made, other = await world.licensee(), await world.licensee()
    await world.originals.add(Original("journal", "essays", "a" * 64, "a.md", 5, world.now, "owner"))
    _, body = await world.token(made, {"offer": "answers"})
    at = f"/.licet/contracts/{body['authorization_details'][0]['license']}/authorship"
    answer = await world.get(at, headers=login(made))
    assert answer.status == 200
    document = orjson.loads(await answer.text())
    assert answer.headers["ETag"] == f'"{canonical_digest(document)}"'
    assert [each["proof"]["work"] for each in document["works"]] == ["essays", "videos"]
    assert document["works"][0]["proof"]["originals"][0]["name"] == "a.md"
    assert document["works"][0]["digest"] == canonical_digest(document["works"][0]["proof"])
    assert (await world.get(at, headers=login(other))).status == 404
    assert (await world.get(at)).status == 401
    assert (await world.get("/.licet/contracts/li_nobody/authorship", headers=login(made))).status == 404
