"""A token that its client revokes at the desk: how soon every worker of a running gateway refuses it.

The figure is printed. What is asserted holds however busy the machine is: a
verdict that rests on revocations older than a second is a 503, so no request
sent more than a second after the revocation was answered is served.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiohttp

from gateway.app.channel import asked
from gateway.licenses.revocations import OLDEST

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
CLIENTS = 24


async def connections(office: Path) -> dict[str, int]:
    """How many connections each worker has, as it told the office last."""
    told = await asked(office, "processes")
    return {each["role"]: each["connections"] for each in told if each["role"] != "office"}


async def test_a_revocation_is_felt_within_a_second_on_every_worker(
    licet, http, origin, sell, capsys
) -> None:
    data = licet.write_site(origin.url)
    file = data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace("max_fetches = 3\n", ""))
    one = await licet.serve("--workers", 2)
    sold = await sell(one, pages=("tides",))
    headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {sold.token}"}
    seen: list[list[tuple[float, int]]] = [[] for _ in range(CLIENTS)]
    connected, over = asyncio.Semaphore(0), asyncio.Event()

    async def reads(answers: list[tuple[float, int]]) -> None:
        # A connection stays with the worker that took it, so each client asks one worker.
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector) as own:
            while not over.is_set():
                sent = time.monotonic()
                async with own.get(f"{one.front}/essays/tides", headers=headers) as answer:
                    await answer.read()
                    answers.append((sent, answer.status))
                connected.release()
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        for answers in seen:
            group.create_task(reads(answers))
        async with asyncio.timeout(60):
            for _ in range(CLIENTS * 5):
                await connected.acquire()
            office = Path(json.loads((data / "licet.lock").read_text())["run"]) / "office"
            # Each worker tells the office once a second; whoever has nobody yet gets more clients.
            while not all((workers := await connections(office)).values()):
                seen.append([])
                group.create_task(reads(seen[-1]))
                await asyncio.sleep(0.2)
            login = aiohttp.encode_basic_auth(sold.client, sold.secret)
            async with http.post(
                f"{one.front}/.licet/revoke", data={"token": sold.token}, headers={"Authorization": login}
            ) as answer:
                assert answer.status == 200
            revoked = time.monotonic()
            while any(not answers or answers[-1][1] != 401 for answers in seen) or not any(
                sent > revoked + OLDEST for answers in seen for sent, _ in answers
            ):
                await connected.acquire()
        over.set()
    assert len(workers) == 2
    late = [status for answers in seen for sent, status in answers if sent > revoked + OLDEST]
    assert late
    assert 200 not in late
    for answers in seen:
        statuses = [status for _, status in answers]
        assert 200 not in statuses[statuses.index(401) :], "and it stays refused"
    felt = sorted(next(sent for sent, status in answers if status == 401) - revoked for answers in seen)
    with capsys.disabled():
        print(
            f"\n  a revocation was felt by {len(seen)} connections to {len(workers)} workers"
            f" after {max(felt[0], 0):.3f} s at the soonest, {felt[-1]:.3f} s at the latest"
        )
    assert await one.stop() == 0
