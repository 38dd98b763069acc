"""The proof of a paid fetch: given by the gateway, checked by commands that know nothing but a file and a key."""

from __future__ import annotations

import asyncio
import json

import aiohttp

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"


async def receipt_of(one, record, client, secret):
    """The receipt of *record*, once the log's head has it."""
    login = {"Authorization": aiohttp.encode_basic_auth(client, secret)}
    async with asyncio.timeout(20):
        while True:
            async with one.http.get(f"{one.front}/.licet/receipts/{record}", headers=login) as answer:
                if answer.status == 200:
                    return await answer.read()
                assert answer.status == 404
            await asyncio.sleep(0.1)


async def text_at(one, path):
    async with one.http.get(one.front + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_paid_fetch_is_proven_to_outsiders(world, licet, tmp_path) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    answer = await one.get("/essays/tides", GPTBOT, token=token)
    record = answer.headers["Licet-Record"]
    assert answer.headers["Licet-Receipt"] == f"{one.front}/.licet/receipts/{record}"
    (tmp_path / "receipt.json").write_bytes(await receipt_of(one, record, client, secret))
    key = (await text_at(one, "/.licet/log/key")).strip()

    verified = await licet("receipt", "verify", str(tmp_path / "receipt.json"), "--key", key, "--json")
    (proven,) = verified.json["records"]
    assert (proven["id"], proven["charged"]) == (record, "0.005 USD")
    assert proven["what"] == f"GET {one.front.removeprefix('http://')}/essays/tides 200 GPTBot"
    assert proven["record"]["digest"]
    assert proven["record"]["terms"] == answer.headers["Licet-Terms"]

    forged = json.loads((tmp_path / "receipt.json").read_text())
    forged["receipts"][0]["record"]["charged_micros"] = 1
    (tmp_path / "forged.json").write_text(json.dumps(forged))
    refused = await licet("receipt", "verify", str(tmp_path / "forged.json"), "--key", key, code=1)
    assert "nothing is proven: receipt 0 is not in the log that its checkpoint signs" in refused.err

    url = f"{one.front}/.licet/log"
    kept = ("--keep", str(tmp_path / "today"))
    assert "good: the log holds" in (await licet("journal", "verify", url, "--key", key, *kept)).out
    await (await one.get("/essays/waves", GPTBOT, token=token)).read()
    size = int((tmp_path / "today").read_text().split("\n")[1])
    async with asyncio.timeout(20):
        while int((await text_at(one, "/.licet/log/checkpoint")).split("\n")[1]) == size:
            await asyncio.sleep(0.1)
    later = await licet("journal", "verify", url, "--key", key, "--since", str(tmp_path / "today"), "--json")
    assert later.json["good"]
    assert later.json["size"] > size
    assert later.json["log"] == key


async def test_the_operator_proves_and_audits(world, licet, tmp_path) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    record = (await one.get("/essays/tides", GPTBOT, token=token)).headers["Licet-Record"]
    await receipt_of(one, record, client, secret)
    data = ("--data", str(one.folder))
    key = (await text_at(one, "/.licet/log/key")).strip()
    for more, name in (((), "receipt.json"), (("--text",), "receipt.tlog-proof")):
        (tmp_path / name).write_text((await licet("journal", "prove", record, *more, *data)).out)
        found = await licet("receipt", "verify", str(tmp_path / name), "--key", key)
        assert found.out.startswith(f"proven   record {record}, number ")
    assert "there is no record another" in (await licet("journal", "prove", "another", *data, code=1)).err
    assert "good: the log holds" in (await licet("journal", "verify", *data)).out
    audit = await licet("journal", "audit", *data, "--json")
    assert audit.json["log"]["faults"] == []
    assert audit.json["log"]["leaves"] >= 2


async def test_an_auditor_finds_what_was_changed(world, licet) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    record = (await one.get("/essays/tides", GPTBOT, token=token)).headers["Licet-Record"]
    await receipt_of(one, record, client, secret)
    data = ("--data", str(one.folder))
    (bundle,) = (one.folder / "log" / "tile" / "entries" / "000.p").glob(
        (await text_at(one, "/.licet/log/checkpoint")).split("\n")[1]
    )
    octets = bytearray(bundle.read_bytes())
    octets[30] ^= 1
    bundle.write_bytes(octets)
    found = await licet("journal", "audit", *data, code=1)
    assert "WRONG      public log: the leaves do not make the root that the head signs" in found.out
    assert "NOT GOOD" in (await licet("journal", "verify", *data, code=1)).out


async def test_keys_and_files_that_are_none_are_said(licet, tmp_path) -> None:
    (tmp_path / "x").write_text("{}")
    for args, why in (
        (("receipt", "verify", "x"), "--key is missing"),
        (("receipt", "verify", "x", "--key", "a+b"), "--key: the vkey cannot be read"),
        (("journal", "verify"), "has no log yet"),
        (("journal", "verify", "nowhere", "--key", "a+b"), "--key: the vkey cannot be read"),
    ):
        assert why in (await licet(*args, code=2)).err
