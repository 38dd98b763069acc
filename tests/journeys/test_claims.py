"""Costs claimed with evidence: one accepted and owed, one disputed and withdrawn; on real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import aiohttp
import pytest

from gateway.billing.postings import owed


async def test_costs_are_owed_by_the_licensees_word_alone(
    world: Any, licet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.app.claim_round.ROUND_SECONDS", 0.05)
    gate = await world()
    licensee, client, secret = await gate.licensee()
    assert (await gate.token(client, secret))["status"] == 200
    (license,) = await gate.licet.register.licenses_of(licensee)
    login, at = {"Authorization": aiohttp.encode_basic_auth(client, secret)}, ("--data", gate.folder)
    bill = gate.folder.parent / "bill.pdf"
    bill.write_bytes(b"%PDF-1.7 two days")

    async def claims() -> dict[str, dict[str, Any]]:
        async with gate.http.get(f"{gate.front}/.licet/claims", headers=login) as answer:
            told = json.loads(await answer.read())
        assert "Not legal advice" in told["notice"]
        return {each["about"]: each for each in told["claims"]}

    async def answers(**body: Any) -> tuple[int, dict[str, Any]]:
        async with gate.http.post(f"{gate.front}/.licet/claims/answer", json=body, headers=login) as answer:
            return answer.status, json.loads(await answer.read())

    assert await claims() == {}
    why = ("--why", "Two days of review.", "--evidence", bill)
    no = await licet("claims", "add", license.id, "120 EUR", "--about", "wd_1", *why, *at, code=2)
    assert "counts in USD" in no.err
    for about in ("wd_1", "wd_2"):
        await licet("claims", "add", license.id, "120 USD", "--about", about, *why, *at)
    await gate.licet.keeper.catch_up()
    found = await claims()
    digest = hashlib.sha256(bill.read_bytes()).hexdigest()
    assert (found["wd_1"]["state"], found["wd_1"]["evidence"]) == ("claimed", f"sha-256:{digest}")
    assert (gate.folder / "evidence").is_dir()
    first, second = found["wd_1"]["id"], found["wd_2"]["id"]

    assert (await answers(claim=first, accept="yes"))[0] == 400
    assert (await answers(claim=first, accept=True, more=1))[0] == 400
    assert (await answers(claim="no", accept=True))[0] == 404
    assert (await answers(claim=second, accept=False))[0] == 400, "a dispute says why"
    status, told = await answers(claim=first, accept=True)
    assert (status, told["state"]) == (200, "accepted")
    assert (await answers(claim=first, accept=True))[0] == 409, "once, before it is folded too"
    status, told = await answers(claim=second, accept=False, why="Nothing was to review.")
    assert (status, told["state"], told["answer"]) == (200, "disputed", "Nothing was to review.")
    await gate.licet.keeper.catch_up()
    assert (await gate.licet.ledger.balance(owed(licensee), "USD")).micros == -120_000_000
    assert "is accepted" in (await licet("claims", "withdraw", first, *at, code=1)).err
    await licet("claims", "withdraw", second, *at)
    await gate.licet.keeper.catch_up()
    assert {each["state"] for each in (await claims()).values()} == {"accepted", "withdrawn"}
    assert "Nothing was to review." in (await licet("claims", "list", *at)).out
    assert (await licet("reconcile", "--json", *at)).json["good"] is True

    async def told() -> list[str]:
        async with gate.http.get(f"{gate.front}/.licet/events", headers=login) as answer:
            events = json.loads(await answer.read())["events"]
        assert "review" not in json.dumps(events), "neither side's reason stands in an event"
        return sorted(each["type"] for each in events if each["type"].startswith("claim."))

    everything = ["claim.accepted", "claim.disputed", "claim.filed", "claim.filed", "claim.withdrawn"]
    async with asyncio.timeout(20):
        while await told() != everything:
            await asyncio.sleep(0.05)
