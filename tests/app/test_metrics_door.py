"""What Prometheus reads: the text format, cumulated buckets, and nothing that a stranger could swell."""

from __future__ import annotations

import asyncio
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.app.metrics_door import Watched, exposition, open_metrics
from gateway.front.tallies import Tallies
from gateway.problems import ConfigurationError
from gateway.provenance.record import FetchRecord

RECORD = FetchRecord(
    "id", 0, 3_000, "journal", "h", "GET", "/", "ai", "claimed", "none", "license", "r", "p", "enforce", "licensed",
    200, 100, "complete", "d", crawler='Odd"\n\\', currency="USD", charged_micros=5,
)  # fmt: skip


def watched(tallies, unhealthy="", **state) -> Watched:
    one = {"connections": 2, "journal": "", "faults": 1, "refusals": {"bad-request": 4}, **state}
    return Watched(tallies.told, lambda: [one, {"role": "w2", "pid": 1}], list, lambda: unhealthy)


def samples(text: bytes) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_totals_states_and_buckets_are_told():
    tallies = Tallies(['Odd"\n\\'])
    tallies.fetched(RECORD)
    tallies.person("journal", 200)
    found = samples(exposition(watched(tallies)))
    assert (
        found[
            'licet_requests_total{code=200,crawler=Odd"\n\\,decision=licensed,identity=claimed,site=journal}'
        ]
        == 1
    )
    assert found["licet_requests_total{code=200,crawler=,decision=person,identity=,site=journal}"] == 1
    assert found["licet_request_duration_seconds_bucket{decision=licensed,le=0.0025}"] == 0
    assert found["licet_request_duration_seconds_bucket{decision=licensed,le=0.005}"] == 1
    assert found["licet_request_duration_seconds_bucket{decision=licensed,le=+Inf}"] == 1
    assert found["licet_request_duration_seconds_sum{decision=licensed}"] == 0.003
    assert found["licet_charged_micros_total{currency=USD}"] == 5
    assert (found["licet_workers{}"], found["licet_connections{}"], found["licet_journal_writable{}"]) == (
        1,
        2,
        1,
    )
    assert found["licet_unread_requests_total{problem=bad-request}"] == 4


@pytest.mark.parametrize(("unhealthy", "state"), [("full", {}), ("", {"journal": "full"})])
def test_a_journal_that_cannot_be_written_anywhere_shows(unhealthy, state):
    found = samples(exposition(watched(Tallies([]), unhealthy, **state)))
    assert found["licet_journal_writable{}"] == 0


async def test_an_address_that_is_taken_is_a_mistake_that_names_its_key():
    at, close = await open_metrics(watched(Tallies([])), ("127.0.0.1", 0))
    try:
        with pytest.raises(ConfigurationError, match=re.escape("observe.metrics")):
            await open_metrics(watched(Tallies([])), at)
        reader, writer = await asyncio.open_connection(*at)
        writer.write(b"POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 405")
        writer.close()
    finally:
        await close()
