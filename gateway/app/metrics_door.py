"""What Prometheus reads (text format 0.0.4): on a listener of its own, loopback unless told otherwise.

Workers tell their totals once a second; a worker that ended leaves its own
behind, so that no counter falls while the office lives. Labels are few: sites,
decisions, crawlers of the catalog, statuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from gateway import __version__
from gateway.app.addresses import bound
from gateway.front.tallies import BOUNDS_US
from gateway.policy.rules import Policy

_MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Watched:
    """What is told: *totals*, the *states* of processes now, the *policies* in force, why the journal is *unhealthy*."""

    totals: Callable[[], Mapping[str, Any]]
    states: Callable[[], Iterable[Mapping[str, Any]]]
    policies: Callable[[], Iterable[Policy]]
    unhealthy: Callable[[], str]


class _Collector:
    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        yield from _totals(self._watched.totals())
        states = [state for state in self._watched.states() if "connections" in state]
        yield _gauge("licet_workers", "Worker processes that told of themselves.", len(states))
        yield _gauge(
            "licet_connections", "Clients that are connected.", sum(each["connections"] for each in states)
        )
        yield _gauge(
            "licet_journal_writable", "1 where fetches can be recorded by every worker.",
            int(not self._watched.unhealthy() and not any(each["journal"] for each in states)),
        )  # fmt: skip
        broken = CounterMetricFamily(
            "licet_broken_answers", "Answers that something of the gateway's own broke."
        )
        broken.add_metric([], sum(each["faults"] for each in states))
        yield broken
        unread = CounterMetricFamily(
            "licet_unread_requests", "Requests refused before they were one.", labels=["problem"]
        )
        for problem in sorted({name for each in states for name in each["refusals"]}):
            unread.add_metric([problem], sum(each["refusals"].get(problem, 0) for each in states))
        yield unread
        policy = InfoMetricFamily(
            "licet_policy", "The policy in force of each site.", labels=["site", "mode", "digest"]
        )
        for each in self._watched.policies():
            policy.add_metric([each.site.id, str(each.site.mode), each.digest[:16]], {})
        yield policy
        yield InfoMetricFamily("licet_build", "The version that runs.", {"version": __version__})


def _totals(totals: Mapping[str, Any]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "licet_requests", "Requests answered.", labels=["site", "decision", "crawler", "identity", "code"]
    )
    for *labels, number in totals["requests"]:
        requests.add_metric([str(label) for label in labels], number)
    yield requests
    seconds = HistogramMetricFamily(
        "licet_request_duration_seconds",
        "From a recorded request to the end of its answer.",
        labels=["decision"],
    )
    for decision, buckets in totals["seconds"].items():
        below, cumulated = 0, []
        for bound_us, number in zip((*BOUNDS_US, None), buckets, strict=False):
            below += number
            cumulated.append(("+Inf" if bound_us is None else repr(bound_us / 1e6), below))
        seconds.add_metric([decision], cumulated, buckets[-1] / 1e6)
    yield seconds
    sent = CounterMetricFamily("licet_response_body_bytes", "Octets of recorded bodies.", labels=["decision"])
    for decision, number in totals["sent"].items():
        sent.add_metric([decision], number)
    yield sent
    charged = CounterMetricFamily(
        "licet_charged_micros", "Charges, in millionths of the currency.", labels=["currency"]
    )
    for currency, micros in totals["charged"].items():
        charged.add_metric([currency], micros)
    yield charged


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def exposition(watched: Watched) -> bytes:
    """What is read at ``/metrics``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(watched))
    return generate_latest(registry)


async def open_metrics(watched: Watched, at: tuple[str, int]) -> tuple[tuple[str, int], Callable[[], Any]]:
    """Listen; returns where, and what closes it. Raises `ConfigurationError` where the address cannot be had."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            body=exposition(watched), headers={"Content-Type": _MEDIA, "Cache-Control": "no-store"}
        )

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()

    async def start(host: str, port: int) -> tuple[str, int]:
        await web.TCPSite(runner, host, port).start()
        found = runner.addresses[0]
        return found[0], found[1]

    try:
        return await bound(start, *at, "observe.metrics"), runner.cleanup
    except BaseException:
        await runner.cleanup()
        raise
