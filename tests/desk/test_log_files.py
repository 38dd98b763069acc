"""The public log and receipts at the desk: the log for everybody, a receipt for its licensee alone."""

from __future__ import annotations

import aiohttp
import pytest

from gateway.provenance.checkpoint import LogKey, read
from gateway.provenance.receipts import verify, verify_tlog_proof
from gateway.provenance.tiles import read_bundle


def basic(made):
    return {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}


async def text(world, path, **more):
    async with world.http.get(world.origin + path, **more) as answer:
        return answer.status, await answer.read(), answer.headers


async def test_everybody_may_read_the_log(world):
    assert (await text(world, "/.licet/log/checkpoint"))[0] == 404
    assert (await text(world, "/.licet/log/key"))[0] == 404
    made = await world.licensee("5")
    await world.log.sign_news()
    status, note, headers = await text(world, "/.licet/log/checkpoint")
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "text/plain", "no-cache")
    key = LogKey.read((await text(world, "/.licet/log/key"))[1].decode())
    assert key.name == "journal.example/.licet/log"
    assert read(note.decode(), key).size == 1
    status, octets, headers = await text(world, "/.licet/log/tile/entries/000.p/1")
    assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
    (leaf,) = read_bundle(octets)
    assert leaf.startswith(b'{"entry":"')
    assert made.licensee.id.encode() not in leaf
    assert (await text(world, "/.licet/log/tile/0/000.p/1"))[0] == 200


@pytest.mark.parametrize(
    "name",
    [
        "0/000",
        "0/000.p/2",
        "entries/000.p/300",
        "0/x000/000",
        "entries/../checkpoint",
        "%2e%2e/name",
        "64/000",
        "a",
    ],
)
async def test_what_is_no_tile_is_not_found(world, name):
    await world.licensee("5")
    await world.log.sign_news()
    assert (await text(world, f"/.licet/log/tile/{name}"))[0] in {400, 404}


async def test_a_receipt_proves_a_record_to_its_licensee_alone(world):
    made, other = await world.licensee("5"), await world.licensee("7")
    await world.log.sign_news()
    assert (await text(world, "/.licet/receipts/credit-1"))[0] == 401
    assert (await text(world, "/.licet/receipts/credit-1", headers=basic(other)))[0] == 404
    assert (await text(world, "/.licet/receipts/credit-1", headers=basic(made)))[0] == 200


async def test_a_receipt_in_every_form(world):
    made = await world.licensee("600")
    status, body = await world.token(made, {"offer": "archive"})
    assert status == 200, body
    (license,) = await world.licenses(made)
    fee = next(entry for entry in world.kept.entries if entry.site == "journal")
    assert fee.license == license.id
    status, _, headers = await text(world, f"/.licet/receipts/{fee.id}", headers=basic(made))
    assert (status, headers["Retry-After"]) == (404, "60")
    await world.log.sign_news()
    async with world.http.get(f"{world.origin}/.licet/receipts/{fee.id}", headers=basic(made)) as answer:
        document = await answer.json()
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    (proven,) = verify(document, LogKey.read(document["log"]))
    assert proven.entry == fee
    async with world.http.get(
        f"{world.origin}/.licet/receipts?id={fee.id}&id={fee.id}", headers=basic(made)
    ) as answer:
        assert await answer.json() == document
    for path, more in ((f"{fee.id}.tlog-proof", {}), (fee.id, {"Accept": "text/plain"})):
        status, octets, headers = await text(
            world, f"/.licet/receipts/{path}", headers={**basic(made), **more}
        )
        assert (status, headers["Content-Type"]) == (200, "text/plain")
        assert verify_tlog_proof(octets.decode(), LogKey.read(document["log"])) == proven
    for query in ("", "?id=", f"?id={fee.id}&id=another", "?" + "&".join(f"id={n}" for n in range(101))):
        status = (await text(world, f"/.licet/receipts{query}", headers=basic(made)))[0]
        assert status == (404 if "another" in query or query == "?id=" else 400), query
