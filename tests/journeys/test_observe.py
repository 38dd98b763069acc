"""A gateway that is watched: Prometheus reads totals, the access log has a line for each recorded request, people are in neither by name."""

from __future__ import annotations

import asyncio
import json

from prometheus_client.parser import text_string_to_metric_families

GPTBOT = "GPTBot/1.3"


async def totals(one) -> dict[tuple[str, ...], float]:
    host, port = one.licet.metrics_at
    async with one.http.get(f"http://{host}:{port}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert found["licet_journal_writable"].samples[0].value == 1
    assert found["licet_connections"].samples[0].value >= 0
    return {
        tuple(sample.labels[name] for name in ("decision", "crawler", "code")): sample.value
        for sample in found["licet_requests"].samples
        if sample.name == "licet_requests_total"
    }


async def test_what_came_is_counted_and_written_down_and_people_are_only_counted(world):
    one = await world(
        settings='[observe]\nmetrics = "127.0.0.1:0"\naccess_log = "logs/access.log"\naccess_format = "ecs"\n'
    )
    assert await totals(one) == {}
    for _ in range(2):
        assert (await one.get("/essays/a?secret=1")).status == 200
    assert (await one.get("/essays/a", GPTBOT)).status == 402
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    assert (await one.get("/essays/a?b=1", GPTBOT, token=token)).status == 200
    assert await totals(one) == {
        ("person", "", "200"): 2,
        ("refused", "GPTBot", "402"): 1,
        ("licensed", "GPTBot", "200"): 1,
    }
    path = one.folder / "logs" / "access.log"
    async with asyncio.timeout(10):
        while not path.exists() or path.read_bytes().count(b"\n") < 2:
            await asyncio.sleep(0.05)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["http"]["response"]["status_code"] for line in lines] == [402, 200]
    assert "Firefox" not in path.read_text()
    assert token not in path.read_text()
    # Nobody reads the totals at the public door, or anything but them at theirs.
    assert "licet_requests" not in await (await one.get("/metrics")).text()
    host, port = one.licet.metrics_at
    async with one.http.get(f"http://{host}:{port}/") as answer:
        assert answer.status == 404


async def test_nobody_watches_unless_told(world):
    one = await world()
    assert one.licet.metrics_at == ("", 0)
    assert one.licet.front.observing.journal(one.licet.journal) is one.licet.journal
    assert one.licet.front.observing.told() is None
