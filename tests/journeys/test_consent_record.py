"""The record of a consent, from the command: listed, proven to whoever asks, and cited by what is sold."""

from __future__ import annotations

import asyncio
import json

from tests.journeys.test_backup import log_of


async def test_a_consent_is_listed_proven_and_cited(licet, http, origin):
    data = licet.write_site(origin.url)
    one = await licet.serve()
    await log_of(http, one.front)
    (first,) = (await licet("policy", "history", "journal", "--json")).json
    assert (first["through"], first["by"], first["words"]) == ("the file", "", [])
    assert "podcast/page/ai-train: paid, 0.02 USD for each fetch" in first["cells"]
    file = data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace('"0.02"', '"0.03"'))

    async def cited() -> str:
        async with http.get(f"{one.front}/.licet/offers") as answer:
            return json.loads(await answer.read()).get("consent", "")

    async with asyncio.timeout(20):
        while (now := await cited()) in {"", first["id"]}:
            await asyncio.sleep(0.05)
    newer, older = (await licet("policy", "history", "journal", "--json")).json
    assert (newer["id"], newer["before"], older) == (now, first["policy"], first)
    assert "the file" in (await licet("policy", "history", "journal")).out
    assert "no site" in (await licet("policy", "history", "../x", code=2)).err

    async with http.get(f"{one.front}/.licet/log/key") as answer:
        key = (await answer.text()).strip()
    assert (await licet("journal", "verify")).out
    async with asyncio.timeout(20):
        while not (proof := await licet("journal", "prove", newer["id"], code=None)).out:
            await asyncio.sleep(0.2)
    (licet.folder / "proof.json").write_text(proof.out)
    assert (await licet("receipt", "verify", "proof.json", "--key", key)).out.startswith("proven   record ")
    (record,) = [each["record"] for each in proof.json["receipts"]]
    assert record["policy"] == newer["policy"]
    await one.stop()
